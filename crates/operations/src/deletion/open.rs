//! Opening directories so that no symbolic link and no mount can lead elsewhere.
//!
//! Linux only: `openat2` resolves with the kernel's own guarantees, so there is no gap
//! between looking at a path and walking it.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::stat::Stat;

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

/// A directory held open, with what it was when it was opened.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) descriptor: OwnedFd,
    pub(crate) stat: Stat,
}

/// Opens an absolute path; a symbolic link anywhere in it is an error (`ELOOP`).
pub(crate) fn open_root(path: &Path) -> Result<Root, Errno> {
    let descriptor = without_access_time(|flags| {
        openat2(CWD, path, DIRECTORY | flags, Mode::empty(), FROM_ROOT)
    })?;
    let stat = Stat::of_descriptor(&descriptor)?;
    Ok(Root { descriptor, stat })
}

/// Looks at an absolute path as [`open_root`] would open it, without needing permission to read it.
pub(crate) fn look_at(path: &Path) -> Result<Stat, Errno> {
    // no NOFOLLOW: together with PATH it would open a link itself instead of refusing it
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let descriptor = openat2(CWD, path, flags, Mode::empty(), FROM_ROOT)?;
    Stat::of_descriptor(&descriptor)
}

/// Opens a directory below another: no links, no mounts, never upwards.
pub(crate) fn open_below(directory: impl AsFd, path: &CStr) -> Result<OwnedFd, Errno> {
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
