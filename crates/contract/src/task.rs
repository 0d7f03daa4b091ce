//! A task as every front door sees it, and what may be asked of the list of tasks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::waiting::Waiting;
use crate::{AttemptNumber, GroupId, OperationId, TaskId, Timestamp, WorkerId};

/// Where a task stands. The last four are final: they never change again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Accepted and waiting for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// The work was done.
    Succeeded,
    /// The work ended but some items could not be done; never shown as success.
    Partial,
    /// Permanent error, timeout, or no attempts left.
    Failed,
    /// An operator cancelled it.
    Cancelled,
}

impl TaskState {
    /// Every state, in the order of a task's life.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Partial,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// True when the task's life is over.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How far a running attempt has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Progress {
    /// Units done so far in this attempt.
    #[ts(type = "number")]
    pub done: u64,
    /// Units in all, when known.
    #[ts(type = "number | null")]
    pub total: Option<u64>,
    /// What is counted: `files`, `runs`, `checks`, `steps`.
    pub unit: String,
    /// What is going on, for a person.
    pub message: String,
    /// True once the worker has seen that an operator wants the task to stop.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub stopping: bool,
}

/// Why an attempt or task did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TaskError {
    /// A short word to search for: `permanent`, `transient`, `timeout`, `lease_expired`, `cancelled`, `force_closed`.
    pub kind: String,
    /// What failed.
    pub message: String,
    /// What to do about it; empty when there is nothing to say.
    pub hint: String,
}

/// One row of the list of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub operation: OperationId,
    /// With which parameters, as accepted.
    pub params: Value,
    /// True when the parameters ask for a preview only.
    pub dry_run: bool,
    /// The host it must run on, or none for any.
    pub target_host: Option<String>,
    /// The fan-out it belongs to.
    pub group_id: Option<GroupId>,
    /// Where it stands.
    pub state: TaskState,
    /// Why it waits; none unless it is queued.
    pub waiting: Option<Waiting>,
    /// Lower runs first.
    pub priority: i32,
    /// Who asked for it, such as `anna@desk-7 (desktop)`.
    pub requested_by: String,
    /// When it was accepted.
    pub enqueued_at: Timestamp,
    /// Not claimed before this time (back-off).
    pub run_after: Timestamp,
    /// Attempts begun so far.
    pub attempt: AttemptNumber,
    /// Attempts allowed.
    pub max_attempts: AttemptNumber,
    /// Milliseconds one attempt may take.
    #[ts(type = "number")]
    pub timeout_ms: i64,
    /// The worker that holds or last held it.
    pub worker: Option<WorkerId>,
    /// The host of that worker.
    pub worker_host: Option<String>,
    /// When the first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached its final state.
    pub finished_at: Option<Timestamp>,
    /// When an operator asked to cancel it.
    pub cancel_requested_at: Option<Timestamp>,
    /// Who asked to cancel it.
    pub cancel_requested_by: Option<String>,
    /// The newest progress of the running or last attempt.
    pub progress: Option<Progress>,
    /// The last error, also that of an attempt which will be tried again.
    pub error: Option<TaskError>,
    /// The task this one runs again.
    pub rerun_of: Option<TaskId>,
    /// True when its worker was lost: it failed because nobody extended its lease any more, or it
    /// runs by the books while its worker has stopped or gives no sign of life.
    pub lost: bool,
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Still going on.
    Running,
    /// Done.
    Succeeded,
    /// Ended with items that could not be done.
    Partial,
    /// Ended with an error.
    Failed,
    /// Took longer than allowed.
    TimedOut,
    /// Stopped because an operator cancelled the task.
    Cancelled,
    /// Its lease ran out: the worker was killed, or its host is gone.
    Lost,
    /// The worker stopped in good order and handed the task back.
    Released,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Succeeded,
        Self::Partial,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Lost,
        Self::Released,
    ];

    /// Its name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }

    /// The outcome of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
    }
}

/// One execution of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Attempt {
    /// Counted from 1.
    pub number: AttemptNumber,
    /// Who performed it.
    pub worker: WorkerId,
    /// On which host.
    pub host: String,
    /// That worker's process id.
    pub pid: u32,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it did not succeed.
    pub error: Option<TaskError>,
    /// What its worker said after the attempt had been taken from it. It changed nothing.
    pub late: Option<LateResult>,
}

/// The result of an attempt that was no longer its worker's: for the record only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LateResult {
    /// When it came.
    pub at: Timestamp,
    /// What the worker said.
    pub outcome: AttemptOutcome,
    /// The error it named.
    pub error: Option<TaskError>,
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the record.
    Info,
    /// Something was left out or odd.
    Warning,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// Its name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}

/// A line that an attempt logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LogLine {
    /// Position in the task's log: later lines have larger numbers, across attempts too.
    #[ts(type = "number")]
    pub sequence: i64,
    /// The attempt that logged it.
    pub attempt: AttemptNumber,
    /// When.
    pub at: Timestamp,
    /// How serious.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
}

/// A task with everything that is kept of it, except its log, which is read in pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TaskDetail {
    /// The row of the list.
    pub task: Task,
    /// Its attempts, the oldest first.
    pub attempts: Vec<Attempt>,
    /// What the operation returned: a [`crate::cleanup::CleanupReport`],
    /// [`crate::health::HealthReport`] or [`crate::statistics::StatisticsReport`].
    pub report: Option<Value>,
}

/// What a request to perform an operation led to. Both are answers, not errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum TriggerOutcome {
    /// A new task waits for a worker.
    Queued {
        /// Its id.
        task_id: TaskId,
        /// Why it waits, so that nobody waits in vain without knowing.
        waiting: Waiting,
    },
    /// The very same request is already queued or running; no second task was made.
    AlreadyQueued {
        /// The task that is there already.
        task_id: TaskId,
    },
}

impl TriggerOutcome {
    /// The task that will do the work, new or not.
    pub fn task_id(&self) -> &TaskId {
        match self {
            Self::Queued { task_id, .. } | Self::AlreadyQueued { task_id } => task_id,
        }
    }
}

/// What a request to cancel led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// It was still queued and is cancelled now.
    Cancelled,
    /// It runs; its worker has been asked to stop.
    Requested,
    /// It had already ended; nothing changed.
    AlreadyFinished,
}

/// What a request to change the priority of a task led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriorityOutcome {
    /// It has the new priority.
    Changed,
    /// It no longer waits; nothing changed.
    NotQueued,
}

/// What a request to force-close a task led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ForceCloseOutcome {
    /// It is cancelled now; whatever its worker may still say is noted on the attempt and changes nothing.
    Closed,
    /// Its worker is alive: cancel the task instead. Nothing changed.
    WorkerAlive {
        /// That worker's last sign of life.
        heartbeat_at: Timestamp,
    },
    /// It does not run; nothing changed.
    NotRunning,
}

/// Which tasks to list. Every part that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskFilter {
    /// Only these states; empty means all.
    pub states: Vec<TaskState>,
    /// Only these operations; empty means all.
    pub operations: Vec<OperationId>,
    /// Only tasks that ran on this host, or must.
    pub host: Option<String>,
    /// Only the tasks of this fan-out.
    pub group: Option<GroupId>,
    /// Only tasks that somebody asked for whose name contains this, such as `anna` or `(desktop)`.
    pub requested_by: Option<String>,
    /// Only tasks enqueued at this time or later.
    pub since: Option<Timestamp>,
    /// Only tasks enqueued before this time.
    pub until: Option<Timestamp>,
    /// Which of the failed tasks.
    pub failed_as: FailedAs,
    /// Only tasks whose id, operation, requester, host, parameters or error contain this text. A text
    /// that looks like the beginning of an id (13 characters or more) finds by id alone.
    pub text: String,
}

/// Why a task failed, as far as a filter tells them apart. It leaves tasks in other states alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailedAs {
    /// For whatever reason.
    #[default]
    Any,
    /// Its worker was lost, and no attempt was left.
    Lost,
    /// It ended with an error or took too long.
    Error,
}

/// Where a page of tasks begins: after the last row of the page before (keyset paging).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TaskCursor {
    /// `enqueued_at` of the last row seen.
    pub enqueued_at: Timestamp,
    /// Id of the last row seen.
    pub id: TaskId,
}

/// A page of tasks, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TaskPage {
    /// The rows.
    pub tasks: Vec<Task>,
    /// Where the next page begins; none on the last page.
    pub next: Option<TaskCursor>,
    /// Set when the page ends early because enough rows were looked at: tasks enqueued before this
    /// time have not been searched yet, and `next` goes on there. The page may then be short or empty.
    pub searched_to: Option<Timestamp>,
}

/// What a watched task's stream carries: the task as it is now, and the log lines since the last message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TaskUpdate {
    /// The task, with attempts and report.
    pub detail: TaskDetail,
    /// Lines not sent before on this stream, the oldest first.
    pub log: Vec<LogLine>,
    /// The sequence number of the log's newest line, 0 while there is none. The lines of a log are
    /// numbered from 1 without a gap, so this is also how many there are.
    #[ts(type = "number")]
    pub log_end: i64,
}

/// Where a text stands in a task's log, as far as it was looked through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LogHits {
    /// The numbers of the lines that contain it, the oldest first.
    #[ts(type = "Array<number>")]
    pub lines: Vec<i64>,
    /// Every line up to this number was looked at; the next look goes on after it.
    #[ts(type = "number")]
    pub searched_to: i64,
    /// The newest line there was.
    #[ts(type = "number")]
    pub log_end: i64,
}
