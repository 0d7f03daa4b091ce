//! The room that a database takes on the disk, and giving back what removed rows leave empty.
//!
//! SQLite: a file with `auto_vacuum = INCREMENTAL` gives its empty pages back in small steps, between
//! which everybody else may write; a file that was made without it shrinks only when it is written
//! anew. PostgreSQL: the server's autovacuum makes the room usable again; nothing here hurries it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use super::Engine;
use super::postgres::PostgresEngine;
use super::sqlite::SqliteEngine;
use crate::QueueError;

/// How long one step of giving back may hold the write lock, more or less.
const STEP: Duration = Duration::from_millis(8);

/// Pages of the first step. The steps after it take as many as fit into their time.
const FIRST_PAGES: u32 = 64;

/// The most pages of one step: with each, SQLite's log grows by a page or two.
const PAGES_MAX: u32 = 2_000;

/// Between two steps the lock is free for this many times as long as it was held: who waits for it
/// looks again and again after short pauses, and must find it free.
const REST: u32 = 2;

/// The longest rest: whoever waits looks every tenth of a second at least.
const REST_MAX: Duration = Duration::from_millis(100);

/// How long the last look at the log may wait for readers; it holds up writers meanwhile.
const SETTLE_PATIENCE: Duration = Duration::from_millis(20);

/// The largest content that is written anew. A disk that writes 50 MB a second is done within 4 s:
/// less than half of what a worker may be silent, and of what a writer waits.
pub(crate) const REWRITE_MAX: u64 = 200 << 20;

/// How the room of removed rows comes back to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Step by step: [`crate::Queue::release_room`].
    InSteps,
    /// Only when the file is written anew: [`crate::Queue::rewrite_file`].
    ByRewriting,
    /// The server sees to it.
    ByServer,
}

/// The room that a database takes on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of its files; on a server, of the queue's tables and indexes.
    pub bytes: u64,
    /// Bytes in them that hold nothing; none where only the server knows.
    pub free: Option<u64>,
    /// How these come back to the disk.
    pub release: Release,
}

/// How many pages the next step takes: as many as the last ones showed to fit.
#[derive(Debug)]
pub(super) struct Pace(AtomicU32);

impl Default for Pace {
    fn default() -> Self {
        Self(AtomicU32::new(FIRST_PAGES))
    }
}

impl Pace {
    fn pages(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn learn(&self, pages: u32, took: Duration) {
        let next = if took > STEP {
            pages / 2
        } else if took < STEP / 2 {
            pages * 2
        } else {
            pages
        };
        self.0.store(next.clamp(8, PAGES_MAX), Ordering::Relaxed);
    }
}

impl Engine {
    pub(crate) async fn room(&self) -> Result<Room, QueueError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.room().await,
            Self::Postgres(postgres) => postgres.room().await,
        }
    }

    /// Leaves other writers their turn after the write lock was held for so long, and will be again. A
    /// server has no such lock.
    pub(crate) async fn rest_after(&self, held: Duration) {
        if matches!(self, Self::Sqlite(_)) {
            rest(held).await;
        }
    }

    /// One step; the bytes that are still free. Nothing on a server.
    pub(crate) async fn release_room(&self) -> Result<u64, QueueError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.release_room().await,
            Self::Postgres(_) => Ok(0),
        }
    }

    /// True when the files are as small as what they hold.
    pub(crate) async fn settle_files(&self) -> Result<bool, QueueError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.settle_files().await,
            Self::Postgres(_) => Ok(true),
        }
    }

    /// False when that would take too long.
    pub(crate) async fn rewrite_file(&self) -> Result<bool, QueueError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.rewrite_file().await,
            Self::Postgres(_) => Ok(true),
        }
    }
}

async fn rest(held: Duration) {
    tokio::time::sleep((held * REST).min(REST_MAX)).await;
}

/// What SQLite says of its file.
struct Pages {
    size: u64,
    all: u64,
    free: u64,
    in_steps: bool,
}

impl Pages {
    async fn read(connection: &mut SqliteConnection) -> Result<Self, QueueError> {
        let (size, all, free, vacuum): (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT page_size, page_count, freelist_count, auto_vacuum \
             FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum",
        )
        .fetch_one(connection)
        .await?;
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Self {
            size: whole(size),
            all: whole(all),
            free: whole(free),
            in_steps: vacuum != 0,
        })
    }
}

impl SqliteEngine {
    pub(super) async fn room(&self) -> Result<Room, QueueError> {
        let pages = Pages::read(&mut *self.read().await?).await?;
        let path = self.options.get_filename();
        let bytes = size_of(path).map_or(pages.all * pages.size, |bytes| {
            bytes + size_of(&log_of(path)).unwrap_or(0)
        });
        Ok(Room {
            bytes,
            free: Some(pages.free * pages.size),
            release: if pages.in_steps {
                Release::InSteps
            } else {
                Release::ByRewriting
            },
        })
    }

    async fn release_room(&self) -> Result<u64, QueueError> {
        let pages = self.pace.pages();
        // on the writing connection: within this process whoever wants to write stands in line behind
        // one step, and for its own commits nobody here need look whether others wrote
        let (left, took) = {
            let mut connection = self.writer.ready().await?;
            let begun = Instant::now();
            sqlx::query(AssertSqlSafe(format!("PRAGMA incremental_vacuum({pages})")))
                .execute(&mut *connection)
                .await?;
            let took = begun.elapsed();
            (Pages::read(&mut connection).await?, took)
        };
        self.pace.learn(pages, took);
        if left.free > 0 {
            rest(took).await;
        }
        Ok(left.free * left.size)
    }

    /// Carries the log over to the file, which is cut to its length then, and empties the log.
    async fn settle_files(&self) -> Result<bool, QueueError> {
        let mut connection = self.apart(SETTLE_PATIENCE).await?;
        // the bulk of it, in nobody's way
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&mut connection)
            .await?;
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(busy == 0)
    }

    async fn rewrite_file(&self) -> Result<bool, QueueError> {
        let mut connection = self.apart(super::sqlite::BUSY_TIMEOUT).await?;
        let pages = Pages::read(&mut connection).await?;
        if pages.in_steps {
            return Ok(true);
        }
        if (pages.all - pages.free) * pages.size > REWRITE_MAX {
            return Ok(false);
        }
        // takes effect with the next VACUUM, which is one transaction: the file is the old or the new one
        sqlx::query("PRAGMA auto_vacuum = INCREMENTAL")
            .execute(&mut connection)
            .await?;
        sqlx::query("VACUUM").execute(&mut connection).await?;
        connection.close().await?;
        Ok(true)
    }

    /// A connection of its own, which waits this long for others.
    async fn apart(&self, patience: Duration) -> Result<SqliteConnection, QueueError> {
        let options = SqliteConnectOptions::clone(&self.options).busy_timeout(patience);
        Ok(options.optimize_on_close(false, None).connect().await?)
    }
}

/// The options with which a fresh file is made: they take effect only while it is empty, and would
/// write to it at every start if they were given for one that is not.
pub(super) fn for_a_fresh_file(options: SqliteConnectOptions) -> SqliteConnectOptions {
    if size_of(options.get_filename()).unwrap_or(0) > 0 {
        return options;
    }
    options.auto_vacuum(SqliteAutoVacuum::Incremental)
}

fn size_of(path: &Path) -> Option<u64> {
    path.metadata().ok().map(|meta| meta.len())
}

/// The write-ahead log beside a database.
fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

impl PostgresEngine {
    async fn room(&self) -> Result<Room, QueueError> {
        let bytes: i64 = sqlx::query_scalar(
            "SELECT CAST(SUM(pg_total_relation_size(CAST(name AS regclass))) AS BIGINT) \
             FROM UNNEST(ARRAY['tasks', 'attempts', 'task_log', 'workers', 'paused_operations', 'audit']) AS name",
        )
        .fetch_one(&mut *self.acquire().await?)
        .await?;
        Ok(Room {
            bytes: u64::try_from(bytes).unwrap_or(0),
            free: None,
            release: Release::ByServer,
        })
    }
}
