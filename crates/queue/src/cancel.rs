//! An operator's wish to stop: queued → cancelled, or a flag that the running attempt sees.

use serde_json::Value;
use upkeep_contract::TaskId;
use upkeep_contract::event::Change;
use upkeep_contract::task::CancelOutcome;

use crate::audit::NewAudit;
use crate::rows::state;
use crate::{Queue, QueueError};

impl Queue {
    /// Cancels a queued task, or asks the worker of a running one to stop.
    ///
    /// # Errors
    /// [`QueueError::NoSuchTask`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn cancel(&self, task_id: &TaskId, who: &str) -> Result<CancelOutcome, QueueError> {
        let now = self.now();
        let mut tx = self.engine.write().await?;
        let before: Option<String> = sqlx::query_scalar("SELECT state FROM tasks WHERE id = $1")
            .bind(task_id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(before) = before else {
            return Err(QueueError::NoSuchTask(task_id.clone()));
        };
        let before = state(&before)?;
        if before.is_final() {
            return Ok(CancelOutcome::AlreadyFinished);
        }
        // without its key: who asks again now wants a new task, not the one that stops
        sqlx::query(
            "UPDATE tasks SET cancel_requested_at = COALESCE(cancel_requested_at, $1), \
             cancel_requested_by = COALESCE(cancel_requested_by, $2), \
             dedup_key = NULL, finished_at = CASE WHEN state = 'queued' THEN $1 ELSE finished_at END, \
             state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END \
             WHERE id = $3 AND state IN ('queued', 'running')",
        )
        .bind(now.as_millis())
        .bind(who)
        .bind(task_id.as_str())
        .execute(&mut *tx)
        .await?;
        NewAudit::new(who, "cancel", task_id.as_str(), &Value::Null)
            .insert(&mut tx, now)
            .await?;
        tx.commit().await?;
        self.feed.send(Change::Task {
            task_id: task_id.clone(),
        });
        Ok(match before {
            upkeep_contract::task::TaskState::Queued => CancelOutcome::Cancelled,
            _ => CancelOutcome::Requested,
        })
    }
}
