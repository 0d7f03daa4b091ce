//! How a use case fails, and what a front door shows of it.

use std::path::PathBuf;
use std::time::Duration;

use upkeep_config::ConfigError;
use upkeep_contract::params::InvalidParameter;
use upkeep_contract::{ErrorCode, ErrorReply, OperationId, PlanId, TaskId};
use upkeep_operations::OperationError;
use upkeep_operations::deletion::{Refusal, too_old};
use upkeep_queue::QueueError;

/// Why a request could not be met. Nothing was changed unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The configuration or the folders cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The queue cannot be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// An operation refused what it was given.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// There is no such operation here.
    #[error("there is no operation `{operation}`")]
    UnknownOperation {
        /// What was asked for.
        operation: OperationId,
        /// What there is.
        known: Vec<OperationId>,
    },
    /// A parameter is wrong.
    #[error(transparent)]
    InvalidParameter(#[from] InvalidParameter),
    /// A parameter names what the configuration does not have.
    #[error("there is no {kind} `{name}` in the configuration")]
    UnknownName {
        /// `location` or `run store`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A parameter names what the configuration has turned off.
    #[error("the {kind} `{name}` is turned off")]
    TurnedOff {
        /// `location` or `run store`.
        kind: &'static str,
        /// The name asked for.
        name: String,
    },
    /// There is no such plan any more.
    #[error("there is no plan {0}")]
    NoSuchPlan(PlanId),
    /// The plan's task is not what it takes to execute it.
    #[error("plan {plan} cannot be executed: {reason}")]
    UnusablePlan {
        /// The plan.
        plan: PlanId,
        /// Why not.
        reason: String,
    },
    /// The plan was made too long ago.
    #[error("the plan {plan} {how}", how = too_old(*age, *most))]
    PlanTooOld {
        /// The plan.
        plan: PlanId,
        /// How old it is.
        age: Duration,
        /// How old it may be.
        most: Duration,
    },
    /// There is nothing that could be restored.
    #[error("nothing of task {task} can be restored: {reason}")]
    NotRestorable {
        /// The task.
        task: TaskId,
        /// Why not.
        reason: String,
    },
    /// Several tasks have ids that begin so.
    #[error("`{beginning}` begins the ids of several tasks: {}", several(.some))]
    AmbiguousTask {
        /// What was given for an id.
        beginning: String,
        /// Some of the tasks.
        some: Vec<TaskId>,
    },
    /// Only what has ended can be run again.
    #[error("task {0} has not ended yet")]
    NotFinished(TaskId),
    /// The task returned no report.
    #[error("task {0} has no report")]
    NoReport(TaskId),
    /// A location or run store that may not be cleaned.
    #[error("`{name}` cannot be cleaned: {refusal}")]
    Refused {
        /// Its name.
        name: String,
        /// Why not.
        refusal: Refusal,
    },
    /// The settings were changed, but the audit trail does not know.
    #[error("the settings were changed, but the audit trail could not be written: {0}")]
    NotRecorded(#[source] QueueError),
    /// A file could not be written.
    #[error("cannot write {}: {source}", .file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A defect of Upkeep.
    #[error("{0}")]
    Defect(String),
}

impl ConsoleError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Config(error) => error.hint(),
            Self::Queue(error) | Self::NotRecorded(error) => error.hint(),
            Self::Operation(error) => error.hint().to_owned(),
            Self::UnknownOperation { known, .. } => {
                let known: Vec<&str> = known.iter().map(OperationId::as_str).collect();
                format!("use one of: {}", known.join(", "))
            }
            Self::InvalidParameter(_) => "correct the parameter and ask again".to_owned(),
            Self::UnknownName { kind, known, .. } if known.is_empty() => {
                format!("add a {kind} in Settings first; there is none yet")
            }
            Self::UnknownName { known, .. } => format!("use one of: {}", known.join(", ")),
            Self::TurnedOff { .. } => "turn it on in Settings, or leave it out".to_owned(),
            Self::NoSuchPlan(_) | Self::UnusablePlan { .. } | Self::PlanTooOld { .. } => {
                "preview again and execute the new plan".to_owned()
            }
            Self::NotRestorable { .. } => {
                "restore what a cleanup moved to the trash; what was deleted does not come back"
                    .to_owned()
            }
            Self::AmbiguousTask { .. } => "give more of the id".to_owned(),
            Self::NotFinished(_) => "wait until it has ended, or cancel it".to_owned(),
            Self::NoReport(_) => {
                "a task has a report once it has done its work; its log says how far it came"
                    .to_owned()
            }
            Self::Refused { refusal, .. } => refusal.hint().to_owned(),
            Self::Write { source, .. } => write_hint(source.kind()).to_owned(),
            Self::Defect(_) => "report this as a defect".to_owned(),
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Config(error) => ErrorReply::from(error).code,
            Self::Queue(error) | Self::NotRecorded(error) => ErrorReply::from(error).code,
            Self::Operation(OperationError::InvalidParameter(_))
            | Self::InvalidParameter(_)
            | Self::AmbiguousTask { .. }
            | Self::UnknownName { .. } => ErrorCode::InvalidParameters,
            Self::UnknownOperation { .. } | Self::NoSuchPlan(_) | Self::NoReport(_) => {
                ErrorCode::NotFound
            }
            Self::UnusablePlan { .. }
            | Self::PlanTooOld { .. }
            | Self::NotRestorable { .. }
            | Self::NotFinished(_) => ErrorCode::Conflict,
            // unknown operations are refused before, so only settings that cannot be used are left
            Self::Operation(OperationError::Permanent { .. }) => ErrorCode::InvalidConfiguration,
            Self::TurnedOff { .. } | Self::Refused { .. } => ErrorCode::Refused,
            Self::Write { .. } => ErrorCode::Io,
            Self::Operation(_) | Self::Defect(_) => ErrorCode::Internal,
        }
    }
}

fn several(ids: &[TaskId]) -> String {
    let ids: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
    ids.join(", ")
}

fn write_hint(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind as Kind;
    match kind {
        Kind::StorageFull | Kind::QuotaExceeded => {
            "that disk is full: make room on it, or choose a folder on another disk; nothing was left behind"
        }
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
            "choose a folder that you may write to"
        }
        Kind::NotFound | Kind::NotADirectory => "choose a folder that is there",
        Kind::AlreadyExists => "choose another name",
        Kind::InvalidFilename => "choose a shorter or plainer name",
        _ => "choose a folder that you may write to and that has space",
    }
}

impl From<&ConsoleError> for ErrorReply {
    fn from(error: &ConsoleError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint())
    }
}

impl From<ConsoleError> for ErrorReply {
    fn from(error: ConsoleError) -> Self {
        Self::from(&error)
    }
}
