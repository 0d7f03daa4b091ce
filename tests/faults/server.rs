//! A PostgreSQL server that is killed, stopped or frozen while workers hold tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use upkeep_contract::TaskId;
use upkeep_contract::task::{AttemptOutcome, TaskState};
use upkeep_contract::worker::WorkerState;
use upkeep_queue::{Queue, QueueError};
use upkeep_testkit::{Durability, PostgresCluster, PostgresOptions, Stop};

use crate::support::installation::{Installation, until, until_final};
use crate::support::observer::{Observer, Record};
use crate::support::process::Process;
use crate::support::site::Site;
use crate::{ask_for_seconds, is_running, outcomes, work};

/// A server of one's own that keeps every commit it has confirmed.
async fn site_of_its_own() -> (PostgresCluster, Site) {
    let options = PostgresOptions::new(Durability::Fast).setting("synchronous_commit", "on");
    let cluster = PostgresCluster::start(options);
    let url = cluster.database().await;
    (cluster, Site::at(Installation::new(), url).await)
}

/// Somebody who asks for work again and again, whether the database is there or not.
struct Asking {
    stop: Arc<AtomicBool>,
    asking: tokio::task::JoinHandle<(Vec<TaskId>, Vec<QueueError>)>,
}

impl Asking {
    fn begin(queue: &Queue) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (queue, stopped) = (queue.clone(), Arc::clone(&stop));
        let asking = tokio::spawn(async move {
            let (mut accepted, mut errors) = (Vec::new(), Vec::new());
            while !stopped.load(Ordering::SeqCst) {
                match queue.enqueue(work(0.2)).await {
                    Ok(enqueued) => accepted.push(enqueued.id().clone()),
                    Err(error) => errors.push(error),
                }
                // the pace of many people
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            (accepted, errors)
        });
        Self { stop, asking }
    }

    /// What was accepted, and how the rest was refused.
    async fn end(self) -> (Vec<TaskId>, Vec<QueueError>) {
        self.stop.store(true, Ordering::SeqCst);
        self.asking.await.unwrap()
    }
}

/// Waits until some more tasks have ended.
async fn until_more_have_ended(queue: &Queue, more: u64) {
    let mut changes = queue.changes();
    let wait = async {
        let mut wanted = None;
        loop {
            // a connection from before the server went says so once
            if let Ok(ended) = queue.count(TaskState::Succeeded).await
                && ended >= *wanted.get_or_insert(ended + more)
            {
                return;
            }
            changes.next().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    assert!(waited.is_ok(), "nothing ends any more");
}

fn nothing_wrong(record: &Record, accepted: &[TaskId]) {
    assert!(record.violations.is_empty(), "{:#?}", record.violations);
    for id in accepted {
        assert!(
            record.has_ended(id.as_str()),
            "{id} was accepted and is gone"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_loses_nothing_that_was_accepted_postgres() {
    let (mut cluster, site) = site_of_its_own().await;
    let mut workers = [(); 2].map(|()| site.ready_worker(&["--concurrency", "4"]));
    let observer = Observer::start(&site.url).await;
    let asking = Asking::begin(&site.queue);
    for _ in 0..3 {
        until_more_have_ended(&site.queue, 10).await;
        cluster.kill();
        workers[0].wait_for_times(1, "cannot");
        cluster.restart();
    }
    until_more_have_ended(&site.queue, 10).await;
    let (accepted, errors) = asking.end().await;
    for id in &accepted {
        until_final(&site.queue, id).await;
    }
    assert!(!errors.is_empty(), "nobody asked while the server was away");
    for error in &errors {
        let hint = error.hint();
        assert!(
            hint.contains("server") || hint.contains("database"),
            "{error}: {hint}"
        );
    }
    assert!(workers.iter_mut().all(Process::is_running));
    let record = observer.end().await;
    nothing_wrong(&record, &accepted);
    assert!(workers.iter_mut().all(Process::terminate));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_workers_abandon_claim_nothing_and_then_recover_postgres() {
    let (mut cluster, site) = site_of_its_own().await;
    let mut workers = [(); 2].map(|()| site.ready_worker(&["--concurrency", "1"]));
    let mut ids = Vec::new();
    for _ in &workers {
        ids.push(ask_for_seconds(&site.queue, 4.0).await);
    }
    for id in &ids {
        until(&site.queue, id, is_running).await;
    }
    let waits = ask_for_seconds(&site.queue, 0.2).await;
    let observer = Observer::start(&site.url).await;
    cluster.stop(Stop::Fast);
    for worker in &mut workers {
        worker.wait_for("the heartbeat failed: claiming nothing new until it gets through");
        worker.wait_for("abandoned");
        assert_eq!(worker.count("begins"), 1, "{}", worker.output());
    }
    cluster.restart();
    for id in &ids {
        let detail = until_final(&site.queue, id).await;
        assert_eq!(
            (detail.task.state, outcomes(&detail)),
            (
                TaskState::Succeeded,
                vec![AttemptOutcome::Lost, AttemptOutcome::Succeeded]
            )
        );
    }
    until_final(&site.queue, &waits).await;
    assert!(workers.iter_mut().all(Process::is_running), "by themselves");
    ids.push(waits);
    nothing_wrong(&observer.end().await, &ids);
}

/// The processes of a server, its first one and those it made.
fn backends(cluster: &PostgresCluster) -> Vec<Pid> {
    let first = i32::try_from(cluster.pid().unwrap()).unwrap();
    let output = std::process::Command::new("ps")
        .args(["-o", "pid=", "--ppid", &first.to_string()])
        .output()
        .unwrap();
    let mut all = vec![Pid::from_raw(first).unwrap()];
    let text = String::from_utf8(output.stdout).unwrap();
    let pids = text.split_whitespace().map(|pid| pid.parse().unwrap());
    all.extend(pids.filter_map(Pid::from_raw));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_makes_workers_abandon_in_time_and_they_go_on_afterwards_postgres() {
    let (cluster, site) = site_of_its_own().await;
    let mut workers = [(); 2].map(|()| site.ready_worker(&["--concurrency", "1"]));
    let mut ids = Vec::new();
    for _ in &workers {
        ids.push(ask_for_seconds(&site.queue, 6.0).await);
    }
    for id in &ids {
        until(&site.queue, id, is_running).await;
    }
    let observer = Observer::start(&site.url).await;
    let frozen = backends(&cluster);
    for pid in &frozen {
        kill_process(*pid, Signal::STOP).unwrap();
    }
    let begun = std::time::Instant::now();
    // a server that hangs gives no error: the lease alone says when to stop
    for worker in &mut workers {
        worker.wait_for("the database does not answer");
        worker.wait_for("abandoned");
    }
    let took = begun.elapsed();
    for pid in &frozen {
        kill_process(*pid, Signal::CONT).ok();
    }
    assert!(took < Duration::from_secs(5), "abandoned after {took:?}");
    for id in &ids {
        let detail = until_final(&site.queue, id).await;
        assert_eq!(detail.task.state, TaskState::Succeeded, "{detail:#?}");
    }
    let record = observer.end().await;
    nothing_wrong(&record, &ids);
    assert_eq!(record.counts().lost, 2, "one attempt of each, and no more");
    let states: BTreeMap<u32, WorkerState> = site
        .queue
        .workers(upkeep_contract::Timestamp(0))
        .await
        .unwrap()
        .into_iter()
        .map(|worker| (worker.pid, worker.state))
        .collect();
    for worker in &mut workers {
        assert!(worker.is_running());
        assert_eq!(states[&worker.pid()], WorkerState::Active);
    }
}
