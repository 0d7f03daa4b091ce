//! PostgreSQL, for workers on several machines. Version 13 or newer.

use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres, Transaction};
use upkeep_contract::{Clock, Timestamp};

use crate::QueueError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Connections of one process: a console's pages, a worker's loops, one that listens.
const CONNECTIONS: u32 = 12;

/// How long a statement waits for a connection before it is an error: an operator who clicked waits for it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the first connection may take: a host that drops what it is sent would keep an operator waiting for minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was idle for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The channel of the change feed.
pub(crate) const CHANNEL: &str = "upkeep_changes";

/// What the server is told of each connection, in its own spelling. A worker that is stopped in the middle of a
/// transaction must not hold its locks for ever, and no statement of ours takes long.
const SETTINGS: [(&str, &str); 5] = [
    // short statements: compiling one takes longer than running it
    ("jit", "off"),
    // the migrator asks for what may be there already, and the server would remark on it
    ("client_min_messages", "warning"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("lock_timeout", "10s"),
    ("statement_timeout", "60s"),
];

/// The server's clock: read once, carried on by this machine's monotonic clock, compared again now
/// and then. So a machine whose clock is wrong writes the same times as all others.
#[derive(Debug)]
struct ServerClock(RwLock<Reading>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    server_ms: i64,
    at: Instant,
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let reading = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        Timestamp(reading.server_ms).plus(reading.at.elapsed())
    }
}

/// An open PostgreSQL database.
#[derive(Clone, Debug)]
pub(crate) struct PostgresEngine {
    pool: PgPool,
    clock: Arc<ServerClock>,
}

impl PostgresEngine {
    /// Opens the database, which must exist, and brings its schema up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, QueueError> {
        let options = options(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > TRUSTED_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options.clone());
        // the first connection says what is wrong; a pool would only say that it waited
        let connecting = sqlx::PgConnection::connect_with(&options);
        let mut first = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        // the migrator wants the right to make tables even when there is nothing to do, and who only
        // works with them need not have it
        if !super::inspect::is_ready(&mut first).await? {
            MIGRATIONS.run_direct(None, &mut first, false).await?;
        }
        let reading = read_clock(&mut first).await?;
        first.close().await?;
        Ok(Self {
            pool,
            clock: Arc::new(ServerClock(RwLock::new(reading))),
        })
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::<ServerClock>::clone(&self.clock)
    }

    pub(super) async fn adjust_clock(&self) -> Result<(), QueueError> {
        let reading = read_clock(&mut *self.pool.acquire().await?).await?;
        *self.clock.0.write().unwrap_or_else(PoisonError::into_inner) = reading;
        Ok(())
    }

    pub(super) async fn acquire(&self) -> Result<PoolConnection<Postgres>, QueueError> {
        Ok(self.pool.acquire().await?)
    }

    pub(super) async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, QueueError> {
        Ok(self
            .pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await?)
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Postgres>, QueueError> {
        Ok(self.pool.begin().await?)
    }

    /// A connection that hears the notifications of the change feed.
    pub(super) async fn listen(&self) -> Result<PgListener, QueueError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// A number that grows with every transaction that writes anything on this server.
    pub(super) async fn writes_so_far(&self) -> Result<i64, QueueError> {
        Ok(sqlx::query_scalar(
            "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT)",
        )
        .fetch_one(&self.pool)
        .await?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// How to connect to the server that a URL names.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, QueueError> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|error| QueueError::Url {
            // the reason may quote the URL, and with it a password
            url: "postgres:…".to_owned(),
            reason: match error {
                sqlx::Error::Configuration(_) => "it cannot be read".to_owned(),
                other => other.to_string(),
            },
        })?
        .application_name("upkeep")
        .options(SETTINGS))
}

async fn read_clock(connection: &mut sqlx::PgConnection) -> Result<Reading, QueueError> {
    let asked = Instant::now();
    let server_ms =
        sqlx::query_scalar("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
            .fetch_one(connection)
            .await?;
    // the server read its clock somewhere on the way
    Ok(Reading {
        server_ms,
        at: asked + asked.elapsed() / 2,
    })
}
