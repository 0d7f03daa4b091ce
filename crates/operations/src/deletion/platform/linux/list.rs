//! Reading directories in bursts, one `getdents` each: even a directory of a million entries is never held whole.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{RawDir, RawDirEntry, SeekFrom};
use rustix::io::Errno;

/// Where the system writes what it reads; one for a whole walk.
pub(crate) struct Buffer(Vec<MaybeUninit<u8>>);

impl Buffer {
    /// For bursts of so many bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self(vec![MaybeUninit::uninit(); size])
    }
}

/// How far a directory was read.
#[derive(Debug, Default)]
pub(crate) struct Part {
    cookie: u64,
    /// To its end.
    pub(crate) is_whole: bool,
}

/// Some entries of a directory, read at once.
pub(crate) struct Burst<'buffer> {
    entries: RawDir<'buffer, OwnedFd>,
    has_begun: bool,
}

impl<'buffer> Burst<'buffer> {
    /// Reads on, at most so many bytes. It has a descriptor of its own, of the same open directory, so
    /// that the directory's may be used meanwhile.
    pub(crate) fn begin(
        directory: &OwnedFd,
        part: &mut Part,
        buffer: &'buffer mut Buffer,
        size: usize,
    ) -> Result<Self, Errno> {
        rustix::fs::seek(directory, SeekFrom::Start(part.cookie))?;
        let own = rustix::io::fcntl_dupfd_cloexec(directory, 0)?;
        Ok(Self {
            entries: RawDir::new(own, &mut buffer.0[..size]),
            has_begun: false,
        })
    }

    /// The next entry of the burst, `.` and `..` among them.
    pub(crate) fn next(&mut self, part: &mut Part) -> Option<Result<RawDirEntry<'_>, Errno>> {
        if self.has_begun && self.entries.is_buffer_empty() {
            return None;
        }
        self.has_begun = true;
        match self.entries.next() {
            None => {
                part.is_whole = true;
                None
            }
            Some(Err(error)) => Some(Err(error)),
            Some(Ok(entry)) => {
                part.cookie = entry.next_entry_cookie();
                Some(Ok(entry))
            }
        }
    }
}
