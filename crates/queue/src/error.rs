//! How the queue fails, in words an operator can act on.

use upkeep_contract::{ErrorCode, ErrorReply, TaskId};

/// Why the queue could not do what it was asked. Nothing was changed unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The database cannot be reached, is locked, or its disk is full.
    #[error("the database cannot be used: {source}")]
    Unavailable {
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// The database URL names no engine that is supported.
    #[error("the database URL `{url}` cannot be used: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The schema could not be brought to this version.
    #[error("the database's schema cannot be used: {source}")]
    Schema {
        /// What the migrator says.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// There is no such task.
    #[error("there is no task {0}")]
    NoSuchTask(TaskId),
    /// A row holds what this version cannot read.
    #[error("the {table} table holds a row that cannot be read: {reason}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// What is wrong with the row.
        reason: String,
    },
}

impl QueueError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unavailable { source } => unavailable_hint(source).to_owned(),
            Self::Url { .. } => "give sqlite:///absolute/path/upkeep.db in UPKEEP_DATABASE_URL, or unset it".to_owned(),
            Self::Schema { .. } => {
                "the file may come from a newer Upkeep, or be no Upkeep database: update Upkeep, or point UPKEEP_DATABASE_URL elsewhere".to_owned()
            }
            Self::NoSuchTask(_) => "it may have been removed with the old runs; reload the list".to_owned(),
            Self::Unreadable { .. } => "it may come from a newer Upkeep: update this one".to_owned(),
        }
    }
}

/// SQLite's primary result codes (sqlite.org/rescode.html) that have a cure worth naming.
fn unavailable_hint(error: &sqlx::Error) -> &'static str {
    let primary = match error {
        sqlx::Error::Database(database) => database
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .map(|code| code & 0xff),
        _ => None,
    };
    match primary {
        Some(5 | 6) => "another program holds the database; try again in a moment",
        Some(8) => "the database is read-only; check the permissions of its file and folder",
        Some(13) => "the disk is full; free some space and try again, nothing was lost",
        Some(10 | 14) => {
            "check that the folder of the database exists, can be written and has space"
        }
        Some(11 | 26) => {
            "the file is damaged or no database; restore it from a copy or move it away"
        }
        _ => "check that the database's disk or server is there, then try again",
    }
}

impl From<sqlx::Error> for QueueError {
    fn from(source: sqlx::Error) -> Self {
        Self::Unavailable { source }
    }
}

impl From<sqlx::migrate::MigrateError> for QueueError {
    fn from(source: sqlx::migrate::MigrateError) -> Self {
        Self::Schema { source }
    }
}

impl From<&QueueError> for ErrorReply {
    fn from(error: &QueueError) -> Self {
        let code = match error {
            QueueError::Unavailable { .. } | QueueError::Schema { .. } => {
                ErrorCode::DatabaseUnavailable
            }
            QueueError::Url { .. } => ErrorCode::InvalidConfiguration,
            QueueError::NoSuchTask(_) => ErrorCode::NotFound,
            QueueError::Unreadable { .. } => ErrorCode::Internal,
        };
        Self::new(code, error.to_string(), error.hint())
    }
}
