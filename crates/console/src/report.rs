//! A task's report as a file for a person or a program.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use upkeep_contract::task::{Task, TaskState};
use upkeep_contract::{OperationId, TaskId, Timestamp};

use crate::{Console, ConsoleError};

/// The file. Times are RFC 3339 in UTC.
#[derive(Debug, Serialize)]
struct ReportFile<'a> {
    task_id: &'a TaskId,
    operation: &'a OperationId,
    state: TaskState,
    host: Option<&'a str>,
    requested_by: &'a str,
    enqueued_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    parameters: &'a Value,
    report: &'a Value,
}

impl Console {
    /// A task's report as JSON, with a proposed name such as `upkeep-health-check-20261123T105635Z.json`.
    ///
    /// # Errors
    /// [`ConsoleError::NoReport`] when the task returned none; [`ConsoleError::Queue`] when there is
    /// no such task or the database cannot be reached.
    pub async fn report_file(&self, id: &TaskId) -> Result<(String, Vec<u8>), ConsoleError> {
        let detail = self.queue.task(id).await?;
        let report = detail
            .report
            .as_ref()
            .ok_or_else(|| ConsoleError::NoReport(id.clone()))?;
        let task = &detail.task;
        let file = ReportFile {
            task_id: &task.id,
            operation: &task.operation,
            state: task.state,
            host: task.worker_host.as_deref(),
            requested_by: &task.requested_by,
            enqueued_at: rfc3339(task.enqueued_at),
            started_at: task.started_at.map(rfc3339),
            finished_at: task.finished_at.map(rfc3339),
            parameters: &task.params,
            report,
        };
        let mut bytes = serde_json::to_vec_pretty(&file)
            .map_err(|error| ConsoleError::Defect(format!("cannot write the report: {error}")))?;
        bytes.push(b'\n');
        Ok((file_name(task), bytes))
    }

    /// Writes a task's report to the file that a person chose. What was there before is replaced,
    /// whole or not at all: the dialog that chose it has asked.
    ///
    /// # Errors
    /// As [`Console::report_file`]; [`ConsoleError::Write`] when the file cannot be written.
    pub async fn save_report(&self, id: &TaskId, file: &Path) -> Result<(), ConsoleError> {
        let (_, bytes) = self.report_file(id).await?;
        let file = file.to_owned();
        tokio::task::spawn_blocking(move || write(&file, &bytes))
            .await
            .map_err(|error| ConsoleError::Defect(format!("saving broke down: {error}")))?
    }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), ConsoleError> {
    let failed = |source| ConsoleError::Write {
        file: file.to_owned(),
        source,
    };
    let folder = match file.parent() {
        Some(folder) if file.is_absolute() => PathBuf::from(folder),
        _ => {
            let relative = std::io::Error::other("the path is not absolute");
            return Err(failed(relative));
        }
    };
    let mut temporary = tempfile::Builder::new()
        .prefix(".upkeep-")
        .tempfile_in(folder)
        .map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary
        .persist(file)
        .map(drop)
        .map_err(|error| failed(error.error))
}

fn file_name(task: &Task) -> String {
    let at = task.finished_at.unwrap_or(task.enqueued_at);
    let time = utc(at).map_or_else(
        || at.as_millis().to_string(),
        |time| time.strftime("%Y%m%dT%H%M%SZ").to_string(),
    );
    format!("upkeep-{}-{time}.json", task.operation)
}

fn rfc3339(at: Timestamp) -> String {
    utc(at).map_or_else(|| at.to_string(), |time| time.to_string())
}

fn utc(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok()
}
