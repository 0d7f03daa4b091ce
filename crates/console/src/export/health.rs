//! What health checks have found: a row for each check of each report, the newest report first.

use std::collections::BTreeMap;

use serde_json::Value;
use upkeep_contract::operation::HEALTH_CHECK;
use upkeep_contract::{OperationId, TaskId, Timestamp};
use upkeep_queue::EndedReport;

use super::about::About;
use super::cell::{Cell, Column, column, detail};
use super::summary::{Chart, Family, Summary, Table, float};
use super::{Exported, Writer};
use crate::{Console, ConsoleError};

/// Reports of one look at the database.
const PAGE: u32 = 200;

/// Places of a chart; each shows the highest value of its time.
const PLACES: usize = 180;

/// Lines of a chart; more cannot be told apart.
const LINES: usize = 5;

const COLUMNS: &[Column] = &[
    detail("task_id", "Task"),
    column("host", "Host"),
    column("checked_at", "Checked"),
    detail("whole", "Whole"),
    column("check", "Check"),
    column("status", "Status"),
    column("observed", "Observed"),
    column("unit", "Unit"),
    detail("warning", "Warns at"),
    detail("critical", "Critical at"),
    column("message", "Message"),
    column("action", "What to do"),
];

pub(super) async fn write<T: FnMut(u64, Option<u64>) + Send>(
    console: &Console,
    range: (Timestamp, Timestamp),
    host: Option<&str>,
    about: About,
    writer: Writer<T>,
) -> Result<Exported, ConsoleError> {
    let operation = OperationId::from(HEALTH_CHECK);
    let mut writer = writer.begin(&about, COLUMNS, None).await?;
    let mut history = History::new(range);
    let mut after: Option<(Timestamp, TaskId)> = None;
    loop {
        let page = console
            .queue
            .reports(&operation, range, host, after.as_ref(), PAGE)
            .await?;
        let Some(last) = page.last() else {
            let summary = history.into_summary(&about);
            return writer.end(about, summary).await;
        };
        after = Some((last.finished_at, last.task_id.clone()));
        let rows = page
            .iter()
            .flat_map(|report| history.rows(report))
            .collect();
        writer = writer.page(rows, None).await?;
    }
}

/// Host and check.
type Of = (String, String);

/// A check and its highest values, place by place.
type Line = (String, Vec<Option<f64>>);

/// What the reports add up to: so much for each check of each host, whatever their number.
struct History {
    range: (Timestamp, Timestamp),
    reports: u64,
    wholes: BTreeMap<String, u64>,
    /// How often each check had which status.
    statuses: BTreeMap<Of, BTreeMap<String, u64>>,
    /// What each check said last.
    newest: BTreeMap<Of, (String, Option<f64>, String)>,
    /// Percentages over time.
    lines: BTreeMap<Of, Vec<Option<f64>>>,
}

impl History {
    fn new(range: (Timestamp, Timestamp)) -> Self {
        Self {
            range,
            reports: 0,
            wholes: BTreeMap::new(),
            statuses: BTreeMap::new(),
            newest: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    /// The rows of a report. It is read as it stands: an older Upkeep may have written it.
    fn rows(&mut self, past: &EndedReport) -> Vec<Vec<Cell>> {
        let report = &past.report;
        let host = text(&report["host"])
            .or_else(|| past.host.clone())
            .unwrap_or_default();
        let at = report["checked_at"]
            .as_i64()
            .map_or(past.finished_at, Timestamp);
        let whole = text(&report["status"]).unwrap_or_default();
        self.reports += 1;
        *self.wholes.entry(whole.clone()).or_default() += 1;
        let checks = report["checks"].as_array().map_or(&[][..], Vec::as_slice);
        checks
            .iter()
            .map(|check| {
                self.add(&host, at, check);
                let words = |key: &str| Cell::maybe(text(&check[key]), Cell::Text);
                let number = |key: &str| Cell::maybe(check[key].as_f64(), Cell::Real);
                vec![
                    Cell::text(past.task_id.as_str()),
                    Cell::text(host.as_str()),
                    Cell::Time(at),
                    Cell::text(whole.as_str()),
                    words("id"),
                    words("status"),
                    number("observed"),
                    words("unit"),
                    number("warning"),
                    number("critical"),
                    words("message"),
                    words("action"),
                ]
            })
            .collect()
    }

    fn add(&mut self, host: &str, at: Timestamp, check: &Value) {
        let of = (host.to_owned(), text(&check["id"]).unwrap_or_default());
        let status = text(&check["status"]).unwrap_or_default();
        let unit = text(&check["unit"]).unwrap_or_default();
        let observed = check["observed"].as_f64();
        let statuses = self.statuses.entry(of.clone()).or_default();
        *statuses.entry(status.clone()).or_default() += 1;
        if let Some(value) = observed.filter(|_| unit == "percent") {
            let place = self.place(at);
            let line = self
                .lines
                .entry(of.clone())
                .or_insert_with(|| vec![None; PLACES]);
            line[place] = line[place].max_with(value);
        }
        // the newest report comes first
        self.newest.entry(of).or_insert((status, observed, unit));
    }

    fn place(&self, at: Timestamp) -> usize {
        let (from, to) = self.range;
        let length = to.since(from).as_millis().max(1);
        let place = at.since(from).as_millis() * PLACES as u128 / length;
        usize::try_from(place).unwrap_or(PLACES).min(PLACES - 1)
    }

    fn into_summary(mut self, about: &About) -> Summary {
        let mut figures = vec![("Reports".to_owned(), self.reports.to_string())];
        for (whole, count) in &self.wholes {
            figures.push((whole.clone(), count.to_string()));
        }
        Summary {
            charts: self.charts(about),
            tables: vec![self.table()],
            metrics: self.metrics(),
            figures,
            rows_title: Some("Checks"),
            value: None,
        }
    }

    /// The five percentages that came highest on each of the first five hosts.
    fn charts(&mut self, about: &About) -> Vec<Chart> {
        let mut by_host: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for ((host, check), line) in std::mem::take(&mut self.lines) {
            by_host.entry(host).or_default().push((check, line));
        }
        let (from, to) = self.range;
        let places = i64::try_from(PLACES).unwrap_or(1);
        // a range may be as wide as time itself
        let step = to.0.saturating_sub(from.0) / places;
        let labels: Vec<String> = (0..places)
            .map(|place| {
                let time = about.time(Timestamp(from.0.saturating_add(place.saturating_mul(step))));
                time.get(..16).unwrap_or(&time).replace('T', " ")
            })
            .collect();
        by_host
            .into_iter()
            .take(LINES)
            .map(|(host, mut lines)| {
                let highest =
                    |line: &[Option<f64>]| line.iter().flatten().copied().fold(0.0, f64::max);
                lines.sort_by(|(_, a), (_, b)| highest(b).total_cmp(&highest(a)));
                lines.truncate(LINES);
                let most: Vec<String> = lines
                    .iter()
                    .map(|(check, line)| format!("{check} up to {:.0} %", highest(line)))
                    .collect();
                Chart::Lines {
                    title: format!("Percentages on {host}"),
                    summary: format!("The checks that came highest: {}.", most.join(", ")),
                    unit: "%",
                    series: lines,
                    labels: labels.clone(),
                }
            })
            .collect()
    }

    fn table(&self) -> Table {
        let rows = self.statuses.iter().map(|((host, check), statuses)| {
            let of = |status: &str| Cell::count(statuses.get(status).copied().unwrap_or(0));
            let newest = self.newest.get(&(host.clone(), check.clone()));
            vec![
                Cell::text(host.as_str()),
                Cell::text(check.as_str()),
                Cell::maybe(newest, |(status, _, _)| Cell::text(status.as_str())),
                Cell::maybe(newest.and_then(|(_, observed, _)| *observed), Cell::Real),
                Cell::maybe(newest, |(_, _, unit)| Cell::text(unit.as_str())),
                of("ok"),
                of("warning"),
                of("critical"),
                of("unknown"),
            ]
        });
        Table {
            title: "By check",
            columns: vec![
                column("host", "Host"),
                column("check", "Check"),
                column("status", "Last"),
                column("observed", "Observed"),
                column("unit", "Unit"),
                column("ok", "Ok"),
                column("warning", "Warning"),
                column("critical", "Critical"),
                column("unknown", "Unknown"),
            ],
            rows: rows.collect(),
            empty: "No health check ended in this range.",
        }
    }

    fn metrics(&self) -> Vec<Family> {
        let mut reports = Family::gauge(
            "upkeep_health_reports",
            "",
            "Health reports of the range, by the whole.",
        );
        for (whole, count) in &self.wholes {
            reports.set(vec![("status", whole.clone())], float(*count));
        }
        let mut observed = Family::gauge(
            "upkeep_health_check_observed",
            "",
            "What each check observed last, in the unit of its label.",
        );
        let mut checks = Family::gauge(
            "upkeep_health_checks",
            "",
            "How often each check had this status in the range.",
        );
        for ((host, check), (_, value, unit)) in &self.newest {
            if let Some(value) = value {
                let labels = vec![
                    ("host", host.clone()),
                    ("check", check.clone()),
                    ("in", unit.clone()),
                ];
                observed.set(labels, *value);
            }
        }
        for ((host, check), statuses) in &self.statuses {
            for (status, count) in statuses {
                let labels = vec![
                    ("host", host.clone()),
                    ("check", check.clone()),
                    ("status", status.clone()),
                ];
                checks.set(labels, float(*count));
            }
        }
        vec![reports, observed, checks]
    }
}

trait MaxWith {
    fn max_with(self, value: f64) -> Self;
}

impl MaxWith for Option<f64> {
    fn max_with(self, value: f64) -> Self {
        Some(self.map_or(value, |known| known.max(value)))
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
