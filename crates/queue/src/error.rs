//! How the queue fails, in words an operator can act on.

use sqlx::migrate::MigrateError;
use upkeep_contract::{ErrorCode, ErrorReply, GroupId, TaskId, WorkerId};

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
        source: MigrateError,
    },
    /// The database file is no longer the one that was opened.
    #[error("the database file {} was removed or replaced while it was open", .file.display())]
    Replaced {
        /// The file.
        file: std::path::PathBuf,
    },
    /// There is no such task.
    #[error("there is no task {0}")]
    NoSuchTask(TaskId),
    /// There is no such worker.
    #[error("there is no worker {0}")]
    NoSuchWorker(WorkerId),
    /// There is no task of this fan-out.
    #[error("there is no task of the group {0}")]
    NoSuchGroup(GroupId),
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
            Self::Url { .. } => "give sqlite:///absolute/path/upkeep.db or postgres://user@server/database in UPKEEP_DATABASE_URL, or unset it".to_owned(),
            Self::Schema { source } => schema_hint(source).to_owned(),
            Self::Replaced { .. } => "open it again; a running Upkeep does so by itself".to_owned(),
            Self::NoSuchTask(_) | Self::NoSuchGroup(_) => {
                "it may have been removed with the old runs; reload the list".to_owned()
            }
            Self::NoSuchWorker(_) => "it may have been removed; reload the list of workers".to_owned(),
            Self::Unreadable { .. } => "it may come from a newer Upkeep: update this one".to_owned(),
        }
    }
}

/// A schema is no use for its own sake, or because the database refuses to have it changed.
fn schema_hint(error: &MigrateError) -> &'static str {
    if let MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) = error {
        let hint = unavailable_hint(source);
        if hint != OTHERWISE {
            return hint;
        }
    }
    "it may come from a newer Upkeep, or be no Upkeep database: update Upkeep, or point UPKEEP_DATABASE_URL elsewhere"
}

/// What can be done about an error of the database. SQLite's primary result codes are numbers
/// (sqlite.org/rescode.html), PostgreSQL's are five characters (its manual, appendix A).
fn unavailable_hint(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.parse::<u32>() {
                Ok(number) if code.len() < 5 => sqlite_hint(number & 0xff),
                _ => postgres_hint(&code),
            }
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            "check that the database server runs and can be reached from here, then try again"
        }
        sqlx::Error::PoolTimedOut => {
            "the database answers slowly or not at all; check it, then try again"
        }
        _ => OTHERWISE,
    }
}

fn unavailable_code(error: &sqlx::Error) -> ErrorCode {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            match code.parse::<u32>().map(|number| number & 0xff) {
                Ok(11 | 26) if code.len() < 5 => ErrorCode::DatabaseDamaged,
                Ok(13) if code.len() < 5 => ErrorCode::DiskFull,
                _ if code == "53100" => ErrorCode::DiskFull,
                _ => ErrorCode::DatabaseUnavailable,
            }
        }
        sqlx::Error::Io(source) if source.kind() == std::io::ErrorKind::StorageFull => {
            ErrorCode::DiskFull
        }
        _ => ErrorCode::DatabaseUnavailable,
    }
}

fn schema_code(error: &MigrateError) -> ErrorCode {
    match error {
        // a migration that this version does not know, or knows otherwise
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => {
            ErrorCode::DatabaseNewer
        }
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            unavailable_code(source)
        }
        _ => ErrorCode::DatabaseUnavailable,
    }
}

const OTHERWISE: &str = "check that the database's disk or server is there, then try again";

fn sqlite_hint(primary: u32) -> &'static str {
    match primary {
        5 | 6 => "another program holds the database; try again in a moment",
        8 => "the database is read-only; check the permissions of its file and folder",
        13 => "the disk is full; free some space and try again, nothing was lost",
        10 | 14 => "check that the folder of the database exists, can be written and has space",
        11 | 26 => "the file is damaged or no database; restore it from a copy or move it away",
        _ => OTHERWISE,
    }
}

fn postgres_hint(code: &str) -> &'static str {
    match code {
        "28000" | "28P01" => "the server refused the user or the password in UPKEEP_DATABASE_URL",
        "3D000" => {
            "the database does not exist: make it with `createdb`, or mend its name in UPKEEP_DATABASE_URL"
        }
        "42501" => {
            "the user in UPKEEP_DATABASE_URL may not do this: after an update the owner of the tables opens the database first; what others need stands in docs/operating.md"
        }
        "53100" => "the server's disk is full; free some space and try again, nothing was lost",
        "53300" => "the server has no connection left; raise max_connections or stop some programs",
        "57P01" | "57P02" | "57P03" => "the server stops or starts; try again in a moment",
        "55P03" | "40P01" | "40001" => {
            "another program holds what this needs; try again in a moment"
        }
        "25006" => "the server is a read-only replica; name the primary in UPKEEP_DATABASE_URL",
        _ => OTHERWISE,
    }
}

impl From<sqlx::Error> for QueueError {
    fn from(source: sqlx::Error) -> Self {
        Self::Unavailable { source }
    }
}

impl From<MigrateError> for QueueError {
    fn from(source: MigrateError) -> Self {
        Self::Schema { source }
    }
}

impl From<&QueueError> for ErrorReply {
    fn from(error: &QueueError) -> Self {
        let code = match error {
            QueueError::Unavailable { source } => unavailable_code(source),
            QueueError::Schema { source } => schema_code(source),
            QueueError::Replaced { .. } => ErrorCode::DatabaseReplaced,
            QueueError::Url { .. } => ErrorCode::InvalidConfiguration,
            QueueError::NoSuchTask(_)
            | QueueError::NoSuchWorker(_)
            | QueueError::NoSuchGroup(_) => ErrorCode::NotFound,
            QueueError::Unreadable { .. } => ErrorCode::Internal,
        };
        Self::new(code, error.to_string(), error.hint())
    }
}
