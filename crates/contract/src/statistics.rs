//! The report of `log-statistics`, which is also the event in the statistics log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::task::TaskState;
use crate::worker::HostVitals;
use crate::{OperationId, Timestamp};

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

/// Tasks that ended in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ThroughputBucket {
    /// The beginning of the hour.
    pub from: Timestamp,
    /// Tasks that ended in it, whatever their final state.
    #[ts(type = "number")]
    pub finished: u64,
    /// Of those, the failed ones.
    #[ts(type = "number")]
    pub failed: u64,
}

/// Figures of the queue over a range of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QueueStatistics {
    /// Beginning of the range: tasks enqueued at or after it are counted.
    pub from: Timestamp,
    /// End of the range.
    pub to: Timestamp,
    /// Tasks by operation and state.
    pub counts: Vec<StateCount>,
    /// Succeeded among those that ended as succeeded, partial or failed, 0 to 1; none when nothing ended.
    pub success_rate: Option<f64>,
    /// From the first attempt's start to the end; none when nothing ended.
    pub duration: Option<Percentiles>,
    /// From enqueue to the first attempt's start; none when nothing started.
    pub waiting: Option<Percentiles>,
    /// Tasks ended in each hour of the range that had any.
    pub throughput: Vec<ThroughputBucket>,
    /// Tasks waiting now, whatever the range.
    #[ts(type = "number")]
    pub queued_now: u64,
    /// Tasks running now, whatever the range.
    #[ts(type = "number")]
    pub running_now: u64,
    /// Age of the oldest task that waits and is due, milliseconds.
    #[ts(type = "number | null")]
    pub oldest_waiting_ms: Option<i64>,
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
