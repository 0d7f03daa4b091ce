//! The change feed, within a process and across.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::event::Change;
use upkeep_queue::{ChangeStream, Ending, Queue};
use upkeep_testkit::{TestQueue, new_worker, task};

use crate::support::{LEASE, running, succeed};

const PATIENCE: Duration = Duration::from_secs(10);

async fn next(feed: &mut ChangeStream) -> Change {
    tokio::time::timeout(PATIENCE, feed.next())
        .await
        .unwrap()
        .unwrap()
}

/// Waits until the feed tells of this change, or to read everything again.
async fn hears(feed: &mut ChangeStream, expect: &Change) {
    loop {
        let change = next(feed).await;
        if change == *expect || change == Change::All {
            return;
        }
    }
}

/// A feed that hears what other processes do: shown by a change of theirs, not by a pause.
async fn listening(queue: &Queue, others: &Queue) -> ChangeStream {
    let mut feed = queue.changes();
    let settled = Change::WorkerAlive {
        worker_id: "settled".into(),
    };
    loop {
        let worker = upkeep_queue::NewWorker {
            id: "settled".into(),
            ..new_worker("host-z")
        };
        // the first one registers it, the others show a sign of life
        if others.register_worker(&worker).await.is_err() {
            others.worker_alive(&worker.id, None).await.unwrap();
        }
        let heard = tokio::time::timeout(Duration::from_millis(100), hears(&mut feed, &settled));
        if heard.await.is_ok() {
            break;
        }
    }
    feed
}

async fn every_change_of_this_process_is_named(test: TestQueue) {
    let mut feed = test.queue.changes();
    let mut expect = async |change: Change| {
        loop {
            match next(&mut feed).await {
                // listening to others begins with a look at everything
                Change::All if change != Change::All => {}
                heard => return assert_eq!(heard, change),
            }
        }
    };
    let id = test.enqueue(task()).await;
    let of_task = || Change::Task {
        task_id: id.clone(),
    };
    expect(of_task()).await;
    let claim = test.claim("w").await.unwrap();
    expect(of_task()).await;
    let progress = upkeep_contract::task::Progress::default();
    test.queue
        .report_progress(&claim.lease, Some(&progress), &[])
        .await
        .unwrap();
    expect(of_task()).await;
    test.queue.cancel(&id, "anna").await.unwrap();
    expect(of_task()).await;
    test.queue
        .finish(&claim.lease, Ending::Released)
        .await
        .unwrap();
    expect(of_task()).await;
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    expect(Change::Worker {
        worker_id: worker.id.clone(),
    })
    .await;
    test.queue.worker_alive(&worker.id, None).await.unwrap();
    expect(Change::WorkerAlive {
        worker_id: worker.id.clone(),
    })
    .await;
    test.queue.drain_worker(&worker.id, "anna").await.unwrap();
    expect(Change::Worker {
        worker_id: worker.id,
    })
    .await;
    test.queue
        .pause(&"test-operation".into(), "anna")
        .await
        .unwrap();
    expect(Change::Operation {
        operation: "test-operation".into(),
    })
    .await;
    test.queue.announce(Change::Settings);
    expect(Change::Settings).await;
}

async fn another_process_hears_of_every_kind_of_change(test: TestQueue) {
    let other = test.another().await;
    let mut there = listening(&other, &test.queue).await;
    let id = test.enqueue(task()).await;
    let of_task = Change::Task {
        task_id: id.clone(),
    };
    hears(&mut there, &of_task).await;
    let claim = test.claim("w").await.unwrap();
    hears(&mut there, &of_task).await;
    test.queue.set_priority(&id, 1, "anna").await.unwrap();
    test.queue
        .pause(&"test-operation".into(), "anna")
        .await
        .unwrap();
    hears(
        &mut there,
        &Change::Operation {
            operation: "test-operation".into(),
        },
    )
    .await;
    test.rescue_after(LEASE * 2).await;
    hears(&mut there, &of_task).await;
    test.queue
        .finish(&claim.lease, Ending::Succeeded(json!(null)))
        .await
        .unwrap();
    test.queue.force_close(&id, "anna").await.unwrap();
    test.queue.cancel(&id, "anna").await.unwrap();
    hears(&mut there, &of_task).await;
    // more than a notification can name
    test.queue.enqueue_all(vec![task(); 200]).await.unwrap();
    hears(&mut there, &Change::All).await;
}

async fn what_this_process_changed_does_not_come_back_as_anothers(test: TestQueue) {
    let other = test.another().await;
    let mut here = listening(&test.queue, &other).await;
    let mut there = listening(&other, &test.queue).await;
    let id = test.enqueue(task()).await;
    let of_task = Change::Task { task_id: id };
    // what the others said while they settled comes before
    while next(&mut here).await != of_task {}
    hears(&mut there, &of_task).await;
    let quiet = tokio::time::timeout(Duration::from_millis(200), here.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

async fn a_worker_of_another_process_hears_what_it_may_claim_and_what_must_stop(test: TestQueue) {
    let other = test.another().await;
    let mut claimable = listening(&other, &test.queue).await;
    let mut stops = listening(&other, &test.queue).await;
    claimable.skip_pending();
    stops.skip_pending();
    let id = test.enqueue(task()).await;
    let of_task = Change::Task {
        task_id: id.clone(),
    };
    let heard = tokio::time::timeout(PATIENCE, claimable.next_claimable()).await;
    let heard = heard.unwrap().unwrap();
    assert!(heard == of_task || heard == Change::All, "{heard:?}");
    test.claim("w").await.unwrap();
    test.queue.cancel(&id, "anna").await.unwrap();
    let heard = tokio::time::timeout(PATIENCE, stops.next_stop()).await;
    let heard = heard.unwrap().unwrap();
    assert!(heard == of_task || heard == Change::All, "{heard:?}");
}

async fn what_neither_can_be_claimed_nor_stops_wakes_no_worker_of_this_process(test: TestQueue) {
    let mut feed = test.queue.changes();
    let (_, goes_on) = running(&test, task()).await;
    let (ends, lease) = running(&test, task()).await;
    feed.skip_pending();
    let progress = upkeep_contract::task::Progress::default();
    test.queue
        .report_progress(&goes_on, Some(&progress), &[])
        .await
        .unwrap();
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    test.queue.worker_alive(&worker.id, None).await.unwrap();
    succeed(&test, &lease).await;
    // the first that wakes it is the end of an attempt, which may free a place
    loop {
        match tokio::time::timeout(PATIENCE, feed.next_claimable())
            .await
            .unwrap()
        {
            // listening to others begins with a look at everything
            Some(Change::All) => {}
            heard => break assert_eq!(heard, Some(Change::Task { task_id: ends })),
        }
    }
    test.enqueue(task()).await;
    test.queue.drain_worker(&worker.id, "anna").await.unwrap();
    loop {
        match tokio::time::timeout(PATIENCE, feed.next_stop())
            .await
            .unwrap()
        {
            Some(Change::All) => {}
            heard => {
                break assert_eq!(
                    heard,
                    Some(Change::Worker {
                        worker_id: worker.id
                    })
                );
            }
        }
    }
}

async fn a_listener_that_was_too_slow_is_told_to_read_everything(test: TestQueue) {
    let mut feed = test.queue.changes();
    for _ in 0..20 {
        test.queue.enqueue_all(vec![task(); 100]).await.unwrap();
    }
    assert_eq!(next(&mut feed).await, Change::All);
    feed.skip_pending();
    let id = test.enqueue(task()).await;
    let expect = Change::Task { task_id: id };
    while next(&mut feed).await != expect {}
}

async fn listening_goes_on_when_another_listener_leaves(test: TestQueue) {
    let other = test.another().await;
    for _ in 0..3 {
        let mut feed = listening(&other, &test.queue).await;
        drop(listening(&other, &test.queue).await);
        let id = test.enqueue(task()).await;
        hears(&mut feed, &Change::Task { task_id: id }).await;
    }
}

upkeep_testkit::on_both_engines!(
    every_change_of_this_process_is_named,
    another_process_hears_of_every_kind_of_change,
    what_this_process_changed_does_not_come_back_as_anothers,
    a_worker_of_another_process_hears_what_it_may_claim_and_what_must_stop,
    what_neither_can_be_claimed_nor_stops_wakes_no_worker_of_this_process,
    a_listener_that_was_too_slow_is_told_to_read_everything,
    listening_goes_on_when_another_listener_leaves,
);
