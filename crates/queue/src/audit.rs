//! The audit trail: who asked for what, when. It outlives the tasks it names.

use serde_json::Value;
use sqlx::FromRow;
use upkeep_contract::Timestamp;
use upkeep_contract::audit::AuditEntry;

use crate::engine::{Statement, WriteTransaction, list_of, rows_of, sql};
use crate::rows::{json, read_all, to_json};
use crate::{Queue, QueueError};

pub(crate) struct NewAudit<'a> {
    who: &'a str,
    what: &'a str,
    subject: &'a str,
    parameters: &'a Value,
}

impl<'a> NewAudit<'a> {
    pub(crate) fn new(
        who: &'a str,
        what: &'a str,
        subject: &'a str,
        parameters: &'a Value,
    ) -> Self {
        Self {
            who,
            what,
            subject,
            parameters,
        }
    }

    /// Part of the transaction of what it tells of: neither exists without the other.
    pub(crate) async fn insert(
        self,
        tx: &mut WriteTransaction,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        for statement in insertions(&[self], now)? {
            statement.execute(tx).await?;
        }
        Ok(())
    }

    fn bind(&self, statement: Statement, now: Timestamp) -> Result<Statement, QueueError> {
        Ok(statement
            .bind(uuid::Uuid::now_v7().to_string())
            .bind(now)
            .bind(self.who)
            .bind(self.what)
            .bind(self.subject)
            .bind(to_json(self.parameters)?))
    }
}

/// The statements that insert many entries, in their order.
pub(crate) fn insertions(
    entries: &[NewAudit<'_>],
    now: Timestamp,
) -> Result<Vec<Statement>, QueueError> {
    let mut statements = Vec::new();
    for piece in list_of(entries) {
        let rows = rows_of(piece.len(), 6);
        let mut statement = sql(format!(
            "INSERT INTO audit (id, at, who, what, subject, parameters) VALUES {rows}"
        ));
        for entry in piece {
            statement = entry.bind(statement, now)?;
        }
        statements.push(statement);
    }
    Ok(statements)
}

#[derive(FromRow)]
struct AuditRow {
    id: String,
    at: i64,
    who: String,
    what: String,
    subject: String,
    parameters: String,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = QueueError;

    fn try_from(row: AuditRow) -> Result<Self, QueueError> {
        Ok(Self {
            parameters: json("audit", &row.parameters)?,
            id: row.id,
            at: Timestamp(row.at),
            who: row.who,
            what: row.what,
            subject: row.subject,
        })
    }
}

impl Queue {
    /// Records something that is not a task's life, such as a change of settings.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when it could not be recorded.
    pub async fn record(
        &self,
        who: &str,
        what: &str,
        subject: &str,
        parameters: &Value,
    ) -> Result<(), QueueError> {
        let mut tx = self.engine.write().await?;
        NewAudit::new(who, what, subject, parameters)
            .insert(&mut tx, self.now())
            .await?;
        tx.commit().await
    }

    /// The newest entries of the audit trail, older than `before` (an entry's id) when given.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn audit(
        &self,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, QueueError> {
        let rows: Vec<AuditRow> = sql("SELECT id, at, who, what, subject, parameters FROM audit \
             WHERE $1 IS NULL OR id < $1 ORDER BY id DESC LIMIT $2")
        .bind(before)
        .bind(limit)
        .fetch_all(&mut self.engine.read().await?)
        .await?;
        read_all(rows)
    }
}
