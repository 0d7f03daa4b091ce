//! Where a server is, and with which right it is asked.
//!
//! Rules: a token is never printed. It goes unencrypted to this machine alone, unless somebody says
//! otherwise, and the token of this machine's own installation goes to no other machine.

use std::path::{Path, PathBuf};

use reqwest::Url;
use reqwest::header::HeaderValue;
use upkeep_config::Folders;

use crate::failure::Failure;

/// The token itself, for those who keep it in an environment.
const TOKEN_VARIABLE: &str = "UPKEEP_TOKEN";

/// A file larger than this is no token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// The address of a server.
#[derive(Clone, Debug)]
pub(super) struct Address(Url);

impl Address {
    /// Reads what was given for an address.
    pub(super) fn read(text: &str, allow_plain_http: bool) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            // what was given may hold a password, so it is not repeated
            Failure::usage(
                format!("the address of the server {why}"),
                "give one such as https://upkeep.example:8443 or http://127.0.0.1:8765",
            )
        };
        let url = Url::parse(text.trim()).map_err(|_| wrong("cannot be read"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("begins neither with `https://` nor with `http://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("names a user; a server of Upkeep takes a token"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("goes on after the path"));
        }
        let address = Self(url);
        if !address.is_encrypted() && !address.is_here() && !allow_plain_http {
            return Err(Failure::usage(
                format!(
                    "the token would go to {address} without encryption, and whoever listens on the way could use it"
                ),
                "give an address that begins with `https://`, or say --allow-plain-http where the way itself is safe",
            ));
        }
        Ok(address)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// True for a server on this very machine.
    pub(super) fn is_here(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// The address of something on this server; each part is escaped.
    pub(super) fn of(&self, parts: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// The header that carries the token: of the file that was named, else of the environment, else of this
/// machine's installation when the server is on this machine. None when there is none.
pub(super) fn authorization(
    address: &Address,
    token_file: Option<&Path>,
) -> Result<Option<HeaderValue>, Failure> {
    if let Some(file) = token_file {
        return of_file(file).map(Some);
    }
    if let Some(token) = std::env::var_os(TOKEN_VARIABLE) {
        let token = token.into_encoded_bytes();
        return header(&token, TOKEN_VARIABLE).map(Some);
    }
    if !address.is_here() {
        return Ok(None);
    }
    // whoever cannot read it is told so by the server, which knows what it wants
    Ok(own_token_file().and_then(|file| of_file(&file).ok()))
}

/// Where `upkeepctl serve` of this machine keeps its token.
fn own_token_file() -> Option<PathBuf> {
    Some(Folders::from_environment().ok()?.data().join("api-token"))
}

fn of_file(file: &Path) -> Result<HeaderValue, Failure> {
    let shown = file.display();
    let failed = |error: std::io::Error| {
        Failure::failed(
            format!("cannot read the token in {shown}: {error}"),
            "name a file that you may read; `upkeepctl serve` writes one where it runs",
        )
    };
    let length = std::fs::metadata(file).map_err(failed)?.len();
    if length > TOKEN_BYTES_MAX {
        return Err(Failure::failed(
            format!("{shown} is too large to be a token"),
            "name the file that `upkeepctl serve` wrote",
        ));
    }
    let bytes = std::fs::read(file).map_err(failed)?;
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(file) {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!("others on this machine may read the token in {shown}: chmod 600 it");
        }
    }
    header(&bytes, &shown.to_string())
}

/// A token as it goes over the line; `place` says where it came from.
fn header(token: &[u8], place: &str) -> Result<HeaderValue, Failure> {
    let token = token.trim_ascii();
    let plain = token.iter().all(u8::is_ascii_graphic);
    let value = [b"Bearer ", token].concat();
    match HeaderValue::from_bytes(&value) {
        Ok(mut value) if plain && !token.is_empty() => {
            // no part of the client prints what is marked so
            value.set_sensitive(true);
            Ok(value)
        }
        _ => Err(Failure::failed(
            format!("{place} holds no token"),
            "a token is one word, as `upkeepctl serve` wrote it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Address, Failure> {
        Address::read(text, false)
    }

    #[test]
    fn a_token_goes_without_encryption_to_this_machine_alone() {
        for here in [
            "http://127.0.0.1:8765",
            "http://127.8.8.8",
            "http://localhost:8765/",
            "http://LOCALHOST",
            "http://[::1]:8765",
            "https://upkeep.example",
            "https://upkeep.example:8443/behind/a/proxy/",
        ] {
            assert!(read(here).is_ok(), "{here}");
        }
        for elsewhere in [
            "http://upkeep.example",
            "http://10.0.0.1:8765",
            "http://0.0.0.0:8765",
            "http://localhost.example",
            "http://127.0.0.1.example",
        ] {
            let refused = read(elsewhere).unwrap_err();
            assert_eq!(refused.exit, crate::failure::USAGE, "{elsewhere}");
            assert!(refused.hint.contains("--allow-plain-http"), "{elsewhere}");
            assert!(Address::read(elsewhere, true).is_ok(), "{elsewhere}");
        }
    }

    #[test]
    fn an_address_is_no_more_than_an_address() {
        for wrong in [
            "",
            "upkeep.example",
            "upkeep.example:8443",
            "ftp://upkeep.example",
            "file:///etc/passwd",
            "https://",
            "https://anna:secret@upkeep.example",
            "https://upkeep.example/?a=b",
            "https://upkeep.example/#top",
        ] {
            let refused = read(wrong).unwrap_err();
            assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        }
    }

    #[test]
    fn what_is_asked_for_stays_below_the_address() {
        let check = |address: &str, parts: &[&str], expect: &str| {
            let url = read(address).unwrap().of(parts, &[]);
            assert_eq!(url.as_str(), expect);
        };
        let here = "http://127.0.0.1:8765";
        check(here, &["api", "tasks"], "http://127.0.0.1:8765/api/tasks");
        check(
            "https://a.example/upkeep/",
            &["api", "tasks"],
            "https://a.example/upkeep/api/tasks",
        );
        check(
            here,
            &["api", "tasks", "../../x?y#z w"],
            "http://127.0.0.1:8765/api/tasks/..%2F..%2Fx%3Fy%23z%20w",
        );
        let url = read(here)
            .unwrap()
            .of(&["api"], &[("text", "a&b=c d".to_owned())]);
        assert_eq!(url.query(), Some("text=a%26b%3Dc+d"));
    }

    #[test]
    fn a_token_is_one_word_and_is_never_shown() {
        let good = header(b"s3cret-token_\n", "x").unwrap();
        assert_eq!(good.to_str().unwrap(), "Bearer s3cret-token_");
        assert!(!format!("{good:?}").contains("s3cret"), "{good:?}");
        for wrong in [&b""[..], b"\n", b"two words", b"a\nb", b"\xff\xfe", b"a\0b"] {
            let refused = header(wrong, "the file").unwrap_err();
            assert_eq!(refused.message, "the file holds no token");
        }
    }

    #[test]
    fn a_token_file_that_cannot_be_used_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert!(of_file(&file).unwrap_err().message.contains("cannot read"));
        std::fs::write(&file, vec![b'a'; 5000]).unwrap();
        assert!(of_file(&file).unwrap_err().message.contains("too large"));
        std::fs::write(&file, "good\n").unwrap();
        assert_eq!(of_file(&file).unwrap().to_str().unwrap(), "Bearer good");
    }
}
