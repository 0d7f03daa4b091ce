//! Readiness, watchdog, stopping, and the choice of operations.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use upkeep_contract::OperationId;
use upkeep_contract::task::{AttemptOutcome, TaskState};

use crate::home::{Home, Running, ask, ask_for_seconds_of_work, until};
use crate::manager::Manager;

fn start(home: &Home, manager: &Manager, arguments: &[&str], watchdog: &str) -> Running {
    let mut command = home.command(&["run"]);
    command.args(arguments).stderr(Stdio::null());
    manager.watch(&mut command);
    if !watchdog.is_empty() {
        command.env("WATCHDOG_USEC", watchdog);
    }
    Running::start(command)
}

fn status(message: &[String]) -> &str {
    let found = message.iter().find_map(|it| it.strip_prefix("STATUS="));
    found.unwrap_or_default()
}

#[tokio::test]
async fn it_is_ready_once_it_is_registered_and_stops_in_good_order() {
    let (home, manager) = (Home::new(), Manager::new());
    let arguments = [
        "--host",
        "web-02",
        "--operations",
        "log-statistics:health-check",
        "--grace-seconds",
        "7",
    ];
    let worker = start(&home, &manager, &arguments, "");
    let ready = manager.wait_for("READY=1");
    assert_eq!(
        status(&ready),
        "claiming tasks on host web-02: health-check, log-statistics"
    );
    let queue = home.queue().await;
    let workers = queue
        .workers(queue.now().minus(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(workers.len(), 1, "ready means registered");
    let ids: Vec<&str> = workers[0]
        .operations
        .iter()
        .map(OperationId::as_str)
        .collect();
    assert_eq!(ids, ["health-check", "log-statistics"]);

    worker.signal(Signal::TERM);
    let stopping = manager.wait_for("STOPPING=1");
    assert!(status(&stopping).starts_with("stopping"), "{stopping:?}");
    assert!(
        stopping.contains(&"EXTEND_TIMEOUT_USEC=27000000".to_owned()),
        "the grace and what follows it: {stopping:?}"
    );
    let mut worker = worker;
    assert_eq!(worker.wait(), Some(0));
    let said = manager.rest();
    assert!(
        !said.iter().any(|it| it.starts_with("WATCHDOG")),
        "nobody asked for a watchdog: {said:?}"
    );
}

#[test]
fn the_watchdog_is_fed_at_half_its_time_until_the_end() {
    let (home, manager) = (Home::new(), Manager::new());
    let begun = Instant::now();
    let worker = start(&home, &manager, &[], "400000");
    manager.wait_for("READY=1");
    for _ in 0..5 {
        manager.wait_for("WATCHDOG=1");
    }
    assert!(
        begun.elapsed() > Duration::from_millis(4 * 200),
        "not more often than asked"
    );
    worker.signal(Signal::STOP);
    manager.rest();
    assert!(
        manager.rest().is_empty(),
        "a process that hangs feeds nothing"
    );
    worker.signal(Signal::CONT);
    assert_eq!(worker.terminate(), Some(0));
}

#[tokio::test]
async fn the_watchdog_is_fed_while_an_attempt_ends_by_itself() {
    let (home, manager) = (Home::new(), Manager::new());
    let queue = home.queue().await;
    let id = ask_for_seconds_of_work(&queue, 3).await;
    let mut worker = start(&home, &manager, &["--grace-seconds", "30"], "200000");
    until(&queue, &id, |it| it.task.state == TaskState::Running).await;
    worker.signal(Signal::TERM);
    manager.wait_for("STOPPING=1");
    manager.wait_for("WATCHDOG=1");
    manager.wait_for("WATCHDOG=1");
    manager.rest();
    assert_eq!(worker.wait(), Some(0));
    let detail = queue.task(&id).await.unwrap();
    assert_eq!(
        detail.task.state,
        TaskState::Succeeded,
        "the grace sufficed"
    );
}

#[test]
fn a_manager_that_does_not_listen_holds_up_nothing() {
    let (home, manager) = (Home::new(), Manager::new());
    let mut worker = start(&home, &manager, &[], "2000");
    manager.wait_for("READY=1");
    // nobody reads any more, and the socket is full soon
    std::thread::sleep(Duration::from_secs(1));
    worker.signal(Signal::TERM);
    let begun = Instant::now();
    assert_eq!(worker.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{begun:?}");
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_is_handed_back() {
    let (home, manager) = (Home::new(), Manager::new());
    let queue = home.queue().await;
    let id = ask_for_seconds_of_work(&queue, 60).await;
    let mut worker = start(&home, &manager, &["--grace-seconds", "1"], "");
    until(&queue, &id, |it| it.task.state == TaskState::Running).await;
    worker.signal(Signal::INT);
    assert_eq!(worker.wait(), Some(0));
    let detail = queue.task(&id).await.unwrap();
    assert_eq!(detail.task.state, TaskState::Queued);
    assert_eq!(detail.attempts[0].outcome, AttemptOutcome::Released);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (home, manager) = (Home::new(), Manager::new());
    let queue = home.queue().await;
    let id = ask_for_seconds_of_work(&queue, 60).await;
    let mut worker = start(&home, &manager, &["--grace-seconds", "3600"], "");
    until(&queue, &id, |it| it.task.state == TaskState::Running).await;
    worker.signal(Signal::TERM);
    manager.wait_for("STOPPING=1");
    assert!(worker.is_running(), "the grace is long");
    worker.signal(Signal::TERM);
    assert_eq!(worker.wait(), Some(1));
    let detail = queue.task(&id).await.unwrap();
    assert_eq!(
        detail.task.state,
        TaskState::Running,
        "its lease has to run out"
    );
}

#[tokio::test]
async fn only_the_chosen_operations_are_claimed() {
    let (home, manager) = (Home::new(), Manager::new());
    let queue = home.queue().await;
    let other = ask(&queue, "log-statistics", json!({})).await;
    let chosen = ask(&queue, "health-check", json!({})).await;
    let worker = start(&home, &manager, &["--operations", "health-check"], "");
    until(&queue, &chosen, |it| it.task.state.is_final()).await;
    let left = queue.task(&other).await.unwrap().task;
    assert_eq!((left.state, left.attempt), (TaskState::Queued, 0));
    let _second = start(&home, &manager, &["--operations", "log-statistics"], "");
    let done = until(&queue, &other, |it| it.task.state.is_final()).await;
    assert_eq!(done.task.state, TaskState::Succeeded);
    assert_eq!(worker.terminate(), Some(0));
}

#[test]
fn a_failed_start_says_why_and_is_never_ready() {
    let (home, manager) = (Home::new(), Manager::new());
    home.configure("[[locations]]\nname = \"scratch\"\npath = \"scratch\"\n");
    let mut worker = start(&home, &manager, &[], "");
    assert_eq!(worker.wait(), Some(1));
    let said = manager.rest();
    assert!(!said.contains(&"READY=1".to_owned()), "{said:?}");
    let last = said.last().unwrap();
    assert!(
        last.starts_with("STATUS=failed: ") && last.contains("line 3"),
        "{last}"
    );
}
