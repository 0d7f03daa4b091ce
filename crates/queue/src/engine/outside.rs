//! What other processes change, as far as this one can hear of it.
//!
//! SQLite: the write-ahead log's size and time, looked at many times a second, and the database's
//! version number whenever they have changed. PostgreSQL: notifications,
//! with a slow look behind them for the case that one gets lost.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use tokio::time::Instant;
use upkeep_contract::event::Change;

use super::Engine;
use super::log_watch::LogWatch;
use super::postgres::{CHANNEL, PostgresEngine};
use super::sqlite::SqliteEngine;
use super::statement::sql;
use super::transaction::WriteTransaction;
use crate::QueueError;
use crate::changes::{Meaning, Signal};

/// How often the server is asked whether anything was written, should a notification get lost.
const SERVER_LOOK: Duration = Duration::from_secs(5);

/// Changes named in one notification; of more than these it says "re-read all". PostgreSQL takes
/// less than 8000 bytes, and one change takes some 80.
const NAMED_MAX: usize = 60;

/// A notification as it travels.
#[derive(Serialize, Deserialize)]
struct Notification {
    from: String,
    changes: Vec<Change>,
    #[serde(flatten)]
    meaning: Meaning,
}

impl WriteTransaction {
    /// Lets other processes hear of these changes once the transaction is committed.
    pub(crate) async fn notify(
        &mut self,
        from: &str,
        changes: &[Change],
        meaning: Meaning,
    ) -> Result<(), QueueError> {
        if changes.is_empty() || matches!(self, Self::Sqlite(_)) {
            return Ok(());
        }
        let changes = if changes.len() > NAMED_MAX {
            vec![Change::All]
        } else {
            changes.to_vec()
        };
        let notification = Notification {
            from: from.to_owned(),
            changes,
            meaning,
        };
        sql("SELECT CAST(pg_notify($1, $2) AS TEXT)")
            .bind(CHANNEL)
            .bind(crate::rows::to_json(&notification)?)
            .execute(self)
            .await?;
        Ok(())
    }
}

/// Watches what other processes change.
#[derive(Debug)]
pub(crate) enum OutsideChanges {
    File {
        engine: SqliteEngine,
        watch: Option<LogWatch>,
        asking: bool,
        seen: Option<i64>,
    },
    Server {
        engine: PostgresEngine,
        own_sender: String,
        listener: Option<Box<PgListener>>,
        seen: Option<i64>,
        heard: bool,
        next_look: Instant,
    },
}

impl OutsideChanges {
    pub(super) fn new(engine: Engine, own_sender: String) -> Self {
        match engine {
            Engine::Sqlite(engine) => Self::File {
                engine,
                watch: None,
                asking: false,
                seen: None,
            },
            Engine::Postgres(engine) => Self::Server {
                engine,
                own_sender,
                listener: None,
                seen: None,
                heard: false,
                next_look: Instant::now() + SERVER_LOOK,
            },
        }
    }

    /// Waits a moment, or until something is heard; what was heard may be nothing.
    ///
    /// # Errors
    /// When the database cannot be asked: what happens meanwhile is not heard of.
    pub(crate) async fn next(&mut self) -> Result<Vec<Signal>, QueueError> {
        match self {
            Self::File {
                engine,
                watch,
                asking,
                seen,
            } => {
                if let Some(watch) = watch {
                    // what was asked for and not answered is asked again, whether something is written or not
                    if !*asking {
                        watch.written().await;
                    }
                } else {
                    *watch = Some(engine.watch_log()?);
                }
                *asking = true;
                let version = engine.others_version().await?;
                *asking = false;
                let changed = seen.replace(version).is_some_and(|seen| seen != version);
                Ok(if changed {
                    vec![Signal::all()]
                } else {
                    Vec::new()
                })
            }
            Self::Server {
                engine,
                own_sender,
                listener,
                seen,
                heard,
                next_look,
            } => {
                let Some(listening) = listener else {
                    *listener = Some(Box::new(engine.listen().await?));
                    // what happened before nobody heard
                    return Ok(vec![Signal::all()]);
                };
                match tokio::time::timeout_at(*next_look, listening.try_recv()).await {
                    Ok(Ok(Some(notification))) => {
                        *heard = true;
                        Ok(read(notification.payload(), own_sender))
                    }
                    // the connection was lost and made anew
                    Ok(Ok(None)) => Ok(vec![Signal::all()]),
                    Ok(Err(error)) => {
                        *listener = None;
                        Err(error.into())
                    }
                    Err(_) => {
                        *next_look = Instant::now() + SERVER_LOOK;
                        let writes = engine.writes_so_far().await?;
                        let unheard = seen.replace(writes).is_some_and(|seen| seen != writes)
                            && !std::mem::take(heard);
                        Ok(if unheard {
                            vec![Signal::all()]
                        } else {
                            Vec::new()
                        })
                    }
                }
            }
        }
    }
}

fn read(payload: &str, own_sender: &str) -> Vec<Signal> {
    match serde_json::from_str::<Notification>(payload) {
        Ok(notification) if notification.from == own_sender => Vec::new(),
        Ok(notification) => {
            let meaning = notification.meaning;
            let signals = notification.changes.into_iter();
            signals.map(|change| Signal { change, meaning }).collect()
        }
        // from another version of Upkeep: it knows changes that this one does not
        Err(_) => vec![Signal::all()],
    }
}
