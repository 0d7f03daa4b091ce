//! Rows and bytes of each table that holds the history.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::Engine;
use super::postgres::PostgresEngine;
use super::sqlite::SqliteEngine;
use crate::QueueError;

/// The tables, in the order of a task's life.
const TABLES: [&str; 5] = ["tasks", "attempts", "task_log", "audit", "workers"];

/// The largest SQLite file whose pages are looked at one by one.
const LOOKED_THROUGH_MAX: u64 = 128 << 20;

/// The room that one table takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRoom {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Bytes of it and its indexes; none where a large file would have to be read whole.
    pub bytes: Option<u64>,
}

impl Engine {
    pub(crate) async fn table_rooms(&self) -> Result<Vec<TableRoom>, QueueError> {
        match self {
            Self::Sqlite(sqlite) => {
                let room = sqlite.room().await?;
                sqlite.table_rooms(room.bytes).await
            }
            Self::Postgres(postgres) => postgres.table_rooms().await,
        }
    }
}

/// One row for each table.
fn rows_of_all() -> String {
    TABLES
        .map(|name| format!("SELECT '{name}', CAST(COUNT(*) AS BIGINT) FROM {name}"))
        .join(" UNION ALL ")
}

fn rooms(rows: Vec<(String, i64)>, bytes: &HashMap<String, i64>) -> Vec<TableRoom> {
    let rows: HashMap<String, i64> = rows.into_iter().collect();
    let whole = |number: Option<&i64>| number.and_then(|&number| u64::try_from(number).ok());
    TABLES
        .into_iter()
        .map(|name| TableRoom {
            name,
            rows: whole(rows.get(name)).unwrap_or(0),
            bytes: whole(bytes.get(name)),
        })
        .collect()
}

impl SqliteEngine {
    async fn table_rooms(&self, file_bytes: u64) -> Result<Vec<TableRoom>, QueueError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query_as(AssertSqlSafe(rows_of_all()))
            .fetch_all(&mut *connection)
            .await?;
        let mut bytes = HashMap::new();
        if file_bytes <= LOOKED_THROUGH_MAX {
            // indexes count to their table
            let of_pages: Vec<(String, i64)> = sqlx::query_as(
                "SELECT schema.tbl_name, CAST(SUM(pages.pgsize) AS BIGINT) FROM dbstat AS pages \
                 JOIN sqlite_schema AS schema ON schema.name = pages.name \
                 WHERE pages.aggregate = TRUE GROUP BY schema.tbl_name",
            )
            .fetch_all(&mut *connection)
            .await?;
            bytes.extend(of_pages);
        }
        Ok(rooms(rows, &bytes))
    }
}

impl PostgresEngine {
    async fn table_rooms(&self) -> Result<Vec<TableRoom>, QueueError> {
        let mut connection = self.acquire().await?;
        let rows = sqlx::query_as(AssertSqlSafe(rows_of_all()))
            .fetch_all(&mut *connection)
            .await?;
        let sizes = TABLES
            .map(|name| format!("SELECT '{name}', pg_total_relation_size('{name}')"))
            .join(" UNION ALL ");
        let bytes: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(sizes))
            .fetch_all(&mut *connection)
            .await?;
        Ok(rooms(rows, &bytes.into_iter().collect()))
    }
}
