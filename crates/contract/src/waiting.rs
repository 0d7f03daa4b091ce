//! Why a queued task waits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{OperationId, Timestamp};

/// Why a queued task waits. Derived whenever a task is read, never stored; the first that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Waiting {
    /// An operator paused the operation.
    OperationPaused {
        /// Who paused it.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// No live worker may take it: it waits until one starts.
    NoWorker {
        /// The host it must run on; none when any would do.
        host: Option<String>,
        /// The last sign of life of a worker that could have taken it; none when there never was one.
        last_seen: Option<Timestamp>,
    },
    /// Every live worker that may take it finishes what it holds and claims nothing new.
    WorkersDraining {
        /// The host it must run on; none when any would do.
        host: Option<String>,
    },
    /// An attempt failed; the next one is not begun before this time.
    BackOff {
        /// Not before.
        until: Timestamp,
    },
    /// As many tasks of the operation as may run at once on one host run there already.
    LimitReached {
        /// The hosts of its workers, all of them at their limit.
        hosts: Vec<String>,
    },
    /// Workers that may take it are alive: it is taken when its turn comes.
    Turn,
}

/// An operation that claims nothing until somebody resumes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PausedOperation {
    /// Which.
    pub operation: OperationId,
    /// Who paused it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}
