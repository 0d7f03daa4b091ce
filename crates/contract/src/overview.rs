//! What the Overview page shows at a glance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::operation::OperationDescription;
use crate::task::Task;
use crate::waiting::PausedOperation;
use crate::worker::Worker;
use crate::{ErrorReply, Timestamp};

/// One operation with what is going on and what happened last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OperationOverview {
    /// The operation.
    pub operation: OperationDescription,
    /// Its queued and running tasks, the oldest first (at most ten).
    pub current: Vec<Task>,
    /// Set while an operator has it paused: its tasks stay queued.
    pub paused: Option<PausedOperation>,
    /// The last task that ended and was not a preview.
    pub last_run: Option<Task>,
    /// When it last ended with everything done, previews left out; none when that was not among its last runs.
    pub last_success: Option<Timestamp>,
    /// The last preview that succeeded; none for an operation that deletes nothing.
    pub last_preview: Option<Task>,
}

/// The Overview page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Overview {
    /// Every operation of the registry, in its order.
    pub operations: Vec<OperationOverview>,
    /// Workers that are alive or stale; those stopped in good order are left out.
    pub workers: Vec<Worker>,
    /// Set when the configuration cannot be used; operations that need it will fail until it is mended.
    pub configuration_error: Option<ErrorReply>,
}
