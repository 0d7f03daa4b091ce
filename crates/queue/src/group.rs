//! Fan-outs: the tasks that one request made, one for each host.

use upkeep_contract::GroupId;
use upkeep_contract::group::TaskGroup;
use upkeep_contract::task::{Task, TaskState};

use crate::engine::sql;
use crate::rows::{TASK_COLUMNS, TaskRow, read_all};
use crate::{Queue, QueueError};

impl Queue {
    /// The tasks of a fan-out, by host.
    ///
    /// # Errors
    /// [`QueueError::NoSuchGroup`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn group(&self, id: &GroupId) -> Result<TaskGroup, QueueError> {
        let mut snapshot = self.engine.snapshot().await?;
        let rows: Vec<TaskRow> = sql(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE group_id = $1 ORDER BY target_host, id"
        ))
        .bind(id.as_str())
        .fetch_all(&mut snapshot)
        .await?;
        let mut tasks: Vec<Task> = read_all(rows)?;
        self.explain(&mut snapshot, &mut tasks).await?;
        let Some(first) = tasks.first() else {
            return Err(QueueError::NoSuchGroup(id.clone()));
        };
        Ok(TaskGroup {
            id: id.clone(),
            operation: first.operation.clone(),
            requested_by: first.requested_by.clone(),
            enqueued_at: first.enqueued_at,
            repeatable_hosts: tasks
                .iter()
                .filter(|task| is_repeatable(task))
                .filter_map(|task| task.target_host.clone())
                .collect(),
            tasks,
        })
    }
}

/// Failed, cancelled, or never begun.
fn is_repeatable(task: &Task) -> bool {
    match task.state {
        TaskState::Failed | TaskState::Cancelled => true,
        TaskState::Queued => task.attempt == 0,
        TaskState::Running | TaskState::Succeeded | TaskState::Partial => false,
    }
}
