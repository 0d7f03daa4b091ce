//! The secrets of the front door: the two tokens, one-time links and sessions of browsers.
//!
//! Rules: a secret comes from the system's randomness, is compared in constant time, lies in files that only
//! their owner may read, and never reaches a log.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use subtle::ConstantTimeEq;
use upkeep_config::Folders;
use upkeep_contract::Timestamp;

/// Bytes of a secret; its text has 43 characters.
const SECRET_BYTES: usize = 32;
const SECRET_CHARACTERS: usize = 43;
/// A file that holds one secret is not larger than this.
const FILE_BYTES_MAX: u64 = 1024;

/// How long a sign-in link is good for.
const LINK_LIFE: Duration = Duration::from_mins(10);
/// Links that wait to be used, at most.
const LINKS_MAX: usize = 100;

/// How long a browser stays signed in.
pub(crate) const SESSION_LIFE: Duration = Duration::from_hours(12);
/// Browsers that are signed in at once; the oldest is signed out when there are more.
const SESSIONS_MAX: usize = 200;

/// What the holder of a secret may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything.
    Full,
    /// Looking only.
    ReadOnly,
}

impl Rights {
    const ALL: [Self; 2] = [Self::Full, Self::ReadOnly];

    fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ReadOnly => "read-only",
        }
    }

    fn token_file(self) -> &'static str {
        match self {
            Self::Full => "api-token",
            Self::ReadOnly => "api-token-read-only",
        }
    }
}

/// Why a secret could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or written.
    #[error("cannot use {}: {source}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file can be read by others than its owner.
    #[error("{} can be read by others than its owner", .file.display())]
    Exposed {
        /// Which.
        file: PathBuf,
    },
    /// The file holds no token.
    #[error("{} holds no token of at least {SECRET_CHARACTERS} characters without spaces", .file.display())]
    NoToken {
        /// Which.
        file: PathBuf,
    },
    /// Too many links wait to be used.
    #[error("{LINKS_MAX} sign-in links wait to be used; each is good for ten minutes")]
    TooManyLinks,
    /// The system gave no randomness.
    #[error("the system gives no random numbers")]
    Randomness,
}

impl SecretError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::File { file, .. } => {
                format!(
                    "see to it that this user may read and write {}",
                    file.display()
                )
            }
            Self::Exposed { file } => format!(
                "others may know it by now: remove {} for a new one, or take the right with chmod 600",
                file.display()
            ),
            Self::NoToken { file } => {
                format!("remove {}; the next start makes a new one", file.display())
            }
            Self::TooManyLinks => "wait until one has run out".to_owned(),
            Self::Randomness => "look at the system's log".to_owned(),
        }
    }
}

/// A secret as text. It shows itself to nobody by accident.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn generate() -> Result<Self, SecretError> {
        let mut bytes = [0; SECRET_BYTES];
        OsRng
            .try_fill_bytes(&mut bytes)
            .map_err(|_| SecretError::Randomness)?;
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub(crate) fn matches(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// The text, for the one place that must show it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// The tokens of an installation, made when they are missing.
#[derive(Debug)]
pub(crate) struct Tokens([(Rights, Secret); 2]);

impl Tokens {
    pub(crate) fn ready(folders: &Folders) -> Result<Self, SecretError> {
        let [full, read_only] = Rights::ALL;
        Ok(Self([
            (full, TokenFile::of(folders, full).ready()?),
            (read_only, TokenFile::of(folders, read_only).ready()?),
        ]))
    }

    /// The rights of a token; each is compared, whichever it is.
    pub(crate) fn rights_of(&self, given: &str) -> Option<Rights> {
        let mut found = None;
        for (rights, token) in &self.0 {
            if token.matches(given) {
                found = Some(*rights);
            }
        }
        found
    }
}

/// The file that holds a token.
#[derive(Clone, Debug)]
pub struct TokenFile(PathBuf);

impl TokenFile {
    /// The file of the token with these rights.
    pub fn of(folders: &Folders, rights: Rights) -> Self {
        Self(folders.data().join(rights.token_file()))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn ready(&self) -> Result<Secret, SecretError> {
        match self.read() {
            Err(SecretError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let token = Secret::generate()?;
                match write_new(&self.0, &format!("{}\n", token.reveal())) {
                    Ok(()) => Ok(token),
                    // another server of this installation starts at the same time
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => self.read(),
                    Err(source) => Err(failed(&self.0, source)),
                }
            }
            read => read,
        }
    }

    fn read(&self) -> Result<Secret, SecretError> {
        let file = std::fs::File::open(&self.0).map_err(|source| failed(&self.0, source))?;
        if exposed(&file).map_err(|source| failed(&self.0, source))? {
            return Err(SecretError::Exposed {
                file: self.0.clone(),
            });
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|source| failed(&self.0, source))?;
        let text = text.trim();
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() < SECRET_CHARACTERS || !plain {
            return Err(SecretError::NoToken {
                file: self.0.clone(),
            });
        }
        Ok(Secret(text.to_owned()))
    }
}

#[cfg(unix)]
fn exposed(file: &std::fs::File) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn exposed(_file: &std::fs::File) -> std::io::Result<bool> {
    Ok(false)
}

/// Writes a file that must be new, for its owner alone, whole or not at all.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new()
        .prefix(".upkeep-")
        .tempfile_in(folder)?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    draft
        .persist_noclobber(path)
        .map(drop)
        .map_err(|error| error.error)
}

fn failed(file: &Path, source: std::io::Error) -> SecretError {
    SecretError::File {
        file: file.to_owned(),
        source,
    }
}

/// One-time links: a file for each, named by its code, so that the command line of the same user can make one
/// and using it twice fails at removing the file.
#[derive(Clone, Debug)]
pub(crate) struct Links(PathBuf);

impl Links {
    pub(crate) fn of(folders: &Folders) -> Self {
        Self(folders.data().join("api-sign-in"))
    }

    /// A new code and when it runs out.
    pub(crate) fn issue(&self, rights: Rights) -> Result<(Secret, Timestamp), SecretError> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.0)
            .map_err(|source| failed(&self.0, source))?;
        if self.clear().map_err(|source| failed(&self.0, source))? >= LINKS_MAX {
            return Err(SecretError::TooManyLinks);
        }
        let code = Secret::generate()?;
        let file = self.0.join(code.reveal());
        write_new(&file, rights.as_str()).map_err(|source| failed(&self.0, source))?;
        let now = Timestamp::from(SystemTime::now());
        Ok((code, now.plus(LINK_LIFE)))
    }

    /// The rights that a code gives, once.
    pub(crate) fn redeem(&self, code: &str) -> Option<Rights> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if code.len() != SECRET_CHARACTERS || !code.bytes().all(plain) {
            return None;
        }
        let file = self.0.join(code);
        let fresh = is_fresh(&file);
        let text = std::fs::read_to_string(&file).ok()?;
        // of two that come with the same code, one fails here
        std::fs::remove_file(&file).ok()?;
        let rights = Rights::ALL
            .into_iter()
            .find(|rights| rights.as_str() == text)?;
        fresh.then_some(rights)
    }

    /// Removes what has run out; how many are left.
    fn clear(&self) -> std::io::Result<usize> {
        let mut left = 0;
        for entry in std::fs::read_dir(&self.0)? {
            let path = entry?.path();
            if is_fresh(&path) {
                left += 1;
            } else {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(left)
    }
}

fn is_fresh(file: &Path) -> bool {
    let written = std::fs::metadata(file).and_then(|about| about.modified());
    // a time in the future gives no right
    let age = written
        .ok()
        .and_then(|written| SystemTime::now().duration_since(written).ok());
    age.is_some_and(|age| age < LINK_LIFE)
}

/// Browsers that are signed in. They are forgotten when the server stops.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Vec<Session>>);

#[derive(Debug)]
struct Session {
    secret: Secret,
    rights: Rights,
    since: Instant,
}

impl Session {
    fn lives(&self) -> bool {
        self.since.elapsed() < SESSION_LIFE
    }
}

impl Sessions {
    pub(crate) fn begin(&self, rights: Rights) -> Result<Secret, SecretError> {
        let secret = Secret::generate()?;
        let mut sessions = self.all();
        sessions.retain(Session::lives);
        if sessions.len() >= SESSIONS_MAX {
            sessions.remove(0);
        }
        sessions.push(Session {
            secret: secret.clone(),
            rights,
            since: Instant::now(),
        });
        Ok(secret)
    }

    pub(crate) fn rights_of(&self, given: &str) -> Option<Rights> {
        let sessions = self.all();
        let mut found = None;
        for session in sessions.iter().filter(|session| session.lives()) {
            if session.secret.matches(given) {
                found = Some(session.rights);
            }
        }
        found
    }

    pub(crate) fn end(&self, given: &str) {
        self.all().retain(|session| !session.secret.matches(given));
    }

    fn all(&self) -> MutexGuard<'_, Vec<Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file in which a running server says where it can be reached.
fn address_file(folders: &Folders) -> PathBuf {
    folders.data().join("api-address")
}

/// Says where the running server can be reached; dropping it takes that back.
#[derive(Debug)]
pub(crate) struct AddressFile(PathBuf, String);

impl AddressFile {
    pub(crate) fn write(folders: &Folders, address: &str) -> Result<Self, SecretError> {
        let file = address_file(folders);
        let draft = tempfile::Builder::new()
            .prefix(".upkeep-")
            .tempfile_in(folders.data());
        draft
            .and_then(|mut draft| {
                draft.write_all(address.as_bytes())?;
                draft.persist(&file).map_err(|error| error.error)
            })
            .map_err(|source| failed(&file, source))?;
        Ok(Self(file, address.to_owned()))
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        // a server that was started later has written its own
        if std::fs::read_to_string(&self.0).is_ok_and(|address| address == self.1)
            && let Err(error) = std::fs::remove_file(&self.0)
        {
            tracing::debug!(%error, "the file with the address stays");
        }
    }
}

/// Where the server of this installation can be reached, when one runs.
pub fn read_address(folders: &Folders) -> Option<String> {
    let address = std::fs::read_to_string(address_file(folders)).ok()?;
    Some(address.trim().to_owned()).filter(|address| !address.is_empty())
}

/// A link that signs a browser in, once, within ten minutes, and when it runs out.
///
/// # Errors
/// [`SecretError`] when the link cannot be kept in the data folder.
pub fn sign_in_link(
    folders: &Folders,
    address: &str,
    rights: Rights,
) -> Result<(String, Timestamp), SecretError> {
    let (code, expires_at) = Links::of(folders).issue(rights)?;
    let address = address.trim_end_matches('/');
    Ok((
        format!("{address}/sign-in?code={}", code.reveal()),
        expires_at,
    ))
}
