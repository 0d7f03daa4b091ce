//! What cleaning needs of the history. Queued and running tasks are out of its reach.

use std::time::Instant;

use sqlx::FromRow;
use upkeep_contract::event::Change;
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::changes::Meaning;
use crate::engine::{Connected, Statement, list_of, sql};
use crate::rows::{count, state};
use crate::{Queue, QueueError};

/// A finished task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its id.
    pub id: TaskId,
    /// What it did.
    pub operation: OperationId,
    /// How it ended.
    pub state: TaskState,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The host it last ran on.
    pub host: Option<String>,
    /// Bytes of its texts in the database: what removing it gives back, roughly.
    pub bytes: u64,
}

#[derive(FromRow)]
struct HistoryRow {
    id: String,
    operation: String,
    state: String,
    finished_at: i64,
    worker_host: Option<String>,
    bytes: i64,
}

impl TryFrom<HistoryRow> for HistoryEntry {
    type Error = QueueError;

    fn try_from(row: HistoryRow) -> Result<Self, QueueError> {
        Ok(Self {
            state: state(&row.state)?,
            id: TaskId(row.id),
            operation: OperationId(row.operation),
            finished_at: Timestamp(row.finished_at),
            host: row.worker_host,
            bytes: count(row.bytes),
        })
    }
}

/// Previews whose plans tasks that have not ended are to execute: they must stay, or those tasks fail.
/// Asked once for each page: asked for each of its rows, a long queue made a long history slow.
async fn plans_in_use(on: &mut impl Connected) -> Result<Vec<String>, QueueError> {
    let rows: Vec<(String,)> = sql(
        "SELECT params FROM tasks WHERE state IN ('queued', 'running') AND params LIKE '%\"plan\":%'",
    )
    .fetch_all(on)
    .await?;
    let plan = |(params,): (String,)| {
        let params: serde_json::Value = serde_json::from_str(&params).ok()?;
        Some(params.get("plan")?.as_str()?.to_owned())
    };
    Ok(rows.into_iter().filter_map(plan).collect())
}

/// Adds what leaves these out.
fn but_not(statement: &mut Statement, ids: &[String]) {
    for piece in list_of(ids) {
        statement.push(" AND id NOT IN ");
        statement.push_list(piece.iter().map(String::as_str));
    }
}

impl Queue {
    /// Tasks that ended before `before`, by end and id, after the given one; at most `limit`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn finished_before(
        &self,
        before: Timestamp,
        after: Option<&(Timestamp, TaskId)>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, QueueError> {
        let (after_time, after_id) =
            after.map_or((i64::MIN, ""), |(time, id)| (time.as_millis(), id.as_str()));
        let mut connection = self.engine.read().await?;
        let in_use = plans_in_use(&mut connection).await?;
        let mut statement = sql(
            "SELECT id, operation, state, finished_at, worker_host, \
             CAST(LENGTH(params) + COALESCE(LENGTH(report), 0) + COALESCE(LENGTH(error), 0) \
             + COALESCE((SELECT SUM(LENGTH(message)) FROM task_log WHERE task_id = tasks.id), 0) AS BIGINT) AS bytes \
             FROM tasks WHERE finished_at IS NOT NULL AND finished_at < $1 AND (finished_at, id) > ($2, $3)",
        )
        .bind(before)
        .bind(after_time)
        .bind(after_id);
        but_not(&mut statement, &in_use);
        statement.push(" ORDER BY finished_at, id LIMIT ");
        statement.push_bind(limit);
        let rows: Vec<HistoryRow> = statement.fetch_all(&mut connection).await?;
        crate::rows::read_all(rows)
    }

    /// Removes these tasks with their attempts and logs, if they ended before `before`.
    /// Returns those of the given that the history no longer has. On SQLite it rests afterwards, so that
    /// whoever removes batch after batch leaves other writers their turn.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; nothing was removed.
    pub async fn remove_finished(
        &self,
        ids: &[TaskId],
        before: Timestamp,
    ) -> Result<Vec<TaskId>, QueueError> {
        let mut tx = self.engine.write().await?;
        let begun = Instant::now();
        let in_use = plans_in_use(&mut tx).await?;
        for piece in list_of(ids) {
            // attempts and log lines go with it (ON DELETE CASCADE); a state that is not final has no end
            let mut statement =
                sql("DELETE FROM tasks WHERE finished_at IS NOT NULL AND finished_at < ");
            statement.push_bind(before);
            statement.push(" AND id IN ");
            statement.push_list(piece.iter().map(TaskId::as_str));
            but_not(&mut statement, &in_use);
            statement.execute(&mut tx).await?;
        }
        self.commit(tx, vec![Change::All], Meaning::NEITHER).await?;
        self.engine.rest_after(begun.elapsed()).await;
        let existing = self.existing(ids).await?;
        Ok(ids
            .iter()
            .filter(|id| !existing.contains(id))
            .cloned()
            .collect())
    }

    /// Which of these tasks the history has, in any state.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn existing(&self, ids: &[TaskId]) -> Result<Vec<TaskId>, QueueError> {
        let mut existing = Vec::new();
        let mut connection = self.engine.read().await?;
        for piece in list_of(ids) {
            let mut statement = sql("SELECT id FROM tasks WHERE id IN ");
            statement.push_list(piece.iter().map(TaskId::as_str));
            let found: Vec<(String,)> = statement.fetch_all(&mut connection).await?;
            existing.extend(found.into_iter().map(|(id,)| TaskId(id)));
        }
        Ok(existing)
    }
}
