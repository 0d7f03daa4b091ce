//! Names as cleaning has them, bytes without `/` and zero, and as the system takes them.
//!
//! Windows names are sixteen-bit units. Their bytes are UTF-8, or for half a pair of units, which no text
//! is, the three bytes that UTF-8 would have for it.

use std::borrow::Cow;
use std::ffi::OsStr;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
#[cfg(windows)]
use std::os::windows::ffi::{OsStrExt, OsStringExt};

use super::Errno;

/// The bytes of a name.
#[cfg(unix)]
pub(super) fn encode(name: &OsStr) -> Cow<'_, [u8]> {
    Cow::Borrowed(name.as_bytes())
}

/// The bytes of a name.
#[cfg(windows)]
pub(super) fn encode(name: &OsStr) -> Cow<'_, [u8]> {
    Cow::Owned(wide::bytes_of(name.encode_wide()))
}

/// The name of these bytes.
#[cfg(unix)]
pub(super) fn decode(name: &[u8]) -> Cow<'_, OsStr> {
    Cow::Borrowed(OsStr::from_bytes(name))
}

/// The name of these bytes.
#[cfg(windows)]
pub(super) fn decode(name: &[u8]) -> Cow<'_, OsStr> {
    Cow::Owned(std::ffi::OsString::from_wide(&wide::units_of(name)))
}

/// A name that leads to the very entry of that name.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "on Windows some names lead elsewhere"
)]
pub(super) fn for_system(name: &[u8]) -> Result<Cow<'_, OsStr>, Errno> {
    Ok(decode(name))
}

/// A name that leads to the very entry of that name: some are read as others, and what is called so stays.
#[cfg(windows)]
pub(super) fn for_system(name: &[u8]) -> Result<Cow<'_, OsStr>, Errno> {
    if !wide::is_plain(name) {
        return Err(Errno::INVAL);
    }
    Ok(decode(name))
}

#[cfg(any(windows, test))]
mod wide {
    /// Names of devices, in every folder and with every extension.
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

    pub(super) fn bytes_of(units: impl Iterator<Item = u16>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for character in char::decode_utf16(units) {
            match character {
                Ok(character) => {
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Err(half) => {
                    let unit = half.unpaired_surrogate();
                    let low_six = |unit: u16| 0x80 | u8::try_from(unit & 0x3f).unwrap_or_default();
                    bytes.extend([0xed, low_six(unit >> 6), low_six(unit)]);
                }
            }
        }
        bytes
    }

    pub(super) fn units_of(bytes: &[u8]) -> Vec<u16> {
        let mut units = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            if let [0xed, high @ 0xa0..=0xbf, low @ 0x80..=0xbf, after @ ..] = rest {
                units.push(0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f));
                rest = after;
                continue;
            }
            let half = rest
                .windows(2)
                .position(|two| matches!(two, [0xed, 0xa0..=0xbf]));
            let (text, after) = rest.split_at(half.unwrap_or(rest.len()));
            units.extend(String::from_utf8_lossy(text).encode_utf16());
            // half of a half is none of ours: nothing has such a name
            rest = if text.is_empty() { &[] } else { after };
        }
        units
    }

    /// Whether Windows takes a name as it is written. It drops dots and blanks at the end, and devices have
    /// names; with a colon or a slash it would mean something else altogether.
    pub(super) fn is_plain(name: &[u8]) -> bool {
        let Some(last) = name.last() else {
            return false;
        };
        if matches!(last, b'.' | b' ')
            || name
                .iter()
                .any(|byte| *byte < 32 || b"\\/:*?\"<>|".contains(byte))
        {
            return false;
        }
        let text = String::from_utf8_lossy(name).to_lowercase();
        let stem = text.split('.').next().unwrap_or_default().trim_end();
        let is_numbered = ["com", "lpt"].iter().any(|device| {
            stem.strip_prefix(device).is_some_and(|number| {
                matches!(number.chars().next(), Some('0'..='9' | '¹' | '²' | '³'))
                    && number.chars().count() == 1
            })
        });
        !DEVICES.contains(&stem) && !is_numbered
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn check(units: &[u16], bytes: &[u8]) {
            assert_eq!(bytes_of(units.iter().copied()), bytes, "{units:x?}");
            assert_eq!(units_of(bytes), units, "{bytes:x?}");
        }

        #[test]
        fn names_of_windows_survive_whatever_their_units() {
            check(&[], b"");
            check(
                &"größe 𝄞.txt".encode_utf16().collect::<Vec<_>>(),
                "größe 𝄞.txt".as_bytes(),
            );
            // 퀀 begins with the same byte as half a pair
            check(
                &"\u{d000}\u{d7ff}".encode_utf16().collect::<Vec<_>>(),
                "\u{d000}\u{d7ff}".as_bytes(),
            );
            check(&[0xd800], b"\xed\xa0\x80");
            check(&[0x61, 0xdfff, 0xd834, 0x62], b"a\xed\xbf\xbf\xed\xa0\xb4b");
            check(&[0xd834, 0xdd1e, 0xdd1e], b"\xf0\x9d\x84\x9e\xed\xb4\x9e");
        }

        #[test]
        fn bytes_that_are_no_name_end_all_the_same() {
            for odd in [
                b"\xed\xa0".as_slice(),
                b"a\xed\xa0b",
                b"\xff\xed\xa0\x80",
                b"\xed",
            ] {
                assert!(units_of(odd).len() <= odd.len());
            }
        }

        #[test]
        fn names_that_windows_reads_as_others_are_told_apart() {
            for plain in [
                "a", "a.txt", ".hidden", "com", "com10", "console", "nul2.txt", "größe", "a b",
            ] {
                assert!(is_plain(plain.as_bytes()), "{plain}");
            }
            for other in [
                "", ".", "..", "a.", "a ", "a. ", "nul", "NUL.txt", "Con", "com1", "LPT9.log",
                "aux .x", "com¹", "a:b", "a\\b", "a/b", "a*", "tab\t", "conin$",
            ] {
                assert!(!is_plain(other.as_bytes()), "{other}");
            }
        }
    }
}
