//! Looking at a database before it is used: nothing is made, brought up to date or written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::{Engine, postgres, sqlite};
use crate::QueueError;

/// What [`inspect`] found at a database URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inspection {
    /// There is no file yet; opening the queue makes it.
    Missing {
        /// Where it will be.
        file: PathBuf,
    },
    /// It can be read, but opening the queue will first bring its schema up to date.
    Outdated {
        /// The database file, when it is one.
        file: Option<PathBuf>,
    },
    /// It can be read, and its schema is the one of this version.
    Ready {
        /// The database file, when it is one.
        file: Option<PathBuf>,
    },
}

/// Says what opening the queue at this URL would meet, without changing anything.
///
/// # Errors
/// As [`crate::Queue::open`]: the engine is not supported, the database cannot be read, or its schema
/// was made by a newer Upkeep.
pub async fn inspect(url: &str) -> Result<Inspection, QueueError> {
    if Engine::is_postgres(url)? {
        let mut connection = PgConnection::connect_with(&postgres::options(url)?).await?;
        let ready = is_ready(&mut connection).await;
        connection.close().await?;
        return Ok(if ready? {
            Inspection::Ready { file: None }
        } else {
            Inspection::Outdated { file: None }
        });
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|error| QueueError::Url {
        url: url.to_owned(),
        reason: error.to_string(),
    })?;
    let file = options.get_filename().to_owned();
    if let Err(error) = file.metadata() {
        return match error.kind() {
            std::io::ErrorKind::NotFound => Ok(Inspection::Missing { file }),
            _ => Err(sqlx::Error::Io(error).into()),
        };
    }
    // a reader of a write-ahead log makes files beside the database; without a log it need not
    let options = options
        .create_if_missing(false)
        .read_only(true)
        .immutable(!has_log(&file));
    let mut connection = options.connect().await?;
    let applied = applied_migrations(&mut connection).await;
    connection.close().await?;
    if is_up_to_date(&applied?, &sqlite::MIGRATIONS)? {
        Ok(Inspection::Ready { file: Some(file) })
    } else {
        Ok(Inspection::Outdated { file: Some(file) })
    }
}

/// Whether the schema of a database on a server is the one of this version.
pub(super) async fn is_ready(connection: &mut PgConnection) -> Result<bool, QueueError> {
    let applied = applied_on_server(connection).await?;
    Ok(is_up_to_date(&applied, &postgres::MIGRATIONS)?)
}

/// Whether commits wait beside the file: a program has it open, or was killed.
fn has_log(file: &Path) -> bool {
    let mut log = OsString::from(file);
    log.push("-wal");
    Path::new(&log).metadata().is_ok_and(|log| log.len() > 0)
}

async fn applied_migrations(
    connection: &mut SqliteConnection,
) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
        .fetch_all(connection)
        .await
}

async fn applied_on_server(
    connection: &mut PgConnection,
) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(Vec::new());
    }
    // one that broke off is left to the migrator, which says so
    sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await
}

/// The rules of the migrator, without its writing.
fn is_up_to_date(applied: &[(i64, Vec<u8>)], migrations: &Migrator) -> Result<bool, MigrateError> {
    for (version, checksum) in applied {
        let known = migrations.iter().find(|known| known.version == *version);
        let Some(known) = known else {
            return Err(MigrateError::VersionMissing(*version));
        };
        if known.checksum[..] != checksum[..] {
            return Err(MigrateError::VersionMismatch(*version));
        }
    }
    Ok(applied.len() == migrations.iter().count())
}
