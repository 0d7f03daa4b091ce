//! Rows as the database gives them, and what they mean.

use serde::de::DeserializeOwned;
use sqlx::FromRow;
use upkeep_contract::task::{
    Attempt, AttemptOutcome, LateResult, LogLevel, LogLine, Task, TaskError, TaskState,
};
use upkeep_contract::{GroupId, OperationId, TaskId, Timestamp, WorkerId};

use crate::QueueError;

/// The columns of [`TaskRow`], in every statement that returns tasks. The report is left out: it can be large.
pub(crate) const TASK_COLUMNS: &str = "id, operation, params, dry_run, target_host, group_id, state, priority, requested_by, \
     enqueued_at, run_after, attempt, max_attempts, timeout_ms, worker_id, worker_host, started_at, finished_at, \
     cancel_requested_at, cancel_requested_by, progress, error, rerun_of";

/// The kind of the error of an attempt whose lease ran out.
pub(crate) const LOST_KIND: &str = "lease_expired";

#[derive(Debug, FromRow)]
pub(crate) struct TaskRow {
    id: String,
    operation: String,
    params: String,
    dry_run: i64,
    target_host: Option<String>,
    group_id: Option<String>,
    state: String,
    priority: i64,
    requested_by: String,
    enqueued_at: i64,
    run_after: i64,
    attempt: i64,
    max_attempts: i64,
    timeout_ms: i64,
    worker_id: Option<String>,
    worker_host: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    cancel_requested_at: Option<i64>,
    cancel_requested_by: Option<String>,
    progress: Option<String>,
    error: Option<String>,
    rerun_of: Option<String>,
}

impl TryFrom<TaskRow> for Task {
    type Error = QueueError;

    fn try_from(row: TaskRow) -> Result<Self, QueueError> {
        let state = state(&row.state)?;
        let error: Option<TaskError> = row
            .error
            .as_deref()
            .map(|text| json("tasks", text))
            .transpose()?;
        Ok(Self {
            params: json("tasks", &row.params)?,
            state,
            progress: row
                .progress
                .as_deref()
                .map(|text| json("tasks", text))
                .transpose()?,
            // of one that runs only the workers know, see `Queue::explain`
            lost: state == TaskState::Failed
                && error.as_ref().is_some_and(|error| error.kind == LOST_KIND),
            error,
            id: TaskId(row.id),
            operation: OperationId(row.operation),
            dry_run: row.dry_run != 0,
            target_host: row.target_host,
            group_id: row.group_id.map(GroupId),
            waiting: None,
            priority: small("tasks", row.priority)?,
            requested_by: row.requested_by,
            enqueued_at: Timestamp(row.enqueued_at),
            run_after: Timestamp(row.run_after),
            attempt: small("tasks", row.attempt)?,
            max_attempts: small("tasks", row.max_attempts)?,
            timeout_ms: row.timeout_ms,
            worker: row.worker_id.map(WorkerId),
            worker_host: row.worker_host,
            started_at: row.started_at.map(Timestamp),
            finished_at: row.finished_at.map(Timestamp),
            cancel_requested_at: row.cancel_requested_at.map(Timestamp),
            cancel_requested_by: row.cancel_requested_by,
            rerun_of: row.rerun_of.map(TaskId),
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct AttemptRow {
    number: i64,
    worker_id: String,
    host: String,
    pid: i64,
    started_at: i64,
    ended_at: Option<i64>,
    outcome: String,
    error: Option<String>,
    late_at: Option<i64>,
    late_outcome: Option<String>,
    late_error: Option<String>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = QueueError;

    fn try_from(row: AttemptRow) -> Result<Self, QueueError> {
        Ok(Self {
            number: small("attempts", row.number)?,
            worker: WorkerId(row.worker_id),
            host: row.host,
            pid: small("attempts", row.pid)?,
            started_at: Timestamp(row.started_at),
            ended_at: row.ended_at.map(Timestamp),
            outcome: outcome(&row.outcome)?,
            error: row
                .error
                .as_deref()
                .map(|text| json("attempts", text))
                .transpose()?,
            late: match (row.late_at, row.late_outcome) {
                (Some(at), Some(name)) => Some(LateResult {
                    at: Timestamp(at),
                    outcome: outcome(&name)?,
                    error: row
                        .late_error
                        .as_deref()
                        .map(|text| json("attempts", text))
                        .transpose()?,
                }),
                _ => None,
            },
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct LogRow {
    sequence: i64,
    attempt: i64,
    at: i64,
    level: String,
    message: String,
}

impl TryFrom<LogRow> for LogLine {
    type Error = QueueError;

    fn try_from(row: LogRow) -> Result<Self, QueueError> {
        Ok(Self {
            sequence: row.sequence,
            attempt: small("task_log", row.attempt)?,
            at: Timestamp(row.at),
            level: LogLevel::parse(&row.level)
                .ok_or_else(|| unreadable("task_log", format!("unknown level `{}`", row.level)))?,
            message: row.message,
        })
    }
}

/// Turns rows into what they mean, or says which table holds one that cannot be read.
pub(crate) fn read_all<R, T>(rows: Vec<R>) -> Result<Vec<T>, QueueError>
where
    T: TryFrom<R, Error = QueueError>,
{
    rows.into_iter().map(T::try_from).collect()
}

pub(crate) fn unreadable(table: &'static str, reason: impl Into<String>) -> QueueError {
    QueueError::Unreadable {
        table,
        reason: reason.into(),
    }
}

pub(crate) fn json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, QueueError> {
    serde_json::from_str(text).map_err(|error| unreadable(table, format!("bad JSON: {error}")))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, QueueError> {
    serde_json::to_string(value).map_err(|error| QueueError::Unavailable {
        source: sqlx::Error::Encode(Box::new(error)),
    })
}

pub(crate) fn state(name: &str) -> Result<TaskState, QueueError> {
    TaskState::parse(name).ok_or_else(|| unreadable("tasks", format!("unknown state `{name}`")))
}

fn outcome(name: &str) -> Result<AttemptOutcome, QueueError> {
    AttemptOutcome::parse(name)
        .ok_or_else(|| unreadable("attempts", format!("unknown outcome `{name}`")))
}

pub(crate) fn small<T: TryFrom<i64>>(table: &'static str, number: i64) -> Result<T, QueueError> {
    T::try_from(number).map_err(|_| unreadable(table, format!("number {number} out of range")))
}

pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
