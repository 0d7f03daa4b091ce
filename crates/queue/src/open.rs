//! Opening a queue, and writing to it.

use std::collections::HashMap;
use std::sync::Arc;

use upkeep_contract::event::Change;
use upkeep_contract::{Clock, OperationId, TaskId, Timestamp};

use crate::attempt::Lease;
use crate::changes::{ChangeFeed, Meaning, Signal};
use crate::engine::{Engine, Statement, WriteTransaction, sql};
use crate::enqueue::{Enqueued, NewTask};
use crate::finish::{Closing, Ending, Finish};
use crate::gather::Gather;
use crate::{Backoff, QueueError};

/// An open queue. Clones share its connections and its change feed.
#[derive(Clone, Debug)]
pub struct Queue {
    pub(crate) engine: Engine,
    pub(crate) feed: ChangeFeed,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) backoff: Backoff,
    pub(crate) host_limits: Arc<HashMap<OperationId, u32>>,
    pub(crate) enqueuing: Arc<Gather<(TaskId, NewTask), Enqueued>>,
    pub(crate) finishing: Arc<Gather<(Lease, Ending, Closing), Finish>>,
}

impl Queue {
    /// Opens the queue at a database URL and brings its schema up to date. A SQLite file is made
    /// when it is missing; a PostgreSQL database must exist.
    ///
    /// Times are those of the database: PostgreSQL's server tells them, so that a machine whose
    /// clock is wrong does no harm; a SQLite file belongs to one machine, which has one clock.
    ///
    /// # Errors
    /// [`QueueError::Url`] for an engine that is not supported, [`QueueError::Unavailable`] when the
    /// database cannot be opened, [`QueueError::Schema`] when it was made by a newer Upkeep.
    pub async fn open(url: &str) -> Result<Self, QueueError> {
        let engine = Engine::open(url).await?;
        let clock = engine.clock();
        Ok(Self::over(engine, clock))
    }

    /// Opens the queue with another clock than the database's.
    ///
    /// # Errors
    /// As [`Queue::open`].
    pub async fn open_with_clock(url: &str, clock: Arc<dyn Clock>) -> Result<Self, QueueError> {
        Ok(Self::over(Engine::open(url).await?, clock))
    }

    fn over(engine: Engine, clock: Arc<dyn Clock>) -> Self {
        Self {
            feed: ChangeFeed::new(engine.clone()),
            engine,
            clock,
            backoff: Backoff::default(),
            host_limits: Arc::default(),
            enqueuing: Arc::default(),
            finishing: Arc::default(),
        }
    }

    /// The queue with other waits after transient errors.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The queue with limits on how many tasks of an operation may run at once on one host. Previews
    /// do not count; an operation that is not named has no limit.
    #[must_use]
    pub fn with_host_limits(mut self, limits: HashMap<OperationId, u32>) -> Self {
        self.host_limits = Arc::new(limits);
        self
    }

    /// `sqlite` or `postgres`.
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// The present time, by the queue's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The queue's clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Asks whether the database is still there: the file the one that was opened, its rows readable.
    ///
    /// # Errors
    /// [`QueueError::Replaced`] when the file was removed or replaced, [`QueueError::Unavailable`] when
    /// the database cannot be reached or is damaged.
    pub async fn check(&self) -> Result<(), QueueError> {
        self.engine.check_identity()?;
        let _newest: Option<(String,)> = sql("SELECT id FROM tasks ORDER BY id DESC LIMIT 1")
            .fetch_optional(&mut self.engine.read().await?)
            .await?;
        Ok(())
    }

    /// Closes every connection. Clones cannot be used afterwards.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Makes a transaction durable, and then tells everybody what it changed.
    pub(crate) async fn commit(
        &self,
        tx: WriteTransaction,
        changes: Vec<Change>,
        meaning: Meaning,
    ) -> Result<(), QueueError> {
        self.commit_after(tx, Vec::new(), changes, meaning).await
    }

    /// [`Queue::commit`] with the transaction's last statements, whose results nobody needs: fewer calls.
    pub(crate) async fn commit_after(
        &self,
        mut tx: WriteTransaction,
        last: Vec<Statement>,
        changes: Vec<Change>,
        meaning: Meaning,
    ) -> Result<(), QueueError> {
        tx.notify(self.feed.sender_name(), &changes, meaning)
            .await?;
        tx.commit_after(last).await?;
        for change in changes {
            self.feed.send(Signal { change, meaning });
        }
        Ok(())
    }
}
