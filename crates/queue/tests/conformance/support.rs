//! What the tests share.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::task::{Attempt, AttemptOutcome, Task, TaskError, TaskFilter, TaskState};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Claim, ClaimFilter, Ending, Finish, Lease, NewTask};
use upkeep_testkit::{TestQueue, task};

/// The lease that a test's claims have.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

pub(crate) fn error(message: &str) -> TaskError {
    TaskError {
        kind: "transient".to_owned(),
        message: message.to_owned(),
        hint: String::new(),
    }
}

/// Every way in which a worker may end an attempt.
pub(crate) fn endings() -> Vec<Ending> {
    vec![
        Ending::Succeeded(json!({"n": 1})),
        Ending::Partial(json!({"n": 2})),
        Ending::Permanent(error("wrong")),
        Ending::Transient(error("away")),
        Ending::TimedOut(error("slow")),
        Ending::Cancelled(Some(json!({"n": 3}))),
        Ending::Released,
    ]
}

/// A request by this person, who tells it from others.
pub(crate) fn by(name: &str) -> NewTask {
    NewTask {
        requested_by: name.to_owned(),
        ..task()
    }
}

/// A request with this key.
pub(crate) fn keyed(key: &str) -> NewTask {
    NewTask {
        dedup_key: Some(key.to_owned()),
        ..task()
    }
}

/// A request for this operation.
pub(crate) fn of(operation: &str) -> NewTask {
    NewTask::new(operation, json!({}), "tester")
}

/// What a worker on that host may take.
pub(crate) fn performs(operations: &[&str], host: &str, strategy: ClaimStrategy) -> ClaimFilter {
    ClaimFilter {
        operations: operations.iter().map(|id| (*id).into()).collect(),
        host: host.to_owned(),
        strategy,
    }
}

pub(crate) async fn read(test: &TestQueue, id: &TaskId) -> Task {
    test.queue.task(id).await.unwrap().task
}

pub(crate) async fn state(test: &TestQueue, id: &TaskId) -> TaskState {
    read(test, id).await.state
}

pub(crate) async fn attempts(test: &TestQueue, id: &TaskId) -> Vec<Attempt> {
    test.queue.task(id).await.unwrap().attempts
}

pub(crate) async fn outcomes(test: &TestQueue, id: &TaskId) -> Vec<AttemptOutcome> {
    let attempts = attempts(test, id).await;
    attempts.iter().map(|attempt| attempt.outcome).collect()
}

/// Enqueues, claims, and returns the id and the lease.
pub(crate) async fn running(test: &TestQueue, request: NewTask) -> (TaskId, Lease) {
    let id = test.enqueue(request).await;
    let claim = test.claim("worker-1").await.unwrap();
    assert_eq!(claim.task.id, id);
    (id, claim.lease)
}

/// Ends an attempt, which must be accepted; the task's state.
pub(crate) async fn end(test: &TestQueue, lease: &Lease, ending: Ending) -> TaskState {
    match test.queue.finish(lease, ending).await.unwrap() {
        Finish::Accepted(state) => state,
        Finish::Fenced => panic!("{lease:?} is fenced out"),
    }
}

pub(crate) async fn succeed(test: &TestQueue, lease: &Lease) {
    end(test, lease, Ending::Succeeded(json!(null))).await;
}

/// Who asked for these, in their order.
pub(crate) fn names(claims: &[Claim]) -> Vec<&str> {
    claims
        .iter()
        .map(|claim| claim.task.requested_by.as_str())
        .collect()
}

/// The tasks that a filter matches, page by page.
pub(crate) async fn pages(test: &TestQueue, filter: &TaskFilter, limit: u32) -> Vec<Vec<Task>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = test.queue.tasks(filter, after.as_ref(), limit).await;
        let page = page.unwrap();
        assert!(page.tasks.len() <= limit as usize);
        pages.push(page.tasks);
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}
