//! Reading and searching the log of a task. Its lines are numbered from 1 without a gap, so that any
//! part of a log of any length is read along its key.

use upkeep_contract::TaskId;
use upkeep_contract::task::{LogHits, LogLine};

use crate::engine::{Connected, sql};
use crate::filter::push_text;
use crate::rows::{LogRow, read_all};
use crate::{Queue, QueueError};

/// Lines looked at in one look for a text: some tens of milliseconds on a slow machine.
pub(crate) const LINES_LOOKED_AT: u32 = 20_000;

/// Lines that one look for a text finds at most.
pub(crate) const HITS_MAX: u32 = 1000;

impl Queue {
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
        let rows: Vec<LogRow> = sql(
            "SELECT sequence, attempt, at, level, message FROM task_log WHERE task_id = $1 AND sequence > $2 \
             ORDER BY sequence LIMIT $3",
        )
        .bind(id.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(&mut self.engine.read().await?)
        .await?;
        read_all(rows)
    }

    /// The newest lines of a task's log, the oldest of them first.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn log_tail(&self, id: &TaskId, limit: u32) -> Result<Vec<LogLine>, QueueError> {
        let rows: Vec<LogRow> = sql(
            "SELECT sequence, attempt, at, level, message FROM task_log WHERE task_id = $1 \
             ORDER BY sequence DESC LIMIT $2",
        )
        .bind(id.as_str())
        .bind(limit)
        .fetch_all(&mut self.engine.read().await?)
        .await?;
        let mut lines: Vec<LogLine> = read_all(rows)?;
        lines.reverse();
        Ok(lines)
    }

    /// The number of the newest line of a task's log; 0 while there is none.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn log_end(&self, id: &TaskId) -> Result<i64, QueueError> {
        log_end(&mut self.engine.read().await?, id).await
    }

    /// Looks for a text in a task's log after a line, taken literally; small and capital letters of
    /// ASCII are the same. It looks at a limited number of lines and finds a limited number, and says
    /// how far it came: whoever wants more asks again after that line.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn search_log(
        &self,
        id: &TaskId,
        text: &str,
        after: i64,
    ) -> Result<LogHits, QueueError> {
        let mut snapshot = self.engine.snapshot().await?;
        let log_end = log_end(&mut snapshot, id).await?;
        let after = after.max(0);
        let last = after
            .saturating_add(i64::from(LINES_LOOKED_AT))
            .min(log_end);
        if text.is_empty() || last <= after {
            return Ok(LogHits {
                lines: Vec::new(),
                searched_to: log_end.max(after),
                log_end,
            });
        }
        let mut statement = sql("SELECT sequence FROM task_log WHERE task_id = ");
        statement.push_bind(id.as_str());
        statement.push(" AND sequence > ").push_bind(after);
        statement.push(" AND sequence <= ").push_bind(last);
        push_text(&mut statement, &["message"], text);
        statement.push(" ORDER BY sequence LIMIT ");
        statement.push_bind(HITS_MAX);
        let rows: Vec<(i64,)> = statement.fetch_all(&mut snapshot).await?;
        let lines: Vec<i64> = rows.into_iter().map(|(line,)| line).collect();
        let searched_to = match lines.last() {
            Some(newest) if lines.len() == HITS_MAX as usize => *newest,
            _ => last,
        };
        Ok(LogHits {
            lines,
            searched_to,
            log_end,
        })
    }
}

async fn log_end(connection: &mut impl Connected, id: &TaskId) -> Result<i64, QueueError> {
    let (newest,): (i64,) =
        sql("SELECT COALESCE(MAX(sequence), 0) FROM task_log WHERE task_id = $1")
            .bind(id.as_str())
            .fetch_one(connection)
            .await?;
    Ok(newest)
}
