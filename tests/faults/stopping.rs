//! Stopping, draining and pausing real workers.

use std::time::Duration;

use rustix::process::Signal;
use upkeep_contract::task::{AttemptOutcome, TaskState};
use upkeep_contract::waiting::Waiting;
use upkeep_contract::worker::WorkerState;

use crate::support::installation::{until, until_final};
use crate::support::site::{Site, on_both_engines};
use crate::{ask_for_seconds, is_running, outcomes};

on_both_engines!(
    sigterm_lets_finish_what_fits_into_the_grace_time_and_hands_back_the_rest,
    a_second_sigterm_ends_at_once_and_nothing_is_lost,
    a_worker_that_an_operator_drains_finishes_claims_nothing_and_goes_on_when_resumed,
    a_paused_operation_waits_until_it_is_resumed,
);

async fn sigterm_lets_finish_what_fits_into_the_grace_time_and_hands_back_the_rest(site: Site) {
    let mut worker = site.ready_worker(&["--concurrency", "2", "--grace-seconds", "3"]);
    let short = ask_for_seconds(&site.queue, 1.5).await;
    let long = ask_for_seconds(&site.queue, 30.0).await;
    until(&site.queue, &short, is_running).await;
    until(&site.queue, &long, is_running).await;
    worker.signal(Signal::TERM);
    worker.wait_for("told to stop");
    let next = ask_for_seconds(&site.queue, 0.2).await;
    assert_eq!(worker.wait_for_end(), Some(0), "{}", worker.output());
    assert_eq!(
        site.registered(&worker).await.state,
        WorkerState::Stopped,
        "it said farewell"
    );
    let short = site.queue.task(&short).await.unwrap();
    assert_eq!(short.task.state, TaskState::Succeeded);
    let handed_back = site.queue.task(&long).await.unwrap();
    assert_eq!(
        (handed_back.task.state, outcomes(&handed_back)),
        (TaskState::Queued, vec![AttemptOutcome::Released])
    );
    assert_eq!(
        handed_back.task.max_attempts - handed_back.task.attempt,
        3,
        "an attempt that was handed back is not charged"
    );
    let untouched = site.queue.task(&next).await.unwrap();
    assert_eq!(
        (untouched.task.state, untouched.task.attempt),
        (TaskState::Queued, 0)
    );
    let begun = worker.count("begins");
    assert_eq!(begun, 2, "claimed after the signal:\n{}", worker.output());

    let _other = site.worker(&["--concurrency", "2"]);
    assert_eq!(
        until_final(&site.queue, &next).await.task.state,
        TaskState::Succeeded
    );
    until(&site.queue, &long, is_running).await;
    site.queue.cancel(&long, "tester").await.unwrap();
    assert_eq!(
        until_final(&site.queue, &long).await.task.state,
        TaskState::Cancelled
    );
}

async fn a_second_sigterm_ends_at_once_and_nothing_is_lost(site: Site) {
    let mut worker = site.ready_worker(&["--grace-seconds", "3600"]);
    let id = ask_for_seconds(&site.queue, 3.0).await;
    until(&site.queue, &id, is_running).await;
    worker.signal(Signal::TERM);
    worker.wait_for("told to stop");
    // it drains: the first signal alone would let it go on for an hour
    until_state(&site, &worker, WorkerState::Draining).await;
    let told = std::time::Instant::now();
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait_for_end(), Some(1), "{}", worker.output());
    assert!(
        told.elapsed() < Duration::from_secs(1),
        "{:?}",
        told.elapsed()
    );
    assert!(worker.output().contains("the leases run out by themselves"));
    let _other = site.worker(&[]);
    let detail = until_final(&site.queue, &id).await;
    assert_eq!(
        (detail.task.state, outcomes(&detail)),
        (
            TaskState::Succeeded,
            vec![AttemptOutcome::Lost, AttemptOutcome::Succeeded]
        )
    );
}

/// Waits on the change feed until the registry shows the process in this state.
async fn until_state(site: &Site, process: &crate::support::process::Process, state: WorkerState) {
    let mut changes = site.queue.changes();
    let wait = async {
        while site.registered(process).await.state != state {
            changes.next().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(waited.is_ok(), "never {state:?}: {}", process.output());
}

async fn a_worker_that_an_operator_drains_finishes_claims_nothing_and_goes_on_when_resumed(
    site: Site,
) {
    let mut worker = site.ready_worker(&["--concurrency", "2"]);
    let id = site.id_of(&worker).await;
    let held = ask_for_seconds(&site.queue, 2.0).await;
    until(&site.queue, &held, is_running).await;
    site.queue.drain_worker(&id, "tester").await.unwrap();
    worker.wait_for("an operator wants this worker to drain");
    let waits = ask_for_seconds(&site.queue, 0.2).await;
    let finished = until_final(&site.queue, &held).await;
    assert_eq!(
        (finished.task.state, finished.attempts.len()),
        (TaskState::Succeeded, 1),
        "what it held was finished"
    );
    let waiting = site.queue.task(&waits).await.unwrap().task;
    assert_eq!(
        (waiting.state, waiting.attempt),
        (TaskState::Queued, 0),
        "there was a free place for it all the time"
    );
    assert_eq!(
        waiting.waiting,
        Some(Waiting::WorkersDraining { host: None })
    );
    assert_eq!(site.registered(&worker).await.state, WorkerState::Draining);
    site.queue.undrain_worker(&id, "tester").await.unwrap();
    let done = until_final(&site.queue, &waits).await;
    assert_eq!(
        (done.task.state, done.attempts[0].pid),
        (TaskState::Succeeded, worker.pid())
    );
}

async fn a_paused_operation_waits_until_it_is_resumed(site: Site) {
    let mut worker = site.ready_worker(&[]);
    let running = ask_for_seconds(&site.queue, 1.0).await;
    until(&site.queue, &running, is_running).await;
    let operation = "health-check".into();
    site.queue.pause(&operation, "tester").await.unwrap();
    let paused = ask_for_seconds(&site.queue, 0.2).await;
    // another operation, asked for later, is taken
    let other = upkeep_queue::NewTask::new("log-statistics", serde_json::json!({}), "tester");
    let other = site.queue.enqueue(other).await.unwrap().id().clone();
    assert_eq!(
        until_final(&site.queue, &other).await.task.state,
        TaskState::Succeeded
    );
    assert_eq!(
        until_final(&site.queue, &running).await.task.state,
        TaskState::Succeeded,
        "what ran went on"
    );
    let waiting = site.queue.task(&paused).await.unwrap().task;
    assert_eq!((waiting.state, waiting.attempt), (TaskState::Queued, 0));
    assert!(
        matches!(&waiting.waiting, Some(Waiting::OperationPaused { by, .. }) if by == "tester"),
        "{:?}",
        waiting.waiting
    );
    site.queue.resume(&operation, "tester").await.unwrap();
    assert_eq!(
        until_final(&site.queue, &paused).await.task.state,
        TaskState::Succeeded
    );
    assert!(worker.is_running());
}
