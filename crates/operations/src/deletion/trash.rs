//! Moving a file to the trash instead of removing it. Whatever goes wrong is a problem, and never a reason to delete.
//!
//! What is about to move is written down first, so that it can be found again whatever happens. On Linux
//! the trash is Upkeep's own work, between folders that are held. Elsewhere the system does it, by a path.

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod freedesktop;
#[cfg(any(not(target_os = "linux"), feature = "portable"))]
mod system;

use std::ffi::CStr;

#[cfg(all(target_os = "linux", not(feature = "portable")))]
pub(crate) use freedesktop::{Trashes, move_to_trash};
#[cfg(any(not(target_os = "linux"), feature = "portable"))]
pub(crate) use system::{Trashes, move_to_trash};

use super::manifest::{Manifest, Trashed};
use super::name::escape;
use super::platform::Errno;
use super::stat::Identity;

/// What became of a file that was to be put back.
#[cfg_attr(
    any(not(target_os = "linux"), feature = "portable"),
    expect(dead_code, reason = "there nothing is put back")
)]
pub(crate) enum Restored {
    /// It is where it was.
    Back,
    /// It is neither in the trash nor where it was.
    Nowhere,
}

/// Where it is written down what moves to the trash.
pub(crate) struct Record<'a> {
    manifest: &'a Manifest,
    location: &'a str,
    folder: String,
}

impl<'a> Record<'a> {
    /// Of entries of this folder below a location.
    pub(crate) fn of(manifest: &'a Manifest, location: &'a str, folder: &[u8]) -> Self {
        Self {
            manifest,
            location,
            folder: escape(folder).into_owned(),
        }
    }

    /// Writes down what moves, and its name in the trash where that is known.
    fn begin(&self, name: &CStr, kept_as: Option<&CStr>, file: Identity) -> Result<Trashed, Errno> {
        let line = Trashed {
            location: self.location.to_owned(),
            folder: self.folder.clone(),
            name: escape(name.to_bytes()).into_owned(),
            kept_as: escape(kept_as.map_or(b"", CStr::to_bytes)).into_owned(),
            identity: file,
        };
        self.manifest.trash(&line).map_err(|_| Errno::IO)?;
        Ok(line)
    }
}
