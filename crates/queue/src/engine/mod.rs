//! What differs between database engines: connecting, the schema, the write lock, the lock clause
//! of a claim, the signal of other processes, the clock. Nothing outside this folder names an engine;
//! every other statement is written once, for both.

mod inspect;
mod log_watch;
mod outside;
mod postgres;
mod room;
mod sqlite;
mod sqlite_writer;
mod statement;
mod table_rooms;
mod transaction;
mod write_events;

use std::sync::Arc;

use upkeep_contract::{Clock, SystemClock};

pub use inspect::{Inspection, inspect};
pub(crate) use outside::OutsideChanges;
pub use room::{Release, Room};
pub(crate) use statement::{Parameter, Statement, list_of, rows_of, sql};
pub use table_rooms::TableRoom;
pub(crate) use transaction::{Connected, ReadConnection, ReadTransaction, WriteTransaction};

use crate::QueueError;

/// An open database.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Sqlite(sqlite::SqliteEngine),
    Postgres(postgres::PostgresEngine),
}

impl Engine {
    /// Opens the database at a URL and brings its schema up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, QueueError> {
        Ok(if Self::is_postgres(url)? {
            Self::Postgres(postgres::PostgresEngine::open(url).await?)
        } else {
            Self::Sqlite(sqlite::SqliteEngine::open(url).await?)
        })
    }

    /// Which of the two engines a URL names.
    fn is_postgres(url: &str) -> Result<bool, QueueError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => Ok(false),
            "postgres" | "postgresql" => Ok(true),
            _ => Err(QueueError::Url {
                url: format!("{scheme}:…"),
                reason: "it names neither sqlite nor postgres".to_owned(),
            }),
        }
    }

    /// The engine's name, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The clock that every process on this database agrees on: the server's, or, for a file that
    /// only this machine's processes open, the machine's.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Sqlite(_) => Arc::new(SystemClock),
            Self::Postgres(postgres) => postgres.clock(),
        }
    }

    /// Compares the clock with the server's again. Nothing to do where there is no server.
    pub(crate) async fn adjust_clock(&self) -> Result<(), QueueError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.adjust_clock().await,
        }
    }

    /// A connection for one or a few reads.
    pub(crate) async fn read(&self) -> Result<ReadConnection, QueueError> {
        Ok(match self {
            Self::Sqlite(sqlite) => ReadConnection::Sqlite(sqlite.read().await?),
            Self::Postgres(postgres) => ReadConnection::Postgres(postgres.acquire().await?),
        })
    }

    /// One snapshot for several reads that must agree with each other.
    pub(crate) async fn snapshot(&self) -> Result<ReadTransaction, QueueError> {
        Ok(match self {
            Self::Sqlite(sqlite) => ReadTransaction::Sqlite(sqlite.snapshot().await?),
            Self::Postgres(postgres) => ReadTransaction::Postgres(postgres.snapshot().await?),
        })
    }

    /// A transaction that may read and then write.
    pub(crate) async fn write(&self) -> Result<WriteTransaction, QueueError> {
        let mut transaction = self.write_with_first().await?;
        if let WriteTransaction::Sqlite(write) = &mut transaction {
            write.begin_now().await?;
        }
        Ok(transaction)
    }

    /// The same for what is done often and one by one: on SQLite it begins, and takes the write lock,
    /// in one call with its first statement. What is read from a clock before that may be old by then.
    pub(crate) async fn write_with_first(&self) -> Result<WriteTransaction, QueueError> {
        Ok(match self {
            Self::Sqlite(sqlite) => WriteTransaction::Sqlite(sqlite.write().await?),
            Self::Postgres(postgres) => WriteTransaction::Postgres(postgres.write().await?),
        })
    }

    /// The clause that lets a claim pass over rows that another worker is just claiming.
    pub(crate) fn claim_lock(&self) -> &'static str {
        match self {
            // one writer at a time: nobody else can be claiming
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// The condition that a row's id is one of those that the CTE `candidates` holds. PostgreSQL would
    /// rather read the whole table beside a list whose length it guesses; ids in an array it looks up.
    pub(crate) fn is_candidate(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "id IN (SELECT id FROM candidates)",
            Self::Postgres(_) => "id = ANY (ARRAY (SELECT id FROM candidates))",
        }
    }

    /// The clause that keeps rows as they were read until the transaction ends.
    pub(crate) fn row_lock(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE",
        }
    }

    /// Watches what other processes change.
    pub(crate) fn outside_changes(&self, own_sender: &str) -> OutsideChanges {
        OutsideChanges::new(self.clone(), own_sender.to_owned())
    }

    /// Whether the database is still the one that was opened.
    pub(crate) fn check_identity(&self) -> Result<(), QueueError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.check_file(),
            // a server answers for its own files
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Closes every connection; what was committed is in the database.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}
