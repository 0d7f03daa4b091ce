//! What may happen to a queue, as a list that shrinks well: numbers that name tasks and leases count
//! from the newest, and begin again when there are not so many.

use proptest::option;
use proptest::prelude::*;
use upkeep_contract::worker::ClaimStrategy;

/// The first may run twice at once on a host, the second as often as one likes.
pub(crate) const OPERATIONS: [&str; 2] = ["limited", "free"];
/// How many of the first.
pub(crate) const LIMIT: usize = 2;
/// The host of each worker.
pub(crate) const WORKERS: [&str; 3] = ["host-a", "host-a", "host-b"];
/// How many look after leases, each with its own memory.
pub(crate) const WATCHERS: usize = 2;
/// How long a lease lasts, and how long a silent worker passes for alive.
pub(crate) const LEASE_MS: u64 = 10_000;

const HOUR_MS: i64 = 3_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Succeeded,
    Partial,
    Permanent,
    Transient,
    TimedOut,
    Cancelled,
    Released,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Enqueue {
        operation: usize,
        key: Option<u8>,
        target: Option<usize>,
        priority: i32,
        max_attempts: u32,
        dry_run: bool,
    },
    /// A living worker takes tasks.
    Claim {
        worker: usize,
        up_to: u32,
        strategy: ClaimStrategy,
    },
    /// A living worker's heartbeat, or that of each: for itself and for all that it thinks it holds.
    Heartbeat {
        worker: Option<usize>,
    },
    /// Whoever once had this lease reports progress, also from the grave.
    Progress {
        lease: usize,
    },
    Finish {
        lease: usize,
        how: How,
    },
    Cancel {
        task: usize,
    },
    CancelAll {
        operation: usize,
    },
    ForceClose {
        task: usize,
    },
    SetPriority {
        task: usize,
        priority: i32,
    },
    Pause {
        operation: usize,
    },
    Resume {
        operation: usize,
    },
    Rescue {
        watcher: usize,
    },
    /// Killed: it says nothing any more.
    Die {
        worker: usize,
    },
    /// It ends in good order, whatever it holds.
    Stop {
        worker: usize,
    },
    /// It starts again, as another.
    Start {
        worker: usize,
    },
    Advance {
        ms: u64,
    },
    /// Somebody sets the wall clock.
    Jump {
        ms: i64,
    },
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..70)
}

fn step() -> impl Strategy<Value = Step> {
    let operation = 0..OPERATIONS.len();
    let worker = 0..WORKERS.len();
    // most of what happens happens to what is new
    let recent = || prop_oneof![3 => 0..4_usize, 1 => 0..24_usize];
    let (some_task, some_lease) = (recent(), recent());
    prop_oneof![
        6 => (
            operation.clone(),
            option::weighted(0.4, 0..3_u8),
            option::weighted(0.3, worker.clone()),
            0..3,
            1..4_u32,
            prop::bool::weighted(0.2),
        )
            .prop_map(|(operation, key, target, priority, max_attempts, dry_run)| Step::Enqueue {
                operation, key, target, priority, max_attempts, dry_run,
            }),
        6 => (worker.clone(), 1..5_u32, strategy())
            .prop_map(|(worker, up_to, strategy)| Step::Claim { worker, up_to, strategy }),
        7 => option::weighted(0.6, worker.clone()).prop_map(|worker| Step::Heartbeat { worker }),
        2 => some_lease.clone().prop_map(|lease| Step::Progress { lease }),
        5 => (some_lease, how()).prop_map(|(lease, how)| Step::Finish { lease, how }),
        2 => some_task.clone().prop_map(|task| Step::Cancel { task }),
        1 => operation.clone().prop_map(|operation| Step::CancelAll { operation }),
        2 => some_task.clone().prop_map(|task| Step::ForceClose { task }),
        1 => (some_task, 0..3).prop_map(|(task, priority)| Step::SetPriority { task, priority }),
        1 => operation.clone().prop_map(|operation| Step::Pause { operation }),
        2 => operation.prop_map(|operation| Step::Resume { operation }),
        7 => (0..WATCHERS).prop_map(|watcher| Step::Rescue { watcher }),
        1 => worker.clone().prop_map(|worker| Step::Die { worker }),
        1 => worker.clone().prop_map(|worker| Step::Stop { worker }),
        2 => worker.prop_map(|worker| Step::Start { worker }),
        6 => prop::sample::select(vec![1, 900, 2_000, 5_000, 5_000, 6_000, 6_000, LEASE_MS, LEASE_MS + 1, 40_000])
            .prop_map(|ms| Step::Advance { ms }),
        1 => prop::sample::select(vec![-1, -60_000, -5 * HOUR_MS, 5 * HOUR_MS, 48 * HOUR_MS])
            .prop_map(|ms| Step::Jump { ms }),
    ]
}

fn strategy() -> impl Strategy<Value = ClaimStrategy> {
    prop::sample::select(vec![
        ClaimStrategy::Priority,
        ClaimStrategy::Fifo,
        ClaimStrategy::Lifo,
        ClaimStrategy::WeightedRandom,
    ])
}

fn how() -> impl Strategy<Value = How> {
    prop::sample::select(vec![
        How::Succeeded,
        How::Partial,
        How::Permanent,
        How::Transient,
        How::TimedOut,
        How::Cancelled,
        How::Released,
    ])
}
