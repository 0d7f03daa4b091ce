//! Tasks that do nothing, claimed and finished by the real worker.

use std::time::{Duration, Instant};

use upkeep_contract::task::TaskState;
use upkeep_queue::{NewTask, Queue};

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, per_second, row};
use crate::noop::{options, registry, task};
use crate::other_process::OtherProcess;

const ROUNDS: usize = 3;
/// Tasks that a worker performs at once, where nothing else is said.
const CONCURRENCY: u32 = 64;
const TASKS: usize = 20_000;
const MANY_TASKS: usize = 200_000;

pub(crate) async fn measure(databases: &Databases) {
    heading("Drain: no-op tasks claimed and finished, so many at once for each worker");
    for engine in Engine::BOTH {
        let bar = Bar::AtLeast(match engine {
            Engine::Sqlite => 7_000.0,
            Engine::Postgres => 3_000.0,
        });
        for (workers, at_once, bar) in [
            (1, CONCURRENCY, bar),
            (1, 2 * CONCURRENCY, bar),
            (2, CONCURRENCY, Bar::None),
            (8, CONCURRENCY, Bar::None),
        ] {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                rounds.push(in_process(databases, engine, workers, at_once, TASKS).await);
            }
            let what = format!("{workers} in one process, {at_once} at once");
            row(
                engine.name(),
                &what,
                &format!("{TASKS} × {ROUNDS}"),
                &rounds,
                "tasks/s",
                bar,
            );
        }
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(in_processes(databases, engine, 2, TASKS).await);
        }
        let count = format!("{TASKS} × {ROUNDS}");
        row(
            engine.name(),
            &format!("2 in processes of their own, {CONCURRENCY} at once"),
            &count,
            &rounds,
            "tasks/s",
            Bar::None,
        );
    }
}

/// A long queue: what is claimed must not cost more for what waits behind it.
pub(crate) async fn measure_backlog(databases: &Databases) {
    heading("Backlog: a long queue of no-op tasks, one worker");
    for engine in Engine::BOTH {
        let long = in_process(databases, engine, 1, CONCURRENCY, MANY_TASKS).await;
        let what = format!("{CONCURRENCY} at once");
        row(
            engine.name(),
            &what,
            &MANY_TASKS.to_string(),
            &[long],
            "tasks/s",
            Bar::None,
        );
    }
}

async fn in_process(
    databases: &Databases,
    engine: Engine,
    workers: usize,
    at_once: u32,
    count: usize,
) -> f64 {
    let (url, queue) = filled(databases, engine, count).await;
    let begun = Instant::now();
    let mut running = Vec::new();
    for _ in 0..workers {
        let (registry, _) = registry();
        let folder = databases.folder().to_owned();
        let worker = upkeep_worker::start(queue.clone(), registry, folder, options(at_once));
        running.push(worker.await.unwrap());
    }
    let time = all_done(&queue, count, begun).await;
    for worker in running {
        worker.stop().await.unwrap();
    }
    queue.close().await;
    databases.remove(&url).await;
    per_second(count, time)
}

async fn in_processes(databases: &Databases, engine: Engine, workers: usize, count: usize) -> f64 {
    let (url, queue) = filled(databases, engine, count).await;
    let mut running = Vec::new();
    for _ in 0..workers {
        running.push(OtherProcess::ready(&url, CONCURRENCY).await);
    }
    let begun = Instant::now();
    for worker in &mut running {
        worker.go();
    }
    let time = all_done(&queue, count, begun).await;
    drop(running);
    queue.close().await;
    databases.remove(&url).await;
    per_second(count, time)
}

async fn filled(databases: &Databases, engine: Engine, count: usize) -> (String, Queue) {
    let url = databases.fresh(engine).await;
    let queue = Queue::open(&url).await.unwrap();
    for first in (0..count).step_by(1000) {
        let tasks: Vec<NewTask> = (first..first + 1000).map(|n| task(n as u64)).collect();
        queue.enqueue_all(tasks).await.unwrap();
    }
    (url, queue)
}

/// Until every task has succeeded. Nothing is asked while many are left: asking takes time, too.
async fn all_done(queue: &Queue, count: usize, begun: Instant) -> Duration {
    loop {
        let waiting = queue.count(TaskState::Queued).await.unwrap();
        let running = queue.count(TaskState::Running).await.unwrap();
        let done = u64::try_from(count).unwrap() - waiting - running;
        if waiting + running == 0 {
            let time = begun.elapsed();
            let succeeded = queue.count(TaskState::Succeeded).await.unwrap();
            assert_eq!(succeeded, done, "some tasks did not succeed");
            return time;
        }
        // half of the time that is left, by the speed so far
        let share = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let left = begun
            .elapsed()
            .mul_f64(share(waiting + running) / share(done.max(1)));
        tokio::time::sleep((left / 2).clamp(Duration::from_millis(5), Duration::from_millis(500)))
            .await;
    }
}
