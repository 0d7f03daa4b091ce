//! Taking back tasks whose worker was killed or whose host is gone: nobody extended the lease.
//!
//! No two clocks are compared. Whoever looks after leases remembers when it first saw each one as
//! it is, and takes a lease for dead when it has not changed for its whole length by the looker's
//! own monotonic clock. So a worker or a server whose clock is wrong or is set, and a machine that
//! slept, take nothing from a worker that lives.

use std::collections::HashMap;
use std::time::Duration;

use upkeep_contract::event::Change;
use upkeep_contract::task::{AttemptOutcome, TaskError, TaskState};
use upkeep_contract::{LeaseToken, TaskId};

use crate::attempt::Lease;
use crate::changes::Meaning;
use crate::engine::sql;
use crate::finish::{EndedBy, Transition, endings};
use crate::rows::{LOST_KIND, small};
use crate::{Queue, QueueError};

#[derive(sqlx::FromRow)]
struct RunningRow {
    id: String,
    lease_token: String,
    lease_until: i64,
    lease_ms: Option<i64>,
    attempt: i64,
    max_attempts: i64,
    cancel_requested_at: Option<i64>,
    worker_host: Option<String>,
}

/// What is read of the tasks that run.
const RUNNING: &str = "SELECT id, lease_token, lease_until, lease_ms, attempt, max_attempts, cancel_requested_at, \
     worker_host FROM tasks WHERE state = 'running'";

/// Tasks rescued in one transaction: enough for a dead worker's load, short enough to hold the write lock.
const BATCH: usize = 100;

/// A running task as it was seen.
#[derive(Debug)]
struct Seen {
    token: String,
    until: i64,
    since: Duration,
}

/// The memory of one who looks after leases: when each was first seen as it is.
#[derive(Debug, Default)]
pub struct LeaseWatch {
    seen: HashMap<String, Seen>,
}

impl LeaseWatch {
    /// Whether nothing ran when it last looked: until something changes, there is nothing to take back.
    pub fn sees_nothing(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes note of what runs now; the tasks whose lease has not changed for its whole length.
    fn look(&mut self, rows: Vec<RunningRow>, elapsed: Duration) -> Vec<RunningRow> {
        let mut before = std::mem::take(&mut self.seen);
        let mut dead = Vec::new();
        for row in rows {
            let same = before
                .remove(&row.id)
                .filter(|seen| seen.token == row.lease_token && seen.until == row.lease_until);
            let since = same.map_or(elapsed, |seen| seen.since);
            let length =
                Duration::from_millis(u64::try_from(row.lease_ms.unwrap_or(0)).unwrap_or(0));
            let seen = Seen {
                token: row.lease_token.clone(),
                until: row.lease_until,
                since,
            };
            self.seen.insert(row.id.clone(), seen);
            if elapsed.saturating_sub(since) > length {
                dead.push(row);
            }
        }
        dead
    }
}

impl Queue {
    /// Takes back every task whose lease nobody extended for its whole length since `watch` first
    /// saw it so, and returns how many.
    ///
    /// The lost attempt counts. It goes back to the queue while attempts are left, else it failed;
    /// a task that an operator wanted cancelled is cancelled. Any worker may call this at any time:
    /// the write names the lease as it was seen, so two rescuers never rescue twice, and a worker that
    /// extends it in the last moment keeps it.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn rescue(&self, watch: &mut LeaseWatch) -> Result<u64, QueueError> {
        // a read, so that idle workers never take the write lock
        let rows: Vec<RunningRow> = sql(RUNNING)
            .fetch_all(&mut self.engine.read().await?)
            .await?;
        let dead = watch.look(rows, self.clock.elapsed());
        let mut rescued = 0;
        for batch in dead.chunks(BATCH) {
            rescued += self.take_back(batch).await?;
        }
        Ok(rescued)
    }

    async fn take_back(&self, dead: &[RunningRow]) -> Result<u64, QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let mut statement = sql(RUNNING);
        statement.push(" AND id IN ");
        statement.push_list(dead.iter().map(|row| row.id.as_str()));
        statement.push(" ORDER BY id ").push(self.engine.row_lock());
        let rows: Vec<RunningRow> = statement.fetch_all(&mut tx).await?;
        let mut leases = Vec::with_capacity(rows.len());
        for row in rows {
            let unchanged = dead.iter().any(|seen| {
                seen.id == row.id
                    && seen.lease_token == row.lease_token
                    && seen.lease_until == row.lease_until
            });
            if unchanged {
                let lease = Lease {
                    task_id: TaskId(row.id.clone()),
                    token: LeaseToken(row.lease_token.clone()),
                    attempt: small("tasks", row.attempt)?,
                };
                leases.push((lease, lost(&row)));
            }
        }
        let ended: Vec<(&Lease, Transition)> = leases
            .iter()
            .map(|(lease, transition)| (lease, transition.clone()))
            .collect();
        let changes = leases.iter().map(|(lease, _)| Change::Task {
            task_id: lease.task_id.clone(),
        });
        let statements = endings(&ended, EndedBy::Rescue, now)?;
        self.commit_after(tx, statements, changes.collect(), Meaning::CLAIMABLE)
            .await?;
        for (lease, _) in &leases {
            tracing::warn!(task_id = %lease.task_id, attempt = lease.attempt, "nobody extended the lease: the worker was killed or its host is gone");
        }
        Ok(leases.len() as u64)
    }
}

fn lost(row: &RunningRow) -> Transition {
    let host = row.worker_host.as_deref().unwrap_or("an unknown host");
    let error = TaskError {
        kind: LOST_KIND.to_owned(),
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
        error: Some(error),
        ..Transition::to(state, AttemptOutcome::Lost)
    }
}
