//! Closing by force what a worker that is gone still holds.

use std::time::Duration;

use serde_json::{Value, json};
use upkeep_contract::task::{AttemptOutcome, ForceCloseOutcome, TaskState};
use upkeep_contract::{TaskId, WorkerId};
use upkeep_queue::{Ending, Finish, Lease, QueueError, STALE_AFTER, WorkerMode};
use upkeep_testkit::{TestQueue, claim_all, new_worker, newest_audit, task};

use crate::support::{
    LEASE, MILLISECOND, attempts, keyed, outcomes, read, running, state, succeed,
};

/// A task that a worker of the registry holds.
async fn held(test: &TestQueue) -> (TaskId, Lease, WorkerId) {
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    let id = test.enqueue(task()).await;
    let claim = test
        .claim_with(worker.id.as_str(), &claim_all("host-a"), 1)
        .await
        .pop()
        .unwrap();
    (id, claim.lease, worker.id)
}

async fn close(test: &TestQueue, id: &TaskId) -> ForceCloseOutcome {
    test.queue.force_close(id, "anna").await.unwrap()
}

async fn a_living_workers_task_is_not_closed_by_force(test: TestQueue) {
    let (id, lease, worker) = held(&test).await;
    let alive = ForceCloseOutcome::WorkerAlive {
        heartbeat_at: test.queue.now(),
    };
    let before = test.bare().await.tasks().await;
    assert_eq!(close(&test, &id).await, alive);
    test.clock.advance(STALE_AFTER);
    assert_eq!(
        close(&test, &id).await,
        alive,
        "alive to the last millisecond"
    );
    assert_eq!(test.bare().await.tasks().await, before);
    assert_eq!(newest_audit(&test.queue, 1).await[0].what, "enqueue");
    test.queue
        .set_worker_mode(&worker, WorkerMode::Draining)
        .await
        .unwrap();
    let alive = ForceCloseOutcome::WorkerAlive {
        heartbeat_at: test.queue.now(),
    };
    assert_eq!(close(&test, &id).await, alive, "it finishes what it holds");
    succeed(&test, &lease).await;
}

async fn a_stale_workers_task_is_closed_whatever_its_lease_says(test: TestQueue) {
    let (id, lease, _) = held(&test).await;
    let leases = std::slice::from_ref(&lease);
    test.queue
        .extend(leases, Duration::from_hours(24))
        .await
        .unwrap();
    test.clock.advance(STALE_AFTER + MILLISECOND);
    assert_eq!(close(&test, &id).await, ForceCloseOutcome::Closed);
    let task = read(&test, &id).await;
    assert_eq!(
        (task.state, task.finished_at),
        (TaskState::Cancelled, Some(test.queue.now()))
    );
    assert_eq!(task.cancel_requested_by.as_deref(), Some("anna"));
    let error = task.error.unwrap();
    assert_eq!(error.kind, "force_closed");
    assert!(
        error.message.contains("anna") && error.message.contains("host-a"),
        "{error:?}"
    );
    assert_eq!(outcomes(&test, &id).await, [AttemptOutcome::Lost]);
    let entry = newest_audit(&test.queue, 1).await.remove(0);
    assert_eq!(
        (entry.who.as_str(), entry.what.as_str()),
        ("anna", "force_close")
    );
    assert_eq!(
        (entry.subject.as_str(), entry.parameters),
        (id.as_str(), Value::Null)
    );
    // the worker was only cut off, and comes back
    let finish = test
        .queue
        .finish(&lease, Ending::Partial(json!({"n": 1})))
        .await
        .unwrap();
    assert_eq!(finish, Finish::Fenced);
    assert_eq!(state(&test, &id).await, TaskState::Cancelled);
    let late = attempts(&test, &id).await[0].late.clone().unwrap();
    assert_eq!((late.outcome, late.error), (AttemptOutcome::Partial, None));
    assert_eq!(close(&test, &id).await, ForceCloseOutcome::NotRunning);
}

async fn the_task_of_a_worker_that_stopped_or_is_not_in_the_registry_is_closed_at_once(
    test: TestQueue,
) {
    let (id, _, worker) = held(&test).await;
    test.queue
        .set_worker_mode(&worker, WorkerMode::Stopped)
        .await
        .unwrap();
    assert_eq!(close(&test, &id).await, ForceCloseOutcome::Closed);
    let (id, _) = running(&test, task()).await;
    assert_eq!(close(&test, &id).await, ForceCloseOutcome::Closed);
}

async fn what_does_not_run_is_not_closed_by_force(test: TestQueue) {
    let queued = test.enqueue(task()).await;
    assert_eq!(close(&test, &queued).await, ForceCloseOutcome::NotRunning);
    assert_eq!(state(&test, &queued).await, TaskState::Queued);
    let claim = test.claim("w").await.unwrap();
    succeed(&test, &claim.lease).await;
    assert_eq!(close(&test, &queued).await, ForceCloseOutcome::NotRunning);
    let missing = TaskId::from("nowhere");
    let refused = test.queue.force_close(&missing, "anna").await;
    assert!(matches!(refused, Err(QueueError::NoSuchTask(id)) if id == missing));
}

/// A claim on PostgreSQL passes over a row that another transaction still holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_close_is_not_in_the_way_of_a_claim() {
    let test = TestQueue::postgres().await;
    let other = test.another().await;
    let id = test.enqueue(task()).await;
    let worker = WorkerId::from("w");
    for _ in 0..150 {
        assert_eq!(close(&test, &id).await, ForceCloseOutcome::NotRunning);
        let claims = other
            .claim(&worker, 1, &claim_all("host-a"), LEASE, 1)
            .await
            .unwrap();
        let finish = test
            .queue
            .finish(&claims[0].lease, Ending::Released)
            .await
            .unwrap();
        assert_eq!(finish, Finish::Accepted(TaskState::Queued));
    }
}

async fn a_closed_tasks_key_is_free_and_nobody_rescues_it(test: TestQueue) {
    let (id, _) = running(&test, keyed("same")).await;
    test.rescue().await;
    assert_eq!(close(&test, &id).await, ForceCloseOutcome::Closed);
    test.enqueue(keyed("same")).await;
    assert_eq!(test.rescue_after(LEASE * 2).await, 0);
    assert_eq!(state(&test, &id).await, TaskState::Cancelled);
}

async fn a_close_and_a_finish_at_once_end_the_attempt_once(test: TestQueue) {
    let other = test.another().await;
    for _ in 0..25 {
        let (id, lease) = running(&test, task()).await;
        let ending = Ending::Succeeded(json!(null));
        let (closed, finish) = tokio::join!(
            other.force_close(&id, "anna"),
            test.queue.finish(&lease, ending)
        );
        match (closed.unwrap(), finish.unwrap(), state(&test, &id).await) {
            (ForceCloseOutcome::Closed, Finish::Fenced, TaskState::Cancelled)
            | (
                ForceCloseOutcome::NotRunning,
                Finish::Accepted(TaskState::Succeeded),
                TaskState::Succeeded,
            ) => {}
            other => panic!("{other:?}"),
        }
    }
}

upkeep_testkit::on_both_engines!(
    a_living_workers_task_is_not_closed_by_force,
    a_stale_workers_task_is_closed_whatever_its_lease_says,
    the_task_of_a_worker_that_stopped_or_is_not_in_the_registry_is_closed_at_once,
    what_does_not_run_is_not_closed_by_force,
    a_closed_tasks_key_is_free_and_nobody_rescues_it,
    a_close_and_a_finish_at_once_end_the_attempt_once,
);
