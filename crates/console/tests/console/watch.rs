//! Watching: one task's stream, and the batches of changes.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};
use upkeep_contract::event::Change;
use upkeep_contract::task::{LogLevel, Progress, TaskState};
use upkeep_contract::{Clock, ErrorCode, SystemClock, TaskId};
use upkeep_queue::{Ending, Lease, NewLogLine};

use crate::support::{Installation, check_reply, installation, reply};

async fn report(here: &Installation, lease: &Lease, done: u64) {
    let progress = Progress {
        done,
        total: None,
        unit: "files".to_owned(),
        message: String::new(),
        ..Progress::default()
    };
    let line = NewLogLine {
        at: here.test.queue.now(),
        level: LogLevel::Info,
        message: format!("line {done}"),
    };
    let queue = &here.test.queue;
    assert!(
        queue
            .report_progress(lease, Some(&progress), &[line])
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_watched_task_s_log_comes_once_and_in_order_until_the_final_state() {
    let here = installation().await;
    let id = here.queued("health-check", json!({})).await;
    let lease = here.claim("host-a").await.unwrap().lease;
    report(&here, &lease, 1).await;
    let mut watch = here.console.watch_task(&id).await.unwrap();
    let first = watch.next().await.unwrap();
    assert_eq!(first.detail.task.state, TaskState::Running);
    assert_eq!(first.log.len(), 1);
    let mut lines = first.log;

    let working = async {
        for done in 2..=1200 {
            report(&here, &lease, done).await;
        }
        let ending = Ending::Succeeded(json!({"status": "healthy"}));
        here.test.queue.finish(&lease, ending).await.unwrap();
    };
    let watching = async {
        let (mut updates, mut last) = (0_u32, None);
        while let Some(update) = watch.next().await {
            updates += 1;
            lines.extend(update.log);
            last = Some(update.detail);
        }
        (updates, last.unwrap())
    };
    let began = Instant::now();
    let ((), (updates, last)) = tokio::join!(working, watching);
    // at most ten a second, the first one at once
    let most = began.elapsed().as_millis() / 100 + 1;
    assert!(
        u128::from(updates) <= most,
        "{updates} updates, at most {most}"
    );
    assert_eq!(last.task.state, TaskState::Succeeded);
    assert_eq!(last.report, Some(json!({"status": "healthy"})));
    let expect: Vec<String> = (1..=1200).map(|done| format!("line {done}")).collect();
    let got: Vec<String> = lines.into_iter().map(|line| line.message).collect();
    assert_eq!(got, expect);
}

#[tokio::test]
async fn a_task_that_has_ended_is_shown_once() {
    let here = installation().await;
    let ending = Ending::Succeeded(json!({}));
    let id = here
        .finished("health-check", json!({}), "host-a", ending)
        .await;
    let mut watch = here.console.watch_task(&id).await.unwrap();
    let only = watch.next().await.unwrap();
    assert_eq!(only.detail.task.state, TaskState::Succeeded);
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_change_of_another_task_sends_nothing() {
    let here = installation().await;
    let id = here.queued("health-check", json!({})).await;
    let mut watch = here.console.watch_task(&id).await.unwrap();
    watch.next().await.unwrap();
    let other = here.queued("cleanup-runs", json!({})).await;
    here.console.cancel(&other).await.unwrap();
    here.console.cancel(&id).await.unwrap();
    let next = watch.next().await.unwrap();
    assert_eq!(
        next.detail.task.state,
        TaskState::Cancelled,
        "nothing came in between"
    );
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_task_removed_from_the_history_ends_its_watch() {
    let here = installation().await;
    let id = here.queued("health-check", json!({})).await;
    let mut watch = here.console.watch_task(&id).await.unwrap();
    watch.next().await.unwrap();
    here.console.cancel(&id).await.unwrap();
    here.test.clock.advance(Duration::from_secs(1));
    let queue = &here.test.queue;
    queue.remove_finished(&[id], queue.now()).await.unwrap();
    let rest = async { while watch.next().await.is_some() {} };
    timeout(Duration::from_secs(10), rest).await.unwrap();
}

#[tokio::test]
async fn an_unknown_task_cannot_be_watched() {
    let here = installation().await;
    let watch = here.console.watch_task(&TaskId::from("nothing")).await;
    check_reply(&reply(watch), ErrorCode::NotFound, "nothing", "");
}

#[tokio::test]
async fn changes_come_without_doubles_and_at_most_ten_batches_a_second() {
    let here = installation().await;
    let mut changes = here.console.changes();
    let id = here.queued("health-check", json!({})).await;
    let lease = here.claim("host-a").await.unwrap().lease;
    let change = Change::Task { task_id: id };
    assert_eq!(changes.next().await.unwrap(), std::slice::from_ref(&change));
    let began = Instant::now();
    for done in 0..50 {
        report(&here, &lease, done).await;
    }
    here.test.queue.announce(Change::Settings);
    assert_eq!(
        changes.next().await.unwrap(),
        [change.clone(), Change::Settings]
    );
    assert!(began.elapsed() >= Duration::from_millis(90));
    report(&here, &lease, 50).await;
    here.test.queue.announce(Change::All);
    assert_eq!(changes.next().await.unwrap(), [Change::All]);
}

#[tokio::test]
async fn vitals_are_sampled_for_who_watches() {
    let began = SystemClock.now();
    let mut watch = upkeep_console::watch_vitals();
    let first = watch.next().await.unwrap();
    assert!(first.at >= began);
    assert!(first.cpu_cores > 0 && first.memory_total_bytes > 0);
    let second = watch.next().await.unwrap();
    assert!(second.cpu_percent.is_some());
    assert!(
        second.at.since(first.at) >= Duration::from_millis(900),
        "a second for the use of the processors"
    );
    let third = tokio::time::timeout(Duration::from_secs(3), watch.next()).await;
    assert!(third.is_err(), "then four a minute at the most");
}
