//! Listing, statistics, history, workers, the change feed, and how a bad database is told, on SQLite.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use serde_json::json;
use upkeep_contract::event::Change;
use upkeep_contract::task::{TaskFilter, TaskState};
use upkeep_contract::worker::{ClaimStrategy, WorkerState};
use upkeep_contract::{ErrorReply, OperationId, TaskId, Timestamp};
use upkeep_queue::{Ending, NewTask, Queue, QueueError, WorkerMode};
use upkeep_testkit::{TestQueue, claim_all, new_worker, task};

async fn page_ids(test: &TestQueue, filter: &TaskFilter, limit: u32) -> Vec<Vec<TaskId>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = test
            .queue
            .tasks(filter, after.as_ref(), limit)
            .await
            .unwrap();
        pages.push(page.tasks.into_iter().map(|task| task.id).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

async fn pages_hold_every_task_once_and_the_newest_first(test: TestQueue) {
    let mut ids = Vec::new();
    for index in 0..7 {
        ids.push(test.enqueue(task()).await);
        if index % 3 == 0 {
            test.clock.advance(Duration::from_millis(1));
        }
    }
    ids.reverse();
    let pages = page_ids(&test, &TaskFilter::default(), 3).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), ids);
}

async fn filters_combine_and_text_is_taken_literally(test: TestQueue) {
    let plain = test
        .enqueue(NewTask::new(
            "test-operation",
            json!({"locations": ["a_b"]}),
            "anna",
        ))
        .await;
    test.enqueue(NewTask::new(
        "test-operation",
        json!({"locations": ["axb"]}),
        "bert",
    ))
    .await;
    test.enqueue(NewTask::new("other", json!({}), "Anna 100%"))
        .await;
    let check = async |filter: TaskFilter, expect: usize| {
        let found = test.queue.tasks(&filter, None, 10).await.unwrap().tasks;
        assert_eq!(found.len(), expect, "{filter:?}");
        found
    };
    let text = |text: &str| TaskFilter {
        text: text.to_owned(),
        ..TaskFilter::default()
    };
    assert_eq!(check(text("a_b"), 1).await[0].id, plain);
    check(text("ANNA"), 2).await;
    check(text("100%"), 1).await;
    check(text("'; DROP TABLE tasks; --"), 0).await;
    check(
        TaskFilter {
            operations: vec!["other".into()],
            ..text("anna")
        },
        1,
    )
    .await;
    check(
        TaskFilter {
            states: vec![TaskState::Queued],
            ..TaskFilter::default()
        },
        3,
    )
    .await;
    check(
        TaskFilter {
            states: vec![TaskState::Failed, TaskState::Running],
            ..TaskFilter::default()
        },
        0,
    )
    .await;
}

async fn strategies_decide_the_order(test: TestQueue) {
    for (strategy, expect) in [
        (ClaimStrategy::Priority, ["second", "first", "third"]),
        (ClaimStrategy::Fifo, ["first", "second", "third"]),
        (ClaimStrategy::Lifo, ["third", "second", "first"]),
    ] {
        for (name, priority) in [("first", 5), ("second", 1), ("third", 5)] {
            test.enqueue(NewTask {
                priority,
                ..NewTask::new("test-operation", json!({}), name)
            })
            .await;
            test.clock.advance(Duration::from_millis(1));
        }
        let filter = upkeep_queue::ClaimFilter {
            strategy,
            ..claim_all("host-a")
        };
        for name in expect {
            let claim = test.claim_with("w", &filter, 1).await.pop().unwrap();
            assert_eq!(claim.task.requested_by, name, "{strategy:?}");
        }
    }
}

async fn a_weighted_draw_prefers_the_low_number(test: TestQueue) {
    // weight 1 against weight 1/10: nine in ten first claims take the first
    for index in 0..60 {
        for (name, priority) in [("light", 9), ("heavy", 0)] {
            let operation = format!("draw-{index}");
            test.enqueue(NewTask {
                priority,
                ..NewTask::new(operation.as_str(), json!({}), name)
            })
            .await;
        }
    }
    let mut heavy = 0;
    for index in 0..60 {
        let filter = upkeep_queue::ClaimFilter {
            operations: vec![OperationId(format!("draw-{index}"))],
            strategy: ClaimStrategy::WeightedRandom,
            ..claim_all("host-a")
        };
        let claim = test.claim_with("w", &filter, 1).await.pop().unwrap();
        heavy += usize::from(claim.task.requested_by == "heavy");
    }
    // 54.5 expected, standard deviation 2.2: below 40 is less likely than one in a billion
    assert!(heavy >= 40, "{heavy} of 60");
}

async fn statistics_count_what_happened(test: TestQueue) {
    let from = test.queue.now();
    let error = upkeep_contract::task::TaskError {
        kind: String::new(),
        message: String::new(),
        hint: String::new(),
    };
    for index in 1..=10 {
        test.enqueue(task()).await;
        test.clock.advance(Duration::from_millis(5));
        let claim = test.claim("w").await.unwrap();
        test.clock.advance(Duration::from_millis(index * 10));
        let ending = if index == 10 {
            Ending::Permanent(error.clone())
        } else {
            Ending::Succeeded(json!(null))
        };
        test.queue.finish(&claim.lease, ending).await.unwrap();
    }
    test.enqueue(task()).await;
    test.clock.advance(Duration::from_secs(3));
    let statistics = test.queue.statistics(from, test.queue.now()).await.unwrap();
    assert_eq!(statistics.success_rate, Some(0.9));
    let duration = statistics.duration.unwrap();
    assert_eq!(
        (
            duration.count,
            duration.p50_ms,
            duration.p95_ms,
            duration.max_ms
        ),
        (10, 50, 100, 100)
    );
    let waiting = statistics.waiting.unwrap();
    assert_eq!((waiting.p50_ms, waiting.max_ms), (5, 5));
    assert_eq!((statistics.queued_now, statistics.running_now), (1, 0));
    assert_eq!(statistics.oldest_waiting_ms, Some(3000));
    assert_eq!(
        statistics
            .throughput
            .iter()
            .map(|hour| hour.finished)
            .sum::<u64>(),
        10
    );
    assert_eq!(
        statistics
            .throughput
            .iter()
            .map(|hour| hour.failed)
            .sum::<u64>(),
        1
    );
    assert_eq!(
        statistics
            .counts
            .iter()
            .map(|count| count.count)
            .sum::<u64>(),
        11
    );
    let empty = test
        .queue
        .statistics(Timestamp(0), Timestamp(1))
        .await
        .unwrap();
    assert_eq!(
        (empty.success_rate, empty.duration, empty.waiting),
        (None, None, None)
    );
}

async fn cleaning_the_history_spares_what_lives_and_what_is_young(test: TestQueue) {
    let old = test.enqueue(task()).await;
    let claim = test.claim("w").await.unwrap();
    test.queue
        .finish(&claim.lease, Ending::Succeeded(json!({"a": 1})))
        .await
        .unwrap();
    let running = test.enqueue(task()).await;
    test.claim("w").await.unwrap();
    let queued = test.enqueue(task()).await;
    test.clock.advance(Duration::from_hours(48));
    let border = test.queue.now().minus(Duration::from_hours(24));
    let young = test.enqueue(task()).await;
    test.queue.cancel(&young, "tester").await.unwrap();

    let found = test.queue.finished_before(border, None, 10).await.unwrap();
    assert_eq!(
        found.iter().map(|entry| &entry.id).collect::<Vec<_>>(),
        [&old]
    );
    let last = (found[0].finished_at, found[0].id.clone());
    assert_eq!(
        test.queue
            .finished_before(border, Some(&last), 10)
            .await
            .unwrap(),
        []
    );

    let everything = [
        old.clone(),
        running.clone(),
        queued.clone(),
        young.clone(),
        TaskId::from("never-was"),
    ];
    let gone = test
        .queue
        .remove_finished(&everything, border)
        .await
        .unwrap();
    assert_eq!(gone, [old.clone(), TaskId::from("never-was")]);
    assert_eq!(test.queue.existing(&everything).await.unwrap().len(), 3);
    assert!(matches!(
        test.queue.task(&old).await,
        Err(QueueError::NoSuchTask(_))
    ));
    assert!(
        !test.queue.audit(None, 100).await.unwrap().is_empty(),
        "the audit trail stays"
    );
}

async fn a_preview_whose_plan_waits_to_be_executed_is_not_cleaned_away(test: TestQueue) {
    let preview = test.enqueue(task()).await;
    let claim = test.claim("w").await.unwrap();
    let ending = Ending::Succeeded(json!(null));
    test.queue.finish(&claim.lease, ending).await.unwrap();
    let params = json!({"max_age_hours": 24, "plan": preview});
    let waiting = test
        .enqueue(NewTask::new("test-operation", params, "tester"))
        .await;
    test.clock.advance(Duration::from_hours(48));
    let border = test.queue.now();
    assert_eq!(
        test.queue.finished_before(border, None, 10).await.unwrap(),
        []
    );
    let ids = std::slice::from_ref(&preview);
    assert_eq!(test.queue.remove_finished(ids, border).await.unwrap(), []);
    test.queue.cancel(&waiting, "tester").await.unwrap();
    assert_eq!(test.queue.remove_finished(ids, border).await.unwrap(), ids);
}

#[tokio::test]
async fn programs_that_open_a_fresh_database_together_make_it_once() {
    for _ in 0..25 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("upkeep.db").display());
        let opened = tokio::join!(
            Queue::open(&url),
            Queue::open(&url),
            Queue::open(&url),
            Queue::open(&url)
        );
        for queue in [opened.0, opened.1, opened.2, opened.3] {
            queue.unwrap().enqueue(task()).await.unwrap();
        }
    }
}

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

async fn the_change_feed_tells_of_this_process_and_of_others(test: TestQueue) {
    let other = Queue::open(&test.url()).await.unwrap();
    let mut here = test.queue.changes();
    let mut there = other.changes();
    tokio::time::sleep(Duration::from_millis(100)).await; // both feeds have taken their first look
    let id = test.enqueue(task()).await;
    let wait = Duration::from_secs(5);
    let change = tokio::time::timeout(wait, here.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(change, Change::Task { task_id: id });
    assert_eq!(
        tokio::time::timeout(wait, there.next())
            .await
            .unwrap()
            .unwrap(),
        Change::All
    );
    // the own commit must not come back as another process's
    let quiet = tokio::time::timeout(Duration::from_millis(200), here.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_with_its_cure() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.db");
    std::fs::write(
        &damaged,
        "this is no database, and long enough to be read as a header of one",
    )
    .unwrap();
    let check = async |url: String, expect: &str| {
        let error = Queue::open(&url).await.unwrap_err();
        let reply = ErrorReply::from(&error);
        let text = format!("{}; {}", reply.message, reply.hint);
        assert!(text.contains(expect), "{url}: {text}");
        assert!(!text.contains("secret"), "{text}");
    };
    check(format!("sqlite://{}", damaged.display()), "damaged").await;
    check(
        "sqlite:///nowhere/at/all/upkeep.db".to_owned(),
        "check that the folder",
    )
    .await;
    check(
        "postgres://upkeep:secret@db/upkeep".to_owned(),
        "only sqlite",
    )
    .await;
}

upkeep_testkit::on_both_engines!(
    strategies_decide_the_order,
    pages_hold_every_task_once_and_the_newest_first,
    filters_combine_and_text_is_taken_literally,
    a_weighted_draw_prefers_the_low_number,
    statistics_count_what_happened,
    cleaning_the_history_spares_what_lives_and_what_is_young,
    a_preview_whose_plan_waits_to_be_executed_is_not_cleaned_away,
    a_silent_worker_is_stale_and_a_stopped_one_is_not,
    the_change_feed_tells_of_this_process_and_of_others,
);
