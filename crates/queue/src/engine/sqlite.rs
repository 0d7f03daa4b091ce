//! SQLite: write-ahead log, one writer connection for each process, a pool of readers.

use std::future::ready;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use crate::QueueError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for another process's write before it is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The result code of SQLite that another program holds a lock (sqlite.org/rescode.html).
const BUSY: &str = "5";

/// The pause before the next try to connect.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Enough for the pages of a console; SQLite reads scale with cores, not connections.
const READERS: u32 = 4;

/// Whether a connection holds no transaction of somebody who had it before. When a commit fails on a
/// full disk, SQLite rolls back by itself but the driver goes on counting; such a connection is replaced.
/// What was queued on it, such as a rollback, is done: the pool waits for that when it takes one back.
fn is_clean(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

/// Connects the one writer. Turning a fresh file to write-ahead logging needs it alone, and SQLite says
/// "busy" to the second program at once there, whatever its busy timeout: so that wait is ours.
async fn connect_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let give_up = Instant::now() + BUSY_TIMEOUT;
    loop {
        let connected = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(ready(Ok(is_clean(connection)))))
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await;
        match connected {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(BUSY) && Instant::now() < give_up =>
            {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            other => return other,
        }
    }
}

/// An open SQLite database.
#[derive(Clone, Debug)]
pub(crate) struct SqliteEngine {
    writer: SqlitePool,
    readers: SqlitePool,
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
        let writer = connect_writer(&options).await?;
        // under the write lock: two programs that open a fresh database together must not both make it
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        MIGRATIONS.run_direct(None, &mut *tx, false).await?;
        tx.commit().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(ready(Ok(is_clean(connection)))))
            .connect_lazy_with(options.read_only(false));
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may read and then write: `BEGIN IMMEDIATE`, so that it cannot
    /// fail half-way because another process wrote first.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    pub(super) async fn read(&self) -> Result<PoolConnection<Sqlite>, QueueError> {
        Ok(self.readers.acquire().await?)
    }

    pub(super) async fn snapshot(&self) -> Result<Transaction<'static, Sqlite>, QueueError> {
        Ok(self.readers.begin().await?)
    }

    /// A number that changes when another process has committed something.
    ///
    /// `PRAGMA data_version` ignores commits of the connection that asks, and all writes of
    /// this process go through that one connection.
    pub(super) async fn others_version(&self) -> Result<i64, QueueError> {
        Ok(sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&self.writer)
            .await?)
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
