//! Giving tasks to a worker: queued → running.

use std::time::Duration;

use upkeep_contract::task::Task;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{LeaseToken, OperationId, Timestamp, WorkerId};

use crate::attempt::Lease;
use crate::candidates::{Allowed, allowed, candidates, order};
use crate::changes::{Meaning, task_changed};
use crate::engine::{Statement, sql};
use crate::rows::{TASK_COLUMNS, TaskRow};
use crate::{Queue, QueueError};

/// `state = 'queued'` in a form that no index answers: the rows are found by their ids. SQLite would
/// else read every queued task, twice for each claim, unless the table was analysed while it was full.
const STILL_QUEUED: &str = "state || '' = 'queued'";

/// Which tasks a worker may take, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFilter {
    /// What it can perform.
    pub operations: Vec<OperationId>,
    /// Its host: tasks for another host are left alone.
    pub host: String,
    /// In which order.
    pub strategy: ClaimStrategy,
}

/// An attempt that was given to a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The task, as it is now.
    pub task: Task,
    /// The right to write about it.
    pub lease: Lease,
    /// Until when, unless a heartbeat extends it.
    pub lease_until: Timestamp,
}

impl Queue {
    /// Claims the next tasks this worker may perform, at most `up_to`, in its order; empty when
    /// nothing is due. A worker that takes tasks by chance gets one at a time.
    ///
    /// One statement picks and takes them, so two workers can never hold the same attempt. The
    /// attempt is counted here, not at the end: a task that kills its worker runs out of attempts.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; nothing was claimed.
    pub async fn claim(
        &self,
        worker: &WorkerId,
        pid: u32,
        filter: &ClaimFilter,
        lease: Duration,
        up_to: u32,
    ) -> Result<Vec<Claim>, QueueError> {
        let mut tx = self.engine.write_with_first().await?;
        if !self.host_limits.is_empty() {
            // two workers of one host must not both take the last free place
            tx.lock(&format!("upkeep claim {}", filter.host)).await?;
        }
        let allowed = allowed(&mut tx, filter, &self.host_limits, Some(worker)).await?;
        // taken with the write lock in hand: waiting for it must not use up the lease
        let due = self.due();
        let now = due.now;
        let Some(mut statement) = candidates(filter, &allowed, due, up_to) else {
            tx.rollback().await?;
            return Ok(Vec::new());
        };
        let lease_until = now.plus(lease);
        let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
        let prefix = LeaseToken::generate();
        statement.push(", picked AS (SELECT id FROM tasks WHERE ");
        statement.push(self.engine.is_candidate()).push(" AND ");
        // asked again by the statement that takes them: what was enqueued after an operator paused its
        // operation, or asked this worker to drain, is seen together with that wish or not at all
        statement.push(STILL_QUEUED).push(
            " AND operation NOT IN (SELECT operation FROM paused_operations) \
             AND NOT EXISTS (SELECT 1 FROM workers WHERE drain_requested_at IS NOT NULL AND id = ",
        );
        statement.push_bind(worker.as_str()).push(") AND ");
        // asked again of the row that is locked: another worker may just have had and returned it
        due.push(&mut statement);
        statement.push(&format!(" ORDER BY {} LIMIT ", order(filter.strategy)));
        statement.push_bind(up_to);
        statement.push(&format!(" {})", self.engine.claim_lock()));
        statement
            .push(" UPDATE tasks SET state = 'running', attempt = attempt + 1, lease_token = ");
        // tokens differ by their task, and this one claim is the only one that has this prefix
        statement.push_bind(format!("{prefix}."));
        statement
            .push(" || id, lease_until = ")
            .push_bind(lease_until);
        statement.push(", lease_ms = ").push_bind(lease_ms);
        statement.push(", worker_id = ").push_bind(worker.as_str());
        statement
            .push(", worker_host = ")
            .push_bind(filter.host.as_str());
        statement
            .push(", started_at = COALESCE(started_at, ")
            .push_bind(now);
        statement.push(&format!(
            "), progress = NULL WHERE {STILL_QUEUED} AND id IN (SELECT id FROM picked) RETURNING {TASK_COLUMNS}"
        ));
        let attempts = attempts_of(worker, pid, filter, &prefix, now);
        let rows: Vec<TaskRow> = tx.fetch_together(vec![statement, attempts], true).await?;
        if rows.is_empty() {
            tx.rollback().await?;
            return Ok(Vec::new());
        }
        let mut claims = Vec::with_capacity(rows.len());
        for row in rows {
            let task = match Task::try_from(row) {
                Ok(task) => task,
                Err(error) => {
                    // the others are taken: they must not be lost for it, and its own lease runs out
                    tracing::error!(%error, "a claimed task cannot be read");
                    continue;
                }
            };
            let lease = Lease {
                task_id: task.id.clone(),
                token: LeaseToken(format!("{prefix}.{}", task.id)),
                attempt: task.attempt,
            };
            claims.push(Claim {
                task,
                lease,
                lease_until,
            });
        }
        // the database returns what it changed in any order
        sort(&mut claims, filter.strategy);
        let changes = claims.iter().map(|claim| task_changed(&claim.task.id));
        self.commit(tx, changes.collect(), Meaning::NEITHER).await?;
        Ok(claims)
    }

    /// When the next queued task that this worker may perform now is due, which may be in the past;
    /// `None` when there is none. Paused operations and those at their limit are left out.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn next_due(&self, filter: &ClaimFilter) -> Result<Option<Timestamp>, QueueError> {
        let mut connection = self.engine.read().await?;
        let allowed = allowed(&mut connection, filter, &self.host_limits, None).await?;
        let due = self.due();
        // the strategy decides which is next, not whether there is one
        let any = ClaimFilter {
            strategy: ClaimStrategy::Priority,
            ..filter.clone()
        };
        let Some(mut statement) = candidates(&any, &allowed, due, 1) else {
            return Ok(None);
        };
        statement.push(" SELECT id FROM candidates LIMIT 1");
        let candidate: Option<(String,)> = statement.fetch_optional(&mut connection).await?;
        if candidate.is_some() {
            return Ok(Some(due.now));
        }
        let waits: Option<(i64,)> = sql(
            "SELECT run_after FROM tasks WHERE state = 'queued' AND attempt > 0 AND run_after > $1 AND run_after <= $2 \
             AND (target_host IS NULL OR target_host = $3) \
             AND ($4 LIKE '%,' || operation || ',%' OR (dry_run = 1 AND $5 LIKE '%,' || operation || ',%')) \
             ORDER BY run_after LIMIT 1",
        )
        .bind(due.now)
        .bind(due.longest)
        .bind(filter.host.as_str())
        .bind(between_commas(&allowed, |allowance| allowance.changes > 0))
        .bind(between_commas(&allowed, |_| true))
        .fetch_optional(&mut connection)
        .await?;
        Ok(waits.map(|(run_after,)| Timestamp(run_after)))
    }
}

/// Enters the attempts of what this claim has just taken.
fn attempts_of(
    worker: &WorkerId,
    pid: u32,
    filter: &ClaimFilter,
    prefix: &LeaseToken,
    now: Timestamp,
) -> Statement {
    let mut statement = sql(
        "INSERT INTO attempts (task_id, number, worker_id, host, pid, lease_token, started_at, outcome) \
         SELECT id, attempt, worker_id, worker_host, ",
    );
    // a parameter that is only selected has no type of its own
    statement.push("CAST(").push_bind(pid);
    statement
        .push(" AS BIGINT), lease_token, CAST(")
        .push_bind(now);
    statement.push(" AS BIGINT), 'running' FROM tasks WHERE state = 'running' AND worker_host = ");
    statement.push_bind(filter.host.as_str());
    statement.push(" AND worker_id = ");
    statement.push_bind(worker.as_str());
    statement.push(" AND lease_token = ");
    statement.push_bind(format!("{prefix}."));
    statement.push(" || id");
    statement
}

/// Ids as one text between commas, which both engines can search with LIKE.
fn between_commas(allowed: &[Allowed<'_>], which: impl Fn(&Allowed<'_>) -> bool) -> String {
    allowed
        .iter()
        .filter(|allowance| which(allowance))
        .fold(",".to_owned(), |list, allowance| {
            list + allowance.operation.as_str() + ","
        })
}

fn sort(claims: &mut [Claim], strategy: ClaimStrategy) {
    claims.sort_by(|a, b| {
        let (a, b) = (&a.task, &b.task);
        let age = || (a.enqueued_at, &a.id).cmp(&(b.enqueued_at, &b.id));
        match strategy {
            ClaimStrategy::Priority | ClaimStrategy::WeightedRandom => {
                a.priority.cmp(&b.priority).then_with(age)
            }
            ClaimStrategy::Fifo => age(),
            ClaimStrategy::Lifo => age().reverse(),
        }
    });
}
