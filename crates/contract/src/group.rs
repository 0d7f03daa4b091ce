//! A fan-out: one request, one task for each host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::task::{Task, TriggerOutcome};
use crate::{GroupId, OperationId, Timestamp};

/// What became of a fan-out on one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FanOutTask {
    /// The host.
    pub host: String,
    /// What the request led to there. A task that was there already belongs to whoever asked first.
    pub outcome: TriggerOutcome,
}

/// What a fan-out led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum FanOutOutcome {
    /// Each host has its task.
    Queued {
        /// The group of the new tasks.
        group_id: GroupId,
        /// One for each host, by host name.
        tasks: Vec<FanOutTask>,
    },
    /// No worker that performs the operation is alive anywhere: nothing was enqueued.
    NoLiveHost {
        /// The last sign of life of such a worker; none when there never was one.
        last_seen: Option<Timestamp>,
    },
    /// Nothing was left to repeat: every host succeeded, or its task still waits or runs.
    NothingToRepeat,
}

/// The tasks of one fan-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TaskGroup {
    /// Its id.
    pub id: GroupId,
    /// What its tasks do.
    pub operation: OperationId,
    /// Who asked for it.
    pub requested_by: String,
    /// When it was accepted.
    pub enqueued_at: Timestamp,
    /// Its tasks, by host name.
    pub tasks: Vec<Task>,
    /// Hosts that [`FanOutOutcome`] of a repetition would ask again: those whose task failed or was
    /// cancelled, or that no worker has begun.
    pub repeatable_hosts: Vec<String>,
}
