//! What a worker holds, and why an attempt should stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use upkeep_contract::TaskId;
use upkeep_queue::{Held, Lease};

/// Why an attempt was told to stop. The first reason stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// An operator cancelled the task.
    Operator,
    /// It took longer than allowed.
    Timeout,
    /// The lease is no longer ours.
    LeaseLost,
    /// The worker stops and hands the task back.
    Shutdown,
}

/// Tells one attempt to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopSignal {
    pub(crate) token: CancellationToken,
    reason: Arc<Mutex<Option<StopReason>>>,
}

impl StopSignal {
    pub(crate) fn stop(&self, reason: StopReason) {
        let mut first = lock(&self.reason);
        // a lost lease outranks the rest: nothing may be written any more
        if first.is_none() || reason == StopReason::LeaseLost {
            *first = Some(reason);
        }
        drop(first);
        self.token.cancel();
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        *lock(&self.reason)
    }
}

#[derive(Clone, Debug)]
struct Holding {
    lease: Lease,
    stop: StopSignal,
    /// By the monotonic clock, which no one can set: after this the lease may be another's.
    safe_until: Instant,
}

/// The leases a worker holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases(Arc<Mutex<HashMap<TaskId, Holding>>>);

impl Leases {
    pub(crate) fn add(
        &self,
        lease: Lease,
        stop: StopSignal,
        claimed_at: Instant,
        length: Duration,
    ) {
        let holding = Holding {
            lease: lease.clone(),
            stop,
            safe_until: claimed_at + length,
        };
        // the same task again: its earlier attempt here was given up by the queue
        if let Some(earlier) = lock(&self.0).insert(lease.task_id, holding) {
            earlier.stop.stop(StopReason::LeaseLost);
        }
    }

    pub(crate) fn remove(&self, lease: &Lease) {
        let mut held = lock(&self.0);
        if held
            .get(&lease.task_id)
            .is_some_and(|holding| holding.lease.token == lease.token)
        {
            held.remove(&lease.task_id);
        }
    }

    pub(crate) fn all(&self) -> Vec<Lease> {
        lock(&self.0)
            .values()
            .map(|holding| holding.lease.clone())
            .collect()
    }

    pub(crate) fn get(&self, task_id: &TaskId) -> Option<Lease> {
        lock(&self.0)
            .get(task_id)
            .map(|holding| holding.lease.clone())
    }

    /// True while the lease is surely ours, as far as the last word of the queue goes.
    pub(crate) fn is_safe(&self, lease: &Lease) -> bool {
        lock(&self.0)
            .get(&lease.task_id)
            .is_some_and(|holding| Instant::now() < holding.safe_until)
    }

    /// Takes in what the queue said of a lease; `extended` is set when a heartbeat extended it.
    pub(crate) fn heard(&self, lease: &Lease, held: Held, extended: Option<Instant>) {
        let mut all = lock(&self.0);
        let Some(holding) = all
            .get_mut(&lease.task_id)
            .filter(|holding| holding.lease == *lease)
        else {
            return;
        };
        match held {
            Held::Kept { cancel_requested } => {
                if let Some(until) = extended {
                    holding.safe_until = until;
                }
                if cancel_requested {
                    holding.stop.stop(StopReason::Operator);
                }
            }
            Held::Lost => holding.stop.stop(StopReason::LeaseLost),
        }
    }

    /// Stops what has outlived its lease because the queue could not be reached.
    pub(crate) fn abandon_expired(&self) {
        let now = Instant::now();
        for holding in lock(&self.0)
            .values()
            .filter(|holding| holding.safe_until <= now)
        {
            holding.stop.stop(StopReason::LeaseLost);
        }
    }

    pub(crate) fn stop_all(&self, reason: StopReason) {
        for holding in lock(&self.0).values() {
            holding.stop.stop(reason);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
