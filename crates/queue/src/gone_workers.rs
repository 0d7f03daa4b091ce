//! Workers that are gone: what cleaning, or a person, may remove from the registry.
//!
//! One that lives, or that still holds a task, is out of reach, however old its last sign of life is.

use serde_json::json;
use sqlx::FromRow;
use upkeep_contract::event::Change;
use upkeep_contract::{Timestamp, WorkerId};

use crate::audit::NewAudit;
use crate::changes::Meaning;
use crate::engine::{WriteTransaction, list_of, sql};
use crate::rows::count;
use crate::workers::STALE_AFTER;
use crate::{Queue, QueueError};

/// A worker that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneWorker {
    /// Its id.
    pub id: WorkerId,
    /// Its last sign of life.
    pub heartbeat_at: Timestamp,
    /// Bytes of its texts in the database: what removing it gives back, roughly.
    pub bytes: u64,
}

#[derive(FromRow)]
struct GoneRow {
    id: String,
    heartbeat_at: i64,
    bytes: i64,
}

/// Stopped in good order, or silent for so long that it is called stale; and nothing waits for its lease.
const IS_GONE: &str = "(state = 'stopped' OR heartbeat_at < $2) AND NOT EXISTS \
     (SELECT 1 FROM tasks WHERE tasks.state = 'running' AND tasks.worker_id = workers.id)";

impl Queue {
    /// Workers that are gone and gave their last sign of life before `before`, by that and id, after the
    /// given one; at most `limit`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn gone_workers(
        &self,
        before: Timestamp,
        after: Option<&(Timestamp, WorkerId)>,
        limit: u32,
    ) -> Result<Vec<GoneWorker>, QueueError> {
        let (after_time, after_id) =
            after.map_or((i64::MIN, ""), |(time, id)| (time.as_millis(), id.as_str()));
        let rows: Vec<GoneRow> = sql(format!(
            "SELECT id, heartbeat_at, CAST(LENGTH(operations) + COALESCE(LENGTH(vitals), 0) AS BIGINT) AS bytes \
             FROM workers WHERE heartbeat_at < $1 AND {IS_GONE} AND (heartbeat_at, id) > ($3, $4) \
             ORDER BY heartbeat_at, id LIMIT $5"
        ))
        .bind(before)
        .bind(self.now().minus(STALE_AFTER))
        .bind(after_time)
        .bind(after_id)
        .bind(limit)
        .fetch_all(&mut self.engine.read().await?)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| GoneWorker {
                id: WorkerId(row.id),
                heartbeat_at: Timestamp(row.heartbeat_at),
                bytes: count(row.bytes),
            })
            .collect())
    }

    /// Removes these workers if they are still gone and gave no sign of life since `before`. Returns those
    /// of the given that the registry no longer has. What they did stays in the history.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; nothing was removed.
    pub async fn remove_gone_workers(
        &self,
        ids: &[WorkerId],
        before: Timestamp,
    ) -> Result<Vec<WorkerId>, QueueError> {
        let mut tx = self.engine.write().await?;
        let existing = self.delete_gone(&mut tx, ids, before).await?;
        self.commit(tx, vec![Change::All], Meaning::NEITHER).await?;
        Ok(ids
            .iter()
            .filter(|id| !existing.contains(id))
            .cloned()
            .collect())
    }

    /// Forgets these workers when they are gone, however short a time ago, because a person asked for it;
    /// how many that were.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; none was forgotten.
    pub async fn forget_workers(&self, ids: &[WorkerId], who: &str) -> Result<u32, QueueError> {
        let mut tx = self.engine.write().await?;
        let now = self.now();
        let there = in_registry(&mut tx, ids).await?;
        let left = self
            .delete_gone(&mut tx, &there, Timestamp(i64::MAX))
            .await?;
        let forgotten: Vec<&WorkerId> = there.iter().filter(|id| !left.contains(id)).collect();
        let subject = match forgotten.as_slice() {
            [] => {
                tx.rollback().await?;
                return Ok(0);
            }
            [one] => one.as_str().to_owned(),
            many => format!("{} workers", many.len()),
        };
        NewAudit::new(
            who,
            "forget_workers",
            &subject,
            &json!({ "workers": forgotten }),
        )
        .insert(&mut tx, now)
        .await?;
        self.commit(tx, vec![Change::All], Meaning::NEITHER).await?;
        Ok(u32::try_from(forgotten.len()).unwrap_or(u32::MAX))
    }

    /// Removes those that are gone; the ones that the registry still has.
    async fn delete_gone(
        &self,
        tx: &mut WriteTransaction,
        ids: &[WorkerId],
        before: Timestamp,
    ) -> Result<Vec<WorkerId>, QueueError> {
        for piece in list_of(ids) {
            let mut statement = sql(format!(
                "DELETE FROM workers WHERE heartbeat_at < $1 AND {IS_GONE} AND id IN "
            ))
            .bind(before)
            .bind(self.now().minus(STALE_AFTER));
            statement.push_list(piece.iter().map(WorkerId::as_str));
            statement.execute(tx).await?;
        }
        in_registry(tx, ids).await
    }
}

/// Those of the given that the registry has.
async fn in_registry(
    tx: &mut WriteTransaction,
    ids: &[WorkerId],
) -> Result<Vec<WorkerId>, QueueError> {
    let mut found = Vec::new();
    for piece in list_of(ids) {
        let mut statement = sql("SELECT id FROM workers WHERE id IN ");
        statement.push_list(piece.iter().map(WorkerId::as_str));
        let left: Vec<(String,)> = statement.fetch_all(tx).await?;
        found.extend(left.into_iter().map(|(id,)| WorkerId(id)));
    }
    Ok(found)
}
