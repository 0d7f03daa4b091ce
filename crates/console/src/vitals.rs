//! This host's vital signs for a dashboard, sampled once a second while, and only while, somebody looks.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use upkeep_contract::worker::HostVitals;
use upkeep_contract::{Clock, SystemClock};
use upkeep_operations::vitals::SystemSampler;

use crate::watch::unless_closed;

/// A dashboard's pace.
const PAUSE: Duration = Duration::from_secs(1);

/// One watcher's samples. Dropping it ends the sampling.
#[derive(Debug)]
pub struct VitalsWatch {
    samples: mpsc::Receiver<HostVitals>,
}

impl VitalsWatch {
    /// The next sample; the first comes at once. `None` when this host cannot be sampled.
    pub async fn next(&mut self) -> Option<HostVitals> {
        self.samples.recv().await
    }
}

/// Watches this host's vital signs. It takes no console: a host whose database is away is worth
/// looking at all the more. Must be called inside a tokio runtime.
pub fn watch_vitals() -> VitalsWatch {
    let mut sampler = SystemSampler::new();
    watch(PAUSE, move || sampler.sample(SystemClock.now()))
}

fn watch(pause: Duration, sample: impl FnMut() -> HostVitals + Send + 'static) -> VitalsWatch {
    let (sender, samples) = mpsc::channel(1);
    tokio::spawn(keep_sampling(pause, sample, sender));
    VitalsWatch { samples }
}

async fn keep_sampling(
    pause: Duration,
    mut sample: impl FnMut() -> HostVitals + Send + 'static,
    sender: mpsc::Sender<HostVitals>,
) {
    loop {
        // room first: a screen that is slow to draw is not sampled for, either
        let Ok(room) = sender.reserve().await else {
            return;
        };
        // sampling reads files; it must not hold up the runtime
        let sampled = spawn_blocking(move || {
            let vitals = sample();
            (sample, vitals)
        });
        let vitals = match sampled.await {
            Ok((again, vitals)) => {
                sample = again;
                vitals
            }
            Err(error) => {
                tracing::error!(%error, "sampling this host broke down");
                return;
            }
        };
        room.send(vitals);
        if !unless_closed(&sender, sleep(pause)).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use upkeep_contract::Timestamp;

    use super::*;

    fn vitals(uptime_seconds: u64) -> HostVitals {
        HostVitals {
            at: Timestamp(0),
            cpu_percent: None,
            cpu_cores: 2,
            memory_total_bytes: 0,
            memory_available_bytes: 0,
            swap_total_bytes: 0,
            swap_used_bytes: 0,
            load_average: [0.0; 3],
            disks: Vec::new(),
            uptime_seconds,
        }
    }

    /// A sampler that tells when it is dropped: nobody can sample with it after that.
    struct Counted(Arc<AtomicU64>, Option<tokio::sync::oneshot::Sender<()>>);

    impl Drop for Counted {
        fn drop(&mut self) {
            if let Some(gone) = self.1.take() {
                gone.send(()).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn sampling_ends_with_its_watcher() {
        let samples = Arc::new(AtomicU64::new(0));
        let (gone, sampler_gone) = tokio::sync::oneshot::channel();
        let counted = Counted(Arc::clone(&samples), Some(gone));
        let mut watch = watch(Duration::from_millis(1), move || {
            vitals(counted.0.fetch_add(1, Ordering::SeqCst))
        });
        assert_eq!(watch.next().await.unwrap().uptime_seconds, 0);
        assert_eq!(watch.next().await.unwrap().uptime_seconds, 1);
        drop(watch);
        sampler_gone.await.unwrap();
    }

    #[tokio::test]
    async fn a_watcher_that_takes_nothing_is_not_sampled_for() {
        let samples = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&samples);
        let (first, sampled) = std::sync::mpsc::channel();
        let mut watch = watch(Duration::ZERO, move || {
            let count = counter.fetch_add(1, Ordering::SeqCst);
            first.send(()).unwrap();
            vitals(count)
        });
        tokio::task::spawn_blocking(move || sampled.recv().unwrap())
            .await
            .unwrap();
        // however long nobody takes it, one sample waits and no second one is made
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(samples.load(Ordering::SeqCst), 1);
        assert_eq!(watch.next().await.unwrap().uptime_seconds, 0);
    }
}
