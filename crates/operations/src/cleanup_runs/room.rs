//! The room of removed rows goes back to the disk, last of all and within the same task.
//!
//! In steps, between which others write. What cannot be given back now is used again by the
//! database, so nothing that fails here undoes or repeats a removal.

use upkeep_contract::cleanup::{CleanupReport, DatabaseRoom, RoomOutcome};

use super::history::History;
use crate::OperationError;
use crate::deletion::tally;
use crate::deletion::work::{Stop, Work};
use crate::history::Release;

/// Steps in a row that gave nothing back: others fill the room as fast as it is emptied.
const IDLE_STEPS: u32 = 20;
/// Looks for a moment at which the files can be cut.
const SETTLE_TRIES: u32 = 20;

/// How large the database is before anything was removed.
pub(super) fn before(history: &History) -> Result<DatabaseRoom, OperationError> {
    let room = history.room()?;
    Ok(DatabaseRoom {
        outcome: RoomOutcome::NotYet,
        bytes_before: room.bytes,
        bytes_after: None,
        bytes_free: room.free,
    })
}

/// Gives back what there is, and notes it in the report, which must know how large the database was.
pub(super) fn give_back(
    work: &Work,
    history: &History,
    rewrite: bool,
    report: &mut CleanupReport,
) -> Result<(), Stop> {
    let given = release(work, history, rewrite);
    let Some(database) = report.database.as_mut() else {
        return Ok(());
    };
    if let Ok(room) = history.room() {
        database.bytes_after = Some(room.bytes);
        database.bytes_free = room.free;
    }
    match given {
        Ok(outcome) => {
            database.outcome = outcome;
            Ok(())
        }
        Err(Stop::Failed(error)) => {
            database.outcome = RoomOutcome::Partly;
            let reason = format!(
                "its room could not be given back: {error}; what is free in it is used again, and the next cleanup goes on"
            );
            tally::problem(report, || "the database".to_owned(), reason);
            Ok(())
        }
        Err(Stop::Cancelled) => {
            database.outcome = RoomOutcome::Partly;
            Err(Stop::Cancelled)
        }
    }
}

fn release(work: &Work, history: &History, rewrite: bool) -> Result<RoomOutcome, Stop> {
    let room = history.room()?;
    match room.release {
        Release::ByServer => return Ok(RoomOutcome::LeftToServer),
        Release::ByRewriting if rewrite => {
            work.context
                .info("writing the database file anew; whoever writes to it waits meanwhile");
            if !history.rewrite_file()? {
                work.context.warn(
                    "the database is too large to be written anew while workers use it; docs/worker.md says how to do it while they are stopped",
                );
                return Ok(RoomOutcome::TooLargeToRewrite);
            }
        }
        Release::ByRewriting if room.free == Some(0) => {}
        Release::ByRewriting => {
            work.context.info(
                "the database file of an older Upkeep keeps its size and uses its free room again; `rewrite_database` makes it shrink",
            );
            return Ok(RoomOutcome::NeedsRewriting);
        }
        Release::InSteps => {
            let whole = room.free.unwrap_or(0);
            let mut left = whole;
            let mut idle = 0;
            while left > 0 && idle < IDLE_STEPS {
                work.check_cancelled()?;
                let given = whole.saturating_sub(left);
                work.progress(given, Some(whole), "bytes", "giving room back to the disk");
                let now = history.release_room()?;
                idle = if now < left { 0 } else { idle + 1 };
                left = now;
            }
        }
    }
    for _ in 0..SETTLE_TRIES {
        work.check_cancelled()?;
        if history.settle_files()? {
            let left = history.room()?.free.unwrap_or(0);
            return Ok(if left == 0 {
                RoomOutcome::GivenBack
            } else {
                RoomOutcome::Partly
            });
        }
    }
    Ok(RoomOutcome::Partly)
}
