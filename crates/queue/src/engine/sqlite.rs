//! SQLite: write-ahead log, one writing connection for each process, a pool of readers.

use std::future::ready;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::log_watch::LogWatch;
use super::room::{Pace, for_a_fresh_file};
use super::sqlite_writer::{SqliteWrite, SqliteWriter};
use crate::QueueError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for another process's write before it is an error.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Enough for the pages of a console; SQLite reads scale with cores, not connections.
const READERS: u32 = 4;

/// Whether a connection holds no transaction of somebody who had it before. When a commit fails on a
/// full disk, SQLite rolls back by itself but the driver goes on counting; such a connection is replaced.
/// What was queued on it, such as a rollback, is done: the pool waits for that when it takes one back.
fn is_clean(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// An open SQLite database.
#[derive(Clone, Debug)]
pub(crate) struct SqliteEngine {
    /// The write-ahead log.
    log: Arc<Path>,
    pub(super) writer: SqliteWriter,
    readers: SqlitePool,
    pub(super) options: Arc<SqliteConnectOptions>,
    pub(super) pace: Arc<Pace>,
    /// Which file was opened.
    identity: Option<Identity>,
}

/// Device and inode of a file; a path alone does not tell whether it is still the same one.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(file: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    file.metadata()
        .ok()
        .map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

impl SqliteEngine {
    /// Opens the database, makes it when it is missing, and brings its schema up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, QueueError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| QueueError::Url {
                url: url.to_owned(),
                reason: error.to_string(),
            })?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // what an operator was told is accepted must survive a power cut
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .optimize_on_close(true, None);
        let mut log = options.get_filename().as_os_str().to_owned();
        log.push("-wal");
        let writer = SqliteWriter::connect(for_a_fresh_file(options.clone()), BUSY_TIMEOUT).await?;
        // under the write lock: two programs that open a fresh database together must not both make it
        {
            let mut connection = writer.ready().await?;
            // the driver's own transaction: the migrator nests others in it
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
            MIGRATIONS.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(ready(Ok(is_clean(connection)))))
            .connect_lazy_with(options.clone().read_only(false));
        Ok(Self {
            identity: identity(options.get_filename()),
            log: Path::new(&log).into(),
            writer,
            readers,
            options: Arc::new(options),
            pace: Arc::default(),
        })
    }

    /// A transaction that may read and then write; it begins with its first statement.
    pub(super) async fn write(&self) -> Result<SqliteWrite, QueueError> {
        self.writer.begin().await
    }

    pub(super) async fn read(&self) -> Result<PoolConnection<Sqlite>, QueueError> {
        Ok(self.readers.acquire().await?)
    }

    pub(super) async fn snapshot(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        Ok(self.readers.begin().await?)
    }

    /// Watches for commits, of this process and of others.
    pub(super) fn watch_log(&self) -> Result<LogWatch, QueueError> {
        Ok(LogWatch::begin(Arc::clone(&self.log)).map_err(sqlx::Error::Io)?)
    }

    /// A number that changes when another process has committed something.
    ///
    /// `PRAGMA data_version` ignores commits of the connection that asks, and all writes of
    /// this process go through that one connection.
    pub(super) async fn others_version(&self) -> Result<i64, QueueError> {
        Ok(sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut *self.writer.ready().await?)
            .await?)
    }

    /// Whether the path still leads to the file that was opened. SQLite itself would go on with a
    /// file that has no name any more, and what it writes there would be lost.
    pub(super) fn check_file(&self) -> Result<(), QueueError> {
        let file = self.options.get_filename();
        if self.identity.is_some() && identity(file) != self.identity {
            return Err(QueueError::Replaced {
                file: file.to_owned(),
            });
        }
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
