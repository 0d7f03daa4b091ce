//! The queue as the operations see it.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use upkeep_contract::statistics::QueueStatistics;
use upkeep_contract::task::TaskState;
use upkeep_contract::worker::WorkerState;
use upkeep_contract::{TaskId, Timestamp, WorkerId};
use upkeep_operations::OperationError;
use upkeep_operations::buckets::local_edges;
use upkeep_operations::history::{
    CleanableHistory, FinishedTask, GoneWorker, QueueHealth, Release, Room, TaskHistory,
};
use upkeep_queue::{Queue, QueueError, StatisticsRequest};

/// A worker that has been silent for longer is history, not a problem to be warned of.
const STALE_WORTH_TELLING: Duration = Duration::from_hours(24);

/// The task history of a queue.
#[derive(Clone, Debug)]
pub struct QueueHistory(pub Queue);

fn away(error: &QueueError) -> OperationError {
    OperationError::transient(error.to_string(), error.hint())
}

#[async_trait]
impl TaskHistory for QueueHistory {
    async fn finished_before(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, TaskId)>,
        limit: u32,
    ) -> Result<Vec<FinishedTask>, OperationError> {
        let found = self.0.finished_before(before, after.as_ref(), limit).await;
        let found = found.map_err(|error| away(&error))?;
        Ok(found
            .into_iter()
            .map(|entry| FinishedTask {
                id: entry.id,
                operation: entry.operation,
                state: entry.state,
                finished_at: entry.finished_at,
                host: entry.host,
                bytes: entry.bytes,
            })
            .collect())
    }

    async fn remove_finished(
        &self,
        ids: &[TaskId],
        before: Timestamp,
    ) -> Result<Vec<TaskId>, OperationError> {
        self.0
            .remove_finished(ids, before)
            .await
            .map_err(|error| away(&error))
    }

    async fn existing(&self, ids: &[TaskId]) -> Result<Vec<TaskId>, OperationError> {
        self.0.existing(ids).await.map_err(|error| away(&error))
    }

    async fn statistics(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<QueueStatistics, OperationError> {
        let request = StatisticsRequest {
            edges: local_edges(from, to),
            ..StatisticsRequest::between(from, to)
        };
        self.0
            .statistics(&request)
            .await
            .map_err(|error| away(&error))
    }

    async fn health(&self) -> Result<QueueHealth, OperationError> {
        let read = async {
            let begun = Instant::now();
            let queued = self.0.count(TaskState::Queued).await?;
            let round_trip_ms = begun.elapsed().as_secs_f64() * 1000.0;
            let now = self.0.now();
            let workers = self.0.workers(now.minus(STALE_WORTH_TELLING)).await?;
            let stale = workers
                .iter()
                .filter(|worker| worker.state == WorkerState::Stale)
                .count();
            let stopped = workers
                .iter()
                .filter(|worker| worker.state == WorkerState::Stopped)
                .count();
            Ok(QueueHealth {
                oldest_waiting_ms: self.0.oldest_waiting_ms().await?,
                queued,
                failed_last_hour: self
                    .0
                    .failed_since(now.minus(Duration::from_hours(1)))
                    .await?,
                workers_alive: (workers.len() - stale - stopped) as u64,
                workers_stale: stale as u64,
                round_trip_ms,
            })
        };
        read.await.map_err(|error: QueueError| away(&error))
    }
}

#[async_trait]
impl CleanableHistory for QueueHistory {
    async fn gone_workers(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, WorkerId)>,
        limit: u32,
    ) -> Result<Vec<GoneWorker>, OperationError> {
        let found = self.0.gone_workers(before, after.as_ref(), limit).await;
        let found = found.map_err(|error| away(&error))?;
        Ok(found
            .into_iter()
            .map(|worker| GoneWorker {
                id: worker.id,
                heartbeat_at: worker.heartbeat_at,
                bytes: worker.bytes,
            })
            .collect())
    }

    async fn remove_gone_workers(
        &self,
        ids: &[WorkerId],
        before: Timestamp,
    ) -> Result<Vec<WorkerId>, OperationError> {
        self.0
            .remove_gone_workers(ids, before)
            .await
            .map_err(|error| away(&error))
    }

    async fn room(&self) -> Result<Room, OperationError> {
        let room = self.0.room().await.map_err(|error| away(&error))?;
        Ok(Room {
            bytes: room.bytes,
            free: room.free,
            release: match room.release {
                upkeep_queue::Release::InSteps => Release::InSteps,
                upkeep_queue::Release::ByRewriting => Release::ByRewriting,
                upkeep_queue::Release::ByServer => Release::ByServer,
            },
        })
    }

    async fn release_room(&self) -> Result<u64, OperationError> {
        self.0.release_room().await.map_err(|error| away(&error))
    }

    async fn settle_files(&self) -> Result<bool, OperationError> {
        self.0.settle_files().await.map_err(|error| away(&error))
    }

    async fn rewrite_file(&self) -> Result<bool, OperationError> {
        self.0.rewrite_file().await.map_err(|error| away(&error))
    }
}
