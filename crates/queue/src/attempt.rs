//! What the holder of a lease may write while it works. Every statement names the token: a worker
//! that was thought dead and comes back changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use upkeep_contract::task::{LogLevel, Progress};
use upkeep_contract::{AttemptNumber, LeaseToken, TaskId, Timestamp};

use crate::changes::{Meaning, task_changed};
use crate::engine::{Statement, WriteTransaction, list_of, rows_of, sql};
use crate::rows::to_json;
use crate::{Queue, QueueError};

/// A worker's time-limited right to one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task_id: TaskId,
    /// The fencing token.
    pub token: LeaseToken,
    /// The attempt.
    pub attempt: AttemptNumber,
}

/// What a heartbeat found out about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is extended.
    Kept {
        /// An operator asked to cancel the task.
        cancel_requested: bool,
    },
    /// It is another's now, or the task has ended: stop at once.
    Lost,
}

/// A line to be logged. Sequences grow within an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogLine {
    /// When.
    pub at: Timestamp,
    /// How serious.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
}

impl Queue {
    /// Extends these leases and says which are lost and which tasks an operator wants cancelled.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; no lease was extended.
    pub async fn extend(&self, leases: &[Lease], lease: Duration) -> Result<Vec<Held>, QueueError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.engine.write().await?;
        let until = self.now().plus(lease);
        let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let mut kept = HashMap::new();
        for piece in list_of(leases) {
            let mut statement = sql("UPDATE tasks SET lease_until = ");
            // a lease that is extended always shows it, even twice within a millisecond or after the
            // clock was set back: rescuers go by whether this number changes
            statement.push("CASE WHEN lease_until < ").push_bind(until);
            statement.push(" THEN ").push_bind(until);
            statement
                .push(" ELSE lease_until + 1 END, lease_ms = ")
                .push_bind(lease_ms);
            statement.push(" WHERE state = 'running' AND (id, lease_token) IN (VALUES ");
            push_leases(&mut statement, piece);
            statement.push(") RETURNING lease_token, cancel_requested_at");
            let rows: Vec<(String, Option<i64>)> = statement.fetch_all(&mut tx).await?;
            kept.extend(rows);
        }
        tx.commit().await?;
        Ok(held(leases, &kept))
    }

    /// Reads, without extending, what [`Queue::extend`] would say.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn look(&self, leases: &[Lease]) -> Result<Vec<Held>, QueueError> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.engine.read().await?;
        let mut kept = HashMap::new();
        for piece in list_of(leases) {
            let mut statement = sql(
                "SELECT lease_token, cancel_requested_at FROM tasks WHERE state = 'running' AND (id, lease_token) IN (VALUES ",
            );
            push_leases(&mut statement, piece);
            statement.push(")");
            let rows: Vec<(String, Option<i64>)> = statement.fetch_all(&mut connection).await?;
            kept.extend(rows);
        }
        Ok(held(leases, &kept))
    }

    /// Writes how far an attempt has come and what it logged since. False when the lease is lost: nothing was written.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; nothing was written.
    pub async fn report_progress(
        &self,
        lease: &Lease,
        progress: Option<&Progress>,
        lines: &[NewLogLine],
    ) -> Result<bool, QueueError> {
        let mut tx = self.engine.write_with_first().await?;
        let held = sql(
            "UPDATE tasks SET progress = COALESCE($1, progress) WHERE id = $2 AND state = 'running' AND lease_token = $3",
        )
        .bind(progress.map(to_json).transpose()?)
        .bind(lease.task_id.as_str())
        .bind(lease.token.as_str())
        .execute(&mut tx)
        .await?;
        if held == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        let lines: Vec<(&Lease, &NewLogLine)> = lines.iter().map(|line| (lease, line)).collect();
        let insertions = log_insertions(&mut tx, &lines).await?;
        let changes = vec![task_changed(&lease.task_id)];
        self.commit_after(tx, insertions, changes, Meaning::NEITHER)
            .await?;
        Ok(true)
    }
}

/// By token: a worker that came back may hold two leases of one task, of which one is lost.
/// Adds `(task, token), …`.
fn push_leases(statement: &mut Statement, leases: &[Lease]) {
    for (index, lease) in leases.iter().enumerate() {
        statement.push(if index == 0 { "" } else { ", " });
        statement.push_list([lease.task_id.as_str(), lease.token.as_str()]);
    }
}

fn held(leases: &[Lease], kept: &HashMap<String, Option<i64>>) -> Vec<Held> {
    leases
        .iter()
        .map(|lease| {
            kept.get(lease.token.as_str())
                .map_or(Held::Lost, |requested| Held::Kept {
                    cancel_requested: requested.is_some(),
                })
        })
        .collect()
}

/// The statements that add lines to the logs of their tasks. The caller holds the rows of these
/// tasks, so nobody else adds lines at the same time.
pub(crate) async fn log_insertions(
    tx: &mut WriteTransaction,
    lines: &[(&Lease, &NewLogLine)],
) -> Result<Vec<Statement>, QueueError> {
    let mut ids: Vec<&str> = lines
        .iter()
        .map(|(lease, _)| lease.task_id.as_str())
        .collect();
    ids.dedup();
    let mut last: HashMap<String, i64> = HashMap::with_capacity(ids.len());
    for piece in list_of(&ids) {
        let mut statement = sql("SELECT task_id, MAX(sequence) FROM task_log WHERE task_id IN ");
        statement.push_list(piece.iter().copied());
        statement.push(" GROUP BY task_id");
        let rows: Vec<(String, i64)> = statement.fetch_all(tx).await?;
        last.extend(rows);
    }
    let mut insertions = Vec::new();
    for piece in list_of(lines) {
        let mut statement = sql(format!(
            "INSERT INTO task_log (task_id, sequence, attempt, at, level, message) VALUES {}",
            rows_of(piece.len(), 6)
        ));
        for (lease, line) in piece {
            let sequence = last.entry(lease.task_id.0.clone()).or_default();
            *sequence += 1;
            statement = statement
                .bind(lease.task_id.as_str())
                .bind(*sequence)
                .bind(lease.attempt)
                .bind(line.at)
                .bind(line.level.as_str())
                .bind(line.message.as_str());
        }
        insertions.push(statement);
    }
    Ok(insertions)
}
