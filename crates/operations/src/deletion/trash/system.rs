//! The system's own trash, by the `trash` crate (Finder's on macOS, the recycle bin on Windows).
//!
//! It takes a path, and so there is a moment in which that path may come to mean another file. Just
//! before, the path is followed without links and the file compared with the one that was judged; just after,
//! that very file must be gone. A file that slips in between goes to the trash, from which it can be
//! taken back; nothing is ever removed for good here.

use std::ffi::CStr;

use super::{Record, Restored};
use crate::deletion::cursor::Cursor;
use crate::deletion::manifest::Trashed;
use crate::deletion::platform::Errno;
use crate::deletion::stat::Stat;

/// Moves an entry of the cursor's directory to the trash. False when it was gone before.
pub(crate) fn move_to_trash(
    at: &mut Cursor,
    name: &CStr,
    judged: &Stat,
    record: &Record<'_>,
) -> Result<bool, String> {
    at.still_here().map_err(cannot)?;
    match is_there(at, name, judged) {
        Ok(true) => {}
        Ok(false) => return Err(replaced()),
        Err(Errno::NOENT) => return Ok(false),
        Err(error) => return Err(cannot(error)),
    }
    let announced = record.begin(name, None, judged.identity).map_err(cannot)?;
    let path = at.path_of(name.to_bytes());
    let moved = context().delete(&path).map_err(|error| error.to_string());
    let stays = match (moved, is_there(at, name, judged)) {
        (Ok(()), Ok(false) | Err(Errno::NOENT)) => return Ok(true),
        (Ok(()), Ok(true)) => "it is still there".to_owned(),
        (Ok(()), Err(error)) => error.to_string(),
        (Err(_), Err(Errno::NOENT)) => {
            record.manifest.stayed(&announced).ok();
            return Ok(false);
        }
        (Err(error), _) => error,
    };
    record.manifest.stayed(&announced).ok();
    Err(cannot(stays))
}

fn context() -> trash::TrashContext {
    #[cfg_attr(
        not(target_os = "macos"),
        expect(unused_mut, reason = "only macOS has two ways")
    )]
    let mut context = trash::TrashContext::new();
    #[cfg(target_os = "macos")]
    {
        use trash::macos::{DeleteMethod, TrashContextExtMacos};
        // the other way asks the person at the screen for permission to command Finder
        context.set_delete_method(DeleteMethod::NsFileManager);
    }
    context
}

fn is_there(at: &mut Cursor, name: &CStr, judged: &Stat) -> Result<bool, Errno> {
    let stat = Stat::of_entry(at.current()?, name)?;
    Ok(stat.identity == judged.identity)
}

fn replaced() -> String {
    "another file took its place just before it went to the trash; run again".to_owned()
}

fn cannot(why: impl std::fmt::Display) -> String {
    format!(
        "cannot be moved to the trash ({why}); it was left where it is: make the trash writable, or turn the trash off for this location"
    )
}

/// Where files are put back from; nowhere on this system.
pub(crate) enum Trashes {}

impl Trashes {
    /// This system's trash gives nothing back to a program that must not follow links on the way.
    pub(crate) fn of(_: u64) -> Result<Self, String> {
        Err("on this system Upkeep puts nothing back from the trash; it was left there: open the trash on that machine and put it back by hand".to_owned())
    }

    /// Nothing can be asked of no trash.
    pub(crate) fn put_back(
        &self,
        _: &mut Cursor,
        _: &Trashed,
        _: &mut u64,
    ) -> Result<Restored, String> {
        match *self {}
    }
}
