//! Moving a file to the desktop's trash instead of removing it.
//!
//! The trash takes paths, not descriptors. So the entry is checked just before, and afterwards
//! it must be gone from the directory that is held; whatever else happened is a problem, and
//! never a reason to delete.

use std::ffi::CStr;

use rustix::io::Errno;

use super::cursor::Cursor;
use super::stat::Stat;

/// Moves an entry of the cursor's directory to the trash.
pub(crate) fn move_to_trash(at: &mut Cursor, name: &CStr) -> Result<(), String> {
    let path = at.path_of(name.to_bytes());
    trash::delete(&path).map_err(|error| {
        format!("cannot be moved to the trash ({error}); it was left where it is: make the trash writable, or turn the trash off for this location")
    })?;
    match at.current().and_then(|here| Stat::of_entry(here, name)) {
        Err(Errno::NOENT) => Ok(()),
        _ => Err(
            "the trash took it, but it is still there: look at the folder and at the trash"
                .to_owned(),
        ),
    }
}
