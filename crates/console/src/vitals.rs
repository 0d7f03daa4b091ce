//! This host's vital signs for the Overview, sampled four times a minute at the most while, and only while, somebody looks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use upkeep_contract::worker::HostVitals;
use upkeep_contract::{Clock, SystemClock};
use upkeep_operations::vitals::SystemSampler;

use crate::vitals_news::is_news;
use crate::watch::unless_closed;

/// A dashboard's pace.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// The Overview's pace: it says how this host stands, and a window that is drawn anew every second is never idle.
const CALM_PAUSE: Duration = Duration::from_secs(15);

/// One watcher's samples. Dropping it ends the sampling.
#[derive(Debug)]
pub struct Samples<T> {
    samples: mpsc::Receiver<T>,
}

impl<T> Samples<T> {
    /// The next sample; the first comes at once. `None` when this host cannot be sampled.
    pub async fn next(&mut self) -> Option<T> {
        self.samples.recv().await
    }
}

/// Samples of the few figures that the Overview shows.
pub type VitalsWatch = Samples<HostVitals>;

/// Watches this host's vital signs: a sample that shows nothing new is left out, for a minute at the longest.
/// It takes no console: a host whose database is away is worth
/// looking at all the more. Must be called inside a tokio runtime.
pub fn watch_vitals() -> VitalsWatch {
    let sampler = Shared::new(SystemSampler::new());
    let mut shown: Option<HostVitals> = None;
    // the use of the processors is known with the second sample
    watch_at(
        PAUSE,
        CALM_PAUSE,
        move || sampler.sample(|sampler| sampler.sample(SystemClock.now())),
        move |sample| {
            let worth = shown.as_ref().is_none_or(|shown| is_news(shown, sample));
            if worth {
                shown = Some(sample.clone());
            }
            worth
        },
    )
}

/// A sampler that is asked off the async threads: sampling reads files, and must not hold up the runtime.
#[derive(Debug)]
pub(crate) struct Shared<S>(Arc<Mutex<S>>);

impl<S: Send + 'static> Shared<S> {
    pub(crate) fn new(sampler: S) -> Self {
        Self(Arc::new(Mutex::new(sampler)))
    }

    /// Asks the sampler; none when it broke down.
    pub(crate) fn sample<T, A>(
        &self,
        ask: A,
    ) -> impl Future<Output = Option<T>> + Send + use<S, T, A>
    where
        T: Send + 'static,
        A: FnOnce(&mut S) -> T + Send + 'static,
    {
        let sampler = Arc::clone(&self.0);
        async move {
            let asked = spawn_blocking(move || {
                ask(&mut sampler.lock().unwrap_or_else(PoisonError::into_inner))
            });
            match asked.await {
                Ok(sample) => Some(sample),
                Err(error) => {
                    tracing::error!(%error, "sampling this host broke down");
                    None
                }
            }
        }
    }
}

/// Samples again and again, with this pause between, until nobody watches or there is nothing more to sample.
pub(crate) fn watch<T, F>(pause: Duration, sample: impl FnMut() -> F + Send + 'static) -> Samples<T>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    watch_at(pause, pause, sample, |_| true)
}

/// The same with another pause after the first sample, and only those that are worth showing.
fn watch_at<T, F>(
    first: Duration,
    pause: Duration,
    sample: impl FnMut() -> F + Send + 'static,
    worth: impl FnMut(&T) -> bool + Send + 'static,
) -> Samples<T>
where
    T: Send + 'static,
    F: Future<Output = Option<T>> + Send + 'static,
{
    let (sender, samples) = mpsc::channel(1);
    tokio::spawn(keep_sampling(first, pause, sample, worth, sender));
    Samples { samples }
}

async fn keep_sampling<T, F>(
    first: Duration,
    pause: Duration,
    mut sample: impl FnMut() -> F + Send + 'static,
    mut worth: impl FnMut(&T) -> bool + Send + 'static,
    sender: mpsc::Sender<T>,
) where
    F: Future<Output = Option<T>> + Send,
{
    let mut next = first;
    loop {
        // room first: a screen that is slow to draw is not sampled for, either
        let Ok(room) = sender.reserve().await else {
            return;
        };
        let Some(sample) = sample().await else {
            return;
        };
        if worth(&sample) {
            room.send(sample);
        }
        if !unless_closed(&sender, sleep(next)).await {
            return;
        }
        next = pause;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

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
        let sampler = Shared::new(Counted(Arc::clone(&samples), Some(gone)));
        let mut watch = watch(Duration::from_millis(1), move || {
            sampler.sample(|counted| counted.0.fetch_add(1, Ordering::SeqCst))
        });
        assert_eq!(watch.next().await, Some(0));
        assert_eq!(watch.next().await, Some(1));
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
            std::future::ready(Some(count))
        });
        tokio::task::spawn_blocking(move || sampled.recv().unwrap())
            .await
            .unwrap();
        // however long nobody takes it, one sample waits and no second one is made
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(samples.load(Ordering::SeqCst), 1);
        assert_eq!(watch.next().await, Some(0));
    }

    #[tokio::test]
    async fn what_is_not_worth_showing_is_left_out() {
        let mut count = 0;
        let mut watch = watch_at(
            Duration::ZERO,
            Duration::ZERO,
            move || {
                count += 1;
                std::future::ready(Some(count))
            },
            |count| count % 3 == 0,
        );
        assert_eq!(watch.next().await, Some(3));
        assert_eq!(watch.next().await, Some(6));
    }

    #[tokio::test]
    async fn a_sampler_that_breaks_down_ends_the_stream() {
        let sampler = Shared::new(());
        let mut watch = watch(Duration::ZERO, move || {
            sampler.sample(|()| -> u8 { panic!("on purpose") })
        });
        assert_eq!(watch.next().await, None);
    }
}
