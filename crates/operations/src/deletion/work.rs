//! What a cleanup carries along while it works: the task's context, who uses which file, when it last spoke.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use upkeep_contract::Timestamp;

use super::in_use::InUse;
use super::platform;
use crate::{Context, OperationError};

/// How often a task is told how far it has come.
const PROGRESS_EVERY_MS: u64 = 50;

/// Why work ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody said stop.
    Cancelled,
    /// It cannot go on.
    Failed(OperationError),
}

impl From<OperationError> for Stop {
    fn from(error: OperationError) -> Self {
        Self::Failed(error)
    }
}

/// What a cleanup carries along while it works.
pub(crate) struct Work {
    pub(crate) context: Context,
    pub(crate) in_use: InUse,
    /// The clock when the work began, at the end of its millisecond, in nanoseconds.
    pub(crate) now_ns: i64,
    /// The user this program runs as; none where the system does not number its users.
    pub(crate) user: Option<u32>,
    began: Instant,
    spoke_ms: AtomicU64,
}

impl Work {
    pub(crate) fn new(context: Context) -> Self {
        let now_ns = end_of_millisecond(context.clock.now());
        Self {
            in_use: InUse::new(context.cancellation.clone()),
            context,
            now_ns,
            user: platform::user(),
            began: Instant::now(),
            spoke_ms: AtomicU64::new(0),
        }
    }

    /// An error once somebody said stop.
    pub(crate) fn check_cancelled(&self) -> Result<(), Stop> {
        if self.context.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        Ok(())
    }

    /// True for a time that lies ahead of the clock. Something written since the work began does not.
    pub(crate) fn is_future(&self, nanoseconds: i64) -> bool {
        nanoseconds > self.now_ns && nanoseconds > end_of_millisecond(self.context.clock.now())
    }

    /// Reports progress, at most twenty times a second.
    pub(crate) fn progress(&self, done: u64, total: Option<u64>, unit: &str, message: &str) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let spoke = self.spoke_ms.load(Ordering::Relaxed);
        let due = spoke == 0 || now.saturating_sub(spoke) >= PROGRESS_EVERY_MS;
        let mine = due
            && self
                .spoke_ms
                .compare_exchange(spoke, now.max(1), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            self.context.progress(done, total, unit, message);
        }
    }

    /// Milliseconds since the work began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Clocks give milliseconds, files nanoseconds: a file written in this very millisecond is not from the future.
pub(crate) fn end_of_millisecond(time: Timestamp) -> i64 {
    time.as_millis()
        .saturating_mul(1_000_000)
        .saturating_add(999_999)
}
