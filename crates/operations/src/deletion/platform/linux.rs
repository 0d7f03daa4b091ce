//! Linux: directories are opened so that no symbolic link and no mount can lead elsewhere.
//!
//! `openat2` resolves with the kernel's own guarantees, so there is no gap between looking at a path and
//! walking it.

mod in_use;
mod list;
mod stat;

use std::ffi::{CStr, OsStr};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, openat2, unlinkat};

use super::Root;
use crate::deletion::stat::Stat;

pub(crate) use in_use::Picture;
pub(crate) use list::{Buffer, Burst, Part};
pub(crate) use rustix::fs::FileType;
pub(crate) use rustix::io::Errno;

/// A directory held open.
pub(crate) type Directory = OwnedFd;

/// For reading a directory: no controlling terminal, no blocking, never a link.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);

const BELOW: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_MAGICLINKS);

const FROM_ROOT: ResolveFlags = ResolveFlags::NO_SYMLINKS.union(ResolveFlags::NO_MAGICLINKS);

/// Opens an absolute path; a symbolic link anywhere in it is an error (`ELOOP`).
pub(crate) fn open_root(path: &Path) -> Result<Root, Errno> {
    let descriptor = without_access_time(|flags| {
        openat2(CWD, path, DIRECTORY | flags, Mode::empty(), FROM_ROOT)
    })?;
    let stat = Stat::of_directory(&descriptor)?;
    Ok(Root { descriptor, stat })
}

/// Looks at an absolute path as [`open_root`] would open it, without needing permission to read it.
pub(crate) fn look_at(path: &Path) -> Result<Stat, Errno> {
    // no NOFOLLOW: together with PATH it would open a link itself instead of refusing it
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let descriptor = openat2(CWD, path, flags, Mode::empty(), FROM_ROOT)?;
    Stat::of_directory(&descriptor)
}

/// Opens a directory below another: no links, no mounts, never upwards.
pub(crate) fn open_below(directory: &Directory, path: &CStr) -> Result<Directory, Errno> {
    without_access_time(|flags| {
        // EAGAIN: something was renamed during the resolution, and the kernel asks to be asked again
        let mut tries = 0;
        loop {
            let flags = DIRECTORY | flags;
            match openat2(directory.as_fd(), path, flags, Mode::empty(), BELOW) {
                Err(Errno::AGAIN) if tries < 64 => tries += 1,
                other => return other,
            }
        }
    })
}

/// Reading must not change the access time; only a directory's owner may ask for that.
fn without_access_time(open: impl Fn(OFlags) -> Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
    match open(OFlags::NOATIME) {
        Err(Errno::PERM) => open(OFlags::empty()),
        other => other,
    }
}

/// A second descriptor of an open directory.
pub(crate) fn again(directory: &Directory) -> Result<Directory, Errno> {
    rustix::io::fcntl_dupfd_cloexec(directory, 0)
}

/// Removes what is no directory.
pub(crate) fn remove_file(directory: &Directory, name: &CStr) -> Result<(), Errno> {
    unlinkat(directory, name, AtFlags::empty())
}

/// Removes an empty directory.
pub(crate) fn remove_directory(directory: &Directory, name: &CStr) -> Result<(), Errno> {
    unlinkat(directory, name, AtFlags::REMOVEDIR)
}

/// The path of an entry of a folder below a root.
pub(crate) fn path_below(root: &Path, folder: &[u8], entry: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(folder))
        .join(OsStr::from_bytes(entry))
}

/// An open file, read once more with a position of its own.
pub(crate) type ReadAgain = File;

/// Opens an open file anew, but not by its name.
pub(crate) fn read_again(file: &File) -> std::io::Result<ReadAgain> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// The user this program runs as.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems do not number their users"
)]
pub(crate) fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}
