//! Statistics: each figure a row of one long table, for programs; charts and small tables for people.

mod metrics;
mod page;

use serde_json::Value;
use upkeep_contract::statistics::{Outcomes, Percentiles, StatisticsView};

use super::about::About;
use super::cell::{Cell, Column, column, rfc3339};
use super::summary::Summary;
use super::{Exported, Writer};
use crate::ConsoleError;

const COLUMNS: &[Column] = &[
    column("section", "Section"),
    column("from", "From"),
    column("to", "To"),
    column("operation", "Operation"),
    column("host", "Host"),
    column("state", "State"),
    column("task", "Task"),
    column("measure", "Measure"),
    column("value", "Value"),
    column("unit", "Unit"),
    column("text", "Text"),
];

/// Keys of the view that hold a time in milliseconds: people and programs get RFC 3339.
const TIMES: [&str; 5] = ["from", "to", "finished_at", "computed_at", "at"];

pub(super) async fn write<T: FnMut(u64, Option<u64>) + Send>(
    view: &StatisticsView,
    about: About,
    writer: Writer<T>,
) -> Result<Exported, ConsoleError> {
    let rows = rows(view);
    let total = Some(rows.len() as u64);
    let writer = writer.begin(&about, COLUMNS, total).await?;
    let writer = writer.page(rows, total).await?;
    let mut value = serde_json::to_value(view)
        .map_err(|error| ConsoleError::Defect(format!("the figures are no JSON: {error}")))?;
    write_times(&mut value, &about);
    let summary = Summary {
        figures: page::figures(view),
        charts: vec![page::throughput(&view.queue, &about)],
        tables: page::tables(view),
        rows_title: None,
        metrics: metrics::metrics(view),
        value: Some(("statistics", value)),
    };
    writer.end(about, summary).await
}

fn write_times(value: &mut Value, about: &About) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value.as_i64() {
                    Some(ms) if TIMES.contains(&key.as_str()) => {
                        *value = rfc3339(upkeep_contract::Timestamp(ms), &about.zone).into();
                    }
                    _ => write_times(value, about),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| write_times(value, about)),
        _ => {}
    }
}

/// A row of the long table; what is not set is empty.
#[derive(Default)]
struct Row {
    section: &'static str,
    between: Option<(upkeep_contract::Timestamp, upkeep_contract::Timestamp)>,
    operation: String,
    host: String,
    state: &'static str,
    task: String,
    measure: &'static str,
    value: Option<Cell>,
    unit: &'static str,
    text: String,
}

impl Row {
    fn cells(self) -> Vec<Cell> {
        let text = |text: String| {
            if text.is_empty() {
                Cell::Empty
            } else {
                Cell::Text(text)
            }
        };
        vec![
            Cell::text(self.section),
            Cell::maybe(self.between, |(from, _)| Cell::Time(from)),
            Cell::maybe(self.between, |(_, to)| Cell::Time(to)),
            text(self.operation),
            text(self.host),
            text(self.state.to_owned()),
            text(self.task),
            Cell::text(self.measure),
            self.value.unwrap_or(Cell::Empty),
            Cell::text(self.unit),
            text(self.text),
        ]
    }
}

fn by_state(outcomes: &Outcomes) -> [(&'static str, u64); 4] {
    [
        ("succeeded", outcomes.succeeded),
        ("partial", outcomes.partial),
        ("failed", outcomes.failed),
        ("cancelled", outcomes.cancelled),
    ]
}

#[expect(clippy::too_many_lines, reason = "one figure after the other")]
fn rows(view: &StatisticsView) -> Vec<Vec<Cell>> {
    let queue = &view.queue;
    let mut rows = Vec::new();
    let mut push = |row: Row| rows.push(row.cells());
    for count in &queue.counts {
        push(Row {
            section: "counts",
            operation: count.operation.to_string(),
            state: count.state.as_str(),
            measure: "tasks",
            value: Some(Cell::count(count.count)),
            ..Row::default()
        });
    }
    let all = (
        String::new(),
        queue.success_rate,
        queue.duration,
        queue.waiting,
    );
    let each = queue.operations.iter().map(|one| {
        (
            one.operation.to_string(),
            one.success_rate,
            one.duration,
            one.waiting,
        )
    });
    for (operation, rate, duration, waiting) in std::iter::once(all).chain(each) {
        push(Row {
            section: "success",
            operation: operation.clone(),
            measure: "success_rate",
            value: rate.map(Cell::Real),
            ..Row::default()
        });
        for (section, times) in [("working", duration), ("waiting", waiting)] {
            for (measure, value) in times.into_iter().flat_map(measures) {
                push(Row {
                    section,
                    operation: operation.clone(),
                    measure,
                    value: Some(Cell::Integer(value)),
                    unit: if measure == "tasks" { "" } else { "ms" },
                    ..Row::default()
                });
            }
        }
    }
    for bucket in &queue.throughput {
        for (state, count) in by_state(&bucket.outcomes) {
            push(Row {
                section: "throughput",
                between: Some((bucket.from, bucket.to)),
                state,
                measure: "tasks",
                value: Some(Cell::count(count)),
                ..Row::default()
            });
        }
    }
    for task in &queue.slowest {
        push(Row {
            section: "slowest",
            between: Some((task.finished_at, task.finished_at)),
            operation: task.operation.to_string(),
            host: task.host.clone().unwrap_or_default(),
            state: task.state.as_str(),
            task: task.task_id.to_string(),
            measure: "duration",
            value: Some(Cell::Integer(task.duration_ms)),
            unit: "ms",
            ..Row::default()
        });
    }
    for host in &queue.failures.hosts {
        push(Row {
            section: "failing_hosts",
            host: host.host.clone().unwrap_or_default(),
            state: "failed",
            measure: "tasks",
            value: Some(Cell::count(host.failed)),
            ..Row::default()
        });
    }
    for error in &queue.failures.errors {
        push(Row {
            section: "failing_errors",
            state: "failed",
            task: error.newest_task.to_string(),
            measure: "tasks",
            value: Some(Cell::count(error.failed)),
            text: format!("{}: {}", error.kind, error.message),
            ..Row::default()
        });
    }
    for (measure, value, unit) in now(view) {
        push(Row {
            section: "now",
            measure,
            value,
            unit,
            ..Row::default()
        });
    }
    for host in &view.hosts {
        let vitals = &host.vitals;
        for (measure, value, unit) in [
            ("cpu", vitals.cpu_percent.map(Cell::Real), "percent"),
            (
                "memory_available",
                Some(Cell::count(vitals.memory_available_bytes)),
                "bytes",
            ),
            (
                "memory_total",
                Some(Cell::count(vitals.memory_total_bytes)),
                "bytes",
            ),
            ("load_1m", Some(Cell::Real(vitals.load_average[0])), ""),
        ] {
            push(Row {
                section: "hosts",
                between: Some((vitals.at, vitals.at)),
                host: host.host.clone(),
                measure,
                value,
                unit,
                ..Row::default()
            });
        }
    }
    rows
}

fn measures(times: Percentiles) -> [(&'static str, i64); 5] {
    [
        ("tasks", i64::try_from(times.count).unwrap_or(i64::MAX)),
        ("p50", times.p50_ms),
        ("p95", times.p95_ms),
        ("p99", times.p99_ms),
        ("max", times.max_ms),
    ]
}

fn now(view: &StatisticsView) -> Vec<(&'static str, Option<Cell>, &'static str)> {
    let (queue, runtime, workers) = (&view.queue, &view.runtime, &view.workers);
    let whole = |number: u32| Some(Cell::Integer(i64::from(number)));
    vec![
        ("queued", Some(Cell::count(queue.queued_now)), "tasks"),
        ("running", Some(Cell::count(queue.running_now)), "tasks"),
        (
            "oldest_waiting",
            queue.oldest_waiting_ms.map(Cell::Integer),
            "ms",
        ),
        ("workers_alive", whole(workers.alive), "workers"),
        ("workers_capacity", whole(workers.capacity), "tasks"),
        ("workers_busy", whole(workers.busy), "tasks"),
        (
            "runtime_alive_tasks",
            Some(Cell::count(runtime.alive_tasks)),
            "tasks",
        ),
        (
            "runtime_queue_depth",
            Some(Cell::count(runtime.global_queue_depth)),
            "tasks",
        ),
        (
            "runtime_busy",
            Some(Cell::Real(runtime.busy_percent)),
            "percent",
        ),
    ]
}
