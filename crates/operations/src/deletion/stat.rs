//! What is known of an entry before it is judged: identity, kind, age, size.
//!
//! Read by the system's own module relative to a directory that is held; symbolic links are never followed.
//! What a system cannot tell is none, and what the rules ask of it then keeps the entry.

use upkeep_contract::Timestamp;

/// Which thing on this machine an entry is. Names may be swapped; this stays.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct Identity {
    /// The device, as `makedev` packs it; on Windows the serial number of the volume.
    #[serde(rename = "dev")]
    pub(crate) device: u64,
    /// The inode; on Windows the file's index.
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
    /// The user it belongs to; none where the system does not number its users.
    pub(crate) owner: Option<u32>,
    /// Modification, nanoseconds since the Unix epoch.
    pub(crate) modified_ns: i64,
    /// Last reading, as far as the file system writes it down; none when it does not say.
    pub(crate) accessed_ns: Option<i64>,
    /// Last change of the entry itself, being moved among them; nobody can set it back. None where the
    /// system does not say.
    pub(crate) changed_ns: Option<i64>,
    /// When the entry was made here; none when the file system does not say.
    pub(crate) created_ns: Option<i64>,
    /// The mount it lies on; 0 where the kernel does not say (before Linux 5.8). Elsewhere its device stands
    /// for it.
    pub(crate) mount: u64,
    /// Whether something is mounted here; known of directories that were opened by their path.
    pub(crate) mount_root: bool,
}

impl Stat {
    /// Whether it is known to belong to this user.
    pub(crate) fn belongs_to(&self, user: Option<u32>) -> bool {
        self.owner.is_some() && self.owner == user
    }

    /// Whether the entry itself changed after this time. Where the system does not say, it counts from when
    /// the entry was made: moving it is then not seen. Where nothing is known it has changed.
    pub(crate) fn changed_after(&self, time_ns: i64) -> bool {
        let told = self.changed_ns.or(self.created_ns);
        told.is_none_or(|told| told > time_ns)
    }
}

/// Nanoseconds as reports show them.
pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp(nanoseconds.div_euclid(1_000_000))
}
