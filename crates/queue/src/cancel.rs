//! An operator's wish to stop: queued → cancelled, or a flag that the running attempt sees; for one
//! task, or for all under a filter. And closing by force what a worker that is gone still holds.

use serde_json::{Value, json};
use upkeep_contract::bulk::{BulkCancelOutcome, BulkCount};
use upkeep_contract::event::Change;
use upkeep_contract::task::{
    AttemptOutcome, CancelOutcome, ForceCloseOutcome, TaskError, TaskFilter, TaskState,
};
use upkeep_contract::{LeaseToken, TaskId, Timestamp};

use crate::attempt::Lease;
use crate::audit::{NewAudit, insertions};
use crate::changes::{Meaning, task_changed};
use crate::engine::{Statement, WriteTransaction, list_of, sql};
use crate::filter::push_filter;
use crate::finish::{EndedBy, Transition, endings};
use crate::rows::{count, small, state};
use crate::workers::STALE_AFTER;
use crate::{Queue, QueueError};

/// Tasks cancelled in one transaction of a bulk cancel.
const BATCH: u32 = 1000;

#[derive(sqlx::FromRow)]
struct HeldRow {
    state: String,
    lease_token: Option<String>,
    attempt: i64,
    worker_host: Option<String>,
    worker_state: Option<String>,
    heartbeat_at: Option<i64>,
}

impl Queue {
    /// Cancels a queued task, or asks the worker of a running one to stop.
    ///
    /// # Errors
    /// [`QueueError::NoSuchTask`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn cancel(&self, task_id: &TaskId, who: &str) -> Result<CancelOutcome, QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let before: Option<(String,)> = sql(format!(
            "SELECT state FROM tasks WHERE id = $1 {}",
            self.engine.row_lock()
        ))
        .bind(task_id.as_str())
        .fetch_optional(&mut tx)
        .await?;
        let Some((before,)) = before else {
            return Err(QueueError::NoSuchTask(task_id.clone()));
        };
        let before = state(&before)?;
        if before.is_final() {
            tx.rollback().await?;
            return Ok(CancelOutcome::AlreadyFinished);
        }
        self.cancel_locked(tx, task_id, who, now).await?;
        Ok(match before {
            TaskState::Queued => CancelOutcome::Cancelled,
            _ => CancelOutcome::Requested,
        })
    }

    /// Cancels a task that no worker has begun; false when one has, or when it has ended. Nothing
    /// changes then.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn withdraw(&self, task_id: &TaskId, who: &str) -> Result<bool, QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let waiting: Option<(String,)> = sql(format!(
            "SELECT id FROM tasks WHERE id = $1 AND state = 'queued' AND attempt = 0 {}",
            self.engine.row_lock()
        ))
        .bind(task_id.as_str())
        .fetch_optional(&mut tx)
        .await?;
        if waiting.is_none() {
            tx.rollback().await?;
            return Ok(false);
        }
        self.cancel_locked(tx, task_id, who, now).await?;
        Ok(true)
    }

    /// Cancels a task whose row this transaction holds.
    async fn cancel_locked(
        &self,
        mut tx: WriteTransaction,
        task_id: &TaskId,
        who: &str,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        flag(&mut tx, &[task_id.as_str().to_owned()], who, now).await?;
        NewAudit::new(who, "cancel", task_id.as_str(), &Value::Null)
            .insert(&mut tx, now)
            .await?;
        self.commit(tx, vec![task_changed(task_id)], Meaning::BOTH)
            .await
    }

    /// How many tasks a filter matches, by what can be done with them.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn count_matching(&self, filter: &TaskFilter) -> Result<BulkCount, QueueError> {
        let at = self.now();
        let mut statement = sql("SELECT state, COUNT(*) FROM tasks WHERE enqueued_at <= ");
        statement.push_bind(at);
        push_filter(&mut statement, filter);
        statement.push(" GROUP BY state");
        let rows: Vec<(String, i64)> = statement.fetch_all(&mut self.engine.read().await?).await?;
        let mut counted = BulkCount {
            at,
            ..BulkCount::default()
        };
        for (name, number) in rows {
            match state(&name)? {
                TaskState::Queued => counted.queued += count(number),
                TaskState::Running => counted.running += count(number),
                _ => counted.finished += count(number),
            }
        }
        Ok(counted)
    }

    /// Cancels every queued and running task that a filter matches and that was enqueued no later
    /// than `enqueued_by`, as [`Queue::cancel`] does, some hundred in one transaction.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; those cancelled before stay cancelled.
    pub async fn cancel_matching(
        &self,
        filter: &TaskFilter,
        enqueued_by: Timestamp,
        who: &str,
    ) -> Result<BulkCancelOutcome, QueueError> {
        let parameters = json!({ "filter": filter, "enqueued_by": enqueued_by });
        self.record(who, "cancel_matching", "tasks", &parameters)
            .await?;
        let mut outcome = BulkCancelOutcome::default();
        loop {
            let mut tx = self.engine.write().await?;
            let now = self.now();
            let mut statement = sql(
                "SELECT id, state FROM tasks WHERE state IN ('queued', 'running') AND cancel_requested_at IS NULL AND enqueued_at <= ",
            );
            statement.push_bind(enqueued_by);
            push_filter(&mut statement, filter);
            statement.push(" ORDER BY id LIMIT ").push_bind(BATCH);
            statement.push(" ").push(self.engine.row_lock());
            let rows: Vec<(String, String)> = statement.fetch_all(&mut tx).await?;
            if rows.is_empty() {
                tx.rollback().await?;
                return Ok(outcome);
            }
            let queued = rows.iter().filter(|(_, name)| name == "queued").count() as u64;
            let ids: Vec<String> = rows.into_iter().map(|(id, _)| id).collect();
            flag(&mut tx, &ids, who, now).await?;
            self.commit(tx, vec![Change::All], Meaning::BOTH).await?;
            outcome.cancelled += queued;
            outcome.requested += ids.len() as u64 - queued;
        }
    }

    /// Ends a running task whose worker is gone, whatever its lease says. The attempt counts as lost;
    /// what a worker that returns says of it is noted on the attempt and changes nothing.
    ///
    /// # Errors
    /// [`QueueError::NoSuchTask`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn force_close(
        &self,
        task_id: &TaskId,
        who: &str,
    ) -> Result<ForceCloseOutcome, QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        // the lock on the task's row keeps its worker from finishing in between
        let locked: Option<(String,)> = sql(format!(
            "SELECT id FROM tasks WHERE id = $1 {}",
            self.engine.row_lock()
        ))
        .bind(task_id.as_str())
        .fetch_optional(&mut tx)
        .await?;
        if locked.is_none() {
            return Err(QueueError::NoSuchTask(task_id.clone()));
        }
        let row: HeldRow = sql(
            "SELECT tasks.state, lease_token, attempt, worker_host, workers.state AS worker_state, heartbeat_at \
             FROM tasks LEFT JOIN workers ON workers.id = tasks.worker_id WHERE tasks.id = $1",
        )
        .bind(task_id.as_str())
        .fetch_one(&mut tx)
        .await?;
        let (TaskState::Running, Some(token)) = (state(&row.state)?, row.lease_token) else {
            tx.rollback().await?;
            return Ok(ForceCloseOutcome::NotRunning);
        };
        if let Some(heartbeat_at) = row.heartbeat_at.map(Timestamp)
            && row.worker_state.as_deref() != Some("stopped")
            && now.since(heartbeat_at) <= STALE_AFTER
        {
            tx.rollback().await?;
            return Ok(ForceCloseOutcome::WorkerAlive { heartbeat_at });
        }
        let lease = Lease {
            task_id: task_id.clone(),
            token: LeaseToken(token),
            attempt: small("tasks", row.attempt)?,
        };
        let host = row.worker_host.as_deref().unwrap_or("an unknown host");
        let transition = Transition {
            error: Some(TaskError {
                kind: "force_closed".to_owned(),
                message: format!("closed by {who} while its worker on {host} was gone"),
                hint: "what the attempt did until then stays done; run the task again for the rest"
                    .to_owned(),
            }),
            ..Transition::to(TaskState::Cancelled, AttemptOutcome::Lost)
        };
        flag(&mut tx, &[task_id.as_str().to_owned()], who, now).await?;
        let mut statements = endings(&[(&lease, transition)], EndedBy::Operator, now)?;
        let audit = NewAudit::new(who, "force_close", task_id.as_str(), &Value::Null);
        statements.extend(insertions(&[audit], now)?);
        let changes = vec![task_changed(task_id)];
        self.commit_after(tx, statements, changes, Meaning::BOTH)
            .await?;
        Ok(ForceCloseOutcome::Closed)
    }
}

/// Cancels those that wait and flags those that run. Without its key: who asks again now wants a new
/// task, not the one that stops.
async fn flag(
    tx: &mut WriteTransaction,
    ids: &[String],
    who: &str,
    now: Timestamp,
) -> Result<(), QueueError> {
    for piece in list_of(ids) {
        let mut statement: Statement = sql(
            "UPDATE tasks SET cancel_requested_at = COALESCE(cancel_requested_at, $1), \
             cancel_requested_by = COALESCE(cancel_requested_by, $2), \
             dedup_key = NULL, finished_at = CASE WHEN state = 'queued' THEN $1 ELSE finished_at END, \
             state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END \
             WHERE state IN ('queued', 'running') AND id IN ",
        )
        .bind(now)
        .bind(who);
        statement.push_list(piece.iter().map(String::as_str));
        statement.execute(tx).await?;
    }
    Ok(())
}
