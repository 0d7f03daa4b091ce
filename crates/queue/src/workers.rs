//! The registry of workers. `stale` is derived from the heartbeat, never stored.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::FromRow;
use upkeep_contract::worker::{ClaimStrategy, CurrentTask, HostVitals, Worker, WorkerState};
use upkeep_contract::{OperationId, TaskId, Timestamp, WorkerId};

use crate::changes::{Meaning, worker_alive, worker_changed};
use crate::engine::sql;
use crate::rows::{json, small, to_json, unreadable};
use crate::{Queue, QueueError};

/// A worker is stale when its last heartbeat is older than this: the default lease, so that a
/// worker is called stale no later than its tasks are taken back.
pub const STALE_AFTER: Duration = Duration::from_secs(10);

/// What a worker says of itself when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorker {
    /// Its id, new at every start.
    pub id: WorkerId,
    /// The host it lives on.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Upkeep's version.
    pub version: String,
    /// True when it lives inside the desktop app.
    pub embedded: bool,
    /// What it can perform.
    pub operations: Vec<OperationId>,
    /// In which order it takes tasks.
    pub strategy: ClaimStrategy,
    /// How many tasks it performs at once.
    pub concurrency: u32,
}

/// What a worker does with new tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerMode {
    /// It claims them.
    Active,
    /// It finishes what it holds and claims nothing new.
    Draining,
    /// It ended in good order.
    Stopped,
}

impl WorkerMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

#[derive(FromRow)]
struct WorkerRow {
    id: String,
    host: String,
    pid: i64,
    version: String,
    embedded: i64,
    operations: String,
    strategy: String,
    concurrency: i64,
    state: String,
    started_at: i64,
    heartbeat_at: i64,
    vitals: Option<String>,
    drain_requested_by: Option<String>,
}

#[derive(FromRow)]
struct CurrentRow {
    worker_id: String,
    id: String,
    operation: String,
    progress: Option<String>,
}

impl Queue {
    /// Adds a worker to the registry.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn register_worker(&self, worker: &NewWorker) -> Result<(), QueueError> {
        let mut tx = self.engine.write().await?;
        sql(
            "INSERT INTO workers (id, host, pid, version, embedded, operations, strategy, concurrency, state, started_at, \
             heartbeat_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $9)",
        )
        .bind(worker.id.as_str())
        .bind(worker.host.as_str())
        .bind(worker.pid)
        .bind(worker.version.as_str())
        .bind(worker.embedded)
        .bind(to_json(&worker.operations)?)
        .bind(worker.strategy.as_str())
        .bind(worker.concurrency)
        .bind(self.now())
        .execute(&mut tx)
        .await?;
        self.commit(tx, vec![worker_changed(&worker.id)], Meaning::NEITHER)
            .await
    }

    /// A sign of life, with the host's vital signs when there are new ones. True when an operator
    /// wants the worker to drain. A worker that the registry has lost is told so.
    ///
    /// # Errors
    /// [`QueueError::NoSuchWorker`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn worker_alive(
        &self,
        id: &WorkerId,
        vitals: Option<&HostVitals>,
    ) -> Result<bool, QueueError> {
        self.engine.adjust_clock().await?;
        let mut tx = self.engine.write().await?;
        let row: Option<(Option<i64>,)> = sql(
            "UPDATE workers SET heartbeat_at = $1, vitals = COALESCE($2, vitals) WHERE id = $3 RETURNING drain_requested_at",
        )
        .bind(self.now())
        .bind(vitals.map(to_json).transpose()?)
        .bind(id.as_str())
        .fetch_optional(&mut tx)
        .await?;
        let (drain,) = row.ok_or_else(|| QueueError::NoSuchWorker(id.clone()))?;
        self.commit(tx, vec![worker_alive(id)], Meaning::NEITHER)
            .await?;
        Ok(drain.is_some())
    }

    /// Says what a worker does with new tasks from now on.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn set_worker_mode(&self, id: &WorkerId, mode: WorkerMode) -> Result<(), QueueError> {
        let mut tx = self.engine.write().await?;
        sql("UPDATE workers SET state = $1, heartbeat_at = $2 WHERE id = $3")
            .bind(mode.as_str())
            .bind(self.now())
            .bind(id.as_str())
            .execute(&mut tx)
            .await?;
        self.commit(tx, vec![worker_changed(id)], Meaning::NEITHER)
            .await
    }

    /// The workers that have shown a sign of life since `since`, the newest first, with what they hold.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn workers(&self, since: Timestamp) -> Result<Vec<Worker>, QueueError> {
        let mut connection = self.engine.read().await?;
        let rows: Vec<WorkerRow> = sql(
            "SELECT id, host, pid, version, embedded, operations, strategy, concurrency, state, started_at, heartbeat_at, \
             vitals, drain_requested_by FROM workers WHERE heartbeat_at >= $1 ORDER BY started_at DESC, id DESC",
        )
        .bind(since)
        .fetch_all(&mut connection)
        .await?;
        let current: Vec<CurrentRow> =
            sql("SELECT worker_id, id, operation, progress FROM tasks WHERE state = 'running' ORDER BY id")
                .fetch_all(&mut connection)
                .await?;
        let mut held: HashMap<String, Vec<CurrentTask>> = HashMap::new();
        for row in current {
            held.entry(row.worker_id).or_default().push(CurrentTask {
                task_id: TaskId(row.id),
                operation: OperationId(row.operation),
                progress: row
                    .progress
                    .as_deref()
                    .map(|text| json("tasks", text))
                    .transpose()?,
            });
        }
        let now = self.now();
        rows.into_iter()
            .map(|row| {
                let current = held.remove(&row.id).unwrap_or_default();
                worker(row, current, now)
            })
            .collect()
    }
}

fn worker(
    row: WorkerRow,
    current_tasks: Vec<CurrentTask>,
    now: Timestamp,
) -> Result<Worker, QueueError> {
    let silent = now.since(Timestamp(row.heartbeat_at)) > STALE_AFTER;
    let state = match (row.state.as_str(), silent) {
        ("stopped", _) => WorkerState::Stopped,
        (_, true) => WorkerState::Stale,
        ("draining", false) => WorkerState::Draining,
        _ if row.drain_requested_by.is_some() => WorkerState::Draining,
        _ if current_tasks.is_empty() => WorkerState::Active,
        _ => WorkerState::Busy,
    };
    Ok(Worker {
        operations: json("workers", &row.operations)?,
        strategy: ClaimStrategy::parse(&row.strategy)
            .ok_or_else(|| unreadable("workers", format!("unknown strategy `{}`", row.strategy)))?,
        vitals: row
            .vitals
            .as_deref()
            .map(|text| json("workers", text))
            .transpose()?,
        id: WorkerId(row.id),
        host: row.host,
        pid: small("workers", row.pid)?,
        version: row.version,
        embedded: row.embedded != 0,
        concurrency: small("workers", row.concurrency)?,
        state,
        drain_requested_by: row.drain_requested_by,
        started_at: Timestamp(row.started_at),
        heartbeat_at: Timestamp(row.heartbeat_at),
        current_tasks,
    })
}
