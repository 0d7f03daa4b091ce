//! The database's URL: made for the file, and shown without its password.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

/// What may stand unescaped in the path of a database URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The URL of a SQLite file, whatever characters its path has.
pub(crate) fn sqlite_url(file: &Path) -> String {
    format!(
        "sqlite://{}",
        percent_encode(file.as_os_str().as_encoded_bytes(), PATH)
    )
}

/// A database URL as it may be shown and logged.
pub fn without_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        // nothing is certain about what cannot be read, so only the scheme is shown
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        return format!("{scheme}://…");
    };
    if parsed.scheme().starts_with("sqlite") {
        return url.to_owned();
    }
    // an `@` behind the address means that what was read as address or path is a password with a sign in it
    // that ends an address
    let behind = [Some(parsed.path()), parsed.query(), parsed.fragment()];
    let torn = behind.into_iter().flatten().any(|part| part.contains('@'));
    if torn || parsed.set_password(None).is_err() {
        return format!("{}://…", parsed.scheme());
    }
    parsed.set_fragment(None);
    // PostgreSQL takes the password as a parameter, too
    let kept: Vec<(String, String)> = parsed
        .query_pairs()
        .filter(|(key, _)| !key.to_lowercase().contains("password"))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    if parsed.query().is_some() {
        parsed.set_query(None);
        if !kept.is_empty() {
            parsed.query_pairs_mut().extend_pairs(kept);
        }
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_shown_url_has_no_password() {
        let check = |url: &str, expect: &str| assert_eq!(without_password(url), expect);
        check(
            "postgres://anna:secret@db:5432/upkeep",
            "postgres://anna@db:5432/upkeep",
        );
        check(
            "postgres://anna:s%40cret@db/upkeep?sslmode=require",
            "postgres://anna@db/upkeep?sslmode=require",
        );
        check(
            "postgres://db/upkeep?user=anna&password=secret",
            "postgres://db/upkeep?user=anna",
        );
        check(
            "postgres://db/upkeep?password=secret",
            "postgres://db/upkeep",
        );
        check("postgres://anna@db/upkeep", "postgres://anna@db/upkeep");
        check("postgres://anna:sec/ret@db/upkeep", "postgres://…");
        check("postgres://anna:#secret@db/upkeep", "postgres://…");
        check("postgres://anna:?secret@db/upkeep", "postgres://…");
        check("postgres://anna:/secret@db/upkeep", "postgres://…");
        check(
            "sqlite:///srv/upkeep.db?mode=rwc",
            "sqlite:///srv/upkeep.db?mode=rwc",
        );
        check("no url at all secret", "://…");
    }

    #[test]
    fn a_file_s_url_escapes_what_a_url_would_misread() {
        let check = |file: &str, expect: &str| assert_eq!(sqlite_url(Path::new(file)), expect);
        check("/srv/upkeep.db", "sqlite:///srv/upkeep.db");
        check("/srv/a?b#c%d e.db", "sqlite:///srv/a%3Fb%23c%25d%20e.db");
        check("/srv/ü.db", "sqlite:///srv/%C3%BC.db");
    }

    proptest! {
        #[test]
        fn no_password_is_shown_however_it_is_written(
            user in "[a-z]{0,5}",
            secret in "[a-zA-Z0-9%:/?#@&= ]{1,10}SECRET",
            host in "[a-z.]{0,6}",
            rest in "(/[a-z]{0,5})?",
        ) {
            let escaped = percent_encode(secret.as_bytes(), NON_ALPHANUMERIC);
            for url in [
                format!("postgres://{user}:{secret}@{host}{rest}"),
                format!("postgres://{user}:{escaped}@{host}{rest}"),
                format!("postgresql://{host}{rest}?user={user}&password={escaped}"),
                format!("postgres://{host}{rest}?PASSWORD={escaped}&sslmode=require"),
                format!("postgres://{host}{rest}?sslpassword={escaped}"),
            ] {
                let shown = without_password(&url);
                prop_assert!(!shown.contains("SECRET"), "{} -> {}", url, shown);
            }
        }

        #[test]
        fn any_text_can_be_shown(text in "\\PC*") {
            without_password(&text);
        }
    }
}
