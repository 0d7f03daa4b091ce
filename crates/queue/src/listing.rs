//! Reading tasks: one, a page under a filter, what runs, what ended last.

use serde_json::Value;
use upkeep_contract::task::{Task, TaskCursor, TaskDetail, TaskFilter, TaskPage, TaskState};
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::engine::{Connected, Statement, sql};
use crate::filter::{ORDER, Route, Stretch, Walk, push_matching, route};
use crate::rows::{AttemptRow, TASK_COLUMNS, TaskRow, json, read_all};
use crate::{Queue, QueueError};

/// The largest page: what a screen can show many times over.
pub(crate) const LARGEST_PAGE: u32 = 500;

/// Rows looked at for one page when a filter cannot be answered from an index: what one look may
/// take on a slow machine is some milliseconds. The next page goes on from there.
pub(crate) const LOOKED_AT_MAX: u32 = LARGEST_PAGE;

/// So many of an operation's last runs are looked at for one that succeeded.
const SUCCESS_AMONG: u32 = LARGEST_PAGE;

impl Queue {
    /// A task with its attempts and report.
    ///
    /// # Errors
    /// [`QueueError::NoSuchTask`], or [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn task(&self, id: &TaskId) -> Result<TaskDetail, QueueError> {
        // one snapshot: a task that ends between two reads must not show a running attempt
        let mut snapshot = self.engine.snapshot().await?;
        let row: Option<TaskRow> = sql(format!("SELECT {TASK_COLUMNS} FROM tasks WHERE id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut snapshot)
            .await?;
        let mut task = Task::try_from(row.ok_or_else(|| QueueError::NoSuchTask(id.clone()))?)?;
        self.explain(&mut snapshot, std::slice::from_mut(&mut task))
            .await?;
        let attempts: Vec<AttemptRow> = sql(
            "SELECT number, worker_id, host, pid, started_at, ended_at, outcome, error, late_at, late_outcome, late_error \
             FROM attempts WHERE task_id = $1 ORDER BY number",
        )
        .bind(id.as_str())
        .fetch_all(&mut snapshot)
        .await?;
        let (report,): (Option<String>,) = sql("SELECT report FROM tasks WHERE id = $1")
            .bind(id.as_str())
            .fetch_one(&mut snapshot)
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

    /// Ids of tasks that begin with this text, the newest first: no more than `limit`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn ids_beginning_with(
        &self,
        text: &str,
        limit: u32,
    ) -> Result<Vec<TaskId>, QueueError> {
        let mut statement = sql("SELECT id FROM tasks WHERE ");
        Walk::IdPrefix(text.to_lowercase()).push(&mut statement);
        statement.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        let rows: Vec<(String,)> = statement.fetch_all(&mut self.engine.read().await?).await?;
        Ok(rows.into_iter().map(|(id,)| TaskId(id)).collect())
    }

    /// A page of tasks, the newest first, after the last row of the page before.
    ///
    /// Whatever the filter and however long the history, it takes a bounded time: filters by state,
    /// operation, host, group, id and time follow an index; for the others a limited number of rows is
    /// looked at, and the page says how far it has looked ([`TaskPage::searched_to`]).
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
        let route = route(filter);
        let stretch = Stretch::new(filter, after);
        let mut snapshot = self.engine.snapshot().await?;
        let end = if route.exact {
            None
        } else {
            looked_at_last(&mut snapshot, &route, &stretch).await?
        };
        let rows: Vec<TaskRow> = page(filter, &route, &stretch.up_to(end.clone()), limit + 1)
            .fetch_all(&mut snapshot)
            .await?;
        let mut tasks: Vec<Task> = read_all(rows)?;
        let more = tasks.len() > limit as usize;
        tasks.truncate(limit as usize);
        self.explain(&mut snapshot, &mut tasks).await?;
        let last = tasks.last().map(|task| TaskCursor {
            enqueued_at: task.enqueued_at,
            id: task.id.clone(),
        });
        Ok(if more {
            TaskPage {
                tasks,
                next: last,
                searched_to: None,
            }
        } else {
            TaskPage {
                tasks,
                searched_to: end.as_ref().map(|cursor| cursor.enqueued_at),
                next: end,
            }
        })
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
        let mut connection = self.engine.read().await?;
        let rows: Vec<TaskRow> = sql(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE state IN ('queued', 'running') AND operation = $1 \
             ORDER BY enqueued_at, id LIMIT $2"
        ))
        .bind(operation.as_str())
        .bind(limit)
        .fetch_all(&mut connection)
        .await?;
        let mut tasks = read_all(rows)?;
        self.explain(&mut connection, &mut tasks).await?;
        Ok(tasks)
    }

    /// The task of an operation that ended last, previews left out.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn last_run(&self, operation: &OperationId) -> Result<Option<Task>, QueueError> {
        self.last_ended(operation, "dry_run = 0").await
    }

    /// The preview of an operation that succeeded last.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn last_preview(&self, operation: &OperationId) -> Result<Option<Task>, QueueError> {
        self.last_ended(operation, "dry_run = 1 AND state = 'succeeded'")
            .await
    }

    async fn last_ended(
        &self,
        operation: &OperationId,
        which: &'static str,
    ) -> Result<Option<Task>, QueueError> {
        let row: Option<TaskRow> = sql(format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE operation = $1 AND {which} AND finished_at IS NOT NULL \
             ORDER BY finished_at DESC, id DESC LIMIT 1"
        ))
        .bind(operation.as_str())
        .fetch_optional(&mut self.engine.read().await?)
        .await?;
        row.map(Task::try_from).transpose()
    }

    /// When an operation last succeeded, previews left out, if that was among its last runs.
    ///
    /// It looks back only so far, so that a thousand failures cost no more than a few.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn last_success(
        &self,
        operation: &OperationId,
    ) -> Result<Option<Timestamp>, QueueError> {
        let row: Option<(i64,)> = sql(format!(
            "SELECT finished_at FROM (SELECT state, finished_at, id FROM tasks \
             WHERE operation = $1 AND dry_run = 0 AND finished_at IS NOT NULL \
             ORDER BY finished_at DESC, id DESC LIMIT {SUCCESS_AMONG}) AS last \
             WHERE state = 'succeeded' ORDER BY finished_at DESC LIMIT 1"
        ))
        .bind(operation.as_str())
        .fetch_optional(&mut self.engine.read().await?)
        .await?;
        Ok(row.map(|(at,)| Timestamp(at)))
    }

    /// How many tasks are in this state.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn count(&self, state: TaskState) -> Result<u64, QueueError> {
        let (number,): (i64,) = sql("SELECT COUNT(*) FROM tasks WHERE state = $1")
            .bind(state.as_str())
            .fetch_one(&mut self.engine.read().await?)
            .await?;
        Ok(crate::rows::count(number))
    }
}

/// The last of the rows to be looked at for this page; none when there are fewer.
async fn looked_at_last(
    connection: &mut impl Connected,
    route: &Route,
    stretch: &Stretch,
) -> Result<Option<TaskCursor>, QueueError> {
    let mut statement = sql("SELECT enqueued_at, id FROM (");
    for (index, walk) in route.walks.iter().enumerate() {
        statement.push(if index == 0 { "" } else { " UNION ALL " });
        statement.push("SELECT * FROM (SELECT enqueued_at, id FROM tasks WHERE ");
        walk.push(&mut statement);
        stretch.push(&mut statement);
        statement.push(&format!(" ORDER BY {ORDER} LIMIT "));
        statement.push_bind(LOOKED_AT_MAX);
        statement.push(&format!(") AS walk_{index}"));
    }
    statement.push(&format!(") AS walks ORDER BY {ORDER} LIMIT 1 OFFSET "));
    statement.push_bind(LOOKED_AT_MAX - 1);
    let row: Option<(i64, String)> = statement.fetch_optional(connection).await?;
    Ok(row.map(|(enqueued_at, id)| TaskCursor {
        enqueued_at: Timestamp(enqueued_at),
        id: TaskId(id),
    }))
}

/// The first rows of all walks together, of this part of the list.
fn page(filter: &TaskFilter, route: &Route, stretch: &Stretch, limit: u32) -> Statement {
    let mut statement = sql(format!(
        "SELECT {TASK_COLUMNS} FROM tasks WHERE id IN (SELECT id FROM ("
    ));
    for (index, walk) in route.walks.iter().enumerate() {
        statement.push(if index == 0 { "" } else { " UNION ALL " });
        statement.push("SELECT * FROM (SELECT enqueued_at, id FROM tasks WHERE ");
        walk.push(&mut statement);
        stretch.push(&mut statement);
        if !route.exact {
            push_matching(&mut statement, filter);
        }
        statement.push(&format!(" ORDER BY {ORDER} LIMIT "));
        statement.push_bind(limit);
        statement.push(&format!(") AS walk_{index}"));
    }
    statement.push(&format!(") AS walks ORDER BY {ORDER} LIMIT "));
    statement.push_bind(limit);
    statement.push(&format!(") ORDER BY {ORDER}"));
    statement
}
