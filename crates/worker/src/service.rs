//! What the service manager is told (`sd_notify`), and the watchdog.
//!
//! Without `NOTIFY_SOCKET`, in a terminal for example, all of this does nothing. Rules: the watchdog
//! is fed by proof that the worker can still work, never by a timer alone; and a service manager
//! that does not listen holds up nothing here.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior};
use upkeep_worker::RunningWorker;

/// What stopping may take beyond the grace: handing back, saying farewell, closing the database.
const AFTER_GRACE: Duration = Duration::from_secs(20);

/// How long a message may wait for a service manager whose socket is full.
const LONGEST_TELLING: Duration = Duration::from_secs(1);

/// The service manager, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceManager {
    /// Held by the thread that is telling: messages keep their order, and at most one thread waits.
    telling: Arc<Mutex<()>>,
}

impl ServiceManager {
    /// The worker is registered and claims.
    pub(crate) async fn ready(&self, status: &str) {
        self.tell(vec![NotifyState::Ready], status).await;
    }

    /// What `systemctl status` shows from now on.
    pub(crate) async fn status(&self, status: &str) {
        self.tell(Vec::new(), status).await;
    }

    /// The graceful stop begins; it may take the grace and a little more, whatever `TimeoutStopSec=` says.
    pub(crate) async fn stopping(&self, grace: Duration) {
        let longest = u32::try_from((grace + AFTER_GRACE).as_micros()).unwrap_or(u32::MAX);
        let states = vec![
            NotifyState::Stopping,
            NotifyState::ExtendTimeoutUsec(longest),
        ];
        let status = format!(
            "stopping: attempts may go on for {} s, then they are handed back",
            grace.as_secs()
        );
        self.tell(states, &status).await;
    }

    async fn feed_watchdog(&self) {
        self.tell(vec![NotifyState::Watchdog], "").await;
    }

    /// Tells on a thread of its own, since the socket blocks when nobody reads it.
    async fn tell(&self, states: Vec<NotifyState<'static>>, status: &str) {
        // a line break would begin another assignment
        let status = status.replace(['\n', '\r'], " ");
        let telling = async {
            let alone = Arc::clone(&self.telling).lock_owned().await;
            let told = tokio::task::spawn_blocking(move || {
                let _alone = alone;
                let mut states: Vec<NotifyState<'_>> = states;
                if !status.is_empty() {
                    states.push(NotifyState::Status(&status));
                }
                sd_notify::notify(&states)
            });
            if let Ok(Err(error)) = told.await {
                tracing::warn!(%error, "cannot tell the service manager");
            }
        };
        if tokio::time::timeout(LONGEST_TELLING, telling)
            .await
            .is_err()
        {
            tracing::warn!("the service manager does not listen");
        }
    }
}

/// Feeds the service manager's watchdog when it has one for this process (`WATCHDOG_USEC`).
#[derive(Debug)]
pub(crate) struct Watchdog {
    manager: ServiceManager,
    ticks: Option<Interval>,
}

impl Watchdog {
    /// The watchdog that the service manager asks for. It wants a sign at half of its time.
    pub(crate) fn from_environment(manager: ServiceManager) -> Self {
        let patience = sd_notify::watchdog_enabled();
        Self {
            manager,
            ticks: every(patience.map(|patience| patience / 2)),
        }
    }

    /// Waits for something and feeds the watchdog meanwhile, as long as the worker is alive.
    pub(crate) async fn while_waiting<T>(
        &mut self,
        worker: Option<&RunningWorker>,
        wait: impl Future<Output = T>,
    ) -> T {
        let manager = &self.manager;
        let feed = || manager.feed_watchdog();
        prove(&mut self.ticks, || is_alive(worker), feed, wait).await
    }
}

fn every(period: Option<Duration>) -> Option<Interval> {
    let period = period.filter(|period| !period.is_zero())?;
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(ticks)
}

/// Feeds with each tick that finds life. A proof that never comes must not keep the program from
/// hearing a signal, so it is one branch of the wait.
async fn prove<T, A, F>(
    ticks: &mut Option<Interval>,
    alive: impl Fn() -> A,
    feed: impl Fn() -> F,
    wait: impl Future<Output = T>,
) -> T
where
    A: Future<Output = bool>,
    F: Future<Output = ()>,
{
    let Some(ticks) = ticks else {
        return wait.await;
    };
    tokio::pin!(wait);
    loop {
        let proof = async {
            ticks.tick().await;
            if alive().await {
                feed().await;
            }
        };
        tokio::select! {
            biased;
            done = &mut wait => return done,
            () = proof => {}
        }
    }
}

/// Whether the worker is truly alive.
///
/// The runtime's threads take up and finish new work, so neither all of them hang in a call that
/// blocks nor has the scheduler stopped; and the worker's own loops do their work. While it stops
/// there is no worker to ask.
async fn is_alive(worker: Option<&RunningWorker>) -> bool {
    tokio::spawn(std::future::ready(())).await.is_ok()
        && worker.is_none_or(RunningWorker::is_healthy)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const PERIOD: Duration = Duration::from_millis(20);

    /// Counts how often the watchdog is fed within many periods.
    async fn fed<A: Future<Output = bool>>(alive: impl Fn() -> A) -> u32 {
        let fed = Cell::new(0);
        let feed = || {
            fed.set(fed.get() + 1);
            std::future::ready(())
        };
        let mut ticks = every(Some(PERIOD));
        let done = prove(&mut ticks, alive, feed, async {
            tokio::time::sleep(PERIOD * 20).await;
            "told to stop"
        });
        assert_eq!(done.await, "told to stop");
        fed.get()
    }

    #[tokio::test]
    async fn the_watchdog_is_fed_by_proof_of_life_alone() {
        assert!(fed(|| std::future::ready(true)).await > 2);
        assert_eq!(fed(|| std::future::ready(false)).await, 0);
        assert_eq!(fed(std::future::pending).await, 0);
    }

    #[tokio::test]
    async fn a_runtime_whose_threads_all_hang_is_not_alive() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let (hang, release) = std::sync::mpsc::channel::<()>();
        let (began, begun) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            began.send(()).unwrap();
            release.recv().ok();
        });
        begun.await.unwrap();
        let probe = {
            let _inside = runtime.enter();
            runtime.spawn(is_alive(None))
        };
        let answer = tokio::time::timeout(Duration::from_millis(300), probe).await;
        assert!(answer.is_err(), "{answer:?}");
        drop(hang);
        runtime.shutdown_background();
    }

    #[tokio::test]
    async fn without_a_watchdog_there_is_only_the_wait() {
        let alive = || std::future::ready(true);
        let feed = || -> std::future::Ready<()> { panic!("fed") };
        let mut none = every(Some(Duration::ZERO));
        assert_eq!(prove(&mut none, alive, feed, async { 7 }).await, 7);
    }
}
