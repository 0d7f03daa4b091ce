//! What cleanup-runs, health-check and log-statistics need of the task history.
//! The worker implements it over the queue; a direct call goes without.

use async_trait::async_trait;
use upkeep_contract::statistics::QueueStatistics;
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, TaskId, Timestamp, WorkerId};

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

/// A worker that left long ago, as cleanup-runs sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneWorker {
    /// Its id.
    pub id: WorkerId,
    /// Its last sign of life.
    pub heartbeat_at: Timestamp,
    /// Bytes that its row holds in the database, roughly.
    pub bytes: u64,
}

/// How the room of removed rows comes back to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Step by step, between which others may write.
    InSteps,
    /// Only when the database's file is written anew.
    ByRewriting,
    /// The server sees to it.
    ByServer,
}

/// The room that the database takes on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of its files; on a server, of Upkeep's tables and indexes.
    pub bytes: u64,
    /// Bytes in them that hold nothing; none where only the server knows.
    pub free: Option<u64>,
    /// How these come back.
    pub release: Release,
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

    /// Figures of the queue over this range: what ended in it.
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

/// What only cleanup-runs needs: the registry of workers, and the room in the database.
#[async_trait]
pub trait CleanableHistory: TaskHistory {
    /// Workers that stopped, or fell silent and hold no task, and gave their last sign of life before `before`;
    /// by that and id, after `after` of the page before; at most `limit`.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached.
    async fn gone_workers(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, WorkerId)>,
        limit: u32,
    ) -> Result<Vec<GoneWorker>, OperationError>;

    /// Removes these workers from the registry, if they are still gone. Returns the ids that are gone from it
    /// now, also those that were gone already. What they did stays in the history.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached; nothing was removed.
    async fn remove_gone_workers(
        &self,
        ids: &[WorkerId],
        before: Timestamp,
    ) -> Result<Vec<WorkerId>, OperationError>;

    /// The room that the database takes on the disk.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached.
    async fn room(&self) -> Result<Room, OperationError>;

    /// Gives a little of the free room back, and leaves others their turn; the bytes that are still free.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached or its disk is full.
    async fn release_room(&self) -> Result<u64, OperationError>;

    /// Cuts the database's files to what they hold; false when others were in the way.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached or its disk is full.
    async fn settle_files(&self) -> Result<bool, OperationError>;

    /// Writes a file anew that cannot give room back in steps; false when that would hold others up for too long.
    ///
    /// # Errors
    /// [`OperationError::Transient`] when the database cannot be reached or its disk is full; the file is as it was.
    async fn rewrite_file(&self) -> Result<bool, OperationError>;
}
