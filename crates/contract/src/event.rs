//! Signals that something changed. They carry no state: who receives one reads again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{OperationId, TaskId, WorkerId};

/// Something changed. Order and completeness are not promised; re-read what you show.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A task changed.
    Task {
        /// Which.
        task_id: TaskId,
    },
    /// A worker changed.
    Worker {
        /// Which.
        worker_id: WorkerId,
    },
    /// A worker showed a sign of life, with its host's vital signs; nothing else of it changed.
    /// Workers hear it; it is not sent to screens.
    WorkerAlive {
        /// Which.
        worker_id: WorkerId,
    },
    /// An operation was paused or resumed.
    Operation {
        /// Which.
        operation: OperationId,
    },
    /// Settings changed.
    Settings,
    /// Another process changed something: re-read all.
    All,
}
