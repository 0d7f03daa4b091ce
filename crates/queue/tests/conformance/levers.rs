//! What an operator may change while tasks wait.

use upkeep_contract::task::{PriorityOutcome, TaskState};
use upkeep_contract::waiting::{PausedOperation, Waiting};
use upkeep_contract::worker::{ClaimStrategy, WorkerState};
use upkeep_contract::{OperationId, TaskId, Timestamp, WorkerId};
use upkeep_queue::{NewTask, QueueError, WorkerMode};
use upkeep_testkit::{TestQueue, new_worker, newest_audit, task};

use crate::support::{SECOND, by, names, of, performs, read, running, state, succeed};

async fn a_paused_operation_waits_until_it_is_resumed_and_what_runs_goes_on(test: TestQueue) {
    let operation = OperationId::from("test-operation");
    let (_, lease) = running(&test, task()).await;
    test.enqueue(of("another")).await;
    let waits = test.enqueue(task()).await;
    let since = test.queue.now();
    test.queue.pause(&operation, "anna").await.unwrap();
    test.clock.advance(SECOND);
    test.queue.pause(&operation, "bert").await.unwrap();
    let paused = PausedOperation {
        operation: operation.clone(),
        by: "anna".to_owned(),
        since,
    };
    assert_eq!(
        test.queue.paused().await.unwrap(),
        [paused],
        "the first stands"
    );
    for strategy in [
        ClaimStrategy::Priority,
        ClaimStrategy::Fifo,
        ClaimStrategy::Lifo,
        ClaimStrategy::WeightedRandom,
    ] {
        let filter = performs(&["test-operation"], "host-a", strategy);
        assert!(
            test.claim_with("w", &filter, 9).await.is_empty(),
            "{strategy:?}"
        );
    }
    let waiting = read(&test, &waits).await.waiting.unwrap();
    assert_eq!(
        waiting,
        Waiting::OperationPaused {
            by: "anna".to_owned(),
            since
        }
    );
    succeed(&test, &lease).await;
    test.enqueue(task()).await;
    let both = performs(
        &["test-operation", "another"],
        "host-a",
        ClaimStrategy::Fifo,
    );
    let claims = test.claim_with("w", &both, 9).await;
    assert_eq!(claims.len(), 1, "the other operation goes on");
    test.queue.resume(&operation, "anna").await.unwrap();
    test.queue.resume(&operation, "bert").await.unwrap();
    assert_eq!(test.queue.paused().await.unwrap(), []);
    assert_eq!(test.claim_with("w", &both, 9).await.len(), 2);
    let audit = newest_audit(&test.queue, 100).await;
    let told: Vec<_> = audit
        .iter()
        .filter(|entry| entry.subject == "test-operation")
        .map(|entry| (entry.who.as_str(), entry.what.as_str()))
        .collect();
    assert_eq!(told, [("anna", "resume"), ("anna", "pause")]);
}

async fn a_task_may_be_cancelled_while_its_operation_is_paused(test: TestQueue) {
    let id = test.enqueue(task()).await;
    test.queue
        .pause(&"test-operation".into(), "anna")
        .await
        .unwrap();
    test.queue.cancel(&id, "anna").await.unwrap();
    assert_eq!(state(&test, &id).await, TaskState::Cancelled);
}

async fn who_pauses_must_say_who_it_is(test: TestQueue) {
    let refused = test.queue.pause(&"test-operation".into(), "").await;
    assert!(matches!(refused, Err(QueueError::Unavailable { .. })));
    assert_eq!(test.queue.paused().await.unwrap(), []);
}

async fn a_priority_changes_only_while_its_task_waits_and_decides_who_is_next(test: TestQueue) {
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(test.enqueue(by(name)).await);
    }
    for (index, priority) in [(2, i32::MIN), (3, 99), (0, i32::MAX)] {
        let changed = test
            .queue
            .set_priority(&ids[index], priority, "anna")
            .await
            .unwrap();
        assert_eq!(changed, PriorityOutcome::Changed);
        assert_eq!(read(&test, &ids[index]).await.priority, priority);
    }
    let filter = performs(&["test-operation"], "host-a", ClaimStrategy::Priority);
    let claims = test.claim_with("w", &filter, 4).await;
    assert_eq!(names(&claims), ["c", "d", "b", "a"]);
    let entry = newest_audit(&test.queue, 1).await.remove(0);
    assert_eq!(
        (entry.what.as_str(), entry.subject.as_str()),
        ("set_priority", ids[0].as_str())
    );

    let before = test.bare().await.tasks().await;
    let refused = test.queue.set_priority(&ids[1], 1, "anna").await.unwrap();
    assert_eq!(refused, PriorityOutcome::NotQueued, "it runs");
    assert_eq!(test.bare().await.tasks().await, before);
    succeed(&test, &claims[2].lease).await;
    let refused = test.queue.set_priority(&ids[1], 1, "anna").await.unwrap();
    assert_eq!(refused, PriorityOutcome::NotQueued, "it has ended");
    let missing = TaskId::from("nowhere");
    let refused = test.queue.set_priority(&missing, 1, "anna").await;
    assert!(matches!(refused, Err(QueueError::NoSuchTask(id)) if id == missing));
}

async fn a_worker_is_told_to_drain_until_it_is_told_to_go_on(test: TestQueue) {
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    let shown = async || {
        let mut workers = test.queue.workers(Timestamp(0)).await.unwrap();
        let worker = workers.pop().unwrap();
        (worker.state, worker.drain_requested_by)
    };
    let asked = async || {
        let by_heartbeat = test.queue.worker_alive(&worker.id, None).await.unwrap();
        assert_eq!(
            test.queue.drain_requested(&worker.id).await.unwrap(),
            by_heartbeat
        );
        by_heartbeat
    };
    assert!(!asked().await);
    test.queue.drain_worker(&worker.id, "anna").await.unwrap();
    assert!(asked().await);
    assert_eq!(
        shown().await,
        (WorkerState::Draining, Some("anna".to_owned()))
    );
    test.queue
        .set_worker_mode(&worker.id, WorkerMode::Draining)
        .await
        .unwrap();
    test.queue.undrain_worker(&worker.id, "bert").await.unwrap();
    assert!(!asked().await);
    assert_eq!(
        shown().await,
        (WorkerState::Draining, None),
        "until it says otherwise itself"
    );
    test.queue
        .set_worker_mode(&worker.id, WorkerMode::Active)
        .await
        .unwrap();
    assert_eq!(shown().await, (WorkerState::Active, None));
    let audit = newest_audit(&test.queue, 10).await;
    let told: Vec<_> = audit
        .iter()
        .map(|one| (one.who.as_str(), one.what.as_str()))
        .collect();
    assert_eq!(told, [("bert", "undrain"), ("anna", "drain")]);
}

async fn a_worker_that_drains_gets_nothing_even_when_it_asks(test: TestQueue) {
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    let id = test.enqueue(task()).await;
    test.queue.drain_worker(&worker.id, "anna").await.unwrap();
    assert!(test.claim(worker.id.as_str()).await.is_none());
    test.queue.undrain_worker(&worker.id, "anna").await.unwrap();
    assert_eq!(test.claim(worker.id.as_str()).await.unwrap().task.id, id);
}

async fn a_worker_that_is_not_there_is_told_so(test: TestQueue) {
    let missing = WorkerId::from("nowhere");
    let refusals = [
        test.queue
            .drain_worker(&missing, "anna")
            .await
            .map(|()| false),
        test.queue
            .undrain_worker(&missing, "anna")
            .await
            .map(|()| false),
        test.queue.drain_requested(&missing).await,
        test.queue.worker_alive(&missing, None).await,
    ];
    for refused in refusals {
        assert!(
            matches!(&refused, Err(QueueError::NoSuchWorker(id)) if *id == missing),
            "{refused:?}"
        );
    }
    assert_eq!(newest_audit(&test.queue, 10).await, [], "nothing was done");
}

async fn a_raised_task_passes_the_others_also_when_it_was_handed_back(test: TestQueue) {
    let (id, lease) = running(&test, by("back")).await;
    test.enqueue(NewTask {
        priority: 5,
        ..by("other")
    })
    .await;
    test.queue
        .finish(&lease, upkeep_queue::Ending::Released)
        .await
        .unwrap();
    test.queue.set_priority(&id, 4, "anna").await.unwrap();
    assert_eq!(test.claim("w").await.unwrap().task.id, id);
}

upkeep_testkit::on_both_engines!(
    a_paused_operation_waits_until_it_is_resumed_and_what_runs_goes_on,
    a_task_may_be_cancelled_while_its_operation_is_paused,
    who_pauses_must_say_who_it_is,
    a_priority_changes_only_while_its_task_waits_and_decides_who_is_next,
    a_worker_is_told_to_drain_until_it_is_told_to_go_on,
    a_worker_that_drains_gets_nothing_even_when_it_asks,
    a_worker_that_is_not_there_is_told_so,
    a_raised_task_passes_the_others_also_when_it_was_handed_back,
);
