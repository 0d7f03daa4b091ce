//! Accepting a request: – → queued.

use std::time::Duration;

use serde_json::Value;
use upkeep_contract::event::Change;
use upkeep_contract::{AttemptNumber, OperationId, TaskId};

use crate::audit::NewAudit;
use crate::rows::to_json;
use crate::{Queue, QueueError};

/// Lower runs first; this leaves room on both sides.
pub const DEFAULT_PRIORITY: i32 = 100;
/// A first try and two more: enough for what passes, few enough to hear soon of what does not.
pub const DEFAULT_MAX_ATTEMPTS: AttemptNumber = 3;
/// Long enough for millions of files; an attempt that takes longer hangs.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_hours(6);

/// A request to perform an operation. Its parameters have been accepted by the operation's registry.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// What is to be done.
    pub operation: OperationId,
    /// With which parameters, complete with their defaults.
    pub params: Value,
    /// True when the parameters ask for a preview only.
    pub dry_run: bool,
    /// The host it must run on, or none for any.
    pub target_host: Option<String>,
    /// Lower runs first.
    pub priority: i32,
    /// Attempts allowed, at least 1.
    pub max_attempts: AttemptNumber,
    /// How long one attempt may take, at least a millisecond.
    pub timeout: Duration,
    /// While a task with the same key is queued or running, no second one is made.
    pub dedup_key: Option<String>,
    /// Who asks. Never empty.
    pub requested_by: String,
    /// The task this one runs again.
    pub rerun_of: Option<TaskId>,
}

impl NewTask {
    /// A request with the defaults for everything that need not be said.
    pub fn new(
        operation: impl Into<OperationId>,
        params: Value,
        requested_by: impl Into<String>,
    ) -> Self {
        Self {
            operation: operation.into(),
            params,
            dry_run: false,
            target_host: None,
            priority: DEFAULT_PRIORITY,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            timeout: DEFAULT_TIMEOUT,
            dedup_key: None,
            requested_by: requested_by.into(),
            rerun_of: None,
        }
    }
}

/// What became of a request. Both are answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// A new task waits.
    New(TaskId),
    /// The same request is already queued or running.
    Existing(TaskId),
}

impl Queue {
    /// Accepts a request: once this returns, the task is durable.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when it could not be made durable; then it was not accepted.
    pub async fn enqueue(&self, task: NewTask) -> Result<Enqueued, QueueError> {
        let now = self.now();
        let params = to_json(&task.params)?;
        let mut tx = self.engine.write().await?;
        if let Some(key) = &task.dedup_key {
            let existing: Option<String> = sqlx::query_scalar(
                "SELECT id FROM tasks WHERE dedup_key = $1 AND state IN ('queued', 'running')",
            )
            .bind(key)
            .fetch_optional(&mut *tx)
            .await?;
            if let Some(id) = existing {
                NewAudit::new(&task.requested_by, "enqueue_duplicate", &id, &task.params)
                    .insert(&mut tx, now)
                    .await?;
                tx.commit().await?;
                return Ok(Enqueued::Existing(TaskId(id)));
            }
        }
        let id = TaskId::generate();
        sqlx::query(
            "INSERT INTO tasks (id, operation, params, dry_run, target_host, state, priority, dedup_key, requested_by, \
             enqueued_at, run_after, attempt, max_attempts, timeout_ms, rerun_of) \
             VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $9, 0, $10, $11, $12)",
        )
        .bind(id.as_str())
        .bind(task.operation.as_str())
        .bind(&params)
        .bind(i64::from(task.dry_run))
        .bind(&task.target_host)
        .bind(i64::from(task.priority))
        .bind(&task.dedup_key)
        .bind(&task.requested_by)
        .bind(now.as_millis())
        .bind(i64::from(task.max_attempts.max(1)))
        .bind(i64::try_from(task.timeout.as_millis()).unwrap_or(i64::MAX).max(1))
        .bind(task.rerun_of.as_ref().map(TaskId::as_str))
        .execute(&mut *tx)
        .await?;
        NewAudit::new(&task.requested_by, "enqueue", id.as_str(), &task.params)
            .insert(&mut tx, now)
            .await?;
        tx.commit().await?;
        self.feed.send(Change::Task {
            task_id: id.clone(),
        });
        Ok(Enqueued::New(id))
    }
}
