//! What cleaning may remove from the registry of workers.

use std::time::Duration;

use upkeep_contract::{Timestamp, WorkerId};
use upkeep_queue::{NewWorker, QueueError, WorkerMode};
use upkeep_testkit::{TestQueue, new_worker, newest_audit, task};

use crate::support::{SECOND, succeed};

const DAY: Duration = Duration::from_hours(24);

async fn register(test: &TestQueue) -> NewWorker {
    let worker = new_worker("host-a");
    test.queue.register_worker(&worker).await.unwrap();
    // so that the order by the last sign of life is known
    test.clock.advance(SECOND);
    worker
}

async fn stop(test: &TestQueue, worker: &NewWorker) {
    let stopped = test
        .queue
        .set_worker_mode(&worker.id, WorkerMode::Stopped)
        .await;
    stopped.unwrap();
    test.clock.advance(SECOND);
}

async fn gone(test: &TestQueue, before: Timestamp) -> Vec<WorkerId> {
    let found = test.queue.gone_workers(before, None, 100).await.unwrap();
    found.into_iter().map(|worker| worker.id).collect()
}

async fn registered(test: &TestQueue) -> usize {
    test.queue.workers(Timestamp(0)).await.unwrap().len()
}

async fn workers_that_left_long_ago_go_and_no_other(test: TestQueue) {
    let stopped = register(&test).await;
    stop(&test, &stopped).await;
    let lost = register(&test).await;
    let holder = register(&test).await;
    test.enqueue(task()).await;
    let held = test.claim(holder.id.as_str()).await.unwrap();
    test.clock.advance(30 * DAY);
    let before = test.queue.now().minus(DAY);
    let stopped_now = register(&test).await;
    stop(&test, &stopped_now).await;
    let alive = register(&test).await;

    assert_eq!(
        gone(&test, before).await,
        [stopped.id.clone(), lost.id.clone()]
    );
    let everybody = [
        stopped.id.clone(),
        lost.id.clone(),
        holder.id.clone(),
        stopped_now.id.clone(),
        alive.id.clone(),
        WorkerId::from("never-was"),
    ];
    let removed = test.queue.remove_gone_workers(&everybody, before).await;
    assert_eq!(
        removed.unwrap(),
        [
            stopped.id.clone(),
            lost.id.clone(),
            WorkerId::from("never-was")
        ]
    );
    assert_eq!(registered(&test).await, 3);
    // asked once more, as a retry does, the answer is the same
    let again = test
        .queue
        .remove_gone_workers(&everybody[..2], before)
        .await;
    assert_eq!(again.unwrap(), &everybody[..2]);

    // without a least age whoever is silent is gone, but not who lives or holds a task
    test.clock.advance(5 * SECOND);
    let now = test.queue.now();
    assert_eq!(gone(&test, now).await, [stopped_now.id]);
    succeed(&test, &held.lease).await;
    let found = gone(&test, now).await;
    assert!(found.contains(&holder.id) && !found.contains(&alive.id));
}

async fn workers_that_are_gone_come_page_by_page(test: TestQueue) {
    let mut workers = Vec::new();
    for _ in 0..5 {
        workers.push(register(&test).await.id);
    }
    test.clock.advance(DAY);
    let before = test.queue.now();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = test.queue.gone_workers(before, after.as_ref(), 2).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        assert!(last.bytes > 0);
        after = Some((last.heartbeat_at, last.id.clone()));
        seen.extend(page.into_iter().map(|worker| worker.id));
    }
    assert_eq!(seen, workers);
}

async fn a_worker_that_was_removed_and_lives_after_all_is_told(test: TestQueue) {
    let frozen = register(&test).await;
    test.clock.advance(DAY);
    let ids = std::slice::from_ref(&frozen.id);
    let removed = test.queue.remove_gone_workers(ids, test.queue.now()).await;
    assert_eq!(removed.unwrap(), ids);
    let alive = test.queue.worker_alive(&frozen.id, None).await;
    assert!(
        matches!(alive, Err(QueueError::NoSuchWorker(_))),
        "{alive:?}"
    );
}

async fn a_person_forgets_the_gone_at_once_and_never_the_living(test: TestQueue) {
    let stopped = register(&test).await;
    stop(&test, &stopped).await;
    let holder = register(&test).await;
    test.enqueue(task()).await;
    let held = test.claim(holder.id.as_str()).await.unwrap();
    test.clock.advance(DAY);
    let alive = register(&test).await;
    let everybody = [&stopped, &holder, &alive].map(|worker| worker.id.clone());
    let forget = || test.queue.forget_workers(&everybody, "anna");
    assert_eq!(forget().await.unwrap(), 1);
    assert_eq!(registered(&test).await, 2);
    assert_eq!(forget().await.unwrap(), 0);
    succeed(&test, &held.lease).await;
    assert_eq!(forget().await.unwrap(), 1, "it holds nothing any more");
    let trail = newest_audit(&test.queue, 10).await;
    let told: Vec<(&str, &str)> = trail
        .iter()
        .filter(|entry| entry.what == "forget_workers")
        .map(|entry| (entry.who.as_str(), entry.subject.as_str()))
        .collect();
    assert_eq!(
        told,
        [("anna", holder.id.as_str()), ("anna", stopped.id.as_str())]
    );
}

upkeep_testkit::on_both_engines!(
    a_person_forgets_the_gone_at_once_and_never_the_living,
    workers_that_left_long_ago_go_and_no_other,
    workers_that_are_gone_come_page_by_page,
    a_worker_that_was_removed_and_lives_after_all_is_told,
);
