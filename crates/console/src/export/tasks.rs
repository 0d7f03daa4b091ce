//! A list of tasks under its filter, the newest first: a row for each, and what they add up to.

use std::collections::BTreeMap;

use upkeep_contract::statistics::Outcomes;
use upkeep_contract::task::{Task, TaskCursor, TaskFilter, TaskState};
use upkeep_contract::{OperationId, Timestamp};

use super::about::About;
use super::cell::{Cell, Column, column, detail};
use super::summary::{Chart, Family, Kind, Sample, Summary, Table, Tone, float, seconds};
use super::{Exported, Writer};
use crate::{Console, ConsoleError};

/// Rows of one look at the database: the largest page it gives.
const PAGE: u32 = 500;

const COLUMNS: &[Column] = &[
    column("id", "Task"),
    column("operation", "Operation"),
    detail("dry_run", "Preview"),
    column("state", "State"),
    column("host", "Host"),
    detail("target_host", "Must run on"),
    column("enqueued_at", "Asked for"),
    detail("started_at", "Started"),
    column("finished_at", "Ended"),
    column("waiting_ms", "Waited, ms"),
    column("duration_ms", "Worked, ms"),
    detail("attempts", "Attempts"),
    detail("max_attempts", "At most"),
    detail("priority", "Priority"),
    column("requested_by", "By"),
    detail("cancel_requested_by", "Cancelled by"),
    detail("group_id", "Fan-out"),
    detail("rerun_of", "Runs again"),
    detail("error_kind", "Error"),
    column("error_message", "Message"),
    detail("error_hint", "Hint"),
    detail("params", "Parameters"),
];

pub(super) async fn write<T: FnMut(u64, Option<u64>) + Send>(
    console: &Console,
    filter: &TaskFilter,
    about: About,
    writer: Writer<T>,
) -> Result<Exported, ConsoleError> {
    let begun = about.made_at;
    let count = console.count_tasks(filter).await?;
    let total = Some(count.queued + count.running + count.finished);
    let mut writer = writer.begin(&about, COLUMNS, total).await?;
    let mut sums = Sums::default();
    let mut after: Option<TaskCursor> = None;
    loop {
        let page = console.queue.tasks(filter, after.as_ref(), PAGE).await?;
        let mut rows = Vec::with_capacity(page.tasks.len());
        // the newest first: what was asked for after the beginning can only stand on the first page
        for task in page
            .tasks
            .into_iter()
            .filter(|task| task.enqueued_at <= begun)
        {
            sums.add(&task);
            rows.push(row(task));
        }
        writer = writer.page(rows, total).await?;
        after = page.next;
        if after.is_none() {
            let summary = sums.into_summary(&about);
            return writer.end(about, summary).await;
        }
    }
}

fn row(task: Task) -> Vec<Cell> {
    let waited = task.started_at.map(|at| at.0 - task.enqueued_at.0);
    let worked = duration(&task);
    let (kind, message, hint) = match task.error {
        Some(error) => (
            Cell::Text(error.kind),
            Cell::Text(error.message),
            Cell::Text(error.hint),
        ),
        None => (Cell::Empty, Cell::Empty, Cell::Empty),
    };
    vec![
        Cell::Text(task.id.0),
        Cell::Text(task.operation.0),
        Cell::Truth(task.dry_run),
        Cell::text(task.state.as_str()),
        Cell::maybe(task.worker_host, Cell::Text),
        Cell::maybe(task.target_host, Cell::Text),
        Cell::Time(task.enqueued_at),
        Cell::maybe(task.started_at, Cell::Time),
        Cell::maybe(task.finished_at, Cell::Time),
        Cell::maybe(waited, Cell::Integer),
        Cell::maybe(worked, Cell::Integer),
        Cell::Integer(i64::from(task.attempt)),
        Cell::Integer(i64::from(task.max_attempts)),
        Cell::Integer(i64::from(task.priority)),
        Cell::Text(task.requested_by),
        Cell::maybe(task.cancel_requested_by, Cell::Text),
        Cell::maybe(task.group_id, |id| Cell::Text(id.0)),
        Cell::maybe(task.rerun_of, |id| Cell::Text(id.0)),
        kind,
        message,
        hint,
        Cell::Json(task.params),
    ]
}

fn duration(task: &Task) -> Option<i64> {
    Some(task.finished_at?.0 - task.started_at?.0)
}

/// Operation, state, host.
type Kinds = BTreeMap<(OperationId, &'static str, String), u64>;

/// What the tasks add up to: so much for each kind, whatever their number.
#[derive(Default)]
struct Sums {
    kinds: Kinds,
    states: BTreeMap<&'static str, u64>,
    operations: BTreeMap<OperationId, (Outcomes, u64, i64, u64)>,
    newest: Option<Timestamp>,
    oldest: Option<Timestamp>,
    /// Tasks asked for, by state, by day since 1970 in UTC.
    days: BTreeMap<i64, [u64; 6]>,
}

const DAY_MS: i64 = 86_400_000;

impl Sums {
    fn add(&mut self, task: &Task) {
        let host = task.worker_host.as_ref().or(task.target_host.as_ref());
        let state = task.state.as_str();
        let kind = (
            task.operation.clone(),
            state,
            host.cloned().unwrap_or_default(),
        );
        *self.kinds.entry(kind).or_default() += 1;
        *self.states.entry(state).or_default() += 1;
        let (outcomes, unfinished, worked, ran) =
            self.operations.entry(task.operation.clone()).or_default();
        outcomes.add(task.state, 1);
        *unfinished += u64::from(!task.state.is_final());
        if let Some(duration) = duration(task) {
            *worked += duration;
            *ran += 1;
        }
        self.newest = self.newest.max(Some(task.enqueued_at));
        self.oldest = Some(
            self.oldest
                .map_or(task.enqueued_at, |old| old.min(task.enqueued_at)),
        );
        let day = self
            .days
            .entry(task.enqueued_at.0.div_euclid(DAY_MS))
            .or_default();
        let place = TaskState::ALL.iter().position(|one| *one == task.state);
        day[place.unwrap_or(0)] += 1;
    }

    fn into_summary(self, about: &About) -> Summary {
        let tasks: u64 = self.states.values().sum();
        let mut figures = vec![("Tasks".to_owned(), tasks.to_string())];
        for state in TaskState::ALL {
            if let Some(count) = self.states.get(state.as_str()) {
                figures.push((state.as_str().to_owned(), count.to_string()));
            }
        }
        if let (Some(oldest), Some(newest)) = (self.oldest, self.newest) {
            figures.push(("First asked for".to_owned(), about.time(oldest)));
            figures.push(("Last asked for".to_owned(), about.time(newest)));
        }
        Summary {
            charts: self.chart().into_iter().collect(),
            tables: vec![self.table()],
            metrics: self.metrics(),
            figures,
            rows_title: Some("Tasks"),
            value: None,
        }
    }

    fn chart(&self) -> Option<Chart> {
        let (first, last) = (*self.days.keys().next()?, *self.days.keys().next_back()?);
        // whole days in each column, so many that the chart can be read
        let days = (last - first) / 60 + 1;
        let mut columns: Vec<(String, Vec<u64>)> = (0..=(last - first) / days)
            .map(|column| (day_name(first + column * days), vec![0; 6]))
            .collect();
        for (day, counts) in &self.days {
            let column = usize::try_from((day - first) / days).unwrap_or(0);
            for (sum, count) in columns[column].1.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        let tallest = columns
            .iter()
            .max_by_key(|(_, counts)| counts.iter().sum::<u64>())?;
        Some(Chart::Stacked {
            title: "Asked for over time".to_owned(),
            summary: format!(
                "Tasks by the day they were asked for (UTC), {} in each column; the most, {}, from {}.",
                if days == 1 {
                    "one day".to_owned()
                } else {
                    format!("{days} days")
                },
                tallest.1.iter().sum::<u64>(),
                tallest.0,
            ),
            series: vec![
                ("queued", Tone::Faint),
                ("running", Tone::Info),
                ("succeeded", Tone::Good),
                ("partial", Tone::Warn),
                ("failed", Tone::Bad),
                ("cancelled", Tone::Quiet),
            ],
            columns,
        })
    }

    fn table(&self) -> Table {
        let rows =
            self.operations
                .iter()
                .map(|(operation, (outcomes, unfinished, worked, ran))| {
                    vec![
                        Cell::text(operation.as_str()),
                        Cell::count(outcomes.ended() + unfinished),
                        Cell::count(*unfinished),
                        Cell::count(outcomes.succeeded),
                        Cell::count(outcomes.partial),
                        Cell::count(outcomes.failed),
                        Cell::count(outcomes.cancelled),
                        Cell::maybe(i64::try_from(*ran).ok().filter(|ran| *ran > 0), |ran| {
                            Cell::Integer(worked / ran)
                        }),
                    ]
                });
        Table {
            title: "By operation",
            columns: vec![
                column("operation", "Operation"),
                column("tasks", "Tasks"),
                column("unfinished", "Not ended"),
                column("succeeded", "Succeeded"),
                column("partial", "Partial"),
                column("failed", "Failed"),
                column("cancelled", "Cancelled"),
                column("mean_ms", "Worked, mean ms"),
            ],
            rows: rows.collect(),
            empty: "No task matches the filter.",
        }
    }

    fn metrics(&self) -> Vec<Family> {
        let mut tasks = Family::gauge(
            "upkeep_tasks",
            "",
            "Tasks under the filter, by operation, state and host (empty: any host).",
        );
        for ((operation, state, host), count) in &self.kinds {
            tasks.set(
                vec![
                    ("operation", operation.to_string()),
                    ("state", (*state).to_owned()),
                    ("host", host.clone()),
                ],
                float(*count),
            );
        }
        let mut worked = Family {
            name: "upkeep_task_duration_seconds",
            kind: Kind::Summary,
            unit: "seconds",
            help: "From the first attempt's start to the end, of tasks that have ended.",
            samples: Vec::new(),
        };
        for (operation, (_, _, sum, ran)) in &self.operations {
            for (suffix, value) in [("_count", float(*ran)), ("_sum", seconds(*sum))] {
                worked.samples.push(Sample {
                    suffix,
                    labels: vec![("operation", operation.to_string())],
                    value,
                });
            }
        }
        vec![tasks, worked]
    }
}

fn day_name(day: i64) -> String {
    jiff::Timestamp::from_millisecond(day.saturating_mul(DAY_MS)).map_or_else(
        |_| day.to_string(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}
