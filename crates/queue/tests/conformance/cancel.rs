//! An operator's wish to stop, for one task or for all under a filter.

use serde_json::json;
use upkeep_contract::bulk::{BulkCancelOutcome, BulkCount};
use upkeep_contract::task::{CancelOutcome, FailedAs, TaskFilter, TaskState};
use upkeep_contract::{OperationId, TaskId, Timestamp};
use upkeep_queue::{Ending, Held, NewTask, QueueError};
use upkeep_testkit::{TestQueue, claim_all, newest_audit, task};

use crate::support::{
    MILLISECOND, SECOND, end, error, of, performs, read, running, state, succeed,
};

async fn a_cancelled_task_says_who_wanted_it_and_when(test: TestQueue) {
    let queued = test.enqueue(task()).await;
    let at = test.queue.now();
    assert_eq!(
        test.queue.cancel(&queued, "anna").await.unwrap(),
        CancelOutcome::Cancelled
    );
    let (running, lease) = running(&test, task()).await;
    assert_eq!(
        test.queue.cancel(&running, "anna").await.unwrap(),
        CancelOutcome::Requested
    );
    test.clock.advance(SECOND);
    assert_eq!(
        test.queue.cancel(&running, "bert").await.unwrap(),
        CancelOutcome::Requested
    );
    end(&test, &lease, Ending::Cancelled(None)).await;
    for id in [&queued, &running] {
        let task = read(&test, id).await;
        assert_eq!(task.state, TaskState::Cancelled);
        assert_eq!(
            task.cancel_requested_by.as_deref(),
            Some("anna"),
            "the first"
        );
        assert_eq!(task.cancel_requested_at, Some(at));
    }
    assert_eq!(read(&test, &queued).await.finished_at, Some(at));
    let audit = newest_audit(&test.queue, 3).await;
    let told: Vec<_> = audit
        .iter()
        .map(|one| (one.who.as_str(), one.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("bert", "cancel"),
            ("anna", "cancel"),
            ("tester", "enqueue")
        ]
    );
    let missing = TaskId::from("nowhere");
    let refused = test.queue.cancel(&missing, "anna").await;
    assert!(matches!(refused, Err(QueueError::NoSuchTask(id)) if id == missing));
}

async fn a_worker_hears_of_the_wish_by_looking_and_by_its_heartbeat(test: TestQueue) {
    let (first, first_lease) = running(&test, task()).await;
    let (_, second_lease) = running(&test, task()).await;
    test.queue.cancel(&first, "anna").await.unwrap();
    let leases = [second_lease, first_lease];
    let expect = [
        Held::Kept {
            cancel_requested: false,
        },
        Held::Kept {
            cancel_requested: true,
        },
    ];
    assert_eq!(test.queue.look(&leases).await.unwrap(), expect);
    assert_eq!(test.queue.extend(&leases, SECOND).await.unwrap(), expect);
}

async fn a_task_that_waits_for_another_attempt_is_cancelled_at_once(test: TestQueue) {
    let (id, lease) = running(&test, task()).await;
    end(&test, &lease, Ending::Transient(error("away"))).await;
    assert_eq!(
        test.queue.cancel(&id, "anna").await.unwrap(),
        CancelOutcome::Cancelled
    );
    assert_eq!(state(&test, &id).await, TaskState::Cancelled);
    test.clock.advance(10 * SECOND);
    assert!(test.claim("w").await.is_none());
}

async fn only_what_no_worker_has_begun_is_withdrawn(test: TestQueue) {
    let withdraw = async |id: &TaskId| test.queue.withdraw(id, "anna").await.unwrap();
    let new = test.enqueue(task()).await;
    assert!(withdraw(&new).await);
    let task_now = read(&test, &new).await;
    assert_eq!(task_now.state, TaskState::Cancelled);
    assert_eq!(task_now.cancel_requested_by.as_deref(), Some("anna"));
    let (begun, lease) = running(&test, task()).await;
    let before = test.bare().await.tasks().await;
    for id in [&new, &begun, &TaskId::from("nowhere")] {
        assert!(!withdraw(id).await, "ended, running, missing");
    }
    assert_eq!(test.bare().await.tasks().await, before);
    end(&test, &lease, Ending::Transient(error("away"))).await;
    assert!(!withdraw(&begun).await, "one attempt was made");
    assert_eq!(state(&test, &begun).await, TaskState::Queued);
}

/// Tasks of three kinds in every stage: queued, running, cancelled-to-be, finished.
async fn fill(test: &TestQueue) {
    for operation in ["a", "b"] {
        for host in [None, Some("host-b")] {
            let request = NewTask {
                target_host: host.map(str::to_owned),
                group_id: host.map(|_| "group-1".into()),
                ..of(operation)
            };
            let filter = performs(
                &[operation],
                "host-b",
                upkeep_contract::worker::ClaimStrategy::Fifo,
            );
            for _ in 0..3 {
                test.enqueue(request.clone()).await;
            }
            let claims = test.claim_with("w", &filter, 2).await;
            succeed(test, &claims[0].lease).await;
            test.enqueue(NewTask {
                requested_by: "Anna".to_owned(),
                ..request
            })
            .await;
        }
    }
}

fn some_filters(now: Timestamp) -> Vec<TaskFilter> {
    vec![
        TaskFilter::default(),
        TaskFilter {
            states: vec![TaskState::Queued],
            ..TaskFilter::default()
        },
        TaskFilter {
            states: vec![TaskState::Running, TaskState::Succeeded],
            ..TaskFilter::default()
        },
        TaskFilter {
            states: vec![TaskState::Failed],
            ..TaskFilter::default()
        },
        TaskFilter {
            operations: vec!["a".into()],
            ..TaskFilter::default()
        },
        TaskFilter {
            operations: vec!["b".into(), "c".into()],
            ..TaskFilter::default()
        },
        TaskFilter {
            host: Some("host-b".to_owned()),
            ..TaskFilter::default()
        },
        TaskFilter {
            group: Some("group-1".into()),
            ..TaskFilter::default()
        },
        TaskFilter {
            text: "anna".to_owned(),
            ..TaskFilter::default()
        },
        TaskFilter {
            operations: vec!["a".into()],
            host: Some("host-b".to_owned()),
            states: vec![TaskState::Queued],
            text: "ANNA".to_owned(),
            group: Some("group-1".into()),
            ..TaskFilter::default()
        },
        TaskFilter {
            requested_by: Some("ANN".to_owned()),
            ..TaskFilter::default()
        },
        TaskFilter {
            failed_as: FailedAs::Lost,
            ..TaskFilter::default()
        },
        TaskFilter {
            since: Some(Timestamp(0)),
            until: Some(now),
            ..TaskFilter::default()
        },
    ]
}

async fn a_bulk_cancel_does_what_was_counted_and_nothing_else(test: TestQueue) {
    for filter in some_filters(test.queue.now()) {
        fill(&test).await;
        let page = test.queue.tasks(&filter, None, 500).await.unwrap().tasks;
        let of = |wanted: &[TaskState]| {
            page.iter()
                .filter(|task| wanted.contains(&task.state))
                .count() as u64
        };
        let count = test.queue.count_matching(&filter).await.unwrap();
        let finished = page.len() as u64 - of(&[TaskState::Queued, TaskState::Running]);
        let expect = BulkCount {
            queued: of(&[TaskState::Queued]),
            running: of(&[TaskState::Running]),
            finished,
            at: test.queue.now(),
        };
        assert!(!page.is_empty() || filter.states == [TaskState::Failed] || filter.until.is_some());
        assert_eq!(count, expect, "{filter:?}");
        let before = test.bare().await.rows("tasks", "id").await;
        let outcome = test
            .queue
            .cancel_matching(&filter, count.at, "bert")
            .await
            .unwrap();
        let expect = BulkCancelOutcome {
            cancelled: count.queued,
            requested: count.running,
        };
        assert_eq!(outcome, expect, "{filter:?}");
        let after = test.bare().await.rows("tasks", "id").await;
        for (before, after) in before.iter().zip(&after) {
            let matched = page.iter().any(|task| after["id"] == task.id.as_str());
            let ended = !before["finished_at"].is_null();
            if matched && !ended {
                assert_eq!(after["cancel_requested_by"], json!("bert"), "{filter:?}");
            } else {
                assert_eq!(before, after, "{filter:?}");
            }
        }
        let again = test
            .queue
            .cancel_matching(&filter, count.at, "bert")
            .await
            .unwrap();
        assert_eq!(again, BulkCancelOutcome::default());
        empty(&test).await;
    }
}

async fn empty(test: &TestQueue) {
    let bare = test.bare().await;
    bare.execute("DELETE FROM tasks").await;
    test.clock.advance(MILLISECOND);
}

async fn a_bulk_cancel_leaves_alone_what_came_after_the_count(test: TestQueue) {
    let filter = TaskFilter::default();
    test.enqueue(task()).await;
    let count = test.queue.count_matching(&filter).await.unwrap();
    test.clock.advance(MILLISECOND);
    let later = test.enqueue(task()).await;
    assert_eq!(test.queue.count_matching(&filter).await.unwrap().queued, 2);
    let outcome = test
        .queue
        .cancel_matching(&filter, count.at, "anna")
        .await
        .unwrap();
    assert_eq!(
        outcome,
        BulkCancelOutcome {
            cancelled: 1,
            requested: 0
        }
    );
    assert_eq!(state(&test, &later).await, TaskState::Queued);
    let entry = newest_audit(&test.queue, 1).await.remove(0);
    assert_eq!(
        (entry.who.as_str(), entry.what.as_str()),
        ("anna", "cancel_matching")
    );
    assert_eq!(entry.parameters["enqueued_by"], json!(count.at));
}

async fn a_bulk_cancel_goes_on_until_all_are_done_while_workers_work(test: TestQueue) {
    let requests: Vec<NewTask> = (0..2600)
        .map(|index| {
            of(if index % 13 == 0 {
                "other"
            } else {
                "test-operation"
            })
        })
        .collect();
    test.queue.enqueue_all(requests).await.unwrap();
    let filter = TaskFilter {
        operations: vec![OperationId::from("test-operation")],
        ..TaskFilter::default()
    };
    let other = test.another().await;
    let count = other.count_matching(&filter).await.unwrap();
    assert_eq!(count.queued, 2400);
    let working = async {
        let mut taken = 0;
        for _ in 0..5 {
            for claim in test.claim_with("w", &claim_all("host-a"), 20).await {
                taken += 1;
                if taken % 2 == 0 {
                    test.queue
                        .finish(&claim.lease, Ending::Succeeded(json!(null)))
                        .await
                        .unwrap();
                }
            }
        }
    };
    let (outcome, ()) = tokio::join!(other.cancel_matching(&filter, count.at, "anna"), working);
    let outcome = outcome.unwrap();
    let done = test.queue.count(TaskState::Succeeded).await.unwrap();
    let running = test.queue.count(TaskState::Running).await.unwrap();
    assert_eq!(
        test.queue.count(TaskState::Cancelled).await.unwrap(),
        outcome.cancelled
    );
    assert_eq!(outcome.cancelled + running + done, 2400);
    assert!(
        (running..=running + done).contains(&outcome.requested),
        "{outcome:?}"
    );
    assert_eq!(
        test.queue.count(TaskState::Queued).await.unwrap(),
        200,
        "the other operation's"
    );
}

upkeep_testkit::on_both_engines!(
    a_cancelled_task_says_who_wanted_it_and_when,
    a_worker_hears_of_the_wish_by_looking_and_by_its_heartbeat,
    a_task_that_waits_for_another_attempt_is_cancelled_at_once,
    only_what_no_worker_has_begun_is_withdrawn,
    a_bulk_cancel_does_what_was_counted_and_nothing_else,
    a_bulk_cancel_leaves_alone_what_came_after_the_count,
    a_bulk_cancel_goes_on_until_all_are_done_while_workers_work,
);
