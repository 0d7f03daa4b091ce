//! Acting on every task under a filter, not only on the page that is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{ErrorReply, Timestamp};

/// How many tasks a filter matches, and what could be done with them: what an operator is shown before a bulk action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BulkCount {
    /// Tasks that wait.
    #[ts(type = "number")]
    pub queued: u64,
    /// Tasks that run.
    #[ts(type = "number")]
    pub running: u64,
    /// Tasks that have ended.
    #[ts(type = "number")]
    pub finished: u64,
    /// When they were counted. A bulk action given this time leaves alone what was enqueued later.
    pub at: Timestamp,
}

/// What a bulk cancel did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BulkCancelOutcome {
    /// Tasks that waited and are cancelled now.
    #[ts(type = "number")]
    pub cancelled: u64,
    /// Tasks that run and whose worker was asked to stop.
    #[ts(type = "number")]
    pub requested: u64,
}

/// What a bulk run-again did. Only tasks that have ended are run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct BulkRunAgainOutcome {
    /// New tasks.
    #[ts(type = "number")]
    pub queued: u64,
    /// Tasks whose very request is queued or running already.
    #[ts(type = "number")]
    pub already_queued: u64,
    /// Tasks whose request is no longer acceptable, such as one that names a location that is gone.
    #[ts(type = "number")]
    pub refused: u64,
    /// Why the first of those was refused.
    pub first_refusal: Option<ErrorReply>,
}
