//! What is known of an entry before it is judged: identity, kind, age, size.
//!
//! Read with one `statx` relative to a directory descriptor; symbolic links are never followed.

use std::ffi::CStr;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, StatxTimestamp};
use rustix::io::Errno;
use upkeep_contract::Timestamp;

/// Which thing on this machine an entry is. Names may be swapped; this stays.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct Identity {
    /// The device, as `makedev` packs it.
    #[serde(rename = "dev")]
    pub(crate) device: u64,
    /// The inode.
    #[serde(rename = "ino")]
    pub(crate) inode: u64,
}

/// What kind of thing an entry is, as far as cleaning cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    SymbolicLink,
    Directory,
    /// A socket, FIFO, device, or something this program does not know.
    Special,
}

/// The metadata of one entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    pub(crate) identity: Identity,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    /// Allocated bytes, what removing the last name gives back.
    pub(crate) allocated: u64,
    pub(crate) links: u32,
    pub(crate) owner: u32,
    /// Modification, nanoseconds since the Unix epoch.
    pub(crate) modified_ns: i64,
    /// Last reading, as far as the file system writes it down; none when it does not say.
    pub(crate) accessed_ns: Option<i64>,
    /// Last change of the entry itself, being moved among them; nobody can set it back.
    pub(crate) changed_ns: i64,
    /// When the entry was made here; none when the file system does not say.
    pub(crate) created_ns: Option<i64>,
    /// The mount it lies on; 0 where the kernel does not say (before Linux 5.8).
    pub(crate) mount: u64,
    pub(crate) mount_root: bool,
}

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
    pub(crate) fn of_entry(directory: impl AsFd, name: &CStr) -> Result<Self, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        Self::from_statx(&rustix::fs::statx(directory, name, flags, WANTED)?)
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
            owner: read.stx_uid,
            modified_ns: nanoseconds(read.stx_mtime),
            accessed_ns: given
                .contains(StatxFlags::ATIME)
                .then(|| nanoseconds(read.stx_atime)),
            changed_ns: nanoseconds(read.stx_ctime),
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

/// Nanoseconds as reports show them.
pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp(nanoseconds.div_euclid(1_000_000))
}
