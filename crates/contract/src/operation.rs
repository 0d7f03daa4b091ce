//! What the registry publishes of each operation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::OperationId;

/// `cleanup-runs`: old finished tasks of the history and old run directories.
pub const CLEANUP_RUNS: &str = "cleanup-runs";
/// `cleanup-temp-files`: old files in configured locations.
pub const CLEANUP_TEMP_FILES: &str = "cleanup-temp-files";
/// `health-check`: probes of this host, the runtime, the queue and the workers.
pub const HEALTH_CHECK: &str = "health-check";
/// `log-statistics`: figures of the queue, the runtime and the system, as one event.
pub const LOG_STATISTICS: &str = "log-statistics";

/// `restore-from-trash`: what a cleanup moved to the trash goes back to where it was.
pub const RESTORE_FROM_TRASH: &str = "restore-from-trash";

/// An operation as a front door shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OperationDescription {
    /// Its id, such as `cleanup-runs`.
    pub id: OperationId,
    /// One sentence on what it does.
    pub summary: String,
    /// True when it removes something: then it can be previewed, and a person is asked before it runs.
    pub deletes: bool,
    /// True when it goes on from what another task did: it is offered on that task's page, not by itself.
    pub follows_a_task: bool,
    /// JSON Schema (2020-12) of its parameters.
    pub parameters: Value,
}
