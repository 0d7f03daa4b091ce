//! Opening a queue.

use std::sync::Arc;

use upkeep_contract::{Clock, SystemClock, Timestamp};

use crate::changes::ChangeFeed;
use crate::engine::Engine;
use crate::{Backoff, QueueError};

/// An open queue. Clones share its connections and its change feed.
#[derive(Clone, Debug)]
pub struct Queue {
    pub(crate) engine: Engine,
    pub(crate) feed: ChangeFeed,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) backoff: Backoff,
}

impl Queue {
    /// Opens the queue at a database URL, makes the database when it is missing, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// [`QueueError::Url`] for an engine that is not supported, [`QueueError::Unavailable`] when the
    /// database cannot be opened, [`QueueError::Schema`] when it was made by a newer Upkeep.
    pub async fn open(url: &str) -> Result<Self, QueueError> {
        Self::open_with_clock(url, Arc::new(SystemClock)).await
    }

    /// Opens the queue with another clock than the machine's.
    ///
    /// # Errors
    /// As [`Queue::open`].
    pub async fn open_with_clock(url: &str, clock: Arc<dyn Clock>) -> Result<Self, QueueError> {
        if !url.starts_with("sqlite:") {
            let engine = url.split(':').next().unwrap_or_default();
            return Err(QueueError::Url {
                url: format!("{engine}:…"),
                reason: "only sqlite is supported by this version".to_owned(),
            });
        }
        let engine = Engine::open(url).await?;
        Ok(Self {
            feed: ChangeFeed::new(engine.clone()),
            engine,
            clock,
            backoff: Backoff::default(),
        })
    }

    /// The queue with other waits after transient errors.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The present time, by the queue's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The queue's clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Closes every connection. Clones cannot be used afterwards.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
