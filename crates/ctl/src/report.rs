//! What a task reported, for a person. Programs get it as it is.

mod cleanup;
pub(crate) mod health;

use std::time::Duration;

use serde_json::Value;
use upkeep_contract::cleanup::{CleanupReport, RestoreReport};
use upkeep_contract::health::HealthReport;
use upkeep_contract::statistics::StatisticsReport;
use upkeep_contract::task::{Task, TaskDetail};

use crate::output::{Output, YELLOW, clean, state_style};
use crate::words::{counted, lasting, local};

/// Prints how a task ended and what it reported, with so many entries at most.
pub(crate) fn print(detail: &TaskDetail, entries: usize, output: &mut Output) {
    let task = &detail.task;
    let style = state_style(task.state);
    let host = task.worker_host.as_ref();
    let host = host
        .map(|host| format!(" on {}", clean(host)))
        .unwrap_or_default();
    let took = took(task)
        .map(|took| format!(" in {}", lasting(took)))
        .unwrap_or_default();
    output.line(format!(
        "{style}{}{style:#} {}{host}{took} ({})",
        task.state.as_str(),
        clean(task.operation.as_str()),
        clean(task.id.as_str()),
    ));
    if let Some(report) = &detail.report {
        content(task, report, entries, output);
    }
}

/// From the first attempt's start to the end.
pub(crate) fn took(task: &Task) -> Option<Duration> {
    Some(task.finished_at?.since(task.started_at?))
}

/// Prints a report; one of a kind that this program does not know is printed as JSON.
pub(crate) fn content(task: &Task, report: &Value, entries: usize, output: &mut Output) {
    // the three have no field names in common that all of the others lack
    if let Ok(report) = serde_json::from_value::<CleanupReport>(report.clone()) {
        cleanup::print(task, &report, entries, output);
    } else if let Ok(report) = serde_json::from_value::<HealthReport>(report.clone()) {
        health::print(&report, false, output);
    } else if let Ok(report) = serde_json::from_value::<StatisticsReport>(report.clone()) {
        statistics(&report, output);
    } else if let Ok(report) = serde_json::from_value::<RestoreReport>(report.clone()) {
        restored(&report, entries, output);
    } else if let Ok(text) = serde_json::to_string_pretty(report) {
        output.lines(text.lines().map(clean));
    }
}

fn statistics(report: &StatisticsReport, output: &mut Output) {
    output.line(format!(
        "logged at {} to {}",
        local(report.logged_at),
        clean(&report.log_file)
    ));
    if let Some(queue) = &report.queue {
        crate::commands::statistics::figures(queue, output);
    }
}

fn restored(report: &RestoreReport, entries: usize, output: &mut Output) {
    output.line(format!(
        "put back: {} of {}; {} could not go back",
        report.files_restored,
        counted(report.files_found, "file"),
        report.files_failed
    ));
    for path in report.restored.iter().take(entries) {
        output.line(format!("  {}", clean(path)));
    }
    problems(&report.problems, report.problems_total, entries, output);
}

fn problems(
    problems: &[upkeep_contract::cleanup::Problem],
    total: u64,
    entries: usize,
    output: &mut Output,
) {
    if total == 0 {
        return;
    }
    output.line(format!("{YELLOW}{}{YELLOW:#}:", counted(total, "problem")));
    for problem in problems.iter().take(entries) {
        output.line(format!(
            "  {}: {}",
            clean(&problem.path),
            clean(&problem.reason)
        ));
    }
    more(total, problems.len().min(entries), output);
}

/// Says how many are left out here.
fn more(total: u64, shown: usize, output: &mut Output) {
    let left = total.saturating_sub(shown as u64);
    if left > 0 {
        output.line(format!("  … and {left} more"));
    }
}
