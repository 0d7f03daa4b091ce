//! The one connection through which a process writes to a SQLite file.
//!
//! It is held here and not in a pool: a pool asks a connection about itself whenever it is handed
//! over, and each question is a way to SQLite's thread and back, as long as the statement's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::QueueError;

/// The result code of SQLite that another program holds a lock (sqlite.org/rescode.html).
const BUSY: &str = "5";

/// The pause before the next try to connect.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// The writing connection of a process. Clones share it; one transaction at a time.
#[derive(Clone, Debug)]
pub(super) struct SqliteWriter {
    options: Arc<SqliteConnectOptions>,
    /// None once it is closed, and for a moment after it broke.
    connection: Arc<Mutex<Option<SqliteConnection>>>,
    /// True from just before a transaction begins until it has surely ended.
    in_transaction: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
}

/// How a transaction begins that may read and then write: it cannot fail half-way because another
/// process wrote first.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A transaction. Dropped without a commit it is undone as soon as the connection is free.
#[derive(Debug)]
pub(crate) struct SqliteWrite {
    connection: OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>,
    writer: SqliteWriter,
    /// True from just before its first statement until it has surely ended.
    begun: bool,
}

impl SqliteWriter {
    /// Connects. Turning a fresh file to write-ahead logging needs it alone, and SQLite says "busy" to
    /// the second program at once there, whatever its busy timeout: so that wait is ours.
    pub(super) async fn connect(
        options: SqliteConnectOptions,
        patience: Duration,
    ) -> Result<Self, QueueError> {
        let give_up = Instant::now() + patience;
        let connection = loop {
            match options.connect().await {
                Err(sqlx::Error::Database(error))
                    if error.code().as_deref() == Some(BUSY) && Instant::now() < give_up =>
                {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                other => break other?,
            }
        };
        Ok(Self {
            options: Arc::new(options),
            connection: Arc::new(Mutex::new(Some(connection))),
            in_transaction: Arc::default(),
            closed: Arc::default(),
        })
    }

    /// A transaction that begins together with its first statement.
    pub(super) async fn begin(&self) -> Result<SqliteWrite, QueueError> {
        Ok(SqliteWrite {
            connection: self.ready().await?,
            writer: self.clone(),
            begun: false,
        })
    }

    /// The connection, with nothing left open on it.
    pub(super) async fn ready(
        &self,
    ) -> Result<OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>, QueueError> {
        let mut place = Arc::clone(&self.connection).lock_owned().await;
        if self.closed.load(Ordering::SeqCst) {
            return Err(sqlx::Error::PoolClosed.into());
        }
        if self.in_transaction.load(Ordering::SeqCst)
            && let Some(connection) = place.as_mut()
            && let Err(error) = self.roll_back(connection).await
        {
            tracing::warn!(%error, "the database connection cannot be used any more; a new one is made");
            *place = None;
        }
        if place.is_none() {
            *place = Some(self.options.connect().await?);
            self.in_transaction.store(false, Ordering::SeqCst);
        }
        OwnedMutexGuard::try_map(place, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed.into())
    }

    async fn roll_back(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        match sqlx::query("ROLLBACK").execute(connection).await {
            // SQLite ends a transaction by itself when the disk is full: then there is none to undo
            Ok(_) | Err(sqlx::Error::Database(_)) => {
                self.in_transaction.store(false, Ordering::SeqCst);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Closes the connection once it is free; what was committed is in the file.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let connection = self.connection.lock().await.take();
        if let Some(connection) = connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the database connection could not be closed in good order");
        }
    }
}

impl SqliteWrite {
    /// Takes the write lock now, and not with the first statement.
    pub(super) async fn begin_now(&mut self) -> Result<(), QueueError> {
        let (connection, opening) = self.connection();
        if opening.is_some() {
            sqlx::query(BEGIN).execute(connection).await?;
        }
        Ok(())
    }

    /// The connection, and what has to stand before the next statement, in the same call: each call
    /// is a way to SQLite's thread and back.
    pub(super) fn connection(&mut self) -> (&mut SqliteConnection, Option<&'static str>) {
        // a transaction that nobody could end may be open even when its beginning was given up
        self.writer.in_transaction.store(true, Ordering::SeqCst);
        let opening = (!std::mem::replace(&mut self.begun, true)).then_some(BEGIN);
        (&mut self.connection, opening)
    }

    /// Makes it durable; when that fails, it is undone.
    pub(super) async fn commit(mut self) -> Result<(), QueueError> {
        if self.begun {
            sqlx::query("COMMIT").execute(&mut *self.connection).await?;
            self.committed();
        }
        Ok(())
    }

    /// Its `COMMIT` was carried out.
    pub(super) fn committed(&mut self) {
        self.writer.in_transaction.store(false, Ordering::SeqCst);
        self.begun = false;
    }

    /// Undoes it at once.
    pub(super) async fn rollback(mut self) -> Result<(), QueueError> {
        if self.begun {
            let writer = self.writer.clone();
            writer.roll_back(&mut self.connection).await?;
            self.begun = false;
        }
        Ok(())
    }
}

impl Drop for SqliteWrite {
    fn drop(&mut self) {
        if !self.begun {
            return;
        }
        // other processes wait for its lock: not left to whoever writes next here
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let writer = self.writer.clone();
            runtime.spawn(async move {
                if let Err(error) = writer.ready().await {
                    tracing::debug!(%error, "a transaction could not be undone");
                }
            });
        }
    }
}
