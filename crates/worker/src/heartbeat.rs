//! The sign of life: extends leases, carries vitals, takes back what dead workers left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use upkeep_contract::WorkerId;
use upkeep_contract::event::Change;
use upkeep_contract::worker::HostVitals;
use upkeep_operations::vitals::SystemSampler;
use upkeep_queue::{Lease, Queue, QueueError};

use crate::WorkerOptions;
use crate::leases::Leases;

/// Whether the last heartbeat reached the queue. While it did not, nothing new is claimed.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    lost: AtomicBool,
    back: Notify,
}

impl Pulse {
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Ends once the queue can be reached again.
    pub(crate) async fn wait_until_back(&self) {
        while self.is_lost() {
            self.back.notified().await;
        }
    }

    fn beat(&self, reached: bool) {
        if self.lost.swap(!reached, Ordering::SeqCst) && reached {
            self.back.notify_one();
        }
    }
}

/// Beats until it is dropped.
pub(crate) async fn keep_beating(
    queue: Queue,
    id: WorkerId,
    options: WorkerOptions,
    leases: Leases,
    pulse: Arc<Pulse>,
) {
    let mut sampler = Some(SystemSampler::new());
    let mut beats = tokio::time::interval(options.heartbeat());
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let vitals;
        (sampler, vitals) = sample(sampler, &queue).await;
        let reached = beat(&queue, &id, &leases, options.lease, vitals.as_ref()).await;
        if let Err(error) = &reached {
            tracing::warn!(%error, "the heartbeat failed: claiming nothing new until it gets through");
        }
        pulse.beat(reached.is_ok());
    }
}

/// Looks for leases that ran out, the own ones too, until it is dropped.
pub(crate) async fn keep_rescuing(queue: Queue, options: WorkerOptions, leases: Leases) {
    let mut looks = tokio::time::interval(options.rescue_look());
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        leases.abandon_expired();
        // after a host slept or its clock was set, this look may come before the next heartbeat:
        // a worker that lives must not take its own tasks for lost
        if let Err(error) = extend(&queue, &leases, leases.safe(), options.lease).await {
            tracing::debug!(%error, "cannot extend the leases");
            continue;
        }
        match queue.rescue().await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "took back tasks whose worker is gone"),
            Err(error) => tracing::debug!(%error, "cannot look for leases that ran out"),
        }
    }
}

/// Sees within a moment that an operator cancelled what is held here, until the queue is gone.
pub(crate) async fn keep_watching(queue: Queue, leases: Leases) {
    let mut changes = queue.changes();
    while let Some(change) = changes.next().await {
        let touched = match &change {
            Change::Task { task_id } => leases.get(task_id).into_iter().collect(),
            Change::All => leases.all(),
            Change::Worker { .. } | Change::Settings => continue,
        };
        for lease in touched {
            match queue.look(&lease).await {
                Ok(held) => leases.heard(&lease, held, None),
                Err(error) => tracing::debug!(%error, "cannot look whether a task was cancelled"),
            }
        }
    }
}

async fn beat(
    queue: &Queue,
    id: &WorkerId,
    leases: &Leases,
    length: Duration,
    vitals: Option<&HostVitals>,
) -> Result<(), QueueError> {
    extend(queue, leases, leases.all(), length).await?;
    queue.worker_alive(id, vitals).await
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
