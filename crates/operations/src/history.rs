//! What cleanup-runs, health-check and log-statistics need of the task history.
//! The worker implements it over the queue; a direct call goes without.

use async_trait::async_trait;
use upkeep_contract::statistics::QueueStatistics;
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::OperationError;

/// A finished task as cleanup-runs sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedTask {
    /// Its id, which names its artifact folder, too.
    pub id: TaskId,
    /// What it did.
    pub operation: OperationId,
    /// How it ended.
    pub state: TaskState,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The host whose artifact folder may hold something of it; none when it never ran.
    pub host: Option<String>,
    /// Bytes that its rows hold in the database, roughly.
    pub bytes: u64,
}

/// What the queue and its workers look like to health-check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueHealth {
    /// Age of the oldest task that waits and is due, milliseconds.
    pub oldest_waiting_ms: Option<i64>,
    /// Tasks waiting.
    pub queued: u64,
    /// Tasks that ended as failed within the last hour.
    pub failed_last_hour: u64,
    /// Workers whose heartbeat is fresh.
    pub workers_alive: u64,
    /// Workers whose heartbeat stopped without a farewell.
    pub workers_stale: u64,
    /// Milliseconds one round trip to the database took.
    pub round_trip_ms: f64,
}

/// The task history, as narrow as the operations need it.
#[async_trait]
pub trait TaskHistory: Send + Sync + 'static {
    /// Tasks that ended before `before`, by end and id, after `after` of the page before; at most `limit`.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached.
    async fn finished_before(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, TaskId)>,
        limit: u32,
    ) -> Result<Vec<FinishedTask>, OperationError>;

    /// Removes these tasks with their attempts and logs, if they are still finished and ended before `before`.
    /// Returns the ids that are gone now, also those that were gone already. Queued and running tasks stay.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached; nothing was removed.
    async fn remove_finished(
        &self,
        ids: &[TaskId],
        before: Timestamp,
    ) -> Result<Vec<TaskId>, OperationError>;

    /// Which of these tasks the history still has, in any state.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached.
    async fn existing(&self, ids: &[TaskId]) -> Result<Vec<TaskId>, OperationError>;

    /// Figures of the queue for tasks enqueued in this range.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached.
    async fn statistics(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<QueueStatistics, OperationError>;

    /// What the queue and its workers look like now.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached.
    async fn health(&self) -> Result<QueueHealth, OperationError>;
}
