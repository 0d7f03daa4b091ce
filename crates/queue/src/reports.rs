//! Reports of the past: what one operation found on one host, the newest first.

use serde_json::Value;
use sqlx::FromRow;
use upkeep_contract::task::{TaskCursor, TaskError, TaskState};
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::engine::sql;
use crate::filter::{ORDER, Stretch, Walk};
use crate::rows::{json, read_all, state};
use crate::{Queue, QueueError};

/// The largest page: a report can be some kilobytes.
const LARGEST_PAGE: u32 = 200;

/// Tasks of the operation that are looked at, whatever their host, for each final state. A host that was not
/// checked among so many is one whose last check is history; the list of tasks finds it still.
const LOOKED_AT_MAX: u32 = 5000;

/// The final states, in which a task may have left a report.
const FINAL: [TaskState; 4] = [
    TaskState::Succeeded,
    TaskState::Partial,
    TaskState::Failed,
    TaskState::Cancelled,
];

/// A finished task as far as its report needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastReport {
    /// The task.
    pub task_id: TaskId,
    /// How it ended.
    pub state: TaskState,
    /// When it was asked for.
    pub enqueued_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Who asked.
    pub requested_by: String,
    /// Why it failed; none when it did not.
    pub error: Option<TaskError>,
    /// What it returned; none when it returned nothing.
    pub report: Option<Value>,
}

impl PastReport {
    /// Where the next page begins.
    pub fn cursor(&self) -> TaskCursor {
        TaskCursor {
            enqueued_at: self.enqueued_at,
            id: self.task_id.clone(),
        }
    }
}

#[derive(Debug, FromRow)]
struct PastRow {
    id: String,
    state: String,
    enqueued_at: i64,
    finished_at: i64,
    requested_by: String,
    error: Option<String>,
    report: Option<String>,
}

impl TryFrom<PastRow> for PastReport {
    type Error = QueueError;

    fn try_from(row: PastRow) -> Result<Self, QueueError> {
        Ok(Self {
            state: state(&row.state)?,
            error: row
                .error
                .as_deref()
                .map(|text| json("tasks", text))
                .transpose()?,
            report: row
                .report
                .as_deref()
                .map(|text| json("tasks", text))
                .transpose()?,
            task_id: TaskId(row.id),
            enqueued_at: Timestamp(row.enqueued_at),
            finished_at: Timestamp(row.finished_at),
            requested_by: row.requested_by,
        })
    }
}

impl Queue {
    /// Finished tasks of an operation on a host with their reports, the newest first, after the last one of
    /// the page before; previews are left out. Looks at a bounded number of the operation's newest tasks.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn past_reports(
        &self,
        operation: &OperationId,
        host: &str,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Result<Vec<PastReport>, QueueError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let mut statement = sql(
            "SELECT id, state, enqueued_at, finished_at, requested_by, error, report FROM tasks WHERE id IN (SELECT id FROM (",
        );
        for (index, state) in FINAL.into_iter().enumerate() {
            statement.push(if index == 0 { "" } else { " UNION ALL " });
            statement.push(
                "SELECT id, enqueued_at FROM (SELECT id, enqueued_at, dry_run, COALESCE(worker_host, target_host) AS host FROM tasks WHERE ",
            );
            Walk::StateAndOperation(state, operation.clone()).push(&mut statement);
            Stretch::beyond(after).push(&mut statement);
            statement.push(&format!(" ORDER BY {ORDER} LIMIT "));
            statement.push_bind(LOOKED_AT_MAX);
            statement.push(&format!(") AS walk_{index} WHERE dry_run = 0 AND host = "));
            statement.push_bind(host);
        }
        statement.push(&format!(") AS walks ORDER BY {ORDER} LIMIT "));
        statement.push_bind(limit);
        statement.push(&format!(") AND finished_at IS NOT NULL ORDER BY {ORDER}"));
        let rows: Vec<PastRow> = statement.fetch_all(&mut self.engine.read().await?).await?;
        read_all(rows)
    }

    /// The hosts on which an operation ended lately, by name.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn hosts_of(&self, operation: &OperationId) -> Result<Vec<String>, QueueError> {
        let mut statement = sql("SELECT DISTINCT host FROM (");
        for (index, state) in FINAL.into_iter().enumerate() {
            statement.push(if index == 0 { "" } else { " UNION ALL " });
            statement.push(
                "SELECT host FROM (SELECT COALESCE(worker_host, target_host) AS host FROM tasks WHERE ",
            );
            Walk::StateAndOperation(state, operation.clone()).push(&mut statement);
            statement.push(&format!(" ORDER BY {ORDER} LIMIT "));
            statement.push_bind(LOOKED_AT_MAX);
            statement.push(&format!(") AS walk_{index}"));
        }
        statement.push(") AS walks WHERE host IS NOT NULL");
        let rows: Vec<(String,)> = statement.fetch_all(&mut self.engine.read().await?).await?;
        let mut hosts: Vec<String> = rows.into_iter().map(|(host,)| host).collect();
        // a server's language may order them otherwise
        hosts.sort();
        Ok(hosts)
    }
}
