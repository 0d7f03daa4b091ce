//! Figures of the queue, as the page of statistics has them.

use std::collections::BTreeMap;
use std::time::Duration;

use upkeep_contract::OperationId;
use upkeep_contract::statistics::{
    OperationStatistics, Percentiles, QueueStatistics, StatisticsQuery, StatisticsRange,
};
use upkeep_contract::task::TaskState;

use crate::cli::StatisticsArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{BOLD, Output, clean};
use crate::table::{Cell, Table};
use crate::words::{counted, lasting, local};

impl From<&StatisticsArguments> for StatisticsQuery {
    fn from(given: &StatisticsArguments) -> Self {
        Self {
            range: StatisticsRange::from(&given.range),
            host: given.host.clone(),
            operation: given.operation.clone().map(OperationId),
        }
    }
}

/// `upkeepctl statistics`.
pub(super) async fn statistics(
    connection: &dyn Connection,
    arguments: &StatisticsArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let view = connection
        .statistics(&StatisticsQuery::from(arguments))
        .await?;
    if output.json() {
        output.value(&view);
        return Ok(0);
    }
    figures(&view.queue, output);
    output.line(format!(
        "{BOLD}workers{BOLD:#}    {} alive, {} of {} busy",
        view.workers.alive,
        view.workers.busy,
        counted(u64::from(view.workers.capacity), "place")
    ));
    Ok(0)
}

/// The figures of the queue.
pub(crate) fn figures(queue: &QueueStatistics, output: &mut Output) {
    let mut line =
        |name: &str, value: String| output.line(format!("{BOLD}{name:<10}{BOLD:#} {value}"));
    line(
        "range",
        format!("{} to {}", local(queue.from), local(queue.to)),
    );
    if let Some(host) = &queue.host {
        line("host", clean(host));
    }
    if let Some(operation) = &queue.operation {
        line("operation", clean(operation.as_str()));
    }
    let oldest = queue
        .oldest_waiting_ms
        .and_then(|age| u64::try_from(age).ok());
    let oldest =
        oldest.map(|age| format!(", the oldest for {}", lasting(Duration::from_millis(age))));
    line(
        "now",
        format!(
            "{} waiting{}, {} running",
            queue.queued_now,
            oldest.unwrap_or_default(),
            queue.running_now
        ),
    );
    line("succeeded", share(queue.success_rate));
    line("worked", percentiles(queue.duration.as_ref()));
    line("waited", percentiles(queue.waiting.as_ref()));
    let rows = rows(queue);
    let head = [
        "OPERATION",
        "SUCCEEDED",
        "PARTIAL",
        "FAILED",
        "CANCELLED",
        "SHARE",
        "WORKED P50",
        "P95",
    ];
    Table::new(&head).rows(&rows, output);
    for error in &queue.failures.errors {
        output.line(format!(
            "{BOLD}failing{BOLD:#}    {}: {} ({})",
            counted(error.failed, "time"),
            clean(&error.message),
            clean(error.newest_task.as_str())
        ));
    }
}

fn rows(queue: &QueueStatistics) -> Vec<Vec<Cell>> {
    let mut counts: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for count in &queue.counts {
        let place = match count.state {
            TaskState::Succeeded => 0,
            TaskState::Partial => 1,
            TaskState::Failed => 2,
            TaskState::Cancelled => 3,
            TaskState::Queued | TaskState::Running => continue,
        };
        counts.entry(count.operation.as_str()).or_default()[place] += count.count;
    }
    counts
        .into_iter()
        .map(|(operation, counts)| {
            let found = |each: &&OperationStatistics| each.operation.as_str() == operation;
            let of = queue.operations.iter().find(found);
            let worked = of.and_then(|of| of.duration.as_ref());
            let time = |pick: fn(&Percentiles) -> i64| {
                worked.map(|it| milliseconds(pick(it))).unwrap_or_default()
            };
            let mut row = vec![Cell::new(operation)];
            row.extend(counts.map(|count| Cell::new(count.to_string())));
            row.extend([
                Cell::new(share(of.and_then(|of| of.success_rate))),
                Cell::new(time(|it| it.p50_ms)),
                Cell::new(time(|it| it.p95_ms)),
            ]);
            row
        })
        .collect()
}

fn share(rate: Option<f64>) -> String {
    rate.map_or_else(
        || "nothing ended yet".to_owned(),
        |rate| format!("{:.1} %", rate * 100.0),
    )
}

fn milliseconds(value: i64) -> String {
    lasting(Duration::from_millis(u64::try_from(value).unwrap_or(0)))
}

fn percentiles(of: Option<&Percentiles>) -> String {
    of.map_or_else(
        || "nothing ended yet".to_owned(),
        |of| {
            format!(
                "p50 {}, p95 {}, p99 {}, at most {}",
                milliseconds(of.p50_ms),
                milliseconds(of.p95_ms),
                milliseconds(of.p99_ms),
                milliseconds(of.max_ms)
            )
        },
    )
}
