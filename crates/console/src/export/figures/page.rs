//! Statistics for people: figures, a chart, small tables.

use upkeep_contract::statistics::{Percentiles, QueueStatistics, StatisticsView};

use super::super::about::About;
use super::super::cell::{Cell, column};
use super::super::summary::{Chart, Table, Tone, seconds};
use super::{by_state, now};

pub(super) fn figures(view: &StatisticsView) -> Vec<(String, String)> {
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

pub(super) fn throughput(queue: &QueueStatistics, about: &About) -> Chart {
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

#[expect(clippy::too_many_lines, reason = "one figure after the other")]
pub(super) fn tables(view: &StatisticsView) -> Vec<Table> {
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
            Cell::text(if task.lost {
                "lost"
            } else {
                task.state.as_str()
            }),
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
