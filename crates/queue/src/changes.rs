//! The change feed: says that something changed, never what it became.
//!
//! Changes of this process arrive at once. Changes of other processes arrive as
//! [`Change::All`], found by polling a version number, and only while somebody listens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use upkeep_contract::event::Change;

use crate::Queue;
use crate::engine::Engine;

/// Signals kept for a slow listener before it is told to re-read all.
const CAPACITY: usize = 1024;

/// How often another process's changes are looked for while somebody listens. One look takes
/// some 20 µs, so the idle cost stays well below 1 % of a core.
const POLL: Duration = Duration::from_millis(20);

/// The pause after a look that failed: the database may be away for long.
const POLL_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Sends signals, and polls while there are listeners.
#[derive(Clone, Debug)]
pub(crate) struct ChangeFeed {
    sender: broadcast::Sender<Change>,
    poller: Arc<Poller>,
}

#[derive(Debug)]
struct Poller {
    engine: Engine,
    listeners: AtomicUsize,
    running: Mutex<bool>,
}

impl ChangeFeed {
    pub(crate) fn new(engine: Engine) -> Self {
        let poller = Poller {
            engine,
            listeners: AtomicUsize::new(0),
            running: Mutex::new(false),
        };
        Self {
            sender: broadcast::Sender::new(CAPACITY),
            poller: Arc::new(poller),
        }
    }

    /// Tells this process's listeners. Nobody listening is fine.
    pub(crate) fn send(&self, change: Change) {
        if self.sender.receiver_count() > 0 && self.sender.send(change).is_err() {
            tracing::trace!("the last listener left");
        }
    }

    fn subscribe(&self) -> ChangeStream {
        let receiver = self.sender.subscribe();
        self.poller.listeners.fetch_add(1, Ordering::SeqCst);
        let mut running = lock(&self.poller.running);
        if !*running {
            *running = true;
            tokio::spawn(poll(Arc::clone(&self.poller), self.sender.clone()));
        }
        ChangeStream {
            receiver,
            poller: Arc::clone(&self.poller),
        }
    }
}

async fn poll(poller: Arc<Poller>, sender: broadcast::Sender<Change>) {
    let mut seen = None;
    let mut blind = false;
    loop {
        {
            let mut running = lock(&poller.running);
            if poller.listeners.load(Ordering::SeqCst) == 0 {
                *running = false;
                return;
            }
        }
        match poller.engine.others_version().await {
            Ok(version) => {
                let changed = blind || seen.is_some_and(|seen| seen != version);
                if changed && sender.send(Change::All).is_err() {
                    tracing::trace!("the last listener left");
                }
                seen = Some(version);
                blind = false;
                tokio::time::sleep(POLL).await;
            }
            Err(error) => {
                tracing::debug!(%error, "cannot look for changes of other processes");
                // what happened meanwhile was not seen, and a new connection counts anew
                blind = true;
                tokio::time::sleep(POLL_AFTER_ERROR).await;
            }
        }
    }
}

fn lock(running: &Mutex<bool>) -> std::sync::MutexGuard<'_, bool> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signals for one listener.
#[derive(Debug)]
pub struct ChangeStream {
    receiver: broadcast::Receiver<Change>,
    poller: Arc<Poller>,
}

impl ChangeStream {
    /// The next signal. A listener that was too slow gets [`Change::All`]. `None` once the queue is gone.
    pub async fn next(&mut self) -> Option<Change> {
        match self.receiver.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => Some(Change::All),
            Err(RecvError::Closed) => None,
        }
    }

    /// Drops what has arrived so far: for a listener that is about to re-read all anyway.
    pub fn skip_pending(&mut self) {
        while !matches!(
            self.receiver.try_recv(),
            Err(TryRecvError::Empty | TryRecvError::Closed)
        ) {}
    }
}

impl Drop for ChangeStream {
    fn drop(&mut self) {
        self.poller.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Queue {
    /// Listens for changes from now on. Must be called inside a tokio runtime.
    pub fn changes(&self) -> ChangeStream {
        self.feed.subscribe()
    }

    /// Tells this process's listeners about a change that is not in the database, such as settings.
    pub fn announce(&self, change: Change) {
        self.feed.send(change);
    }
}
