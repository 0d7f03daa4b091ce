//! A look into a database past the queue: for observers that must not believe what the queue says of
//! itself, and for tests that hold its locks or break its rules on purpose.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Executor, PgConnection, Row,
    SqliteConnection, Type,
};

/// A connection of one's own to a database of either engine.
#[derive(Debug)]
pub enum RawDatabase {
    /// A SQLite file.
    Sqlite(SqliteConnection),
    /// A PostgreSQL database.
    Postgres(PgConnection),
}

impl RawDatabase {
    /// Connects.
    ///
    /// # Errors
    /// What the driver says; a server may be away on purpose.
    pub async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        Ok(if url.starts_with("sqlite") {
            let options =
                SqliteConnectOptions::from_str(url)?.busy_timeout(Duration::from_secs(30));
            Self::Sqlite(SqliteConnection::connect_with(&options).await?)
        } else {
            Self::Postgres(PgConnection::connect(url).await?)
        })
    }

    /// Performs statements.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn execute(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => connection.execute(sql).await.map(drop),
            Self::Postgres(connection) => connection.execute(sql).await.map(drop),
        }
    }

    /// The rows of a query whose columns are all text (`CAST(… AS TEXT)`).
    ///
    /// # Errors
    /// What the driver says.
    pub async fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let rows = connection.fetch_all(sql).await?;
                rows.iter().map(texts_of).collect()
            }
            Self::Postgres(connection) => {
                let rows = connection.fetch_all(sql).await?;
                rows.iter().map(texts_of).collect()
            }
        }
    }

    /// From now on waits at most so long for a lock before it is an error.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn wait_at_most(&mut self, time: Duration) -> Result<(), sqlx::Error> {
        let milliseconds = time.as_millis();
        let statement = match self {
            Self::Sqlite(_) => format!("PRAGMA busy_timeout = {milliseconds}"),
            Self::Postgres(_) => format!("SET lock_timeout = {milliseconds}"),
        };
        self.execute(&statement).await
    }

    /// Keeps everybody else from writing until [`RawDatabase::let_go`]; nobody is kept from reading.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn lock_out_writers(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => self.execute("BEGIN IMMEDIATE").await,
            Self::Postgres(_) => {
                self.execute("BEGIN; LOCK TABLE tasks, attempts, workers IN EXCLUSIVE MODE")
                    .await
            }
        }
    }

    /// Ends what [`RawDatabase::lock_out_writers`] began.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn let_go(&mut self) -> Result<(), sqlx::Error> {
        self.execute("ROLLBACK").await
    }
}

fn texts_of<R: Row>(row: &R) -> Result<Vec<Option<String>>, sqlx::Error>
where
    usize: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    (0..row.len())
        .map(|index| row.try_get::<Option<String>, usize>(index))
        .collect()
}
