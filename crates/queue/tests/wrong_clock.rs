//! What was written while a clock was wrong keeps nobody waiting once it is right again.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use upkeep_contract::task::TaskError;
use upkeep_contract::waiting::Waiting;
use upkeep_queue::{Ending, Queue};
use upkeep_testkit::{FakeClock, TestQueue, claim_all, new_worker, on_both_engines, task};

const FOUR_YEARS: Duration = Duration::from_hours(4 * 365 * 24);

on_both_engines!(
    a_task_from_a_clock_that_was_ahead_is_claimed_at_once,
    a_back_off_from_a_clock_that_was_ahead_does_not_last,
);

/// The same database under a clock that is four years ahead.
async fn ahead(store: &TestQueue) -> Queue {
    let clock = FakeClock::at_present();
    clock.advance(FOUR_YEARS);
    Queue::open_with_clock(&store.url(), Arc::new(clock))
        .await
        .unwrap()
}

async fn a_task_from_a_clock_that_was_ahead_is_claimed_at_once(store: TestQueue) {
    let ahead = ahead(&store).await;
    let id = ahead.enqueue(task()).await.unwrap().id().clone();
    store
        .queue
        .register_worker(&new_worker("host-a"))
        .await
        .unwrap();
    let waiting = store.queue.task(&id).await.unwrap().task.waiting;
    assert_eq!(waiting, Some(Waiting::Turn));
    let filter = claim_all("host-a");
    let due = store.queue.next_due(&filter).await.unwrap();
    assert_eq!(due, Some(store.queue.now()));
    assert_eq!(store.claim("worker").await.unwrap().task.id, id);
}

async fn a_back_off_from_a_clock_that_was_ahead_does_not_last(store: TestQueue) {
    let id = store.enqueue(task()).await;
    let ahead = ahead(&store).await;
    let filter = claim_all("host-a");
    let worker = "worker".into();
    let claims = ahead.claim(&worker, 1, &filter, Duration::from_secs(10), 1);
    let claim = claims.await.unwrap().pop().unwrap();
    let error = TaskError {
        kind: "transient".to_owned(),
        message: "busy".to_owned(),
        hint: String::new(),
    };
    let ended = ahead.finish(&claim.lease, Ending::Transient(error)).await;
    ended.unwrap();
    let again = store.claim("worker").await.unwrap();
    assert_eq!((again.task.id, again.task.attempt), (id, 2));
}
