//! Reading directories whole: not every system reads on truly in one that is being emptied.
//!
//! Names of one directory at a time are held, whatever the depth; of those above it only sub-directories.
//! So memory grows with the widest directory, by some thirty bytes for each entry.

use std::ffi::CStr;
use std::rc::Rc;

use super::{Directory, Errno, errno, names};

/// What kind of thing a listing says an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    Directory,
    File,
    Symlink,
    /// The listing does not say, or it is something else.
    Unknown,
}

/// Nothing is kept between bursts but what a [`Part`] has.
pub(crate) struct Buffer(());

impl Buffer {
    /// For bursts of whatever size.
    pub(crate) fn new(_: usize) -> Self {
        Self(())
    }
}

/// What was read.
#[derive(Debug, Default)]
struct Names {
    /// For each entry the letter of its type and its name, ended by a zero byte.
    bytes: Vec<u8>,
    /// What kept the rest from being read.
    failed: Option<Errno>,
}

/// How much of a directory was shown.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// None until it was read.
    names: Option<Rc<Names>>,
    next: usize,
    /// To its end.
    pub(crate) is_whole: bool,
}

/// Some entries of a directory.
pub(crate) struct Burst {
    names: Rc<Names>,
    end: usize,
}

/// An entry of a directory.
pub(crate) struct Entry<'burst> {
    name: &'burst CStr,
    file_type: FileType,
}

impl<'burst> Entry<'burst> {
    /// Its name.
    pub(crate) fn file_name(&self) -> &'burst CStr {
        self.name
    }

    /// What the listing says it is.
    pub(crate) fn file_type(&self) -> FileType {
        self.file_type
    }
}

impl Burst {
    /// Shows more, some so many bytes.
    pub(crate) fn begin(
        directory: &Directory,
        part: &mut Part,
        _: &mut Buffer,
        size: usize,
    ) -> Result<Self, Errno> {
        let names = match &part.names {
            Some(names) => Rc::clone(names),
            None => Rc::clone(part.names.insert(Rc::new(read(directory)?))),
        };
        Ok(Self {
            end: part.next.saturating_add(size),
            names,
        })
    }

    /// The next entry of the burst.
    pub(crate) fn next(&mut self, part: &mut Part) -> Option<Result<Entry<'_>, Errno>> {
        if part.next >= self.end {
            return None;
        }
        let rest = self.names.bytes.get(part.next..).unwrap_or_default();
        let Some((letter, rest)) = rest.split_first() else {
            part.is_whole = true;
            part.names = None;
            return self.names.failed.map(Err);
        };
        let name = CStr::from_bytes_until_nul(rest).unwrap_or_default();
        part.next += name.count_bytes() + 2;
        let file_type = match letter {
            b'd' => FileType::Directory,
            b'f' => FileType::File,
            b'l' => FileType::Symlink,
            _ => FileType::Unknown,
        };
        Some(Ok(Entry { name, file_type }))
    }
}

fn read(directory: &Directory) -> Result<Names, Errno> {
    let mut names = Names::default();
    for entry in directory.entries().map_err(errno)? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                names.failed = Some(errno(error));
                break;
            }
        };
        let letter = match entry.file_type() {
            Ok(kind) if kind.is_dir() => b'd',
            Ok(kind) if kind.is_file() => b'f',
            Ok(kind) if kind.is_symlink() => b'l',
            _ => b'?',
        };
        names.bytes.push(letter);
        names
            .bytes
            .extend_from_slice(&names::encode(&entry.file_name()));
        names.bytes.push(0);
    }
    Ok(names)
}
