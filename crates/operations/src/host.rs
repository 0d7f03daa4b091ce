//! This host's name, as workers, tasks and reports show it, and the room where a folder lies.

use std::path::Path;

/// The host's name; bytes that are not UTF-8 are replaced.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Bytes that this user may still write where the folder lies; none when that cannot be told.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    crate::probes::space::measure(folder)
        .ok()
        .map(|space| space.available_bytes)
}
