//! What an operation is given besides its parameters.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use upkeep_contract::task::{LogLevel, Progress};
use upkeep_contract::{AttemptNumber, Clock, SystemClock, TaskId};

/// Takes what an operation says while it works. Calls must be cheap and never block:
/// the receiver throttles (at most ten progress changes a second reach the queue).
pub trait Reporter: Send + Sync {
    /// How far it has come.
    fn progress(&self, progress: Progress);
    /// A line for the task's log.
    fn log(&self, level: LogLevel, message: String);
}

/// A reporter that drops everything.
#[derive(Debug, Default)]
pub struct SilentReporter;

impl Reporter for SilentReporter {
    fn progress(&self, _: Progress) {}
    fn log(&self, _: LogLevel, _: String) {}
}

/// What an operation is given besides its parameters.
#[derive(Clone)]
pub struct Context {
    /// The task it performs. A direct call has a task id of its own, too: it names the artifact folder.
    pub task_id: TaskId,
    /// Counted from 1; above 1 the artifact folder may hold what an earlier attempt left.
    pub attempt: AttemptNumber,
    /// Cancelled when the operator, a timeout or a lost lease says stop.
    pub cancellation: CancellationToken,
    /// The present time. Ages are judged by it, never by the system's clock directly.
    pub clock: Arc<dyn Clock>,
    /// The folder that holds one folder of artifacts for each task, named by the task's id.
    pub artifacts: PathBuf,
    /// Takes progress and log lines.
    pub reporter: Arc<dyn Reporter>,
}

impl Context {
    /// A context that reports to nobody; for direct calls and tests.
    pub fn silent(artifacts: PathBuf) -> Self {
        Self {
            task_id: TaskId::generate(),
            attempt: 1,
            cancellation: CancellationToken::new(),
            clock: Arc::new(SystemClock),
            artifacts,
            reporter: Arc::new(SilentReporter),
        }
    }

    /// This task's artifact folder. It is made when something is first written to it.
    pub fn artifact_folder(&self) -> PathBuf {
        self.artifacts.join(self.task_id.as_str())
    }

    /// Reports how far the operation has come.
    pub fn progress(&self, done: u64, total: Option<u64>, unit: &str, message: impl Into<String>) {
        self.reporter.progress(Progress {
            done,
            total,
            unit: unit.to_owned(),
            message: message.into(),
            stopping: false,
        });
    }

    /// Logs a line for the record.
    pub fn info(&self, message: impl Into<String>) {
        self.reporter.log(LogLevel::Info, message.into());
    }

    /// Logs that something was left out or is odd.
    pub fn warn(&self, message: impl Into<String>) {
        self.reporter.log(LogLevel::Warning, message.into());
    }

    /// True once somebody said stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Context")
            .field("task_id", &self.task_id)
            .field("attempt", &self.attempt)
            .field("artifacts", &self.artifacts)
            .finish_non_exhaustive()
    }
}
