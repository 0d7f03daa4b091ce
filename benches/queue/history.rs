//! Cleaning a long history: how long it takes, how long others who write wait meanwhile, and what the
//! database takes on the disk before and after.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_queue::{NewTask, Queue, Release};
use upkeep_testkit::{RawDatabase, fill_history};

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, ms, per_second, row, times};

/// Of these 2,000 wait; all others have ended.
const TASKS: usize = 200_000;

/// As many as cleanup-runs removes at once.
const BATCH: u32 = 256;

/// The writer's pause: somebody who clicks, a heartbeat, progress.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) async fn measure(databases: &Databases) {
    heading("Cleaning a history of 200,000 tasks, while another connection enqueues");
    for engine in Engine::BOTH {
        let url = long_history(databases, engine).await;
        let queue = Queue::open(&url).await.unwrap();
        clean(&queue, &url, engine.name()).await;
        queue.close().await;
        databases.remove(&url).await;
    }
    heading("A SQLite file without `auto_vacuum`, written anew (VACUUM)");
    for (what, kept) in [
        ("all 200,000 tasks", 1),
        ("one task in ten", 10),
        ("one in a hundred", 100),
    ] {
        rewrite(databases, what, kept).await;
    }
    heading("What `auto_vacuum = INCREMENTAL` costs, alternating");
    cost(databases).await;
}

/// With an attempt and five lines of log for each task, as real ones have them.
async fn long_history(databases: &Databases, engine: Engine) -> String {
    let url = databases.fresh(engine).await;
    Queue::open(&url).await.unwrap().close().await;
    fill_history(&url, TASKS).await;
    let mut raw = RawDatabase::connect(&url).await.unwrap();
    for sql in [
        "INSERT INTO attempts (task_id, number, worker_id, host, pid, lease_token, started_at, ended_at, outcome) \
         SELECT id, 1, worker_id, worker_host, 4242, id, started_at, finished_at, 'succeeded' FROM tasks \
         WHERE finished_at IS NOT NULL",
        "INSERT INTO task_log (task_id, sequence, attempt, at, level, message) \
         SELECT id, number, 1, started_at, 'info', 'looked through a folder and removed what was old enough in it' \
         FROM tasks CROSS JOIN (SELECT 1 AS number UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) AS n \
         WHERE finished_at IS NOT NULL",
    ] {
        raw.execute(sql).await.unwrap();
    }
    if engine == Engine::Sqlite {
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .await
            .unwrap();
    }
    url
}

/// Somebody else who writes, on connections of his own in a thread of his own, until told to stop.
struct Writer {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<(Instant, f64)>>,
}

impl Writer {
    fn start(url: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (url, told) = (url.to_owned(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let queue = Queue::open(&url).await.unwrap();
                let mut waits = Vec::new();
                while !told.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let task = NewTask::new("bench", json!({}), "writer");
                    queue.enqueue(task).await.unwrap();
                    waits.push((begun, ms(begun.elapsed())));
                    tokio::time::sleep(PAUSE).await;
                }
                queue.close().await;
                waits
            })
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<(Instant, f64)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap()) / 1000.0
}

async fn clean(queue: &Queue, url: &str, name: &str) {
    let size = async || megabytes(queue.room().await.unwrap().bytes);
    let before = size().await;
    let writer = Writer::start(url);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut phases = vec![("nothing else happens", Instant::now())];

    let border = queue.now().minus(Duration::from_secs(1));
    let mut after = None;
    let mut ids: Vec<TaskId> = Vec::new();
    loop {
        let page = queue.finished_before(border, after.as_ref(), BATCH).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.finished_at, last.id.clone()));
        ids.extend(page.into_iter().map(|entry| entry.id));
    }
    phases.push(("looking through it", Instant::now()));
    let begun = Instant::now();
    for batch in ids.chunks(BATCH as usize) {
        assert_eq!(
            queue.remove_finished(batch, border).await.unwrap().len(),
            batch.len()
        );
    }
    let removing = per_second(ids.len(), begun.elapsed());
    phases.push(("removing in batches of 256", Instant::now()));
    let emptied = size().await;
    if queue.room().await.unwrap().release == Release::InSteps {
        let mut left = u64::MAX;
        let mut idle = 0;
        while left > 0 && idle < 20 {
            let now = queue.release_room().await.unwrap();
            idle = if now < left { 0 } else { idle + 1 };
            left = now;
        }
        phases.push(("giving room back in steps", Instant::now()));
        while !queue.settle_files().await.unwrap() {}
        phases.push(("cutting the files", Instant::now()));
    }
    let waits = writer.stop();
    let mut from = waits[0].0;
    for (what, until) in phases {
        let within = waits.iter().filter(|(at, _)| *at >= from && *at < until);
        let samples: Vec<f64> = within.map(|(_, took)| *took).collect();
        let seconds = until.duration_since(from).as_secs_f64();
        row(name, what, "1", &[seconds], "s", Bar::None);
        if !samples.is_empty() {
            times(
                name,
                &format!("{what}: the writer waits"),
                &samples,
                Bar::None,
                Bar::None,
            );
        }
        from = until;
    }
    let count = ids.len().to_string();
    row(name, "removed", &count, &[removing], "tasks/s", Bar::None);
    row(name, "on the disk before", "1", &[before], "MB", Bar::None);
    row(
        name,
        "when all is removed",
        "1",
        &[emptied],
        "MB",
        Bar::None,
    );
    row(name, "in the end", "1", &[size().await], "MB", Bar::None);
}

async fn rewrite(databases: &Databases, what: &str, kept: usize) {
    let url = long_history(databases, Engine::Sqlite).await;
    let mut raw = RawDatabase::connect(&url).await.unwrap();
    // so that it is a file as it was before there were steps
    raw.execute("PRAGMA auto_vacuum = NONE").await.unwrap();
    raw.execute("VACUUM").await.unwrap();
    raw.execute("PRAGMA foreign_keys = ON").await.unwrap();
    raw.execute(&format!("DELETE FROM tasks WHERE rowid % {kept} <> 0"))
        .await
        .unwrap();
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .await
        .unwrap();
    let queue = Queue::open(&url).await.unwrap();
    let room = queue.room().await.unwrap();
    assert_eq!(room.release, Release::ByRewriting);
    let writer = Writer::start(&url);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let done = queue.rewrite_file().await.unwrap();
    let took = begun.elapsed().as_secs_f64();
    while !queue.settle_files().await.unwrap() {}
    let waits: Vec<f64> = writer.stop().into_iter().map(|(_, took)| took).collect();
    let live = megabytes(room.bytes - room.free.unwrap());
    let name = format!("{what} kept, {live:.0} of {:.0} MB", megabytes(room.bytes));
    if done {
        let sqlite = Engine::Sqlite.name();
        row(sqlite, &name, "1", &[took], "s", Bar::None);
        times(
            sqlite,
            &format!("{name}: the writer waits"),
            &waits,
            Bar::None,
            Bar::None,
        );
        let after = megabytes(queue.room().await.unwrap().bytes);
        row(
            sqlite,
            &format!("{name}: in the end"),
            "1",
            &[after],
            "MB",
            Bar::None,
        );
    } else {
        println!("| {name}: refused, too large |");
    }
    queue.close().await;
    databases.remove(&url).await;
}

/// One client that enqueues, into files with and without.
async fn cost(databases: &Databases) {
    const EACH: usize = 4_000;
    let mut rounds = [Vec::new(), Vec::new()];
    let mut batched = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (index, mode) in ["NONE", "INCREMENTAL"].into_iter().enumerate() {
            let url = databases.fresh(Engine::Sqlite).await;
            let queue = Queue::open(&url).await.unwrap();
            let mut raw = RawDatabase::connect(&url).await.unwrap();
            let set = format!("PRAGMA auto_vacuum = {mode}");
            raw.execute(&set).await.unwrap();
            raw.execute("VACUUM").await.unwrap();
            let task = || NewTask::new("bench", json!({"max_age_hours": 24}), "writer");
            let begun = Instant::now();
            for _ in 0..EACH {
                queue.enqueue(task()).await.unwrap();
            }
            rounds[index].push(per_second(EACH, begun.elapsed()));
            let begun = Instant::now();
            let clients = (0..32).map(|_| async {
                for _ in 0..EACH / 4 {
                    queue.enqueue(task()).await.unwrap();
                }
            });
            futures::future::join_all(clients).await;
            batched[index].push(per_second(EACH * 8, begun.elapsed()));
            queue.close().await;
            databases.remove(&url).await;
        }
    }
    for (index, mode) in ["NONE", "INCREMENTAL"].into_iter().enumerate() {
        let name = Engine::Sqlite.name();
        row(
            name,
            &format!("{mode}: enqueue, 1 client"),
            "5",
            &rounds[index],
            "tasks/s",
            Bar::None,
        );
        row(
            name,
            &format!("{mode}: enqueue, 32 clients"),
            "5",
            &batched[index],
            "tasks/s",
            Bar::None,
        );
    }
}
