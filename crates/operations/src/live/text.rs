//! Reading the kernel's small text files again and again: each is opened once and read from its beginning,
//! into one buffer, and numbers are taken from the bytes as they lie there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// More than any of these files holds on a machine of any size; one that is longer is cut.
const LONGEST: usize = 4 << 20;

/// A file that stays open.
#[derive(Debug)]
pub(super) struct Kept {
    file: io::Result<File>,
}

impl Kept {
    pub(super) fn open(path: impl AsRef<Path>) -> Self {
        Self {
            file: File::open(path),
        }
    }

    /// Its whole text now; none when it is not there or cannot be read.
    pub(super) fn read<'a>(&self, buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let file = self.file.as_ref().ok()?;
        read_at(file, buffer).ok()
    }
}

/// Reads from the beginning until the end.
pub(super) fn read_at<'a>(file: &File, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    if buffer.len() < 4096 {
        buffer.resize(16 << 10, 0);
    }
    let mut length = 0;
    loop {
        match file.read_at(&mut buffer[length..], length as u64) {
            Ok(0) => break,
            // the kernel hands such a file out in pieces of its own size: only nothing more is its end
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if length == buffer.len() {
            if length >= LONGEST {
                break;
            }
            buffer.resize(length * 2, 0);
        }
    }
    Ok(&buffer[..length])
}

/// The lines of a text, without their ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
}

/// The words of a line, however many blanks lie between.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// A whole number.
pub(super) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value.wrapping_mul(10).wrapping_add(u64::from(digit)))
    })
}

/// A number with a point.
pub(super) fn decimal(word: &[u8]) -> Option<f64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_whatever_its_length_and_again_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut buffer = Vec::new();
        for length in [0, 1, 4095, 4096, 16_384, 16_385, 100_000, 7] {
            let text: Vec<u8> = (0..length)
                .map(|index| b'a' + u8::try_from(index % 26).unwrap())
                .collect();
            std::fs::write(&path, &text).unwrap();
            let kept = Kept::open(&path);
            assert_eq!(kept.read(&mut buffer), Some(&text[..]), "{length}");
            assert_eq!(kept.read(&mut buffer), Some(&text[..]), "{length}");
        }
        assert_eq!(
            Kept::open(folder.path().join("none")).read(&mut buffer),
            None
        );
    }

    #[test]
    fn numbers_are_read_and_other_words_are_none() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b"12kB"), None);
        assert_eq!(decimal(b"0.25"), Some(0.25));
        assert_eq!(words(b"  a  b c ").count(), 3);
        assert_eq!(lines(b"a\n\nb\n").count(), 2);
    }
}
