//! The live dashboard: this host, this process's runtime and the queue, once a second while, and only while,
//! somebody looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use upkeep_contract::live::{LiveQueue, LiveSample};
use upkeep_contract::{Clock, SystemClock};
use upkeep_operations::live::{LiveSampler, Pace, RuntimeSampler};
use upkeep_queue::{ChangeStream, Queue};

use crate::Console;
use crate::vitals::{PAUSE, Samples, Shared, watch};

/// A task that becomes due after its back-off sends no signal; this is how late the dashboard may notice.
const SILENT: Duration = Duration::from_secs(5);

/// What the dashboard shows, once a second.
pub type LiveWatch = Samples<LiveSample>;

/// Watches this host. Without a console the queue is not known: a host whose database is away is worth looking at
/// all the more. Must be called inside a tokio runtime.
///
/// The log says when the sampling begins, and when it has ended after how many samples.
pub fn watch_live(console: Option<&Console>) -> LiveWatch {
    let sampler = Shared::new((LiveSampler::new(), RuntimeSampler::new(Handle::current())));
    let depth = console.map(|console| Arc::new(Mutex::new(Depth::of(&console.queue))));
    let count = Count::begin();
    watch(PAUSE, move || {
        count.0.fetch_add(1, Ordering::Relaxed);
        let host = sampler.sample(|(host, runtime)| {
            let mut live = host.sample(SystemClock.now());
            live.runtime = Some(runtime.sample());
            live
        });
        let depth = depth.clone();
        async move {
            let mut live = host.await?;
            if let Some(depth) = depth {
                live.queue = depth.lock().await.now().await;
            }
            Some(live)
        }
    })
}

/// Counts samples, and says in the log when they began and ended.
#[derive(Debug)]
struct Count(AtomicU64);

impl Count {
    fn begin() -> Self {
        tracing::info!("live sampling of this host began");
        Self(AtomicU64::new(0))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        let samples = self.0.load(Ordering::Relaxed);
        tracing::info!(samples, "live sampling of this host ended");
    }
}

/// How deep the queue is: counted anew when a task changed, and as seldom as keeps the counting of a long queue cheap.
#[derive(Debug)]
struct Depth {
    queue: Queue,
    changes: ChangeStream,
    touched: bool,
    known: Option<(Instant, LiveQueue)>,
    pace: Pace,
}

impl Depth {
    fn of(queue: &Queue) -> Self {
        Self {
            queue: queue.clone(),
            changes: queue.changes(),
            touched: true,
            known: None,
            pace: Pace::new(Duration::ZERO),
        }
    }

    /// The depth; none while the database cannot be reached.
    async fn now(&mut self) -> Option<LiveQueue> {
        let begun = Instant::now();
        self.touched |= self.changes.skip_pending_tasks();
        let age = |at: Instant| begun.duration_since(at);
        let silent = self
            .known
            .as_ref()
            .is_none_or(|(at, depth)| depth.queued > 0 && age(*at) >= SILENT);
        if (self.touched || silent) && self.pace.may_begin(begun) {
            let counted = self.queue.depth().await;
            self.pace.ended(begun, Instant::now());
            match counted {
                Ok(depth) => {
                    self.touched = false;
                    self.known = Some((begun, depth));
                }
                Err(error) => {
                    tracing::debug!(%error, "the queue cannot be counted");
                    self.known = None;
                }
            }
        }
        let (at, depth) = self.known.as_ref()?;
        let grown = i64::try_from(age(*at).as_millis()).unwrap_or(0);
        Some(LiveQueue {
            // what waits grows older between two counts
            oldest_waiting_ms: depth.oldest_waiting_ms.map(|age| age + grown),
            ..depth.clone()
        })
    }
}
