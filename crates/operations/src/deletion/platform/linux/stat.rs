//! One `statx` for each entry, relative to a directory descriptor.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, StatxTimestamp};
use rustix::io::Errno;

use crate::deletion::stat::{Identity, Kind, Stat};

const WANTED: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::MODE)
    .union(StatxFlags::NLINK)
    .union(StatxFlags::UID)
    .union(StatxFlags::MTIME)
    .union(StatxFlags::ATIME)
    .union(StatxFlags::CTIME)
    .union(StatxFlags::BTIME)
    .union(StatxFlags::INO)
    .union(StatxFlags::SIZE)
    .union(StatxFlags::BLOCKS)
    .union(StatxFlags::MNT_ID);

/// What cannot be missing; without it the entry is unreadable and kept.
const NEEDED: StatxFlags = StatxFlags::TYPE
    .union(StatxFlags::INO)
    .union(StatxFlags::SIZE)
    .union(StatxFlags::MTIME)
    .union(StatxFlags::CTIME);

impl Stat {
    /// Reads an entry of a directory.
    pub(crate) fn of_entry(directory: &OwnedFd, name: &CStr) -> Result<Self, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        Self::from_statx(&rustix::fs::statx(directory, name, flags, WANTED)?)
    }

    /// Reads what an open directory is.
    pub(crate) fn of_directory(directory: &OwnedFd) -> Result<Self, Errno> {
        Self::of_descriptor(directory)
    }

    /// Reads what a descriptor stands for.
    pub(crate) fn of_descriptor(descriptor: impl AsFd) -> Result<Self, Errno> {
        let read = rustix::fs::statx(descriptor, c"", AtFlags::EMPTY_PATH, WANTED)?;
        Self::from_statx(&read)
    }

    fn from_statx(read: &Statx) -> Result<Self, Errno> {
        let given = StatxFlags::from_bits_retain(read.stx_mask);
        if !given.contains(NEEDED) {
            return Err(Errno::NODATA);
        }
        let kind = match FileType::from_raw_mode(u32::from(read.stx_mode)) {
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::SymbolicLink,
            FileType::Directory => Kind::Directory,
            _ => Kind::Special,
        };
        Ok(Self {
            identity: Identity {
                device: rustix::fs::makedev(read.stx_dev_major, read.stx_dev_minor),
                inode: read.stx_ino,
            },
            kind,
            size: read.stx_size,
            allocated: read.stx_blocks.saturating_mul(512),
            links: read.stx_nlink,
            owner: given.contains(StatxFlags::UID).then_some(read.stx_uid),
            modified_ns: nanoseconds(read.stx_mtime),
            accessed_ns: given
                .contains(StatxFlags::ATIME)
                .then(|| nanoseconds(read.stx_atime)),
            changed_ns: Some(nanoseconds(read.stx_ctime)),
            created_ns: given
                .contains(StatxFlags::BTIME)
                .then(|| nanoseconds(read.stx_btime))
                // zero is what a file system says that has nothing to say
                .filter(|made| *made > 0),
            mount: if given.contains(StatxFlags::MNT_ID) {
                read.stx_mnt_id
            } else {
                0
            },
            mount_root: read.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        })
    }
}

fn nanoseconds(time: StatxTimestamp) -> i64 {
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::from(time.tv_nsec))
}
