//! Names of files as text: lossless for plans and manifests, readable for people.
//!
//! A name is any bytes but `/` and zero. JSON holds only Unicode, so what is not UTF-8,
//! control characters and the escape sign itself are written as `%XX` in plans.

use std::borrow::Cow;
use std::fmt::Write;

/// The lossless form, undone by [`unescape`].
pub(crate) fn escape(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name)
        && !name
            .iter()
            .any(|byte| byte.is_ascii_control() || *byte == b'%')
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_ascii_control() || character == '%' {
                push_hex(&mut text, '%', character as u32);
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            push_hex(&mut text, '%', u32::from(*byte));
        }
    }
    Cow::Owned(text)
}

/// The bytes of an escaped name; `None` when it was not written by [`escape`].
pub(crate) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = after.get(..2)?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}

/// The form for people: bytes that are not UTF-8 and control characters as `\xNN`.
pub(crate) fn display(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_ascii_control() {
                push_hex(&mut text, '\\', character as u32);
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            push_hex(&mut text, '\\', u32::from(*byte));
        }
    }
    text
}

/// Longer paths than the system itself takes are shown and recorded by their end; the plan has them whole.
const SHOWN_MAX: usize = 4096;
const SHOWN_END: usize = 512;

/// A path that is not too long to be shown, or its end, and whether something was left out.
pub(crate) fn end_of(path: &[u8]) -> (&[u8], bool) {
    if path.len() <= SHOWN_MAX {
        return (path, false);
    }
    (&path[path.len() - SHOWN_END..], true)
}

/// The lossless form of a path, by which a person can pick it out of a plan; empty when it is too long for that.
pub(crate) fn entry_name(folder: &[u8], name: &[u8]) -> String {
    let slash = usize::from(!folder.is_empty() && !name.is_empty());
    if folder.len() + slash + name.len() > SHOWN_MAX {
        return String::new();
    }
    let folder = escape(folder);
    let between = if slash == 1 { "/" } else { "" };
    format!("{folder}{between}{}", escape(name))
}

fn push_hex(text: &mut String, sign: char, value: u32) {
    let prefix = if sign == '\\' { "\\x" } else { "%" };
    // writing to a string cannot fail
    let _written = write!(text, "{prefix}{value:02X}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &[u8], expect_lossless: &str, expect_shown: &str) {
        assert_eq!(escape(name), expect_lossless);
        assert_eq!(unescape(&escape(name)).as_deref(), Some(name));
        assert_eq!(display(name), expect_shown);
    }

    #[test]
    fn names_survive_whatever_their_bytes() {
        check(b"plain.txt", "plain.txt", "plain.txt");
        check("größe".as_bytes(), "größe", "größe");
        check(b"100%", "100%25", "100%");
        check(b"a\nb", "a%0Ab", "a\\x0Ab");
        check(b"\xff\xfe.tmp", "%FF%FE.tmp", "\\xFF\\xFE.tmp");
        check(b"%zz", "%25zz", "%zz");
        assert_eq!(unescape("%z"), None);
        assert_eq!(unescape("%zz"), None);
    }

    proptest! {
        #[test]
        fn any_name_comes_through(name in prop::collection::vec(any::<u8>(), 0..40)) {
            let text = escape(&name);
            prop_assert_eq!(unescape(&text), Some(name.clone()));
            prop_assert!(!text.chars().any(|each| each.is_ascii_control()));
            prop_assert!(!display(&name).chars().any(|each| each.is_ascii_control()));
        }

        #[test]
        fn any_text_is_a_name_or_none(text in "(%[0-9a-fA-F+-]{0,2}|\\PC){0,12}") {
            unescape(&text);
        }
    }
}
