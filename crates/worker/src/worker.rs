//! The claim loop, and stopping in good order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use upkeep_contract::WorkerId;
use upkeep_contract::event::Change;
use upkeep_operations::Registry;
use upkeep_queue::{
    ChangeStream, Claim, ClaimFilter, Lease, NewWorker, Queue, QueueError, WorkerMode,
};

use crate::WorkerOptions;
use crate::attempt::Bench;
use crate::heartbeat::{Pulse, keep_abandoning, keep_beating, keep_rescuing, keep_watching};
use crate::leases::{Leases, StopReason, StopSignal};

/// The longest wait without a look at the queue, should a signal get lost.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The shortest wait after a look that found nothing although something was due: another worker took it.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// Heartbeats that may be missed before the worker calls itself unhealthy.
const MISSED_BEATS: u32 = 3;

/// How long a heartbeat may wait for a database that is away: its errors come after some seconds.
const SLOW_DATABASE: Duration = Duration::from_secs(30);

/// The pause after the queue could not be reached.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// A worker that has started. Dropping it leaves it running; see [`RunningWorker::stop`].
#[derive(Debug)]
pub struct RunningWorker {
    id: WorkerId,
    queue: Queue,
    leases: Leases,
    pulse: Arc<Pulse>,
    heartbeat: Duration,
    stop_claiming: CancellationToken,
    grace: Duration,
    claiming: JoinHandle<()>,
    attempts: Arc<tokio::sync::Mutex<JoinSet<()>>>,
    companions: JoinSet<()>,
}

/// Starts a worker inside the running tokio runtime.
///
/// # Errors
/// [`QueueError::Unavailable`] when it could not be entered in the registry; it is not running then.
pub async fn start(
    queue: Queue,
    registry: Registry,
    artifacts: PathBuf,
    options: WorkerOptions,
) -> Result<RunningWorker, QueueError> {
    let queue = queue.with_host_limits(registry.host_limits());
    let id = WorkerId::generate();
    let worker = NewWorker {
        id: id.clone(),
        host: options.host.clone(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        embedded: options.embedded,
        operations: registry.ids().to_vec(),
        strategy: options.strategy,
        concurrency: options.concurrency,
    };
    queue.register_worker(&worker).await?;
    let leases = Leases::default();
    let pulse = Arc::new(Pulse::default());
    let stop_claiming = CancellationToken::new();
    let mut companions = JoinSet::new();
    companions.spawn(keep_beating(
        queue.clone(),
        worker,
        options.clone(),
        leases.clone(),
        Arc::clone(&pulse),
    ));
    companions.spawn(keep_abandoning(options.clone(), leases.clone()));
    companions.spawn(keep_rescuing(
        queue.clone(),
        options.clone(),
        queue.changes(),
    ));
    companions.spawn(keep_watching(
        queue.clone(),
        id.clone(),
        leases.clone(),
        Arc::clone(&pulse),
        queue.changes(),
    ));
    let filter = ClaimFilter {
        operations: registry.ids().to_vec(),
        host: options.host.clone(),
        strategy: options.strategy,
    };
    let attempts = Arc::new(tokio::sync::Mutex::new(JoinSet::new()));
    let claimer = Claimer {
        id: id.clone(),
        filter,
        lease: options.lease,
        free: Arc::new(Semaphore::new(options.concurrency.max(1) as usize)),
        half: options.concurrency.div_ceil(2) as usize,
        bench: Bench {
            queue: queue.clone(),
            registry,
            artifacts,
            leases: leases.clone(),
            host: options.host.clone(),
        },
        attempts: Arc::clone(&attempts),
        pulse: Arc::clone(&pulse),
        stop: stop_claiming.clone(),
    };
    tracing::info!(worker_id = %id, host = %options.host, concurrency = options.concurrency, "the worker is ready");
    // subscribed before the first look, so that nothing enqueued in between is missed
    let changes = queue.changes();
    let claiming = tokio::spawn(claimer.keep_claiming(changes));
    Ok(RunningWorker {
        id,
        queue,
        leases,
        pulse,
        heartbeat: options.heartbeat(),
        stop_claiming,
        grace: options.grace,
        claiming,
        attempts,
        companions,
    })
}

impl RunningWorker {
    /// Its id in the registry.
    pub fn id(&self) -> &WorkerId {
        &self.id
    }

    /// True while its loops do their work: the heartbeat is tried in time, whether the database
    /// answers or not, and the claim loop has not broken down. A supervisor should start anew what
    /// stays unhealthy.
    pub fn is_healthy(&self) -> bool {
        self.pulse.since_last_try() < self.heartbeat * MISSED_BEATS + SLOW_DATABASE
            && !self.claiming.is_finished()
    }

    /// Stops in good order: claims nothing new, lets attempts end within the grace time, hands the
    /// rest back to the queue, and says farewell.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the queue could not be told; the leases then run out by themselves.
    pub async fn stop(mut self) -> Result<(), QueueError> {
        self.stop_claiming.cancel();
        if let Err(error) = self.claiming.await {
            tracing::error!(%error, "the claim loop broke down");
        }
        let mut attempts = std::mem::take(&mut *self.attempts.lock().await);
        while attempts.try_join_next().is_some() {}
        if !attempts.is_empty() && !self.grace.is_zero() {
            let draining = self
                .queue
                .set_worker_mode(&self.id, WorkerMode::Draining)
                .await;
            if let Err(error) = draining {
                tracing::warn!(%error, "cannot tell that the worker drains");
            }
            let ended = async { while attempts.join_next().await.is_some() {} };
            if tokio::time::timeout(self.grace, ended).await.is_err() {
                tracing::info!("the grace time is over: handing back what is left");
            }
        }
        self.leases.stop_all(StopReason::Shutdown);
        while attempts.join_next().await.is_some() {}
        self.companions.shutdown().await;
        self.queue
            .set_worker_mode(&self.id, WorkerMode::Stopped)
            .await?;
        tracing::info!(worker_id = %self.id, "the worker has stopped");
        Ok(())
    }
}

struct Claimer {
    id: WorkerId,
    filter: ClaimFilter,
    lease: Duration,
    free: Arc<Semaphore>,
    half: usize,
    bench: Bench,
    attempts: Arc<tokio::sync::Mutex<JoinSet<()>>>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
}

impl Claimer {
    /// Claims until it is told to stop. A claim is never cut off half-way: its lease would be nobody's.
    async fn keep_claiming(self, mut changes: ChangeStream) {
        let mut sure = false;
        while let Some(permits) = self.unless_stopped(self.free_slots()).await.flatten() {
            let claimed_at = Instant::now();
            let up_to = u32::try_from(permits.num_permits()).unwrap_or(1);
            let look = self.claim(up_to, sure).await;
            // who got all that was asked for need not look whether there is more
            sure = matches!(&look, Ok(Look::Claimed(claims)) if claims.len() == up_to as usize);
            let wait = match look {
                Ok(Look::Claimed(claims)) => {
                    self.begin(claims, permits, claimed_at).await;
                    continue;
                }
                Ok(Look::NothingDueFor(wait)) => wait,
                Err(error) => {
                    tracing::warn!(%error, "cannot claim");
                    AFTER_ERROR
                }
            };
            drop(permits);
            // a signal, or the time of the next task that waits
            match self
                .unless_stopped(tokio::time::timeout(wait, changes.next_claimable()))
                .await
            {
                None | Some(Ok(None)) => return,
                Some(woken) => {
                    // a change that names a task was made by who asked for it: it can be claimed. A file
                    // only says that something changed.
                    sure = matches!(woken, Ok(Some(Change::Task { .. })));
                    changes.skip_pending();
                }
            }
        }
    }

    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            done = wait => Some(done),
        }
    }

    /// The right to perform more tasks, as many as there is room for, once the queue can be reached
    /// and nobody wants the worker to drain.
    async fn free_slots(&self) -> Option<OwnedSemaphorePermit> {
        let mut permits = Arc::clone(&self.free).acquire_owned().await.ok()?;
        self.pulse.wait_until_claiming().await;
        // attempts whose ends were written together are just leaving: one claim for all their places,
        // but for half of all at most: while the ends of one half are written, the other half works
        let mut free = 0;
        while permits.num_permits() > free {
            free = permits.num_permits();
            tokio::task::yield_now().await;
            while permits.num_permits() < self.half
                && let Ok(more) = Arc::clone(&self.free).try_acquire_owned()
            {
                permits.merge(more);
            }
        }
        Some(permits)
    }

    async fn begin(
        &self,
        claims: Vec<Claim>,
        mut permits: OwnedSemaphorePermit,
        claimed_at: Instant,
    ) {
        let leases: Vec<Lease> = claims.iter().map(|claim| claim.lease.clone()).collect();
        let claimed_at = self.surely_held_since(claimed_at, &leases).await;
        let mut attempts = self.attempts.lock().await;
        while attempts.try_join_next().is_some() {}
        for (claim, lease) in claims.into_iter().zip(&leases) {
            let stop = StopSignal::default();
            let held = &self.bench.leases;
            held.add(lease.clone(), stop.clone(), claimed_at, self.lease);
            let bench = self.bench.clone();
            let permit = permits.split(1);
            attempts.spawn(async move {
                bench.perform(claim, stop).await;
                drop(permit);
            });
        }
        drop(attempts);
        // a wish to cancel that came between the claim and these lines met nobody who held the tasks
        match self.bench.queue.look(&leases).await {
            Ok(held) => {
                for (lease, held) in leases.iter().zip(held) {
                    self.bench.leases.heard(lease, held, None);
                }
            }
            Err(error) => tracing::debug!(%error, "cannot look whether a task was cancelled"),
        }
    }

    /// When the leases surely began: when the claim was sent, or, when its answer took so long that
    /// they may have run out meanwhile, when they were extended.
    async fn surely_held_since(&self, claimed_at: Instant, leases: &[Lease]) -> Instant {
        if claimed_at.elapsed() < self.lease / 2 {
            return claimed_at;
        }
        let again = Instant::now();
        match self.bench.queue.extend(leases, self.lease).await {
            // one that is lost is heard of by the look that follows
            Ok(_) => again,
            Err(error) => {
                tracing::debug!(%error, "cannot extend leases whose claim took long");
                claimed_at
            }
        }
    }

    /// Looks before it claims unless it is sure: a look is a read, and idle workers should not take the
    /// write lock.
    async fn claim(&self, up_to: u32, sure: bool) -> Result<Look, QueueError> {
        let queue = &self.bench.queue;
        if !sure {
            let Some(due) = queue.next_due(&self.filter).await? else {
                return Ok(Look::NothingDueFor(LONGEST_WAIT));
            };
            let wait = due.since(queue.now());
            if !wait.is_zero() {
                return Ok(Look::NothingDueFor(wait.min(LONGEST_WAIT)));
            }
        }
        // an operator's wish to drain may have come during the look
        if !self.pulse.may_claim() {
            return Ok(Look::NothingDueFor(SHORTEST_WAIT));
        }
        let claims = queue
            .claim(
                &self.id,
                std::process::id(),
                &self.filter,
                self.lease,
                up_to,
            )
            .await?;
        Ok(if claims.is_empty() {
            Look::NothingDueFor(SHORTEST_WAIT)
        } else {
            Look::Claimed(claims)
        })
    }
}

enum Look {
    Claimed(Vec<Claim>),
    NothingDueFor(Duration),
}
