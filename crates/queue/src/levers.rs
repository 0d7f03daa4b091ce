//! What an operator may change while tasks wait: pause an operation, change a priority, let a worker drain.

use serde_json::{Value, json};
use upkeep_contract::event::Change;
use upkeep_contract::task::PriorityOutcome;
use upkeep_contract::waiting::PausedOperation;
use upkeep_contract::{OperationId, TaskId, Timestamp, WorkerId};

use crate::audit::NewAudit;
use crate::changes::{Meaning, task_changed, worker_changed};
use crate::engine::{Connected, sql};
use crate::{Queue, QueueError};

impl Queue {
    /// Lets the tasks of an operation wait until somebody resumes it. Those that run go on. Pausing
    /// what is paused changes nothing.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn pause(&self, operation: &OperationId, who: &str) -> Result<(), QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let paused = sql(
            "INSERT INTO paused_operations (operation, paused_at, paused_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(operation.as_str())
        .bind(now)
        .bind(who)
        .execute(&mut tx)
        .await?;
        if paused > 0 {
            NewAudit::new(who, "pause", operation.as_str(), &Value::Null)
                .insert(&mut tx, now)
                .await?;
        }
        self.commit(tx, vec![operation_changed(operation)], Meaning::CLAIMABLE)
            .await
    }

    /// Lets workers take the tasks of an operation again. Resuming what is not paused changes nothing.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn resume(&self, operation: &OperationId, who: &str) -> Result<(), QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let resumed = sql("DELETE FROM paused_operations WHERE operation = $1")
            .bind(operation.as_str())
            .execute(&mut tx)
            .await?;
        if resumed > 0 {
            NewAudit::new(who, "resume", operation.as_str(), &Value::Null)
                .insert(&mut tx, now)
                .await?;
        }
        self.commit(tx, vec![operation_changed(operation)], Meaning::CLAIMABLE)
            .await
    }

    /// The operations that are paused, by id.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn paused(&self) -> Result<Vec<PausedOperation>, QueueError> {
        paused(&mut self.engine.read().await?).await
    }

    /// Gives a task that waits another priority; lower runs first.
    ///
    /// # Errors
    /// [`QueueError::NoSuchTask`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn set_priority(
        &self,
        task_id: &TaskId,
        priority: i32,
        who: &str,
    ) -> Result<PriorityOutcome, QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let changed = sql("UPDATE tasks SET priority = $1 WHERE id = $2 AND state = 'queued'")
            .bind(priority)
            .bind(task_id.as_str())
            .execute(&mut tx)
            .await?;
        if changed == 0 {
            let there: Option<(String,)> = sql("SELECT id FROM tasks WHERE id = $1")
                .bind(task_id.as_str())
                .fetch_optional(&mut tx)
                .await?;
            tx.rollback().await?;
            return match there {
                Some(_) => Ok(PriorityOutcome::NotQueued),
                None => Err(QueueError::NoSuchTask(task_id.clone())),
            };
        }
        NewAudit::new(
            who,
            "set_priority",
            task_id.as_str(),
            &json!({ "priority": priority }),
        )
        .insert(&mut tx, now)
        .await?;
        self.commit(tx, vec![task_changed(task_id)], Meaning::CLAIMABLE)
            .await?;
        Ok(PriorityOutcome::Changed)
    }

    /// Asks a worker to finish what it holds and claim nothing new, until it is asked to go on.
    ///
    /// # Errors
    /// [`QueueError::NoSuchWorker`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn drain_worker(&self, worker: &WorkerId, who: &str) -> Result<(), QueueError> {
        let now = self.now();
        self.set_drain(worker, who, "drain", Some(now)).await
    }

    /// Lets a worker that was asked to drain claim tasks again.
    ///
    /// # Errors
    /// As [`Queue::drain_worker`].
    pub async fn undrain_worker(&self, worker: &WorkerId, who: &str) -> Result<(), QueueError> {
        self.set_drain(worker, who, "undrain", None).await
    }

    async fn set_drain(
        &self,
        worker: &WorkerId,
        who: &str,
        what: &str,
        requested_at: Option<Timestamp>,
    ) -> Result<(), QueueError> {
        let mut tx = self.engine.write().await?;
        let found = sql(
            "UPDATE workers SET drain_requested_at = $1, drain_requested_by = $2 WHERE id = $3",
        )
        .bind(requested_at)
        .bind(requested_at.map(|_| who))
        .bind(worker.as_str())
        .execute(&mut tx)
        .await?;
        if found == 0 {
            return Err(QueueError::NoSuchWorker(worker.clone()));
        }
        NewAudit::new(who, what, worker.as_str(), &Value::Null)
            .insert(&mut tx, self.now())
            .await?;
        self.commit(tx, vec![worker_changed(worker)], Meaning::STOPS)
            .await
    }

    /// Whether an operator wants this worker to drain.
    ///
    /// # Errors
    /// [`QueueError::NoSuchWorker`] when it is not in the registry, or [`QueueError::Unavailable`].
    pub async fn drain_requested(&self, worker: &WorkerId) -> Result<bool, QueueError> {
        let row: Option<(Option<i64>,)> =
            sql("SELECT drain_requested_at FROM workers WHERE id = $1")
                .bind(worker.as_str())
                .fetch_optional(&mut self.engine.read().await?)
                .await?;
        let (requested,) = row.ok_or_else(|| QueueError::NoSuchWorker(worker.clone()))?;
        Ok(requested.is_some())
    }
}

pub(crate) async fn paused(
    connection: &mut impl Connected,
) -> Result<Vec<PausedOperation>, QueueError> {
    let rows: Vec<(String, String, i64)> =
        sql("SELECT operation, paused_by, paused_at FROM paused_operations ORDER BY operation")
            .fetch_all(connection)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(operation, by, since)| PausedOperation {
            operation: OperationId(operation),
            by,
            since: Timestamp(since),
        })
        .collect())
}

fn operation_changed(operation: &OperationId) -> Change {
    Change::Operation {
        operation: operation.clone(),
    }
}
