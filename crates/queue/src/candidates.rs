//! Which queued tasks a worker may take next, as the beginning of a statement.
//!
//! Each operation and target is looked at by itself, in the order of an index, so that a million
//! tasks which this worker may not take are not in the way of the one that it may.

use std::collections::HashMap;

use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{OperationId, WorkerId};

use crate::QueueError;
use crate::backoff::Due;
use crate::claim::ClaimFilter;
use crate::engine::{Connected, Statement, sql};

/// More candidates than are wanted: others may just be claiming the first ones.
const SPARE: u32 = 64;

/// So many candidates that `up_to` can be had, as one of few numbers. Limits stand in the text of the
/// statement: of one that is bound PostgreSQL supposes a tenth of the table, and reads all of it for
/// each claim. Few texts, because each is prepared once.
fn enough(up_to: u32) -> u32 {
    up_to
        .checked_next_power_of_two()
        .unwrap_or(up_to)
        .saturating_add(SPARE)
}

/// An operation that a worker may take tasks of right now.
#[derive(Debug)]
pub(crate) struct Allowed<'f> {
    pub(crate) operation: &'f OperationId,
    /// How many tasks that are no previews may be taken; previews are not limited.
    pub(crate) changes: u32,
}

/// The operations of the filter that are not paused, with their free places on this host. None for
/// a worker that an operator wants to drain: asked within the claim, so that no claim begins after the wish.
pub(crate) async fn allowed<'f>(
    connection: &mut impl Connected,
    filter: &'f ClaimFilter,
    host_limits: &HashMap<OperationId, u32>,
    worker: Option<&WorkerId>,
) -> Result<Vec<Allowed<'f>>, QueueError> {
    // one statement: paused operations, the wish to drain (it has no name), and what runs here
    let mut statement = sql("SELECT operation, CAST(NULL AS BIGINT) FROM paused_operations");
    if let Some(worker) = worker {
        statement
            .push(" UNION ALL SELECT '', CAST(NULL AS BIGINT) FROM workers WHERE drain_requested_at IS NOT NULL AND id = ")
            .push_bind(worker.as_str());
    }
    if !host_limits.is_empty() {
        statement
            .push(" UNION ALL SELECT operation, COUNT(*) FROM tasks WHERE state = 'running' AND dry_run = 0 AND worker_host = ")
            .push_bind(filter.host.as_str())
            .push(" GROUP BY operation");
    }
    let rows: Vec<(String, Option<i64>)> = statement.fetch_all(connection).await?;
    if rows.iter().any(|(operation, _)| operation.is_empty()) {
        return Ok(Vec::new());
    }
    let paused = |id: &OperationId| {
        rows.iter()
            .any(|(operation, running)| running.is_none() && operation == id.as_str())
    };
    let running = |id: &OperationId| {
        let row = rows
            .iter()
            .find(|(operation, running)| running.is_some() && operation == id.as_str());
        row.and_then(|(_, running)| *running).unwrap_or(0)
    };
    Ok(filter
        .operations
        .iter()
        .filter(|operation| !paused(operation))
        .map(|operation| Allowed {
            operation,
            changes: host_limits.get(operation).map_or(u32::MAX, |limit| {
                limit.saturating_sub(u32::try_from(running(operation)).unwrap_or(u32::MAX))
            }),
        })
        .collect())
}

/// The order in which a strategy takes tasks.
pub(crate) fn order(strategy: ClaimStrategy) -> &'static str {
    match strategy {
        ClaimStrategy::Priority | ClaimStrategy::WeightedRandom => "priority, enqueued_at, id",
        ClaimStrategy::Fifo => "enqueued_at, id",
        ClaimStrategy::Lifo => "enqueued_at DESC, id DESC",
    }
}

/// The same order, begun with the column that stands before it in the index: where every row has the
/// same target, or none, it changes nothing, but PostgreSQL sees only so that the index has the order.
fn order_of_index(strategy: ClaimStrategy) -> &'static str {
    match strategy {
        ClaimStrategy::Priority | ClaimStrategy::WeightedRandom => {
            "target_host, priority, enqueued_at, id"
        }
        ClaimStrategy::Fifo => "target_host, enqueued_at, id",
        ClaimStrategy::Lifo => "target_host DESC, enqueued_at DESC, id DESC",
    }
}

/// `WITH candidates AS (…)`: ids of due tasks that may be taken, the first ones of the strategy's order.
/// `None` when no operation is allowed.
pub(crate) fn candidates(
    filter: &ClaimFilter,
    allowed: &[Allowed<'_>],
    due: Due,
    up_to: u32,
) -> Option<Statement> {
    if allowed.is_empty() || up_to == 0 {
        return None;
    }
    Some(match filter.strategy {
        ClaimStrategy::WeightedRandom => by_chance(filter, allowed, due),
        _ => in_order(filter, allowed, due, up_to),
    })
}

fn in_order(filter: &ClaimFilter, allowed: &[Allowed<'_>], due: Due, up_to: u32) -> Statement {
    let order = order(filter.strategy);
    let in_place = order_of_index(filter.strategy);
    let mut statement = sql("WITH ");
    let mut branches = Vec::new();
    for (index, allowance) in allowed.iter().enumerate() {
        let unlimited = allowance.changes == u32::MAX;
        let mut kinds = Vec::new();
        if unlimited {
            kinds.push(("", enough(up_to)));
        } else {
            if allowance.changes > 0 {
                // exactly as many as there is room for
                kinds.push((" AND dry_run = 0", allowance.changes.min(up_to)));
            }
            kinds.push((" AND dry_run = 1", enough(up_to)));
        }
        for (kind, (dry_run, limit)) in kinds.into_iter().enumerate() {
            let name = format!("of_{index}_{kind}");
            statement.push(if branches.is_empty() { "" } else { ", " });
            statement.push(&format!(
                "{name} AS (SELECT id, priority, enqueued_at FROM ("
            ));
            for (place, here) in [false, true].into_iter().enumerate() {
                statement.push(if place == 0 { "" } else { " UNION ALL " });
                statement.push("SELECT * FROM (SELECT id, priority, enqueued_at FROM tasks WHERE state = 'queued' AND operation = ");
                statement.push_bind(allowance.operation.as_str());
                if here {
                    statement.push(" AND target_host = ");
                    statement.push_bind(filter.host.as_str());
                } else {
                    statement.push(" AND target_host IS NULL");
                }
                statement.push(" AND ");
                due.push(&mut statement);
                statement.push(&format!(
                    " AND attempt < max_attempts{dry_run} ORDER BY {in_place} LIMIT {limit}) AS place_{place}"
                ));
            }
            statement.push(&format!(") AS places ORDER BY {order} LIMIT {limit})"));
            branches.push(name);
        }
    }
    statement.push(", candidates AS (SELECT id FROM (");
    for (index, name) in branches.iter().enumerate() {
        statement.push(if index == 0 { "" } else { " UNION ALL " });
        statement.push(&format!("SELECT * FROM {name}"));
    }
    statement.push(&format!(
        ") AS together ORDER BY {order} LIMIT {})",
        enough(up_to)
    ));
    statement
}

/// One task by chance: the one at whose place in the running sum of weights a number falls.
/// Reads all that is due, so this strategy is for queues of some thousands.
fn by_chance(filter: &ClaimFilter, allowed: &[Allowed<'_>], due: Due) -> Statement {
    let mut statement = sql(
        "WITH weighed AS (SELECT id, CAST(1 AS DOUBLE PRECISION) / (CASE WHEN priority < 0 THEN 1 ELSE priority + 1 END) AS weight \
         FROM tasks WHERE state = 'queued' AND ",
    );
    due.push(&mut statement);
    statement.push(" AND attempt < max_attempts AND (target_host IS NULL OR target_host = ");
    statement.push_bind(filter.host.as_str());
    statement.push(") AND (");
    for (index, allowance) in allowed.iter().enumerate() {
        statement.push(if index == 0 {
            "(operation = "
        } else {
            " OR (operation = "
        });
        statement.push_bind(allowance.operation.as_str());
        statement.push(if allowance.changes == 0 {
            " AND dry_run = 1)"
        } else {
            ")"
        });
    }
    statement.push(
        ")), summed AS (SELECT id, SUM(weight) OVER (ORDER BY id) AS upto, SUM(weight) OVER () AS whole FROM weighed), \
         candidates AS (SELECT id FROM summed WHERE upto >= ",
    );
    statement.push_bind(rand::random::<f64>());
    statement.push(" * whole ORDER BY upto LIMIT 1)");
    statement
}
