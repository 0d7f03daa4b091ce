//! A worker that stands still for longer than its lease and then goes on: it must change nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use upkeep_contract::task::{AttemptOutcome, TaskState};
use upkeep_testkit::RawDatabase;

use crate::support::files;
use crate::support::installation::{ask, until, until_final};
use crate::support::process::Process;
use crate::support::site::{Site, on_both_engines};
use crate::{ask_for_seconds, in_the_middle, is_running, outcomes};

/// Enough that the freeze surely comes in the middle of their removal.
const MANY: usize = 60_000;

on_both_engines!(
    a_frozen_worker_is_fenced_out_and_goes_on_with_new_tasks,
    a_cleanup_frozen_in_the_middle_is_finished_once_by_another_worker,
);

/// Freezes a worker at a moment when it is not writing to the database: a SQLite file could not be written
/// by anybody until it went on, and there would be nobody to take over.
async fn freeze(site: &Site, worker: &Process) {
    let mut database = RawDatabase::connect(&site.url).await.unwrap();
    let moment = Duration::from_millis(100);
    database.wait_at_most(moment).await.unwrap();
    loop {
        worker.signal(Signal::STOP);
        let free = database.lock_out_writers().await;
        // on PostgreSQL the transaction has begun even when the lock was refused
        database.let_go().await.ok();
        if free.is_ok() {
            return;
        }
        worker.signal(Signal::CONT);
    }
}

/// Waits until a frozen worker that goes on has noticed.
fn until_fenced_out(worker: &mut Process) {
    let begun = Instant::now();
    loop {
        let output = worker.output();
        if output.contains("abandoned: the lease is another worker's")
            || output.contains("the result is dropped")
        {
            return;
        }
        assert!(worker.is_running(), "it ended:\n{output}");
        assert!(
            begun.elapsed().as_secs() < 30,
            "it never noticed:\n{output}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn a_frozen_worker_is_fenced_out_and_goes_on_with_new_tasks(site: Site) {
    let mut zombie = site.ready_worker(&["--concurrency", "1"]);
    let id = ask_for_seconds(&site.queue, 1.0).await;
    until(&site.queue, &id, is_running).await;
    freeze(&site, &zombie).await;
    let mut other = site.ready_worker(&["--concurrency", "1"]);
    let before = until_final(&site.queue, &id).await;
    assert_eq!(before.task.state, TaskState::Succeeded);
    assert_eq!(
        outcomes(&before),
        [AttemptOutcome::Lost, AttemptOutcome::Succeeded]
    );
    assert_eq!(before.attempts[1].pid, other.pid());

    zombie.signal(Signal::CONT);
    until_fenced_out(&mut zombie);
    let after = site.queue.task(&id).await.unwrap();
    assert_eq!(after.task, before.task, "the zombie changed the task");
    assert_eq!(after.report, before.report);
    assert_eq!(after.attempts[1], before.attempts[1]);
    // its window was over when it went on: either it was told to stop first, or its result came too late
    let dropped = zombie.output().contains("the result is dropped");
    let late = after.attempts[0].late.as_ref();
    assert_eq!(late.is_some(), dropped, "{after:#?}\n{}", zombie.output());
    assert!(late.is_none_or(|late| late.outcome == AttemptOutcome::Succeeded));

    assert!(other.terminate(), "{}", other.output());
    let next = ask_for_seconds(&site.queue, 0.2).await;
    let next = until_final(&site.queue, &next).await;
    assert_eq!(
        (next.task.state, next.attempts[0].pid),
        (TaskState::Succeeded, zombie.pid())
    );
}

async fn a_cleanup_frozen_in_the_middle_is_finished_once_by_another_worker(site: Site) {
    let scratch = site.installation.scratch();
    files::many_files(&scratch, MANY, 48);
    files::file(&scratch.join("young"), 1);
    let mut zombie = site.ready_worker(&[]);
    let id = ask(&site.queue, "cleanup-temp-files", json!({})).await;
    until(&site.queue, &id, |detail| in_the_middle(&detail.task)).await;
    freeze(&site, &zombie).await;
    let left = files::count_files(&scratch);
    assert!(left > 1 && left < MANY, "frozen in the middle: {left} left");
    let _other = site.ready_worker(&[]);
    let before = until_final(&site.queue, &id).await;
    assert_eq!(
        before.task.state,
        TaskState::Succeeded,
        "{:?}",
        before.task.error
    );
    assert_eq!(before.report.as_ref().unwrap()["files_removed"], MANY);

    zombie.signal(Signal::CONT);
    until_fenced_out(&mut zombie);
    let after = site.queue.task(&id).await.unwrap();
    assert_eq!((&after.task, &after.report), (&before.task, &before.report));
    assert_eq!(files::count_files(&scratch), 1, "the young file alone");
    let folder = site.installation.home().join("artifacts").join(&id.0);
    assert_eq!(removed_by(&folder.join("manifest.jsonl")), MANY);
}

/// How many files the record of a cleanup names as removed in the end, batch by batch.
fn removed_by(manifest: &Path) -> usize {
    let text = std::fs::read_to_string(manifest).unwrap();
    let mut batches = std::collections::BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("\"end\"")) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let files = usize::try_from(line["end"]["files"].as_u64().unwrap()).unwrap();
        let batch = batches.entry(line["end"]["batch"].as_u64().unwrap());
        let most = batch.or_insert(0);
        *most = files.max(*most);
    }
    batches.values().sum()
}
