//! Taking back tasks whose worker was killed or whose host is gone: the lease ran out.

use upkeep_contract::event::Change;
use upkeep_contract::task::{AttemptOutcome, TaskError, TaskState};
use upkeep_contract::{LeaseToken, TaskId};

use crate::attempt::{Lease, Transition, end_attempt};
use crate::rows::small;
use crate::{Queue, QueueError};

#[derive(sqlx::FromRow)]
struct ExpiredRow {
    id: String,
    lease_token: String,
    attempt: i64,
    max_attempts: i64,
    cancel_requested_at: Option<i64>,
    worker_host: Option<String>,
}

/// Tasks rescued in one transaction: enough for a dead worker's load, short enough to hold the write lock.
const BATCH: i64 = 100;

impl Queue {
    /// Takes back every task whose lease has run out, and returns how many.
    ///
    /// The lost attempt counts. It goes back to the queue while attempts are left, else it failed;
    /// a task that an operator wanted cancelled is cancelled. Any worker may call this at any time:
    /// the write names the token that ran out, so two rescuers never rescue twice.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn rescue(&self) -> Result<u64, QueueError> {
        let now = self.now();
        // most looks find nothing: a read, so that idle workers never take the write lock
        let any: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM tasks WHERE state = 'running' AND lease_until < $1 LIMIT 1",
        )
        .bind(now.as_millis())
        .fetch_optional(self.engine.readers())
        .await?;
        if any.is_none() {
            return Ok(0);
        }
        let mut tx = self.engine.write().await?;
        let rows: Vec<ExpiredRow> = sqlx::query_as(
            "SELECT id, lease_token, attempt, max_attempts, cancel_requested_at, worker_host FROM tasks \
             WHERE state = 'running' AND lease_until < $1 ORDER BY lease_until LIMIT $2",
        )
        .bind(now.as_millis())
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let mut rescued = Vec::with_capacity(rows.len());
        for row in rows {
            let lease = Lease {
                task_id: TaskId(row.id.clone()),
                token: LeaseToken(row.lease_token.clone()),
                attempt: small("tasks", row.attempt)?,
            };
            end_attempt(&mut tx, &lease, lost(&row), now).await?;
            rescued.push(lease.task_id);
        }
        tx.commit().await?;
        let count = rescued.len() as u64;
        for task_id in rescued {
            tracing::warn!(%task_id, "the lease ran out: the worker was killed or its host is gone");
            self.feed.send(Change::Task { task_id });
        }
        Ok(count)
    }
}

fn lost(row: &ExpiredRow) -> Transition {
    let host = row.worker_host.as_deref().unwrap_or("an unknown host");
    let error = TaskError {
        kind: "lease_expired".to_owned(),
        message: format!(
            "the worker on {host} stopped without a word during attempt {}",
            row.attempt
        ),
        hint: format!(
            "look at the log of upkeep-worker on {host}; it may have been killed or lost its database"
        ),
    };
    let state = if row.cancel_requested_at.is_some() {
        TaskState::Cancelled
    } else if row.attempt >= row.max_attempts {
        TaskState::Failed
    } else {
        TaskState::Queued
    };
    Transition {
        state,
        outcome: AttemptOutcome::Lost,
        error: Some(error),
        report: None,
        wait: None,
        more_attempts: 0,
    }
}
