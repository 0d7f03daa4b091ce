//! The async runtime of the own process.

use std::time::Duration;

use tokio::runtime::Handle;
use upkeep_contract::statistics::RuntimeStatistics;

use crate::vitals::hundredths;

/// Figures of the runtime that polls the caller.
///
/// `alive` is the time since the process started, over which its threads' busy share is taken.
pub(crate) fn statistics(alive: Duration) -> RuntimeStatistics {
    let metrics = Handle::current().metrics();
    let threads = metrics.num_workers();
    let busy: Duration = (0..threads)
        .map(|thread| metrics.worker_total_busy_duration(thread))
        .sum();
    RuntimeStatistics {
        worker_threads: u32::try_from(threads).unwrap_or(u32::MAX),
        alive_tasks: metrics.num_alive_tasks() as u64,
        global_queue_depth: metrics.global_queue_depth() as u64,
        busy_percent: busy_percent(busy, threads, alive),
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are never 2^52 threads")]
fn busy_percent(busy: Duration, threads: usize, alive: Duration) -> f64 {
    let all = alive.as_secs_f64() * threads as f64;
    if all > 0.0 {
        hundredths((busy.as_secs_f64() / all * 100.0).min(100.0))
    } else {
        0.0
    }
}

/// How long the own process has been alive.
#[cfg(target_os = "linux")]
pub(crate) fn process_age() -> Option<Duration> {
    use procfs::{Current, Uptime};
    let started = procfs::process::Process::myself()
        .ok()?
        .stat()
        .ok()?
        .starttime;
    let uptime = Uptime::current().ok()?.uptime;
    #[expect(
        clippy::cast_precision_loss,
        reason = "ticks since the host started stay far below 2^52"
    )]
    let started = started as f64 / procfs::ticks_per_second() as f64;
    Duration::try_from_secs_f64(uptime - started).ok()
}

/// How long the own process has been alive.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_age() -> Option<Duration> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[own]),
        false,
        ProcessRefreshKind::nothing(),
    );
    system
        .process(own)
        .map(|process| Duration::from_secs(process.run_time()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busy_share_is_of_all_threads_together() {
        let seconds = Duration::from_secs;
        let check = |busy, threads, alive, expect: f64| {
            let share = busy_percent(seconds(busy), threads, seconds(alive));
            assert!((share - expect).abs() < 1e-9, "{share}");
        };
        check(0, 2, 10, 0.0);
        check(5, 2, 10, 25.0);
        check(20, 2, 10, 100.0);
        check(30, 2, 10, 100.0);
        check(1, 0, 10, 0.0);
        check(1, 2, 0, 0.0);
    }

    #[test]
    fn the_process_is_younger_than_the_host_and_older_than_nothing() {
        let first = process_age().unwrap();
        std::thread::sleep(Duration::from_millis(60));
        let second = process_age().unwrap();
        assert!(
            second > first && second < first.saturating_add(Duration::from_secs(30)),
            "{first:?} {second:?}"
        );
    }

    #[tokio::test]
    async fn waiting_tasks_are_counted_as_alive() {
        let before = statistics(Duration::from_secs(1)).alive_tasks;
        let waiting: Vec<_> = (0..7)
            .map(|_| tokio::spawn(std::future::pending::<()>()))
            .collect();
        assert_eq!(statistics(Duration::from_secs(1)).alive_tasks, before + 7);
        for task in waiting {
            task.abort();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_busy_thread_is_told() {
        let started = std::time::Instant::now();
        let spin = tokio::spawn(async {
            let began = std::time::Instant::now();
            while began.elapsed() < Duration::from_millis(100) {
                std::hint::spin_loop();
            }
        });
        spin.await.unwrap();
        // tokio adds up a thread's time when the thread goes to sleep
        while statistics(started.elapsed()).busy_percent <= 0.0 {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "the busy thread is never told"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
