//! What cleaning asks of the system, once for each kind of system and chosen when it is compiled.
//!
//! Linux gives the strongest promises (`openat2`, `statx`) and goes its own way. Everywhere else, and on
//! Linux with the feature `portable`, the same is built on cap-std: one folder at a time, never by way of
//! a link. What is weaker there stands in docs/decisions/0012-other-systems.md; what cannot be known there
//! is none. Nothing here decides what may be removed.

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod linux;
pub(crate) mod places;
#[cfg(any(not(target_os = "linux"), feature = "portable"))]
mod portable;

#[cfg(all(target_os = "linux", not(feature = "portable")))]
pub(crate) use linux::{
    Buffer, Burst, Directory, Errno, FileType, Part, Picture, ReadAgain, again, look_at,
    open_below, open_root, path_below, read_again, remove_directory, remove_file, user,
};
#[cfg(any(not(target_os = "linux"), feature = "portable"))]
pub(crate) use portable::{
    Buffer, Burst, Directory, Errno, FileType, Part, Picture, ReadAgain, again, look_at,
    open_below, open_root, path_below, read_again, remove_directory, remove_file, user,
};

use super::stat::Stat;

/// A directory held open, with what it was when it was opened.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) descriptor: Directory,
    pub(crate) stat: Stat,
}
