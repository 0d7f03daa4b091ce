//! The async runtime of the own process.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use upkeep_contract::live::LiveRuntime;

use super::rates::float;
use crate::vitals::hundredths;

/// The runtime, watched from sample to sample.
#[derive(Debug)]
pub struct RuntimeSampler {
    handle: Handle,
    before: Option<(Instant, Duration)>,
}

impl RuntimeSampler {
    /// Of this runtime.
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            before: None,
        }
    }

    /// Its figures now. What its threads do is added up when they go to sleep, so one that is busy without a
    /// rest is told late.
    pub fn sample(&mut self) -> LiveRuntime {
        let metrics = self.handle.metrics();
        let threads = metrics.num_workers();
        let busy: Duration = (0..threads)
            .map(|thread| metrics.worker_total_busy_duration(thread))
            .sum();
        let now = Instant::now();
        let before = self.before.replace((now, busy));
        LiveRuntime {
            worker_threads: u32::try_from(threads).unwrap_or(u32::MAX),
            alive_tasks: metrics.num_alive_tasks() as u64,
            busy_percent: before.and_then(|(at, before)| {
                let all = now.duration_since(at).as_secs_f64() * float(threads as u64);
                let share = busy.checked_sub(before)?.as_secs_f64() / all * 100.0;
                share.is_finite().then(|| hundredths(share.min(100.0)))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tasks_are_counted_and_busy_is_told_from_the_second_sample_on() {
        let mut sampler = RuntimeSampler::new(Handle::current());
        let first = sampler.sample();
        assert_eq!((first.worker_threads, first.busy_percent), (2, None));
        let waiting: Vec<_> = (0..5)
            .map(|_| tokio::spawn(std::future::pending::<()>()))
            .collect();
        let second = sampler.sample();
        assert_eq!(second.alive_tasks, first.alive_tasks + 5);
        assert!(
            second
                .busy_percent
                .is_some_and(|percent| (0.0..=100.0).contains(&percent))
        );
        for task in waiting {
            task.abort();
        }
    }
}
