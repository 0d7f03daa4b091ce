//! Reading tasks: one, a page under a filter, what runs, what ended last.

use serde_json::Value;
use sqlx::{AssertSqlSafe, QueryBuilder};
use upkeep_contract::task::{
    LogLine, Task, TaskCursor, TaskDetail, TaskFilter, TaskPage, TaskState,
};
use upkeep_contract::{OperationId, TaskId};

use crate::rows::{AttemptRow, LogRow, TASK_COLUMNS, TaskRow, json, read_all};
use crate::{Queue, QueueError};

/// The largest page: what a screen can show many times over.
const LARGEST_PAGE: u32 = 500;

impl Queue {
    /// A task with its attempts and report.
    ///
    /// # Errors
    /// [`QueueError::NoSuchTask`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn task(&self, id: &TaskId) -> Result<TaskDetail, QueueError> {
        // one snapshot: a task that ends between two reads must not show a running attempt
        let mut snapshot = self.engine.readers().begin().await?;
        let row: Option<TaskRow> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE id = $1"
        )))
        .bind(id.as_str())
        .fetch_optional(&mut *snapshot)
        .await?;
        let task = Task::try_from(row.ok_or_else(|| QueueError::NoSuchTask(id.clone()))?)?;
        let attempts: Vec<AttemptRow> = sqlx::query_as(
            "SELECT number, worker_id, host, pid, started_at, ended_at, outcome, error FROM attempts \
             WHERE task_id = $1 ORDER BY number",
        )
        .bind(id.as_str())
        .fetch_all(&mut *snapshot)
        .await?;
        let report: Option<String> = sqlx::query_scalar("SELECT report FROM tasks WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(&mut *snapshot)
            .await?;
        let report: Option<Value> = report
            .as_deref()
            .map(|text| json("tasks", text))
            .transpose()?;
        Ok(TaskDetail {
            task,
            attempts: read_all(attempts)?,
            report,
        })
    }

    /// A page of tasks, the newest first, after the last row of the page before.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Result<TaskPage, QueueError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let mut query = QueryBuilder::new(format!("SELECT {TASK_COLUMNS} FROM tasks WHERE 1 = 1"));
        if !filter.states.is_empty() {
            push_list(
                &mut query,
                "state",
                filter.states.iter().map(|state| state.as_str()),
            );
        }
        if !filter.operations.is_empty() {
            push_list(
                &mut query,
                "operation",
                filter.operations.iter().map(OperationId::as_str),
            );
        }
        let text = filter.text.trim();
        if !text.is_empty() {
            let pattern = format!("%{}%", escape_like(text));
            query.push(" AND (");
            for (index, column) in [
                "id",
                "operation",
                "requested_by",
                "worker_host",
                "target_host",
                "params",
                "error",
            ]
            .iter()
            .enumerate()
            {
                query
                    .push(if index == 0 { "" } else { " OR " })
                    .push(format!("LOWER({column}) LIKE LOWER("));
                query.push_bind(pattern.clone()).push(") ESCAPE '\\'");
            }
            query.push(")");
        }
        if let Some(cursor) = after {
            query
                .push(" AND (enqueued_at, id) < (")
                .push_bind(cursor.enqueued_at.as_millis());
            query.push(", ").push_bind(cursor.id.as_str()).push(")");
        }
        query
            .push(" ORDER BY enqueued_at DESC, id DESC LIMIT ")
            .push_bind(i64::from(limit) + 1);
        let rows: Vec<TaskRow> = query
            .build_query_as()
            .fetch_all(self.engine.readers())
            .await?;
        let mut tasks: Vec<Task> = read_all(rows)?;
        let more = tasks.len() > limit as usize;
        tasks.truncate(limit as usize);
        let next = tasks.last().filter(|_| more);
        let next = next.map(|task| TaskCursor {
            enqueued_at: task.enqueued_at,
            id: task.id.clone(),
        });
        Ok(TaskPage { tasks, next })
    }

    /// Queued and running tasks of an operation, the oldest first.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn current_tasks(
        &self,
        operation: &OperationId,
        limit: u32,
    ) -> Result<Vec<Task>, QueueError> {
        let rows: Vec<TaskRow> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE state IN ('queued', 'running') AND operation = $1 \
             ORDER BY enqueued_at, id LIMIT $2"
        )))
        .bind(operation.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.engine.readers())
        .await?;
        read_all(rows)
    }

    /// The task of an operation that ended last, previews left out.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn last_run(&self, operation: &OperationId) -> Result<Option<Task>, QueueError> {
        let row: Option<TaskRow> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE operation = $1 AND dry_run = 0 AND finished_at IS NOT NULL \
             ORDER BY finished_at DESC, id DESC LIMIT 1"
        )))
        .bind(operation.as_str())
        .fetch_optional(self.engine.readers())
        .await?;
        row.map(Task::try_from).transpose()
    }

    /// Lines of a task's log after a sequence number, the oldest first.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn log_after(
        &self,
        id: &TaskId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<LogLine>, QueueError> {
        let rows: Vec<LogRow> = sqlx::query_as(
            "SELECT sequence, attempt, at, level, message FROM task_log WHERE task_id = $1 AND sequence > $2 \
             ORDER BY sequence LIMIT $3",
        )
        .bind(id.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.engine.readers())
        .await?;
        read_all(rows)
    }

    /// The newest lines of a task's log, the oldest of them first.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn log_tail(&self, id: &TaskId, limit: u32) -> Result<Vec<LogLine>, QueueError> {
        let rows: Vec<LogRow> = sqlx::query_as(
            "SELECT sequence, attempt, at, level, message FROM task_log WHERE task_id = $1 \
             ORDER BY sequence DESC LIMIT $2",
        )
        .bind(id.as_str())
        .bind(i64::from(limit))
        .fetch_all(self.engine.readers())
        .await?;
        let mut lines: Vec<LogLine> = read_all(rows)?;
        lines.reverse();
        Ok(lines)
    }

    /// How many tasks are in this state.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn count(&self, state: TaskState) -> Result<u64, QueueError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tasks WHERE state = $1")
            .bind(state.as_str())
            .fetch_one(self.engine.readers())
            .await?;
        Ok(crate::rows::count(count))
    }
}

fn push_list<'a, DB>(
    query: &mut QueryBuilder<DB>,
    column: &str,
    values: impl Iterator<Item = &'a str>,
) where
    DB: sqlx::Database,
    for<'q> String: sqlx::Encode<'q, DB> + sqlx::Type<DB>,
{
    query.push(format!(" AND {column} IN ("));
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.to_owned());
    }
    query.push(")");
}

/// Makes LIKE take the text literally.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}
