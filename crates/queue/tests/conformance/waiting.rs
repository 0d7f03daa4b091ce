//! Why a queued task waits, and which hosts could take one.

use upkeep_contract::WorkerId;
use upkeep_contract::task::TaskFilter;
use upkeep_contract::waiting::Waiting;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Ending, NewTask, NewWorker, STALE_AFTER, WorkerMode};
use upkeep_testkit::{TestQueue, new_worker, task};

use crate::support::{MILLISECOND, end, error, of, performs, read, succeed};

async fn worker(test: &TestQueue, host: &str) -> WorkerId {
    let worker = new_worker(host);
    test.queue.register_worker(&worker).await.unwrap();
    worker.id
}

fn on(host: &str) -> NewTask {
    NewTask {
        target_host: Some(host.to_owned()),
        ..task()
    }
}

async fn a_task_without_a_live_worker_says_when_one_was_last_seen(test: TestQueue) {
    let anywhere = test.enqueue(task()).await;
    let there = test.enqueue(on("host-b")).await;
    let reason = async |id| read(&test, id).await.waiting.unwrap();
    let nobody = |host: Option<&str>, last_seen| Waiting::NoWorker {
        host: host.map(str::to_owned),
        last_seen,
    };
    assert_eq!(reason(&anywhere).await, nobody(None, None));
    assert_eq!(reason(&there).await, nobody(Some("host-b"), None));

    // one that performs something else does not help
    let other = NewWorker {
        operations: vec!["another".into()],
        ..new_worker("host-b")
    };
    test.queue.register_worker(&other).await.unwrap();
    assert_eq!(reason(&there).await, nobody(Some("host-b"), None));

    worker(&test, "host-a").await;
    let first = test.queue.now();
    assert_eq!(reason(&anywhere).await, Waiting::Turn);
    assert_eq!(reason(&there).await, nobody(Some("host-b"), None));
    test.clock.advance(STALE_AFTER);
    assert_eq!(
        reason(&anywhere).await,
        Waiting::Turn,
        "alive to the last millisecond"
    );
    test.clock.advance(MILLISECOND);
    assert_eq!(reason(&anywhere).await, nobody(None, Some(first)));

    let stopped = worker(&test, "host-b").await;
    let second = test.queue.now();
    assert_eq!(reason(&there).await, Waiting::Turn);
    test.queue
        .set_worker_mode(&stopped, WorkerMode::Stopped)
        .await
        .unwrap();
    assert_eq!(reason(&there).await, nobody(Some("host-b"), Some(second)));
    assert_eq!(reason(&anywhere).await, nobody(None, Some(second)));
}

async fn a_task_whose_workers_drain_says_so(test: TestQueue) {
    let anywhere = test.enqueue(task()).await;
    let there = test.enqueue(on("host-a")).await;
    let (first, second) = (worker(&test, "host-a").await, worker(&test, "host-b").await);
    let reason = async |id| read(&test, id).await.waiting.unwrap();
    test.queue.drain_worker(&first, "anna").await.unwrap();
    let host = Some("host-a".to_owned());
    assert_eq!(
        reason(&there).await,
        Waiting::WorkersDraining { host: host.clone() }
    );
    assert_eq!(
        reason(&anywhere).await,
        Waiting::Turn,
        "there is another host"
    );
    test.queue
        .set_worker_mode(&second, WorkerMode::Draining)
        .await
        .unwrap();
    assert_eq!(
        reason(&anywhere).await,
        Waiting::WorkersDraining { host: None }
    );
    test.queue.undrain_worker(&first, "anna").await.unwrap();
    assert_eq!(reason(&there).await, Waiting::Turn);
    let more = worker(&test, "host-a").await;
    test.queue
        .set_worker_mode(&first, WorkerMode::Draining)
        .await
        .unwrap();
    assert_eq!(
        reason(&there).await,
        Waiting::Turn,
        "another worker of the host claims"
    );
    test.queue
        .set_worker_mode(&more, WorkerMode::Stopped)
        .await
        .unwrap();
    assert_eq!(reason(&there).await, Waiting::WorkersDraining { host });
}

async fn a_task_that_backs_off_says_until_when(test: TestQueue) {
    let id = test.enqueue(task()).await;
    worker(&test, "host-a").await;
    let claim = test.claim("w").await.unwrap();
    assert_eq!(read(&test, &id).await.waiting, None, "it runs");
    end(&test, &claim.lease, Ending::Transient(error("away"))).await;
    let task = read(&test, &id).await;
    let until = task.run_after;
    assert_eq!(task.waiting, Some(Waiting::BackOff { until }));
    test.clock.advance(until.since(test.queue.now()));
    assert_eq!(read(&test, &id).await.waiting, Some(Waiting::Turn));
    // a time that is further off than the longest wait was written by a clock that is set back
    test.clock.jump(-3_600_000);
    assert_eq!(read(&test, &id).await.waiting, Some(Waiting::Turn));
    let claim = test.claim("w").await.unwrap();
    succeed(&test, &claim.lease).await;
    assert_eq!(read(&test, &id).await.waiting, None, "it has ended");
}

async fn a_task_says_when_every_host_of_its_workers_is_at_its_limit(test: TestQueue) {
    let test = test.with_host_limit("test-operation", 1);
    for host in ["host-b", "host-a", "host-a"] {
        worker(&test, host).await;
    }
    let limited = |hosts: &[&str]| Waiting::LimitReached {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
    };
    for _ in 0..3 {
        test.enqueue(task()).await;
    }
    let waits = test.enqueue(task()).await;
    let there = test.enqueue(on("host-a")).await;
    let preview = test
        .enqueue(NewTask {
            dry_run: true,
            ..task()
        })
        .await;
    let reason = async |id| read(&test, id).await.waiting.unwrap();
    let claim = async |host: &str| {
        let filter = performs(&["test-operation"], host, ClaimStrategy::Fifo);
        test.claim_with("w", &filter, 1).await.pop().unwrap()
    };
    let held = claim("host-a").await;
    assert_eq!(reason(&waits).await, Waiting::Turn, "host-b has room");
    assert_eq!(reason(&there).await, limited(&["host-a"]));
    claim("host-b").await;
    assert_eq!(reason(&waits).await, limited(&["host-a", "host-b"]));
    assert_eq!(reason(&preview).await, Waiting::Turn);
    succeed(&test, &held.lease).await;
    assert_eq!(reason(&there).await, Waiting::Turn);
}

async fn the_first_reason_that_holds_is_told_wherever_tasks_are_read(test: TestQueue) {
    let operation = "test-operation".into();
    let id = test
        .enqueue(NewTask {
            group_id: Some("group-1".into()),
            ..task()
        })
        .await;
    let everywhere = async || {
        let page = test
            .queue
            .tasks(&TaskFilter::default(), None, 1)
            .await
            .unwrap();
        let group = test.queue.group(&"group-1".into()).await.unwrap();
        let current = test.queue.current_tasks(&operation, 1).await.unwrap();
        let reason = read(&test, &id).await.waiting;
        for task in [&page.tasks[0], &group.tasks[0], &current[0]] {
            assert_eq!(task.waiting, reason);
        }
        reason.unwrap()
    };
    assert!(matches!(everywhere().await, Waiting::NoWorker { .. }));
    let worker = worker(&test, "host-a").await;
    assert_eq!(everywhere().await, Waiting::Turn);
    let claim = test.claim("w").await.unwrap();
    end(&test, &claim.lease, Ending::Transient(error("away"))).await;
    assert!(matches!(everywhere().await, Waiting::BackOff { .. }));
    test.queue.drain_worker(&worker, "anna").await.unwrap();
    assert!(matches!(
        everywhere().await,
        Waiting::WorkersDraining { .. }
    ));
    test.clock.advance(STALE_AFTER * 2);
    assert!(matches!(everywhere().await, Waiting::NoWorker { .. }));
    test.queue.pause(&operation, "anna").await.unwrap();
    assert!(matches!(
        everywhere().await,
        Waiting::OperationPaused { .. }
    ));
}

async fn live_hosts_are_those_with_a_worker_that_could_take_a_task(test: TestQueue) {
    let live = async |operation: &str| test.queue.live_hosts(&operation.into()).await.unwrap();
    assert_eq!(live("test-operation").await, (vec![], None));
    worker(&test, "host-b").await;
    worker(&test, "host-a").await;
    let drained = worker(&test, "host-c").await;
    let stopped = worker(&test, "host-d").await;
    let other = NewWorker {
        operations: vec!["another".into()],
        ..new_worker("host-e")
    };
    test.queue.register_worker(&other).await.unwrap();
    test.queue.drain_worker(&drained, "anna").await.unwrap();
    test.queue
        .set_worker_mode(&stopped, WorkerMode::Stopped)
        .await
        .unwrap();
    let seen = test.queue.now();
    let (hosts, last_seen) = live("test-operation").await;
    assert_eq!(
        hosts,
        ["host-a", "host-b", "host-c"],
        "one that drains is alive"
    );
    assert_eq!(last_seen, Some(seen));
    assert_eq!(live("another").await.0, ["host-e"]);
    test.clock.advance(STALE_AFTER + MILLISECOND);
    assert_eq!(live("test-operation").await, (vec![], Some(seen)));
    let unknown = of("unknown");
    assert_eq!(live(unknown.operation.as_str()).await, (vec![], None));
}

upkeep_testkit::on_both_engines!(
    a_task_without_a_live_worker_says_when_one_was_last_seen,
    a_task_whose_workers_drain_says_so,
    a_task_that_backs_off_says_until_when,
    a_task_says_when_every_host_of_its_workers_is_at_its_limit,
    the_first_reason_that_holds_is_told_wherever_tasks_are_read,
    live_hosts_are_those_with_a_worker_that_could_take_a_task,
);
