//! The sign of life: extends leases, carries vitals, takes back what dead workers left.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use upkeep_contract::WorkerId;
use upkeep_contract::event::Change;
use upkeep_contract::worker::HostVitals;
use upkeep_operations::vitals::SystemSampler;
use upkeep_queue::{ChangeStream, Lease, LeaseWatch, NewWorker, Queue, QueueError};

use crate::WorkerOptions;
use crate::leases::Leases;

/// Whether the last heartbeat reached the queue, and whether an operator wants the worker to drain.
/// While it did not, or does, nothing new is claimed.
#[derive(Debug)]
pub(crate) struct Pulse {
    state: watch::Sender<PulseState>,
    last_try: Mutex<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PulseState {
    lost: bool,
    draining: bool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(PulseState::default()),
            last_try: Mutex::new(Instant::now()),
        }
    }
}

impl Pulse {
    /// Ends once the queue can be reached and nobody wants the worker to drain.
    pub(crate) async fn wait_until_claiming(&self) {
        let mut state = self.state.subscribe();
        // the sender is `self`, so it is there
        drop(state.wait_for(|state| !state.lost && !state.draining).await);
    }

    /// Whether it may claim at this moment.
    pub(crate) fn may_claim(&self) -> bool {
        let state = *self.state.borrow();
        !state.lost && !state.draining
    }

    /// How long ago the last heartbeat was tried, whether it got through or not.
    pub(crate) fn since_last_try(&self) -> Duration {
        lock(&self.last_try).elapsed()
    }

    fn tries(&self) {
        *lock(&self.last_try) = Instant::now();
    }

    fn beat(&self, reached: bool) {
        if self.change(|state| state.lost = !reached) && reached {
            tracing::info!("the heartbeat gets through again: claiming again");
        }
    }

    fn drain(&self, draining: bool) {
        if !self.change(|state| state.draining = draining) {
            return;
        }
        if draining {
            tracing::info!("an operator wants this worker to drain: claiming nothing new");
        } else {
            tracing::info!("an operator lets this worker go on: claiming again");
        }
    }

    /// True when it made a difference.
    fn change(&self, change: impl FnOnce(&mut PulseState)) -> bool {
        self.state.send_if_modified(|state| {
            let before = *state;
            change(state);
            *state != before
        })
    }
}

/// Beats until it is dropped.
pub(crate) async fn keep_beating(
    queue: Queue,
    worker: NewWorker,
    options: WorkerOptions,
    leases: Leases,
    pulse: Arc<Pulse>,
) {
    let mut sampler = Some(SystemSampler::new());
    let mut beats = tokio::time::interval(options.heartbeat());
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        pulse.tries();
        let vitals;
        (sampler, vitals) = sample(sampler, &queue).await;
        let beating = beat(&queue, &worker, &leases, options.lease, vitals.as_ref());
        let mut beating = Box::pin(beating);
        // a server that hangs gives no error; what is asked of it may still be done, so it is not cut off
        let reached = if let Ok(reached) = tokio::time::timeout(options.lease, &mut beating).await {
            reached
        } else {
            tracing::warn!(
                "the database does not answer: claiming nothing new until the heartbeat gets through"
            );
            pulse.beat(false);
            beating.await
        };
        match &reached {
            Ok(draining) => pulse.drain(*draining),
            Err(error) => {
                tracing::warn!(%error, "the heartbeat failed: claiming nothing new until it gets through");
            }
        }
        pulse.beat(reached.is_ok());
    }
}

/// Stops what has outlived its lease, until it is dropped. It asks nobody: a database that hangs must not
/// keep an attempt going that may be another's by now.
pub(crate) async fn keep_abandoning(options: WorkerOptions, leases: Leases) {
    let mut looks = tokio::time::interval(options.rescue_look());
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        leases.abandon_expired();
    }
}

/// Looks for tasks that nobody holds any more, until it is dropped. While nothing runs it looks only once
/// a task changed, or seldom: a signal can be lost.
pub(crate) async fn keep_rescuing(queue: Queue, options: WorkerOptions, mut changes: ChangeStream) {
    let mut watch = LeaseWatch::default();
    let mut looks = tokio::time::interval(options.rescue_look());
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        // before the look: what begins to run during it is heard after it
        changes.skip_pending();
        match queue.rescue(&mut watch).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "took back tasks whose worker is gone"),
            Err(error) => tracing::debug!(%error, "cannot look for leases that ran out"),
        }
        if watch.sees_nothing() {
            let heard = tokio::time::timeout(options.heartbeat(), changes.next_about_tasks());
            if let Ok(None) = heard.await {
                return;
            }
        }
    }
}

/// Sees within a moment that an operator cancelled what is held here, or wants the worker to drain,
/// until the queue is gone.
pub(crate) async fn keep_watching(
    queue: Queue,
    id: WorkerId,
    leases: Leases,
    pulse: Arc<Pulse>,
    mut changes: ChangeStream,
) {
    while let Some(change) = changes.next_stop().await {
        let touched: Vec<Lease> = match &change {
            Change::Task { task_id } => leases.get(task_id).into_iter().collect(),
            Change::All => leases.all(),
            Change::Worker { .. }
            | Change::WorkerAlive { .. }
            | Change::Operation { .. }
            | Change::Settings => Vec::new(),
        };
        match queue.look(&touched).await {
            Ok(held) => {
                for (lease, held) in touched.iter().zip(held) {
                    leases.heard(lease, held, None);
                }
            }
            Err(error) => tracing::debug!(%error, "cannot look whether a task was cancelled"),
        }
        let ours = matches!(&change, Change::Worker { worker_id } if *worker_id == id);
        if ours || change == Change::All {
            match queue.drain_requested(&id).await {
                Ok(draining) => pulse.drain(draining),
                Err(error) => tracing::debug!(%error, "cannot look whether to drain"),
            }
        }
    }
}

/// True when an operator wants the worker to drain.
async fn beat(
    queue: &Queue,
    worker: &NewWorker,
    leases: &Leases,
    length: Duration,
    vitals: Option<&HostVitals>,
) -> Result<bool, QueueError> {
    extend(queue, leases, leases.all(), length).await?;
    match queue.worker_alive(&worker.id, vitals).await {
        Err(QueueError::NoSuchWorker(_)) => {
            tracing::warn!("the registry of workers has lost this one: entering it again");
            queue.register_worker(worker).await?;
            queue.worker_alive(&worker.id, vitals).await
        }
        other => other,
    }
}

async fn extend(
    queue: &Queue,
    leases: &Leases,
    held: Vec<Lease>,
    length: Duration,
) -> Result<(), QueueError> {
    // taken before the write: the lease lasts from then at the least
    let until = Instant::now() + length;
    for (lease, held) in held.iter().zip(queue.extend(&held, length).await?) {
        leases.heard(lease, held, Some(until));
    }
    Ok(())
}

/// Reads the host's vital signs off the async threads. A probe that broke down is not asked again.
async fn sample(
    sampler: Option<SystemSampler>,
    queue: &Queue,
) -> (Option<SystemSampler>, Option<HostVitals>) {
    let Some(mut sampler) = sampler else {
        return (None, None);
    };
    let now = queue.now();
    let sampled = tokio::task::spawn_blocking(move || {
        let vitals = sampler.sample(now);
        (sampler, vitals)
    });
    match sampled.await {
        Ok((sampler, vitals)) => (Some(sampler), Some(vitals)),
        Err(error) => {
            tracing::error!(%error, "the host's vital signs cannot be read; going on without them");
            (None, None)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
