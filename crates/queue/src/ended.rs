//! What has ended: tasks since a moment, and the reports of an operation, page by page.

use serde_json::Value;
use upkeep_contract::task::{Task, TaskState};
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::engine::sql;
use crate::rows::{TASK_COLUMNS, TaskRow, json, read_all};
use crate::{Queue, QueueError};

/// A task's report.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedReport {
    /// The task.
    pub task_id: TaskId,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Where it ran.
    pub host: Option<String>,
    /// What it returned.
    pub report: Value,
}

impl Queue {
    /// Tasks that ended at or after this time in one of these states, the oldest end first; at most `limit`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn ended_since(
        &self,
        since: Timestamp,
        states: &[TaskState],
        limit: u32,
    ) -> Result<Vec<Task>, QueueError> {
        let mut statement = sql(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE finished_at IS NOT NULL AND finished_at >= "
        ));
        statement.push_bind(since).push(" AND state IN ");
        statement.push_list(states.iter().map(|state| state.as_str()));
        statement.push(" ORDER BY finished_at, id LIMIT ");
        statement.push_bind(limit);
        let rows: Vec<TaskRow> = statement.fetch_all(&mut self.engine.read().await?).await?;
        read_all(rows)
    }

    /// Reports of tasks of this operation that ended at or after `from` and before `to`, on this host
    /// or anywhere, after `after` of the page before; at most `limit`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn reports(
        &self,
        operation: &OperationId,
        (from, to): (Timestamp, Timestamp),
        host: Option<&str>,
        after: Option<&(Timestamp, TaskId)>,
        limit: u32,
    ) -> Result<Vec<EndedReport>, QueueError> {
        let mut statement =
            sql("SELECT id, finished_at, worker_host, report FROM tasks WHERE operation = ");
        statement
            .push_bind(operation.as_str())
            .push(" AND dry_run = 0 AND finished_at IS NOT NULL AND report IS NOT NULL AND finished_at >= ")
            .push_bind(from)
            .push(" AND finished_at < ")
            .push_bind(to);
        if let Some((finished_at, id)) = after {
            statement
                .push(" AND (finished_at, id) < (")
                .push_bind(*finished_at)
                .push(", ")
                .push_bind(id.as_str())
                .push(")");
        }
        if let Some(host) = host {
            statement.push(" AND worker_host = ").push_bind(host);
        }
        statement.push(" ORDER BY finished_at DESC, id DESC LIMIT ");
        statement.push_bind(limit);
        let rows: Vec<(String, i64, Option<String>, String)> =
            statement.fetch_all(&mut self.engine.read().await?).await?;
        rows.into_iter()
            .map(|(id, finished_at, host, report)| {
                Ok(EndedReport {
                    report: json("tasks", &report)?,
                    task_id: TaskId(id),
                    finished_at: Timestamp(finished_at),
                    host,
                })
            })
            .collect()
    }
}
