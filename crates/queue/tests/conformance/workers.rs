//! The registry of workers.

use std::time::Duration;

use upkeep_contract::Timestamp;
use upkeep_contract::task::Progress;
use upkeep_contract::worker::{ClaimStrategy, HostVitals, WorkerState};
use upkeep_queue::{NewWorker, WorkerMode};
use upkeep_testkit::{TestQueue, claim_all, new_worker, task};

use crate::support::{SECOND, succeed};

async fn a_silent_worker_is_stale_and_a_stopped_one_is_not(test: TestQueue) {
    let (silent, stopped) = (new_worker("host-a"), new_worker("host-b"));
    test.queue.register_worker(&silent).await.unwrap();
    test.queue.register_worker(&stopped).await.unwrap();
    test.queue
        .set_worker_mode(&stopped.id, WorkerMode::Stopped)
        .await
        .unwrap();
    test.clock.advance(Duration::from_secs(9));
    let state = async |id| {
        let workers = test.queue.workers(Timestamp(0)).await.unwrap();
        workers
            .into_iter()
            .find(|worker| worker.id == id)
            .unwrap()
            .state
    };
    assert_eq!(state(silent.id.clone()).await, WorkerState::Active);
    test.clock.advance(Duration::from_secs(2));
    assert_eq!(state(silent.id.clone()).await, WorkerState::Stale);
    assert_eq!(state(stopped.id).await, WorkerState::Stopped);
    test.queue.worker_alive(&silent.id, None).await.unwrap();
    test.queue
        .set_worker_mode(&silent.id, WorkerMode::Draining)
        .await
        .unwrap();
    assert_eq!(state(silent.id).await, WorkerState::Draining);
}

fn vitals(at: Timestamp, cpu_percent: Option<f64>) -> HostVitals {
    HostVitals {
        at,
        cpu_percent,
        cpu_cores: 2,
        memory_total_bytes: 8 << 30,
        memory_available_bytes: 5 << 30,
        swap_total_bytes: 0,
        swap_used_bytes: 0,
        load_average: [0.1, 0.25, 1.0 / 3.0],
        disks: Vec::new(),
        uptime_seconds: 77,
    }
}

async fn a_worker_is_shown_with_all_it_said_of_itself(test: TestQueue) {
    let registered = NewWorker {
        embedded: true,
        operations: vec!["a".into(), "b".into()],
        strategy: ClaimStrategy::WeightedRandom,
        concurrency: 8,
        pid: u32::MAX,
        version: "1.2.3".to_owned(),
        ..new_worker("host-ä")
    };
    test.queue.register_worker(&registered).await.unwrap();
    let since = test.queue.now();
    test.clock.advance(SECOND);
    let worker = test.queue.workers(since).await.unwrap().pop().unwrap();
    assert_eq!(
        (worker.id, worker.host, worker.pid),
        (registered.id, registered.host, u32::MAX)
    );
    assert_eq!(
        (worker.embedded, worker.concurrency, worker.version.as_str()),
        (true, 8, "1.2.3")
    );
    assert_eq!(
        (worker.operations, worker.strategy),
        (registered.operations, registered.strategy)
    );
    assert_eq!((worker.started_at, worker.heartbeat_at), (since, since));
    assert_eq!((worker.vitals, worker.drain_requested_by), (None, None));
    assert_eq!(
        test.queue.workers(test.queue.now()).await.unwrap(),
        [],
        "not seen since"
    );
}

async fn vitals_ride_on_the_heartbeat_and_stay_until_there_are_newer_ones(test: TestQueue) {
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    let shown = async || test.queue.workers(Timestamp(0)).await.unwrap().remove(0);
    let (first, second) = (vitals(Timestamp(1), None), vitals(Timestamp(2), Some(12.5)));
    for (given, expect) in [
        (Some(&first), &first),
        (None, &first),
        (Some(&second), &second),
    ] {
        test.clock.advance(SECOND);
        test.queue.worker_alive(&worker.id, given).await.unwrap();
        let worker = shown().await;
        assert_eq!(
            (worker.vitals.as_ref(), worker.heartbeat_at),
            (Some(expect), test.queue.now())
        );
    }
}

async fn a_worker_that_holds_tasks_is_busy_and_shows_them_with_their_progress(test: TestQueue) {
    let (busy, idle) = (new_worker("host-a"), new_worker("host-a"));
    for worker in [&busy, &idle] {
        test.queue.register_worker(worker).await.unwrap();
    }
    let ids = [test.enqueue(task()).await, test.enqueue(task()).await];
    let claims = test
        .claim_with(busy.id.as_str(), &claim_all("host-a"), 2)
        .await;
    let progress = Progress {
        done: 3,
        ..Progress::default()
    };
    test.queue
        .report_progress(&claims[1].lease, Some(&progress), &[])
        .await
        .unwrap();
    let shown = async |id| {
        let workers = test.queue.workers(Timestamp(0)).await.unwrap();
        workers.into_iter().find(|worker| worker.id == id).unwrap()
    };
    let worker = shown(busy.id.clone()).await;
    assert_eq!(worker.state, WorkerState::Busy);
    let held: Vec<_> = worker
        .current_tasks
        .into_iter()
        .map(|one| (one.task_id, one.progress))
        .collect();
    let [first, second] = ids;
    assert_eq!(held, [(first, None), (second, Some(progress))]);
    assert_eq!(shown(idle.id).await.state, WorkerState::Active);
    test.queue
        .set_worker_mode(&busy.id, WorkerMode::Draining)
        .await
        .unwrap();
    let worker = shown(busy.id.clone()).await;
    assert_eq!(
        (worker.state, worker.current_tasks.len()),
        (WorkerState::Draining, 2)
    );
    for claim in claims {
        succeed(&test, &claim.lease).await;
    }
    assert!(shown(busy.id).await.current_tasks.is_empty());
}

async fn a_worker_that_starts_again_is_another_one(test: TestQueue) {
    let before = new_worker("host-a");
    test.queue.register_worker(&before).await.unwrap();
    test.queue.register_worker(&before).await.unwrap_err();
    test.clock.advance(SECOND);
    let after = new_worker("host-a");
    test.queue.register_worker(&after).await.unwrap();
    let workers = test.queue.workers(Timestamp(0)).await.unwrap();
    let ids: Vec<_> = workers.into_iter().map(|worker| worker.id).collect();
    assert_eq!(ids, [after.id, before.id], "the newest first");
}

upkeep_testkit::on_both_engines!(
    a_silent_worker_is_stale_and_a_stopped_one_is_not,
    a_worker_is_shown_with_all_it_said_of_itself,
    vitals_ride_on_the_heartbeat_and_stay_until_there_are_newer_ones,
    a_worker_that_holds_tasks_is_busy_and_shows_them_with_their_progress,
    a_worker_that_starts_again_is_another_one,
);
