//! The audit trail: who asked for what, when. It outlives the tasks it names.

use std::time::Duration;

use serde_json::Value;
use sqlx::FromRow;
use upkeep_contract::Timestamp;
use upkeep_contract::audit::{AuditEntry, AuditFilter, AuditPage};

use crate::engine::{Connected, Statement, WriteTransaction, list_of, rows_of, sql};
use crate::filter::push_text;
use crate::listing::{LARGEST_PAGE, LOOKED_AT_MAX};
use crate::rows::{json, read_all, to_json};
use crate::{Queue, QueueError};

/// Entries are ordered by the clocks of those who made them, which differ by less than this.
const CLOCKS_DIFFER: Duration = Duration::from_hours(1);

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

    /// A page of the audit trail, the newest first, after the entry of that id.
    ///
    /// However long the trail, it takes a bounded time: under a filter a limited number of rows is
    /// looked at, and the page says how far it has looked ([`AuditPage::searched_to`]).
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AuditPage, QueueError> {
        let limit = limit.clamp(1, LARGEST_PAGE);
        let mut snapshot = self.engine.snapshot().await?;
        let end = if *filter == AuditFilter::default() {
            None
        } else {
            looked_at_last(&mut snapshot, after).await?
        };
        let rows: Vec<AuditRow> = page(filter, after, end.as_ref(), limit + 1)
            .fetch_all(&mut snapshot)
            .await?;
        let mut entries: Vec<AuditEntry> = read_all(rows)?;
        if entries.len() > limit as usize {
            entries.truncate(limit as usize);
            return Ok(AuditPage {
                next: entries.last().map(|entry| entry.id.clone()),
                entries,
                searched_to: None,
            });
        }
        // what lies further back than the range, and than clocks differ, cannot match
        let end = end.filter(|(_, at)| {
            filter
                .from
                .is_none_or(|from| *at >= from.minus(CLOCKS_DIFFER))
        });
        Ok(AuditPage {
            entries,
            searched_to: end.as_ref().map(|(_, at)| *at),
            next: end.map(|(id, _)| id),
        })
    }
}

/// The last of the rows to be looked at for this page; none when there are fewer.
async fn looked_at_last(
    connection: &mut impl Connected,
    after: Option<&str>,
) -> Result<Option<(String, Timestamp)>, QueueError> {
    let mut statement = sql("SELECT id, at FROM audit");
    if let Some(after) = after {
        statement.push(" WHERE id < ").push_bind(after);
    }
    statement
        .push(" ORDER BY id DESC LIMIT 1 OFFSET ")
        .push_bind(LOOKED_AT_MAX - 1);
    let row: Option<(String, i64)> = statement.fetch_optional(connection).await?;
    Ok(row.map(|(id, at)| (id, Timestamp(at))))
}

fn page(
    filter: &AuditFilter,
    after: Option<&str>,
    end: Option<&(String, Timestamp)>,
    limit: u32,
) -> Statement {
    let mut statement =
        sql("SELECT id, at, who, what, subject, parameters FROM audit WHERE id <> ''");
    if let Some(after) = after {
        statement.push(" AND id < ").push_bind(after);
    }
    if let Some((end, _)) = end {
        statement.push(" AND id >= ").push_bind(end.as_str());
    }
    if !filter.what.is_empty() {
        statement
            .push(" AND what IN ")
            .push_list(filter.what.iter().map(String::as_str));
    }
    if let Some(subject) = &filter.subject {
        statement
            .push(" AND subject = ")
            .push_bind(subject.as_str());
    }
    if let Some(from) = filter.from {
        statement.push(" AND at >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        statement.push(" AND at <= ").push_bind(until);
    }
    let text = filter.text.trim();
    if !text.is_empty() {
        push_text(
            &mut statement,
            &["who", "what", "subject", "parameters"],
            text,
        );
    }
    statement.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    statement
}
