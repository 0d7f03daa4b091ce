//! The database without the queue: what really stands in it, and what another program may do to it.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

/// A database of either engine.
#[derive(Debug)]
pub enum Bare {
    /// A SQLite file.
    Sqlite(SqlitePool),
    /// A database of a PostgreSQL server.
    Postgres(PgPool),
}

impl Bare {
    /// Connects to the database at a URL.
    pub async fn connect(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            Self::Sqlite(SqlitePool::connect(url).await.unwrap())
        } else {
            Self::Postgres(PgPool::connect(url).await.unwrap())
        }
    }

    /// Performs a statement, which must succeed.
    pub async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.unwrap()),
            Self::Postgres(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.unwrap()),
        }
    }

    /// Every row of a table as an object, in the order of this column.
    pub async fn rows(&self, table: &str, order: &str) -> Vec<Value> {
        let texts: Vec<String> = match self {
            Self::Sqlite(pool) => {
                let columns: Vec<String> =
                    sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                        .bind(table)
                        .fetch_all(pool)
                        .await
                        .unwrap();
                let pairs: Vec<String> = columns
                    .iter()
                    .map(|name| format!("'{name}', {name}"))
                    .collect();
                let sql = format!(
                    "SELECT json_object({}) FROM {table} ORDER BY {order}",
                    pairs.join(", ")
                );
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(pool)
                    .await
                    .unwrap()
            }
            Self::Postgres(pool) => {
                let sql =
                    format!("SELECT CAST(to_jsonb(t) AS TEXT) FROM {table} AS t ORDER BY {order}");
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(pool)
                    .await
                    .unwrap()
            }
        };
        texts
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }

    /// Everything there is of tasks: what no fenced-out write may change.
    pub async fn tasks(&self) -> [Vec<Value>; 3] {
        [
            self.rows("tasks", "id").await,
            self.rows("attempts", "task_id, number").await,
            self.rows("task_log", "task_id, sequence").await,
        ]
    }
}
