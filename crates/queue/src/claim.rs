//! Giving a task to a worker: queued → running.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use upkeep_contract::event::Change;
use upkeep_contract::task::Task;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{LeaseToken, OperationId, Timestamp, WorkerId};

use crate::attempt::Lease;
use crate::engine::CLAIM_LOCK;
use crate::rows::{TASK_COLUMNS, TaskRow};
use crate::{Queue, QueueError};

/// Which tasks a worker may take, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFilter {
    /// What it can perform.
    pub operations: Vec<OperationId>,
    /// Its host: tasks for another host are left alone.
    pub host: String,
    /// In which order.
    pub strategy: ClaimStrategy,
}

impl ClaimFilter {
    /// The ids as one text between commas, which both engines can search with LIKE.
    fn operations_list(&self) -> String {
        self.operations
            .iter()
            .fold(",".to_owned(), |list, id| list + id.as_str() + ",")
    }
}

/// An attempt that was given to a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The task, as it is now.
    pub task: Task,
    /// The right to write about it.
    pub lease: Lease,
    /// Until when, unless a heartbeat extends it.
    pub lease_until: Timestamp,
}

/// Due tasks that the worker may perform: `$4` is its host, `$5` the time, `$6` its operations.
const DUE: &str = "state = 'queued' AND run_after <= $5 AND attempt < max_attempts \
     AND (target_host IS NULL OR target_host = $4) AND $6 LIKE '%,' || operation || ',%'";

/// The statement's part that picks one due task; `$7` is a number from 0 to 1 drawn by chance.
fn pick(strategy: ClaimStrategy) -> String {
    let first = |order: &str| {
        format!(
            "SELECT id FROM tasks WHERE {DUE} AND $7 >= 0 ORDER BY {order} LIMIT 1 {CLAIM_LOCK}"
        )
    };
    match strategy {
        ClaimStrategy::Priority => first("priority, enqueued_at, id"),
        ClaimStrategy::Fifo => first("enqueued_at, id"),
        ClaimStrategy::Lifo => first("enqueued_at DESC, id DESC"),
        // the task at whose place in the running sum of weights the number falls
        ClaimStrategy::WeightedRandom => format!(
            "SELECT id FROM (SELECT id, SUM(weight) OVER (ORDER BY id) AS upto, SUM(weight) OVER () AS whole \
             FROM (SELECT id, 1.0 / (CASE WHEN priority < 0 THEN 1 ELSE priority + 1 END) AS weight \
             FROM tasks WHERE {DUE}) AS weighed) AS summed WHERE upto >= $7 * whole ORDER BY upto LIMIT 1"
        ),
    }
}

impl Queue {
    /// Claims the next task this worker may perform, or `None` when nothing is due.
    ///
    /// One statement, so two workers can never hold the same attempt. The attempt is counted
    /// here, not at the end: a task that kills its worker runs out of attempts.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; nothing was claimed.
    pub async fn claim(
        &self,
        worker: &WorkerId,
        pid: u32,
        filter: &ClaimFilter,
        lease: Duration,
    ) -> Result<Option<Claim>, QueueError> {
        let token = LeaseToken::generate();
        let pick = pick(filter.strategy);
        let sql = format!(
            "UPDATE tasks SET state = 'running', attempt = attempt + 1, lease_token = $1, lease_until = $2, \
             worker_id = $3, worker_host = $4, started_at = COALESCE(started_at, $5), progress = NULL \
             WHERE state = 'queued' AND id = ({pick}) RETURNING {TASK_COLUMNS}"
        );
        let mut tx = self.engine.write().await?;
        // taken with the write lock in hand: waiting for it must not use up the lease
        let now = self.now();
        let lease_until = now.plus(lease);
        let row: Option<TaskRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(token.as_str())
            .bind(lease_until.as_millis())
            .bind(worker.as_str())
            .bind(&filter.host)
            .bind(now.as_millis())
            .bind(filter.operations_list())
            .bind(rand::random::<f64>())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let task = Task::try_from(row)?;
        sqlx::query(
            "INSERT INTO attempts (task_id, number, worker_id, host, pid, lease_token, started_at, outcome) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'running')",
        )
        .bind(task.id.as_str())
        .bind(i64::from(task.attempt))
        .bind(worker.as_str())
        .bind(&filter.host)
        .bind(i64::from(pid))
        .bind(token.as_str())
        .bind(now.as_millis())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.feed.send(Change::Task {
            task_id: task.id.clone(),
        });
        let lease = Lease {
            task_id: task.id.clone(),
            token,
            attempt: task.attempt,
        };
        Ok(Some(Claim {
            task,
            lease,
            lease_until,
        }))
    }

    /// When the next queued task that this worker may perform is due, which may be in the past;
    /// `None` when there is none.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn next_due(&self, filter: &ClaimFilter) -> Result<Option<Timestamp>, QueueError> {
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT run_after FROM tasks WHERE state = 'queued' AND (target_host IS NULL OR target_host = $1) \
             AND $2 LIKE '%,' || operation || ',%' ORDER BY run_after LIMIT 1",
        )
        .bind(&filter.host)
        .bind(filter.operations_list())
        .fetch_optional(self.engine.readers())
        .await?;
        Ok(due.map(Timestamp))
    }
}
