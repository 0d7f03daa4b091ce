//! The change feed: says that something changed, never what it became.
//!
//! Changes of this process arrive at once. Other processes are watched only while somebody
//! listens: their changes arrive by name through PostgreSQL, as [`Change::All`] through SQLite.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Notify, broadcast};
use upkeep_contract::event::Change;
use upkeep_contract::{TaskId, WorkerId};

use crate::Queue;
use crate::engine::Engine;

/// Signals kept for a slow listener before it is told to re-read all.
const CAPACITY: usize = 1024;

/// The pause after a look that failed: the database may be away for long.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// What a change means to workers, so that they need not look at the database for every one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meaning {
    /// Something may be claimable now that was not before.
    #[serde(default)]
    pub(crate) claimable: bool,
    /// Somebody may want something to stop: a task, or a worker's claiming.
    #[serde(default)]
    pub(crate) stops: bool,
}

impl Meaning {
    pub(crate) const NEITHER: Self = Self {
        claimable: false,
        stops: false,
    };
    pub(crate) const CLAIMABLE: Self = Self {
        claimable: true,
        stops: false,
    };
    pub(crate) const STOPS: Self = Self {
        claimable: false,
        stops: true,
    };
    pub(crate) const BOTH: Self = Self {
        claimable: true,
        stops: true,
    };
}

/// That this task changed.
pub(crate) fn task_changed(task_id: &TaskId) -> Change {
    Change::Task {
        task_id: task_id.clone(),
    }
}

/// That this worker changed.
pub(crate) fn worker_changed(worker_id: &WorkerId) -> Change {
    Change::Worker {
        worker_id: worker_id.clone(),
    }
}

/// That this worker showed a sign of life.
pub(crate) fn worker_alive(worker_id: &WorkerId) -> Change {
    Change::WorkerAlive {
        worker_id: worker_id.clone(),
    }
}

/// A change and its meaning.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    pub(crate) change: Change,
    pub(crate) meaning: Meaning,
}

impl Signal {
    /// Nobody knows what changed.
    pub(crate) fn all() -> Self {
        Self {
            change: Change::All,
            meaning: Meaning::BOTH,
        }
    }
}

/// Sends signals, and watches other processes while there are listeners.
#[derive(Clone, Debug)]
pub(crate) struct ChangeFeed {
    sender: broadcast::Sender<Signal>,
    watcher: Arc<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    engine: Engine,
    /// Tells this process's own signals from those of others.
    sender_name: String,
    listeners: AtomicUsize,
    left: Notify,
    running: Mutex<bool>,
}

impl ChangeFeed {
    pub(crate) fn new(engine: Engine) -> Self {
        let watcher = Watcher {
            engine,
            sender_name: uuid::Uuid::now_v7().to_string(),
            listeners: AtomicUsize::new(0),
            left: Notify::new(),
            running: Mutex::new(false),
        };
        Self {
            sender: broadcast::Sender::new(CAPACITY),
            watcher: Arc::new(watcher),
        }
    }

    /// What other processes know this one's signals by.
    pub(crate) fn sender_name(&self) -> &str {
        &self.watcher.sender_name
    }

    /// Tells this process's listeners. Nobody listening is fine.
    pub(crate) fn send(&self, signal: Signal) {
        if self.sender.receiver_count() > 0 && self.sender.send(signal).is_err() {
            tracing::trace!("the last listener left");
        }
    }

    fn subscribe(&self) -> ChangeStream {
        let receiver = self.sender.subscribe();
        self.watcher.listeners.fetch_add(1, Ordering::SeqCst);
        let mut running = lock(&self.watcher.running);
        if !*running {
            *running = true;
            tokio::spawn(watch(Arc::clone(&self.watcher), self.sender.clone()));
        }
        ChangeStream {
            receiver,
            watcher: Arc::clone(&self.watcher),
        }
    }
}

async fn watch(watcher: Arc<Watcher>, sender: broadcast::Sender<Signal>) {
    let mut outside = watcher.engine.outside_changes(&watcher.sender_name);
    let mut blind = false;
    loop {
        {
            let mut running = lock(&watcher.running);
            if watcher.listeners.load(Ordering::SeqCst) == 0 {
                *running = false;
                return;
            }
        }
        let heard = tokio::select! {
            heard = outside.next() => heard,
            () = watcher.left.notified() => continue,
        };
        let signals = match heard {
            Ok(_) if std::mem::take(&mut blind) => vec![Signal::all()],
            Ok(signals) => signals,
            Err(error) => {
                tracing::debug!(%error, "cannot look for changes of other processes");
                // what happens meanwhile is not seen
                blind = true;
                tokio::time::sleep(AFTER_ERROR).await;
                continue;
            }
        };
        for signal in signals {
            if sender.send(signal).is_err() {
                tracing::trace!("the last listener left");
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
    receiver: broadcast::Receiver<Signal>,
    watcher: Arc<Watcher>,
}

impl ChangeStream {
    /// The next signal. A listener that was too slow gets [`Change::All`]. `None` once the queue is gone.
    pub async fn next(&mut self) -> Option<Change> {
        self.next_signal().await.map(|signal| signal.change)
    }

    /// The next signal after which something may be claimable that was not before.
    pub async fn next_claimable(&mut self) -> Option<Change> {
        loop {
            let signal = self.next_signal().await?;
            if signal.meaning.claimable {
                return Some(signal.change);
            }
        }
    }

    /// The next signal after which something may have to stop: a task, or a worker's claiming.
    pub async fn next_stop(&mut self) -> Option<Change> {
        loop {
            let signal = self.next_signal().await?;
            if signal.meaning.stops {
                return Some(signal.change);
            }
        }
    }

    /// The next signal that is, or may be, about a task.
    pub async fn next_about_tasks(&mut self) -> Option<Change> {
        loop {
            let change = self.next().await?;
            if matches!(change, Change::Task { .. } | Change::All) {
                return Some(change);
            }
        }
    }

    async fn next_signal(&mut self) -> Option<Signal> {
        match self.receiver.recv().await {
            Ok(signal) => Some(signal),
            Err(RecvError::Lagged(_)) => Some(Signal::all()),
            Err(RecvError::Closed) => None,
        }
    }

    /// Drops what has arrived so far, and says whether any of it was about a task.
    pub fn skip_pending_tasks(&mut self) -> bool {
        let mut touched = false;
        loop {
            match self.receiver.try_recv() {
                Ok(signal) => {
                    touched |= matches!(signal.change, Change::Task { .. } | Change::All);
                }
                Err(TryRecvError::Lagged(_)) => touched = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return touched,
            }
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
        if self.watcher.listeners.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.watcher.left.notify_one();
        }
    }
}

impl Queue {
    /// Listens for changes from now on. Must be called inside a tokio runtime.
    pub fn changes(&self) -> ChangeStream {
        self.feed.subscribe()
    }

    /// Tells this process's listeners about a change that is not in the database, such as settings.
    pub fn announce(&self, change: Change) {
        self.feed.send(Signal {
            change,
            meaning: Meaning::NEITHER,
        });
    }
}
