//! What a health check found.

use anstyle::Style;
use upkeep_contract::health::{CheckStatus, HealthReport, HealthStatus};

use crate::output::{DIM, GREEN, Output, RED, YELLOW, clean};

/// Prints a report: the checks that are not well, or all of them.
pub(crate) fn print(report: &HealthReport, all: bool, output: &mut Output) {
    let (word, style) = status(report.status);
    output.line(format!(
        "{style}{word}{style:#} {}: {}",
        clean(&report.host),
        summary(report)
    ));
    for check in &report.checks {
        if !all && check.status == CheckStatus::Ok {
            continue;
        }
        let (word, style) = check_status(check.status);
        output.line(format!(
            "  {style}{word:<8}{style:#} {}: {}",
            clean(&check.id),
            clean(&check.message)
        ));
        if !check.action.is_empty() {
            output.line(format!("           {}", clean(&check.action)));
        }
    }
}

fn summary(report: &HealthReport) -> String {
    let count = |status| {
        report
            .checks
            .iter()
            .filter(|check| check.status == status)
            .count()
    };
    let mut parts = Vec::new();
    for (status, word) in [
        (CheckStatus::Critical, "critical"),
        (CheckStatus::Warning, "warning"),
        (CheckStatus::Unknown, "unknown"),
        (CheckStatus::Ok, "ok"),
    ] {
        let many = count(status);
        if many > 0 {
            parts.push(format!("{many} {word}"));
        }
    }
    parts.join(", ")
}

pub(crate) fn status(status: HealthStatus) -> (&'static str, Style) {
    match status {
        HealthStatus::Healthy => ("healthy", GREEN),
        HealthStatus::Degraded => ("degraded", YELLOW),
        HealthStatus::Critical => ("critical", RED),
        HealthStatus::Unknown => ("unknown", DIM),
    }
}

fn check_status(status: CheckStatus) -> (&'static str, Style) {
    match status {
        CheckStatus::Ok => ("ok", GREEN),
        CheckStatus::Warning => ("warning", YELLOW),
        CheckStatus::Critical => ("critical", RED),
        CheckStatus::Unknown => ("unknown", DIM),
    }
}
