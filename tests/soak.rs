//! Workers that are killed at random moments, again and again, while people ask for work: nothing is
//! lost, nothing ends twice. `make soak` runs the long version, and prints its tables.
//!
//! `SOAK_TASKS` (60), `SOAK_KILLS` (15) and `SOAK_SEED` say how much.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise; the soak's result is a table"
)]

mod support;

#[path = "soak/crowd.rs"]
mod crowd;
#[path = "soak/table.rs"]
mod table;

use std::time::Duration;

use crowd::{Crowd, Plan};
use support::observer::{Record, accepted_ends};
use support::site::{Site, on_both_engines};
use table::Table;
use tokio::time::Instant;
use upkeep_contract::TaskId;

/// How long the last tasks may take once nobody is killed any more: several leases, one after another.
const PATIENCE: Duration = Duration::from_secs(90);

async fn nothing_is_lost_and_nothing_ends_twice_while_workers_are_killed(site: Site) {
    let plan = Plan::from_environment();
    let begun = Instant::now();
    let mut crowd = Crowd::new(&site, plan).await;
    crowd.work().await;
    let unfinished = until_all_ended(&site, crowd.accepted()).await;
    let tally = crowd.stop().await;
    let told = accepted_ends(&tally.logs);
    let table = Table::new(
        site.queue.engine_name(),
        plan,
        &tally,
        &told,
        begun.elapsed(),
    );
    println!("{table}");
    assert!(
        table.violations.is_empty(),
        "seen from outside: {:#?}",
        table.violations
    );
    assert_eq!(unfinished, Vec::<TaskId>::new(), "tasks that never ended");
    assert_eq!(
        (table.duplicates, table.lost, table.unfinished),
        (0, 0, 0),
        "duplicates, lost, unfinished"
    );
    assert_eq!((table.kills, table.accepted), (plan.kills, plan.tasks));
    assert!(
        table.attempts_lost > 0,
        "no kill met a task: the soak has proved nothing"
    );
    assert_eq!(
        (table.old_files_left, table.young_files_lost),
        (0, 0),
        "old files left, young files lost"
    );
}

on_both_engines!(nothing_is_lost_and_nothing_ends_twice_while_workers_are_killed);

/// Waits until each of these has ended; those that have not after a long time.
async fn until_all_ended(site: &Site, ids: &[TaskId]) -> Vec<TaskId> {
    let mut changes = site.queue.changes();
    let deadline = Instant::now() + PATIENCE;
    let mut open = ids.to_vec();
    loop {
        let mut left = Vec::new();
        for id in open {
            let detail = site.queue.task(&id).await.unwrap();
            if !detail.task.state.is_final() {
                left.push(id);
            }
        }
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        open = left;
        tokio::time::timeout_at(deadline, changes.next()).await.ok();
        changes.skip_pending();
    }
}

/// A record of two looks, the second of which sees the database after something was done to it.
async fn seen_after(statement: &str) -> Record {
    use upkeep_queue::Ending;
    let store = upkeep_testkit::TestQueue::sqlite().await;
    let id = store.enqueue(upkeep_testkit::task()).await;
    let claim = store.claim("worker").await.unwrap();
    let report = serde_json::json!({});
    let ended = store.queue.finish(&claim.lease, Ending::Succeeded(report));
    ended.await.unwrap();
    let observer = support::observer::Observer::start(&store.url()).await;
    let mut database = upkeep_testkit::RawDatabase::connect(&store.url())
        .await
        .unwrap();
    // the observer has seen the end once it has looked
    let mut changes = store.queue.changes();
    tokio::time::timeout(Duration::from_millis(500), changes.next())
        .await
        .ok();
    let statement = statement.replace("$id", id.as_str());
    database.execute(&statement).await.unwrap();
    observer.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_observer_sees_what_must_not_happen() {
    let nothing = seen_after("SELECT 1").await;
    assert!(nothing.violations.is_empty() && nothing.looks > 1);
    for (statement, duplicate, vanished) in [
        ("UPDATE tasks SET state = 'failed' WHERE id = '$id'", 1, 0),
        (
            "UPDATE tasks SET finished_at = finished_at + 1 WHERE id = '$id'",
            1,
            0,
        ),
        (
            "UPDATE tasks SET report = '{\"again\":1}' WHERE id = '$id'",
            1,
            0,
        ),
        (
            "UPDATE tasks SET state = 'queued', finished_at = NULL WHERE id = '$id'",
            1,
            0,
        ),
        (
            "INSERT INTO attempts (task_id, number, worker_id, host, pid, lease_token, started_at, ended_at, ended_by, outcome) \
             VALUES ('$id', 2, 'w', 'h', 1, 't', 1, 2, 'worker', 'succeeded')",
            1,
            0,
        ),
        (
            "UPDATE attempts SET outcome = 'partial' WHERE task_id = '$id'",
            1,
            0,
        ),
        ("DELETE FROM tasks WHERE id = '$id'", 0, 1),
    ] {
        let record = seen_after(statement).await;
        assert!(!record.violations.is_empty(), "{statement}");
        assert_eq!(
            (record.ended_twice.len(), record.vanished.len()),
            (duplicate, vanished),
            "{statement}: {:?}",
            record.violations
        );
    }
}

#[test]
fn an_end_that_no_attempt_explains_is_noticed() {
    let check = |state: &str, outcome: &str, expect: usize| {
        let row = |columns: [&str; 7]| -> Vec<Option<String>> {
            let texts = columns.iter().map(|text| (*text).to_owned());
            texts.map(|text| (text != "-").then_some(text)).collect()
        };
        let mut record = Record::default();
        let task = row(["a", state, "9", "-", "-", "1", "-"])[..6].to_vec();
        let attempt = row(["a", "1", outcome, "worker", "9", "-", "-"]);
        record.take_in(&[task], &[attempt]);
        record.check_ends();
        assert_eq!(record.violations.len(), expect, "{state} after {outcome}");
    };
    check("succeeded", "succeeded", 0);
    check("succeeded", "lost", 1);
    check("succeeded", "partial", 1);
    check("failed", "lost", 0);
    check("failed", "succeeded", 1);
    check("cancelled", "lost", 0);
    check("cancelled", "succeeded", 1);
}

#[test]
fn two_workers_that_were_told_of_one_end_are_noticed() {
    let line = r#"{"message":"ended","fields":{"task_id":"a","state":"succeeded"}}"#;
    let again = r#"{"message":"ended","fields":{"task_id":"a","state":"queued"}}"#;
    let logs = [format!("{line}\n{again}\n{{\"mess"), line.to_owned()];
    assert_eq!(accepted_ends(&logs)["a"], 2);
}
