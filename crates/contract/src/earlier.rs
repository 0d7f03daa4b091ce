//! What earlier runs of the same operation say about a task.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::task::TaskDetail;

/// How long runs like this one took: four of five lay between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct UsualDuration {
    /// Milliseconds from start to end; one run in ten was quicker.
    #[ts(type = "number")]
    pub low_ms: u64,
    /// One run in ten took longer.
    #[ts(type = "number")]
    pub high_ms: u64,
    /// How many runs say so.
    pub runs: u32,
    /// Whether the times were scaled by how much this task has to do and those had done.
    pub scaled: bool,
}

/// Runs of the same operation on the same host that ended before this task began.
/// A preview is compared with previews only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct EarlierRuns {
    /// The one before, with its report.
    pub previous: Option<TaskDetail>,
    /// Known from three runs on.
    pub usual: Option<UsualDuration>,
}
