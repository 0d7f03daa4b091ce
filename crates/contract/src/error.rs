//! How an error reaches a person: a code to branch on, what failed, what to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a front door may branch on. A code exists only where somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A parameter is wrong, missing or unknown.
    InvalidParameters,
    /// The configuration file cannot be used as it is.
    InvalidConfiguration,
    /// No such task, plan, worker or operation.
    NotFound,
    /// The request contradicts the present state, such as cancelling a finished task.
    Conflict,
    /// A safety rule refused the request.
    Refused,
    /// The database cannot be reached; nothing was accepted.
    DatabaseUnavailable,
    /// The database file is damaged, or is no database.
    DatabaseDamaged,
    /// The database file was removed or replaced while it was open.
    DatabaseReplaced,
    /// The database was made by a newer Upkeep.
    DatabaseNewer,
    /// A disk is full; what was asked for was not done.
    DiskFull,
    /// Reading or writing a file failed.
    Io,
    /// The caller has shown no right to ask, or one that no longer holds.
    Unauthorized,
    /// The caller may not ask for this, or not in this way.
    Forbidden,
    /// More was asked than is answered at once; the same request may succeed a little later.
    TooManyRequests,
    /// What was sent is larger than is read.
    TooLarge,
    /// What was to be sent did not arrive in time.
    Timeout,
    /// A defect of Upkeep.
    Internal,
    /// A server that is asked does not answer; what became of the request is not known.
    Unreachable,
}

/// An error as every front door shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct ErrorReply {
    /// What to branch on.
    pub code: ErrorCode,
    /// What failed, lower-case, without a final stop.
    pub message: String,
    /// What to do about it; empty when there is nothing to say.
    pub hint: String,
}

impl ErrorReply {
    /// An error with its cure.
    pub fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
        }
    }
}
