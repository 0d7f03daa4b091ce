//! Statistics: each figure a row of one long table, for programs; charts and small tables for people.

use serde_json::Value;
use upkeep_contract::statistics::{Outcomes, Percentiles, QueueStatistics, StatisticsView};

use super::about::About;
use super::cell::{Cell, Column, column, rfc3339};
use super::summary::{Chart, Family, Kind, Sample, Summary, Table, Tone, float, seconds};
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
        figures: figures(view),
        charts: vec![throughput(&view.queue, &about)],
        tables: tables(view),
        rows_title: None,
        metrics: metrics(view),
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

fn figures(view: &StatisticsView) -> Vec<(String, String)> {
    let queue = &view.queue;
    let ended: u64 = queue
        .operations
        .iter()
        .map(|one| one.outcomes.ended())
        .sum();
    let mut figures = vec![
        ("Ended".to_owned(), ended.to_string()),
        (
            "Succeeded".to_owned(),
            queue
                .success_rate
                .map_or_else(|| "–".to_owned(), |rate| format!("{:.2} %", rate * 100.0)),
        ),
        ("Waiting now".to_owned(), queue.queued_now.to_string()),
        ("Running now".to_owned(), queue.running_now.to_string()),
    ];
    for (name, times) in [("Worked", queue.duration), ("Waited", queue.waiting)] {
        if let Some(times) = times {
            figures.push((format!("{name}, half within"), in_words(times.p50_ms)));
            figures.push((format!("{name}, 95 % within"), in_words(times.p95_ms)));
            figures.push((format!("{name}, 99 % within"), in_words(times.p99_ms)));
        }
    }
    let workers = &view.workers;
    figures.push((
        "Workers".to_owned(),
        format!(
            "{} alive, {} of {} places busy",
            workers.alive, workers.busy, workers.capacity
        ),
    ));
    figures
}

/// `885 ms`, `12.5 s`, `3 h 20 min`.
fn in_words(ms: i64) -> String {
    match ms {
        _ if ms.abs() < 1_000 => format!("{ms} ms"),
        _ if ms.abs() < 60_000 => format!("{:.1} s", seconds(ms)),
        _ if ms.abs() < 3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

fn throughput(queue: &QueueStatistics, about: &About) -> Chart {
    let label = |at| {
        let time = about.time(at);
        time.get(..16).unwrap_or(&time).replace('T', " ")
    };
    let columns: Vec<(String, Vec<u64>)> = queue
        .throughput
        .iter()
        .map(|bucket| {
            let values = by_state(&bucket.outcomes).map(|(_, count)| count).to_vec();
            (label(bucket.from), values)
        })
        .collect();
    let most = columns
        .iter()
        .max_by_key(|(_, values)| values.iter().sum::<u64>());
    let summary = match most {
        Some((label, values)) if values.iter().sum::<u64>() > 0 => format!(
            "Tasks that ended, in {} columns; the most, {}, from {label}.",
            columns.len(),
            values.iter().sum::<u64>()
        ),
        _ => "No task ended in this range.".to_owned(),
    };
    Chart::Stacked {
        title: "Ended over time".to_owned(),
        summary,
        series: vec![
            ("succeeded", Tone::Good),
            ("partial", Tone::Warn),
            ("failed", Tone::Bad),
            ("cancelled", Tone::Quiet),
        ],
        columns,
    }
}

fn tables(view: &StatisticsView) -> Vec<Table> {
    let queue = &view.queue;
    let words = |times: Option<Percentiles>, pick: fn(&Percentiles) -> i64| {
        Cell::maybe(times, |times| Cell::text(in_words(pick(&times))))
    };
    let operations = queue.operations.iter().map(|one| {
        let mut row = vec![
            Cell::text(one.operation.as_str()),
            Cell::count(one.outcomes.ended()),
        ];
        row.extend(by_state(&one.outcomes).map(|(_, count)| Cell::count(count)));
        row.push(Cell::maybe(one.success_rate, |rate| {
            Cell::text(format!("{:.2} %", rate * 100.0))
        }));
        for times in [one.duration, one.waiting] {
            row.push(words(times, |times| times.p50_ms));
            row.push(words(times, |times| times.p95_ms));
            row.push(words(times, |times| times.p99_ms));
        }
        row
    });
    let slowest = queue.slowest.iter().map(|task| {
        vec![
            Cell::text(task.task_id.as_str()),
            Cell::text(task.operation.as_str()),
            Cell::maybe(task.host.clone(), Cell::Text),
            Cell::text(task.state.as_str()),
            Cell::Time(task.finished_at),
            Cell::text(in_words(task.duration_ms)),
        ]
    });
    let hosts = queue.failures.hosts.iter().map(|host| {
        vec![
            Cell::maybe(host.host.clone(), Cell::Text),
            Cell::count(host.failed),
        ]
    });
    let errors = queue.failures.errors.iter().map(|error| {
        vec![
            Cell::text(error.message.as_str()),
            Cell::text(error.kind.as_str()),
            Cell::count(error.failed),
            Cell::text(error.newest_task.as_str()),
        ]
    });
    let now = now(view).into_iter().map(|(name, value, unit)| {
        vec![
            Cell::text(name.replace('_', " ")),
            value.unwrap_or(Cell::Empty),
            Cell::text(unit),
        ]
    });
    vec![
        Table {
            title: "By operation",
            columns: vec![
                column("operation", "Operation"),
                column("ended", "Ended"),
                column("succeeded", "Succeeded"),
                column("partial", "Partial"),
                column("failed", "Failed"),
                column("cancelled", "Cancelled"),
                column("success_rate", "Success"),
                column("work_p50", "Worked p50"),
                column("work_p95", "p95"),
                column("work_p99", "p99"),
                column("wait_p50", "Waited p50"),
                column("wait_p95", "p95"),
                column("wait_p99", "p99"),
            ],
            rows: operations.collect(),
            empty: "No task ended in this range.",
        },
        Table {
            title: "Slowest",
            columns: vec![
                column("task", "Task"),
                column("operation", "Operation"),
                column("host", "Host"),
                column("state", "State"),
                column("ended", "Ended"),
                column("worked", "Worked"),
            ],
            rows: slowest.collect(),
            empty: "No task ended in this range.",
        },
        Table {
            title: "Failing hosts",
            columns: vec![column("host", "Host"), column("failed", "Failed")],
            rows: hosts.collect(),
            empty: "Nothing failed in this range.",
        },
        Table {
            title: "Most frequent errors",
            columns: vec![
                column("message", "Message"),
                column("kind", "Kind"),
                column("failed", "Failed"),
                column("newest", "Newest task"),
            ],
            rows: errors.collect(),
            empty: "Nothing failed in this range.",
        },
        Table {
            title: "Now",
            columns: vec![
                column("measure", "Measure"),
                column("value", "Value"),
                column("unit", "Unit"),
            ],
            rows: now.collect(),
            empty: "",
        },
    ]
}

fn metrics(view: &StatisticsView) -> Vec<Family> {
    let queue = &view.queue;
    let mut tasks = Family::gauge(
        "upkeep_tasks",
        "",
        "Tasks of the range by operation and state: final states by when they ended, others by when they were asked for.",
    );
    for count in &queue.counts {
        let labels = vec![
            ("operation", count.operation.to_string()),
            ("state", count.state.as_str().to_owned()),
        ];
        tasks.set(labels, float(count.count));
    }
    let mut rate = Family::gauge(
        "upkeep_task_success_ratio",
        "ratio",
        "Succeeded among succeeded, partial and failed.",
    );
    for one in &queue.operations {
        if let Some(value) = one.success_rate {
            rate.set(vec![("operation", one.operation.to_string())], value);
        }
    }
    let times = |name,
                 help,
                 pick: fn(
        &upkeep_contract::statistics::OperationStatistics,
    ) -> Option<Percentiles>| {
        let mut family = Family {
            name,
            kind: Kind::Summary,
            unit: "seconds",
            help,
            samples: Vec::new(),
        };
        for one in &queue.operations {
            let Some(times) = pick(one) else { continue };
            let operation = || ("operation", one.operation.to_string());
            for (quantile, ms) in [
                ("0.5", times.p50_ms),
                ("0.95", times.p95_ms),
                ("0.99", times.p99_ms),
                ("1", times.max_ms),
            ] {
                family.samples.push(Sample {
                    suffix: "",
                    labels: vec![operation(), ("quantile", quantile.to_owned())],
                    value: seconds(ms),
                });
            }
            family.samples.push(Sample {
                suffix: "_count",
                labels: vec![operation()],
                value: float(times.count),
            });
        }
        family
    };
    let mut families = vec![
        tasks,
        rate,
        times(
            "upkeep_task_duration_seconds",
            "From the first attempt's start to the end.",
            |one| one.duration,
        ),
        times(
            "upkeep_task_waiting_seconds",
            "From being asked for to the first attempt's start.",
            |one| one.waiting,
        ),
        Family::single(
            "upkeep_queue_queued",
            "",
            "Tasks waiting now.",
            float(queue.queued_now),
        ),
        Family::single(
            "upkeep_queue_running",
            "",
            "Tasks running now.",
            float(queue.running_now),
        ),
        Family::single(
            "upkeep_workers",
            "",
            "Workers alive now.",
            f64::from(view.workers.alive),
        ),
        Family::single(
            "upkeep_workers_capacity",
            "",
            "Tasks that they can perform at once.",
            f64::from(view.workers.capacity),
        ),
        Family::single(
            "upkeep_workers_busy",
            "",
            "Tasks that they hold.",
            f64::from(view.workers.busy),
        ),
        Family::single(
            "upkeep_runtime_alive_tasks",
            "",
            "Async tasks alive in the program that wrote this.",
            float(view.runtime.alive_tasks),
        ),
        Family::single(
            "upkeep_runtime_busy_ratio",
            "ratio",
            "Share of its threads' time spent busy since it started.",
            view.runtime.busy_percent / 100.0,
        ),
    ];
    if let Some(oldest) = queue.oldest_waiting_ms {
        families.push(Family::single(
            "upkeep_queue_oldest_waiting_seconds",
            "seconds",
            "Age of the oldest task that waits and is due.",
            seconds(oldest),
        ));
    }
    let mut cpu = Family::gauge(
        "upkeep_host_cpu_ratio",
        "ratio",
        "CPU in use, over all cores.",
    );
    let mut available = Family::gauge(
        "upkeep_host_memory_available_bytes",
        "bytes",
        "Memory that programs could still get.",
    );
    let mut load = Family::gauge("upkeep_host_load1", "", "Load average over one minute.");
    for host in &view.hosts {
        let label = || vec![("host", host.host.clone())];
        if let Some(percent) = host.vitals.cpu_percent {
            cpu.set(label(), percent / 100.0);
        }
        available.set(label(), float(host.vitals.memory_available_bytes));
        load.set(label(), host.vitals.load_average[0]);
    }
    families.extend([cpu, available, load]);
    families
}
