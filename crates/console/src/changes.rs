//! Changes for a screen: joined, without doubles, at most ten batches a second.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use upkeep_contract::event::Change;
use upkeep_queue::ChangeStream;

use crate::Console;
use crate::console::SCREEN_PAUSE;

/// Batches of changes for one listener.
#[derive(Debug)]
pub struct ChangeBatches {
    stream: ChangeStream,
    not_before: Instant,
}

impl ChangeBatches {
    /// The next batch, never empty. Signs of life of workers are left out: there are some every second, and a
    /// screen that shows them reads again by itself. The first change after a quiet time comes at once, those that
    /// follow it within a tenth of a second come together. `None` once the queue is gone.
    pub async fn next(&mut self) -> Option<Vec<Change>> {
        let mut batch = Batch::default();
        while batch.order.is_empty() {
            batch.add(self.stream.next().await?);
        }
        sleep_until(self.not_before).await;
        // a timeout of zero still takes what is there already
        while let Ok(Some(change)) = timeout(Duration::ZERO, self.stream.next()).await {
            batch.add(change);
        }
        self.not_before = Instant::now() + SCREEN_PAUSE;
        Some(batch.changes())
    }
}

#[derive(Default)]
struct Batch {
    order: Vec<Change>,
    known: HashSet<Change>,
}

impl Batch {
    fn add(&mut self, change: Change) {
        if matches!(change, Change::WorkerAlive { .. }) {
            return;
        }
        if self.known.insert(change.clone()) {
            self.order.push(change);
        }
    }

    /// "Re-read all" says everything that the others say.
    fn changes(self) -> Vec<Change> {
        if self.known.contains(&Change::All) {
            return vec![Change::All];
        }
        self.order
    }
}

impl Console {
    /// Listens for changes from now on.
    pub fn changes(&self) -> ChangeBatches {
        ChangeBatches {
            stream: self.queue.changes(),
            not_before: Instant::now(),
        }
    }
}
