//! What the holder of a lease may write. Every statement names the token: a worker that was
//! thought dead and comes back changes nothing.

use std::time::Duration;

use serde_json::Value;
use upkeep_contract::event::Change;
use upkeep_contract::task::{AttemptOutcome, LogLevel, Progress, TaskError, TaskState};
use upkeep_contract::{AttemptNumber, LeaseToken, TaskId, Timestamp};

use crate::engine::WriteTransaction;
use crate::rows::{small, to_json};
use crate::{Queue, QueueError};

/// A worker's time-limited right to one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task_id: TaskId,
    /// The fencing token.
    pub token: LeaseToken,
    /// The attempt.
    pub attempt: AttemptNumber,
}

/// What a heartbeat found out about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is extended.
    Kept {
        /// An operator asked to cancel the task.
        cancel_requested: bool,
    },
    /// It is another's now, or the task has ended: stop at once.
    Lost,
}

/// How an attempt ended, as its worker says.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The work was done.
    Succeeded(Value),
    /// The work ended, some items could not be done.
    Partial(Value),
    /// Trying again cannot help.
    Permanent(TaskError),
    /// Trying again may help.
    Transient(TaskError),
    /// It took longer than allowed.
    TimedOut(TaskError),
    /// It stopped because an operator cancelled the task; with the report so far.
    Cancelled(Option<Value>),
    /// The worker stops in good order and hands the task back; the attempt is not charged.
    Released,
}

/// Whether the queue took the ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The task is in this state now; `queued` means it will be tried again.
    Accepted(TaskState),
    /// The lease was no longer this worker's: nothing was changed.
    Fenced,
}

/// A line to be logged. Sequences grow within an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogLine {
    /// When.
    pub at: Timestamp,
    /// How serious.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
}

/// What the state table needs to know of a task to end one of its attempts.
#[derive(sqlx::FromRow)]
struct RunningRow {
    attempt: i64,
    max_attempts: i64,
    cancel_requested_at: Option<i64>,
}

/// What ending an attempt does to the task.
pub(crate) struct Transition {
    pub(crate) state: TaskState,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) error: Option<TaskError>,
    pub(crate) report: Option<Value>,
    /// Set when the task goes back to the queue.
    pub(crate) wait: Option<Duration>,
    /// Added to the allowed attempts: 1 when the attempt is not charged.
    pub(crate) more_attempts: i64,
}

impl Queue {
    /// Extends these leases and says which are lost and which tasks an operator wants cancelled.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; no lease was extended.
    pub async fn extend(&self, leases: &[Lease], lease: Duration) -> Result<Vec<Held>, QueueError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let until = self.now().plus(lease);
        let mut held = Vec::with_capacity(leases.len());
        let mut tx = self.engine.write().await?;
        for lease in leases {
            let row: Option<Option<i64>> = sqlx::query_scalar(
                "UPDATE tasks SET lease_until = $1 WHERE id = $2 AND state = 'running' AND lease_token = $3 \
                 RETURNING cancel_requested_at",
            )
            .bind(until.as_millis())
            .bind(lease.task_id.as_str())
            .bind(lease.token.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            held.push(row.map_or(Held::Lost, |requested| Held::Kept {
                cancel_requested: requested.is_some(),
            }));
        }
        tx.commit().await?;
        Ok(held)
    }

    /// Reads, without extending, what [`Queue::extend`] would say.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn look(&self, lease: &Lease) -> Result<Held, QueueError> {
        let row: Option<Option<i64>> = sqlx::query_scalar(
            "SELECT cancel_requested_at FROM tasks WHERE id = $1 AND state = 'running' AND lease_token = $2",
        )
        .bind(lease.task_id.as_str())
        .bind(lease.token.as_str())
        .fetch_optional(self.engine.readers())
        .await?;
        Ok(row.map_or(Held::Lost, |requested| Held::Kept {
            cancel_requested: requested.is_some(),
        }))
    }

    /// Writes how far an attempt has come and what it logged since. False when the lease is lost: nothing was written.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; nothing was written.
    pub async fn report_progress(
        &self,
        lease: &Lease,
        progress: Option<&Progress>,
        lines: &[NewLogLine],
    ) -> Result<bool, QueueError> {
        let progress = progress.map(to_json).transpose()?;
        let mut tx = self.engine.write().await?;
        let held = sqlx::query(
            "UPDATE tasks SET progress = COALESCE($1, progress) WHERE id = $2 AND state = 'running' AND lease_token = $3",
        )
        .bind(progress)
        .bind(lease.task_id.as_str())
        .bind(lease.token.as_str())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if held == 0 {
            return Ok(false);
        }
        insert_log(&mut tx, &lease.task_id, lease.attempt, lines).await?;
        tx.commit().await?;
        self.feed.send(Change::Task {
            task_id: lease.task_id.clone(),
        });
        Ok(true)
    }

    /// Ends an attempt, by the rows "running to …" of the state table.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; the attempt is still running then.
    pub async fn finish(&self, lease: &Lease, ending: Ending) -> Result<Finish, QueueError> {
        let now = self.now();
        let mut tx = self.engine.write().await?;
        let row: Option<RunningRow> = sqlx::query_as(
            "SELECT attempt, max_attempts, cancel_requested_at FROM tasks \
             WHERE id = $1 AND state = 'running' AND lease_token = $2",
        )
        .bind(lease.task_id.as_str())
        .bind(lease.token.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            return Ok(Finish::Fenced);
        };
        let attempt: AttemptNumber = small("tasks", row.attempt)?;
        let last = row.attempt >= row.max_attempts;
        let wait = self.backoff.wait(attempt, rand::random());
        let transition = transition(ending, last, row.cancel_requested_at.is_some(), wait);
        let state = transition.state;
        end_attempt(&mut tx, lease, transition, now).await?;
        tx.commit().await?;
        self.feed.send(Change::Task {
            task_id: lease.task_id.clone(),
        });
        Ok(Finish::Accepted(state))
    }
}

fn transition(ending: Ending, last: bool, cancel_requested: bool, wait: Duration) -> Transition {
    let ended = |state, outcome, error, report| Transition {
        state,
        outcome,
        error,
        report,
        wait: None,
        more_attempts: 0,
    };
    let again = |outcome, error, wait| Transition {
        state: TaskState::Queued,
        outcome,
        error,
        report: None,
        wait: Some(wait),
        more_attempts: 0,
    };
    match ending {
        Ending::Succeeded(report) => ended(
            TaskState::Succeeded,
            AttemptOutcome::Succeeded,
            None,
            Some(report),
        ),
        Ending::Partial(report) => ended(
            TaskState::Partial,
            AttemptOutcome::Partial,
            None,
            Some(report),
        ),
        Ending::Cancelled(report) => ended(
            TaskState::Cancelled,
            AttemptOutcome::Cancelled,
            None,
            report,
        ),
        Ending::Permanent(error) => {
            ended(TaskState::Failed, AttemptOutcome::Failed, Some(error), None)
        }
        // an operator who cancelled does not want another attempt
        Ending::Transient(error) if cancel_requested => ended(
            TaskState::Cancelled,
            AttemptOutcome::Failed,
            Some(error),
            None,
        ),
        Ending::TimedOut(error) if cancel_requested => ended(
            TaskState::Cancelled,
            AttemptOutcome::TimedOut,
            Some(error),
            None,
        ),
        Ending::Released if cancel_requested => {
            ended(TaskState::Cancelled, AttemptOutcome::Cancelled, None, None)
        }
        Ending::Transient(error) if last => {
            ended(TaskState::Failed, AttemptOutcome::Failed, Some(error), None)
        }
        Ending::TimedOut(error) if last => ended(
            TaskState::Failed,
            AttemptOutcome::TimedOut,
            Some(error),
            None,
        ),
        Ending::Transient(error) => again(AttemptOutcome::Failed, Some(error), wait),
        Ending::TimedOut(error) => again(AttemptOutcome::TimedOut, Some(error), wait),
        Ending::Released => Transition {
            more_attempts: 1,
            ..again(AttemptOutcome::Released, None, Duration::ZERO)
        },
    }
}

/// Writes a transition. The caller has checked the lease within the same transaction.
pub(crate) async fn end_attempt(
    tx: &mut WriteTransaction,
    lease: &Lease,
    transition: Transition,
    now: Timestamp,
) -> Result<(), QueueError> {
    let error = transition.error.as_ref().map(to_json).transpose()?;
    sqlx::query(
        "UPDATE attempts SET ended_at = $1, outcome = $2, error = $3 WHERE task_id = $4 AND number = $5 AND ended_at IS NULL",
    )
    .bind(now.as_millis())
    .bind(transition.outcome.as_str())
    .bind(&error)
    .bind(lease.task_id.as_str())
    .bind(i64::from(lease.attempt))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE tasks SET state = $1, lease_token = NULL, lease_until = NULL, finished_at = $2, run_after = $3, \
         error = $4, report = $5, max_attempts = max_attempts + $6 WHERE id = $7 AND state = 'running' AND lease_token = $8",
    )
    .bind(transition.state.as_str())
    .bind(transition.state.is_final().then_some(now.as_millis()))
    .bind(now.plus(transition.wait.unwrap_or_default()).as_millis())
    .bind(&error)
    .bind(transition.report.as_ref().map(to_json).transpose()?)
    .bind(transition.more_attempts)
    .bind(lease.task_id.as_str())
    .bind(lease.token.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_log(
    tx: &mut WriteTransaction,
    task_id: &TaskId,
    attempt: AttemptNumber,
    lines: &[NewLogLine],
) -> Result<(), QueueError> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut sequence: i64 =
        sqlx::query_scalar("SELECT COALESCE(MAX(sequence), 0) FROM task_log WHERE task_id = $1")
            .bind(task_id.as_str())
            .fetch_one(&mut **tx)
            .await?;
    for line in lines {
        sequence += 1;
        sqlx::query("INSERT INTO task_log (task_id, sequence, attempt, at, level, message) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(task_id.as_str())
            .bind(sequence)
            .bind(i64::from(attempt))
            .bind(line.at.as_millis())
            .bind(line.level.as_str())
            .bind(&line.message)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
