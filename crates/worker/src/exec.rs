//! `upkeep-worker exec`: one operation without any queue.

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use upkeep_config::Folders;
use upkeep_contract::OperationId;
use upkeep_contract::health::HealthReport;
use upkeep_contract::health_json::HealthDocument;
use upkeep_contract::operation::HEALTH_CHECK;
use upkeep_contract::task::{LogLevel, Progress};
use upkeep_operations::context::{Context, Reporter};
use upkeep_operations::{Finished, OperationError};
use upkeep_worker::registry;

use crate::cli::{ExecArguments, Failure, ReportFormat, prepare, print_json};
use crate::logging::Style;
use crate::selection::no_such_operation;
use crate::signals::Signals;

/// Some items could not be done.
const PARTIAL: u8 = 3;
/// 128 + SIGINT, as shells report it.
const CANCELLED: u8 = 130;
/// The pause between two lines of progress.
const PROGRESS_PAUSE: Duration = Duration::from_millis(500);

pub(crate) async fn exec(
    folders: &Folders,
    arguments: &ExecArguments,
    style: Style,
) -> Result<ExitCode, Failure> {
    prepare(folders)?;
    let registry = registry(folders, None);
    let id = OperationId::from(arguments.operation.as_str());
    let known = registry.describe();
    let Some(operation) = known.iter().find(|operation| operation.id == id) else {
        return Err(no_such_operation(&id, &registry, "one of"));
    };
    let mut params: Value = serde_json::from_str(&arguments.params).map_err(|error| {
        Failure::usage(
            format!("--params is not JSON: {error}"),
            "give an object such as '{\"max_age_hours\":24}'",
        )
    })?;
    let Some(object) = params.as_object_mut() else {
        return Err(Failure::usage(
            "--params is not a JSON object",
            "give an object such as '{\"max_age_hours\":24}'",
        ));
    };
    if arguments.dry_run {
        if !operation.deletes {
            return Err(Failure::usage(
                format!("`{id}` removes nothing, so it has no dry run"),
                "leave --dry-run out",
            ));
        }
        object.insert("dry_run".to_owned(), Value::Bool(true));
    }
    if arguments.format == ReportFormat::HealthJson && id.as_str() != HEALTH_CHECK {
        return Err(Failure::usage(
            format!("`{id}` returns no health, so --format health+json says nothing of it"),
            "leave --format out, or perform health-check",
        ));
    }
    registry.accept(&id, params.clone())?;

    let mut context = Context::silent(folders.artifacts());
    context.reporter = match style {
        Style::Json => Arc::new(LogReporter::default()),
        Style::Human | Style::Journal => Arc::new(StderrReporter::default()),
    };
    let mut signals = Signals::listen()?;
    let run = registry.run(&id, params, &context);
    tokio::pin!(run);
    let done = tokio::select! {
        done = &mut run => done,
        () = signals.told_to_stop() => {
            context.cancellation.cancel();
            run.await
        }
    };
    match done {
        Ok(Finished::Succeeded(report)) => {
            print_report(report, arguments.format).map(|()| ExitCode::SUCCESS)
        }
        Ok(Finished::Partial(report)) => {
            print_report(report, arguments.format).map(|()| ExitCode::from(PARTIAL))
        }
        Err(OperationError::Cancelled { report }) => {
            if let Some(report) = report {
                print_json(&report)?;
            }
            match style {
                Style::Json => tracing::warn!("cancelled"),
                Style::Human | Style::Journal => eprintln!("cancelled"),
            }
            Ok(ExitCode::from(CANCELLED))
        }
        Err(error) => Err(error.into()),
    }
}

fn print_report(report: Value, format: ReportFormat) -> Result<(), Failure> {
    match format {
        ReportFormat::Json => print_json(&report),
        ReportFormat::HealthJson => {
            let report: HealthReport = serde_json::from_value(report).map_err(|error| {
                Failure::failed(format!("the report is no health report: {error}"), "")
            })?;
            print_json(&HealthDocument::from(&report))
        }
    }
}

/// Lets progress through twice a second.
#[derive(Default)]
struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    fn is_open(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = last.is_none_or(|last| last.elapsed() >= PROGRESS_PAUSE);
        if open {
            *last = Some(Instant::now());
        }
        open
    }
}

/// Prints progress and log lines as plain lines on stderr.
#[derive(Default)]
struct StderrReporter(Throttle);

impl Reporter for StderrReporter {
    fn progress(&self, progress: Progress) {
        if !self.0.is_open() {
            return;
        }
        let of = progress
            .total
            .map(|total| format!(" of {total}"))
            .unwrap_or_default();
        eprintln!(
            "{}{of} {}: {}",
            progress.done, progress.unit, progress.message
        );
    }

    fn log(&self, level: LogLevel, message: String) {
        eprintln!("{}: {message}", level.as_str());
    }
}

/// Makes progress and log lines events of the program's own log.
#[derive(Default)]
struct LogReporter(Throttle);

impl Reporter for LogReporter {
    fn progress(&self, progress: Progress) {
        if self.0.is_open() {
            let Progress {
                done,
                total,
                unit,
                message,
                stopping: _,
            } = progress;
            tracing::info!(done, total, unit, "{message}");
        }
    }

    fn log(&self, level: LogLevel, message: String) {
        match level {
            LogLevel::Info => tracing::info!("{message}"),
            LogLevel::Warning => tracing::warn!("{message}"),
            LogLevel::Error => tracing::error!("{message}"),
        }
    }
}
