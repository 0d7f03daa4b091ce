//! Figures of the queue over a range, and the report of `log-statistics`, which is also the event in
//! the statistics log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::task::TaskState;
use crate::worker::HostVitals;
use crate::{OperationId, TaskId, Timestamp};

/// Tasks of one operation in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StateCount {
    /// The operation.
    pub operation: OperationId,
    /// The state.
    pub state: TaskState,
    /// How many tasks.
    #[ts(type = "number")]
    pub count: u64,
}

/// Percentiles of a time, milliseconds (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Percentiles {
    /// How many values they summarise.
    #[ts(type = "number")]
    pub count: u64,
    /// Half of the values are at most this.
    #[ts(type = "number")]
    pub p50_ms: i64,
    /// 95 % of the values are at most this.
    #[ts(type = "number")]
    pub p95_ms: i64,
    /// 99 % of the values are at most this.
    #[ts(type = "number")]
    pub p99_ms: i64,
    /// The largest.
    #[ts(type = "number")]
    pub max_ms: i64,
}

/// How many tasks ended in which final state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Outcomes {
    /// All that work was done.
    #[ts(type = "number")]
    pub succeeded: u64,
    /// Some items could not be done.
    #[ts(type = "number")]
    pub partial: u64,
    /// They failed.
    #[ts(type = "number")]
    pub failed: u64,
    /// An operator cancelled them.
    #[ts(type = "number")]
    pub cancelled: u64,
}

impl Outcomes {
    /// All that ended, whatever their final state.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.partial + self.failed + self.cancelled
    }

    /// Succeeded among those that ended as succeeded, partial or failed, 0 to 1; none when nothing did.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of counts far below 2^52"
    )]
    pub fn success_rate(&self) -> Option<f64> {
        let judged = self.succeeded + self.partial + self.failed;
        (judged > 0).then(|| self.succeeded as f64 / judged as f64)
    }

    /// Counts one more, or so many more, in a final state; other states count nowhere.
    pub fn add(&mut self, state: TaskState, count: u64) {
        match state {
            TaskState::Succeeded => self.succeeded += count,
            TaskState::Partial => self.partial += count,
            TaskState::Failed => self.failed += count,
            TaskState::Cancelled => self.cancelled += count,
            TaskState::Queued | TaskState::Running => {}
        }
    }
}

/// Tasks that ended in one stretch of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ThroughputBucket {
    /// Where the stretch begins.
    pub from: Timestamp,
    /// Where the next begins.
    pub to: Timestamp,
    /// Tasks that ended in it.
    #[serde(flatten)]
    pub outcomes: Outcomes,
}

/// Figures of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OperationStatistics {
    /// The operation.
    pub operation: OperationId,
    /// Tasks that ended.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// Succeeded among those that ended as succeeded, partial or failed, 0 to 1.
    pub success_rate: Option<f64>,
    /// From the first attempt's start to the end.
    pub duration: Option<Percentiles>,
    /// From enqueue to the first attempt's start.
    pub waiting: Option<Percentiles>,
}

/// One of the tasks that took longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SlowTask {
    /// The task.
    pub task_id: TaskId,
    /// What it did.
    pub operation: OperationId,
    /// Where it ran last.
    pub host: Option<String>,
    /// How it ended.
    pub state: TaskState,
    /// True when it failed because its worker was lost.
    #[serde(default)]
    pub lost: bool,
    /// When it ended.
    pub finished_at: Timestamp,
    /// From the first attempt's start to the end.
    #[ts(type = "number")]
    pub duration_ms: i64,
}

/// Failures of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FailingHost {
    /// The host it last ran on, or had to; none when it never ran and could have run anywhere.
    pub host: Option<String>,
    /// Failed tasks.
    #[ts(type = "number")]
    pub failed: u64,
}

/// Failures with one and the same error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FailingError {
    /// The error's kind, such as `permanent` or `timeout`.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// Failed tasks.
    #[ts(type = "number")]
    pub failed: u64,
    /// The newest of them.
    pub newest_task: TaskId,
}

/// What failed most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Failures {
    /// Hosts and errors were counted among so many of the newest failures: all of them, or the first
    /// 10,000.
    #[ts(type = "number")]
    pub looked_at: u64,
    /// The hosts with most failures, at most ten.
    pub hosts: Vec<FailingHost>,
    /// The errors that came most often, at most ten.
    pub errors: Vec<FailingError>,
}

/// Figures of the queue over a range of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QueueStatistics {
    /// Beginning of the range: what ended at or after it belongs to it.
    pub from: Timestamp,
    /// End of the range: what ended at it or later does not.
    pub to: Timestamp,
    /// Only tasks that ran on this host, or must.
    pub host: Option<String>,
    /// Only tasks of this operation.
    pub operation: Option<OperationId>,
    /// Tasks by operation and state: final states by when they ended, queued and running by when they
    /// were enqueued.
    pub counts: Vec<StateCount>,
    /// Succeeded among those that ended as succeeded, partial or failed, 0 to 1; none when nothing ended.
    pub success_rate: Option<f64>,
    /// From the first attempt's start to the end; none when nothing ended that had begun.
    pub duration: Option<Percentiles>,
    /// From enqueue to the first attempt's start; none when nothing ended that had begun.
    pub waiting: Option<Percentiles>,
    /// The same for each operation that ended any.
    pub operations: Vec<OperationStatistics>,
    /// Tasks that ended, over the whole range, stretch by stretch; stretches without any are there, too.
    pub throughput: Vec<ThroughputBucket>,
    /// The tasks that took longest, at most ten.
    pub slowest: Vec<SlowTask>,
    /// What failed most.
    pub failures: Failures,
    /// Tasks waiting now, whatever the range.
    #[ts(type = "number")]
    pub queued_now: u64,
    /// Tasks running now, whatever the range.
    #[ts(type = "number")]
    pub running_now: u64,
    /// Age of the oldest task that waits and is due, milliseconds.
    #[ts(type = "number | null")]
    pub oldest_waiting_ms: Option<i64>,
    /// How these figures were made, in words.
    pub method: String,
}

/// Figures of the async runtime of the worker that made the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RuntimeStatistics {
    /// Threads that run async tasks.
    pub worker_threads: u32,
    /// Async tasks alive now.
    #[ts(type = "number")]
    pub alive_tasks: u64,
    /// Async tasks waiting in the global queue now.
    #[ts(type = "number")]
    pub global_queue_depth: u64,
    /// Share of the threads' time spent busy since the process started, 0 to 100.
    pub busy_percent: f64,
}

/// The report of `log-statistics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StatisticsReport {
    /// The host that made it.
    pub host: String,
    /// When.
    pub logged_at: Timestamp,
    /// Figures of the queue; none when performed without a queue (`upkeep-worker exec`).
    pub queue: Option<QueueStatistics>,
    /// Figures of the async runtime.
    pub runtime: RuntimeStatistics,
    /// The host's vital signs.
    pub system: HostVitals,
    /// The file the event was written to.
    pub log_file: String,
}

/// The range that figures are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StatisticsRange {
    /// The last 60 minutes.
    Hour,
    /// The last 24 hours.
    #[default]
    Day,
    /// The last 7 days.
    Week,
    /// The last 30 days.
    Month,
    /// From the oldest task of the history on.
    All,
    /// From one moment up to another.
    Between {
        /// What ended at it or later belongs to the range.
        from: Timestamp,
        /// What ended at it or later does not.
        to: Timestamp,
    },
}

/// Which figures are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsQuery {
    /// Over which range.
    pub range: StatisticsRange,
    /// Only tasks that ran on this host, or must.
    pub host: Option<String>,
    /// Only tasks of this operation.
    pub operation: Option<OperationId>,
}

/// How busy the live workers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct WorkerLoad {
    /// Workers that are alive.
    pub alive: u32,
    /// Tasks they can perform at once.
    pub capacity: u32,
    /// Tasks they hold.
    pub busy: u32,
}

/// A host's vital signs, as its worker's last heartbeat told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HostStatistics {
    /// The host.
    pub host: String,
    /// Its vital signs.
    pub vitals: HostVitals,
}

/// What the page of statistics shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct StatisticsView {
    /// The host that computed it.
    pub computed_on: String,
    /// When.
    pub computed_at: Timestamp,
    /// How long that took, milliseconds.
    #[ts(type = "number")]
    pub took_ms: u64,
    /// The time zone in which days begin: an IANA name, or an offset such as `+02:00`.
    pub zone: String,
    /// Figures of the queue.
    pub queue: QueueStatistics,
    /// Figures of the async runtime of this program.
    pub runtime: RuntimeStatistics,
    /// How busy the workers are.
    pub workers: WorkerLoad,
    /// The hosts with a live worker.
    pub hosts: Vec<HostStatistics>,
}
