//! What cap-std tells of an entry, relative to a directory that is held.

use std::ffi::{CStr, OsStr};

use cap_fs_ext::MetadataExt;
use cap_std::fs::Metadata;
use cap_std::time::SystemTime;

use super::{Directory, Errno, errno, names};
use crate::deletion::stat::{Identity, Kind, Stat};

impl Stat {
    /// Reads an entry of a directory.
    pub(crate) fn of_entry(directory: &Directory, name: &CStr) -> Result<Self, Errno> {
        Self::of_os_entry(directory, &names::for_system(name.to_bytes())?)
    }

    /// The same by its name as the system has it.
    pub(super) fn of_os_entry(directory: &Directory, name: &OsStr) -> Result<Self, Errno> {
        Self::of_metadata(&directory.symlink_metadata(name).map_err(errno)?)
    }

    /// Reads what an open directory is.
    pub(crate) fn of_directory(directory: &Directory) -> Result<Self, Errno> {
        Self::of_metadata(&directory.dir_metadata().map_err(errno)?)
    }

    fn of_metadata(read: &Metadata) -> Result<Self, Errno> {
        let device = read.dev();
        Ok(Self {
            identity: Identity {
                device,
                inode: read.ino(),
            },
            kind: kind(read),
            size: read.len(),
            allocated: system::allocated(read),
            links: u32::try_from(read.nlink()).unwrap_or(u32::MAX),
            owner: system::owner(read),
            modified_ns: read
                .modified()
                .ok()
                .and_then(nanoseconds)
                .ok_or(Errno::IO)?,
            // looking through a directory moves its own here, so that it says nothing
            accessed_ns: read
                .accessed()
                .ok()
                .filter(|_| !read.is_dir())
                .and_then(nanoseconds),
            changed_ns: system::changed_ns(read),
            created_ns: read
                .created()
                .ok()
                .and_then(nanoseconds)
                // zero is what a file system says that has nothing to say
                .filter(|made| *made > 0),
            mount: device,
            mount_root: false,
        })
    }
}

fn kind(read: &Metadata) -> Kind {
    if read.is_symlink() {
        Kind::SymbolicLink
    } else if system::is_redirected(read) {
        Kind::Special
    } else if read.is_dir() {
        Kind::Directory
    } else if read.is_file() {
        Kind::File
    } else {
        Kind::Special
    }
}

/// Whether an open directory is one of those that Windows redirects by other means than links.
pub(super) fn is_redirected(directory: &Directory) -> Result<bool, Errno> {
    Ok(system::is_redirected(
        &directory.dir_metadata().map_err(errno)?,
    ))
}

fn nanoseconds(time: SystemTime) -> Option<i64> {
    let time = time.into_std();
    let whole = |span: std::time::Duration| i64::try_from(span.as_nanos()).ok();
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => whole(before.duration()).map(|span| -span),
    }
}

#[cfg(unix)]
mod system {
    use cap_std::fs::{Metadata, MetadataExt};

    pub(super) fn allocated(read: &Metadata) -> u64 {
        read.blocks().saturating_mul(512)
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "Windows does not number its users"
    )]
    pub(super) fn owner(read: &Metadata) -> Option<u32> {
        Some(read.uid())
    }

    pub(super) fn changed_ns(read: &Metadata) -> Option<i64> {
        read.ctime()
            .checked_mul(1_000_000_000)?
            .checked_add(read.ctime_nsec())
    }

    pub(super) fn is_redirected(_: &Metadata) -> bool {
        false
    }
}

#[cfg(windows)]
mod system {
    use cap_std::fs::{Metadata, MetadataExt};

    /// `FILE_ATTRIBUTE_REPARSE_POINT`: links and mounted folders, but also files that lie elsewhere (in a
    /// cloud, in an archive) and those that stand for something else (sockets, apps).
    const REDIRECTED: u32 = 0x400;

    /// What it gives back is not told; its size is the nearest figure.
    pub(super) fn allocated(read: &Metadata) -> u64 {
        read.len()
    }

    pub(super) fn owner(_: &Metadata) -> Option<u32> {
        None
    }

    pub(super) fn changed_ns(_: &Metadata) -> Option<i64> {
        None
    }

    pub(super) fn is_redirected(read: &Metadata) -> bool {
        read.file_attributes() & REDIRECTED != 0
    }
}
