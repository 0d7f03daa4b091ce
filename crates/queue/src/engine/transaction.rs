//! Connections and transactions of either engine.

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use super::sqlite_writer::SqliteWrite;
use super::statement::{Row, Statement, sql};
use crate::QueueError;

/// A connection that a statement runs on.
pub(crate) enum Connection<'c> {
    /// With what has to stand before the statement, in the same call.
    Sqlite(&'c mut SqliteConnection, Option<&'static str>),
    Postgres(&'c mut PgConnection),
}

/// What has a connection.
pub(crate) trait Connected: Send {
    fn connection(&mut self) -> Connection<'_>;
}

/// A connection for reading, each statement by itself.
#[derive(Debug)]
pub(crate) enum ReadConnection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Connected for ReadConnection {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection, None),
            Self::Postgres(connection) => Connection::Postgres(connection),
        }
    }
}

/// One snapshot for several reads. Dropping it ends it.
#[derive(Debug)]
pub(crate) enum ReadTransaction {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Connected for ReadTransaction {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction) => Connection::Sqlite(transaction, None),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }
}

/// Several statements that happen together or not at all. Dropping it without a commit undoes them.
#[derive(Debug)]
pub(crate) enum WriteTransaction {
    Sqlite(SqliteWrite),
    Postgres(Transaction<'static, Postgres>),
}

impl WriteTransaction {
    /// Performs the last statements and makes all of it durable: on SQLite the last one and the
    /// commit are one call.
    pub(crate) async fn commit_after(
        mut self,
        mut statements: Vec<Statement>,
    ) -> Result<(), QueueError> {
        if let Some(last) = statements.pop() {
            for statement in statements {
                statement.execute(&mut self).await?;
            }
            self.fetch_together::<()>(vec![last], true).await?;
        }
        self.commit().await
    }

    /// Performs statements one after the other and gives the rows of the one that has some: on SQLite
    /// in one call.
    ///
    /// The last of a transaction may be committed within this call: then nothing may have to be undone
    /// for what the rows say. The caller commits all the same.
    pub(crate) async fn fetch_together<T: Row>(
        &mut self,
        mut statements: Vec<Statement>,
        last: bool,
    ) -> Result<Vec<T>, QueueError> {
        match self {
            Self::Sqlite(write) => {
                if last {
                    statements.push(sql("COMMIT"));
                }
                let (connection, opening) = write.connection();
                let rows = Statement::fetch_in_one_call(statements, connection, opening).await?;
                if last {
                    write.committed();
                }
                Ok(rows)
            }
            Self::Postgres(_) => {
                let mut rows = Vec::new();
                for statement in statements {
                    rows.extend(statement.fetch_all(self).await?);
                }
                Ok(rows)
            }
        }
    }

    /// Makes it durable.
    pub(crate) async fn commit(self) -> Result<(), QueueError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// Undoes it now, and lets go of what it holds. A transaction that is dropped does so too, but a
    /// moment later: until then a claim passes over the rows that it has locked.
    pub(crate) async fn rollback(self) -> Result<(), QueueError> {
        match self {
            Self::Sqlite(transaction) => transaction.rollback().await?,
            Self::Postgres(transaction) => transaction.rollback().await?,
        }
        Ok(())
    }

    /// Waits until no other transaction holds the lock of that name, and holds it to the end.
    /// On SQLite a write transaction is alone anyway.
    pub(crate) async fn lock(&mut self, name: &str) -> Result<(), QueueError> {
        if matches!(self, Self::Postgres(_)) {
            sql("SELECT CAST(pg_advisory_xact_lock(hashtextextended($1, 0)) AS TEXT)")
                .bind(name)
                .execute(self)
                .await?;
        }
        Ok(())
    }
}

impl Connected for WriteTransaction {
    fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(write) => {
                let (connection, opening) = write.connection();
                Connection::Sqlite(connection, opening)
            }
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }
}
