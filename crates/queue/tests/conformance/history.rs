//! Statistics, and what cleaning the history may remove.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::{TaskId, Timestamp};
use upkeep_queue::{Ending, NewTask, QueueError, StatisticsRequest};
use upkeep_testkit::{TestQueue, newest_audit, task};

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
    let statistics = test
        .queue
        .statistics(&StatisticsRequest::between(from, test.queue.now()))
        .await
        .unwrap();
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
            .map(|hour| hour.outcomes.ended())
            .sum::<u64>(),
        10
    );
    assert_eq!(
        statistics
            .throughput
            .iter()
            .map(|hour| hour.outcomes.failed)
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
        .statistics(&StatisticsRequest::between(Timestamp(0), Timestamp(1)))
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
        !newest_audit(&test.queue, 100).await.is_empty(),
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

upkeep_testkit::on_both_engines!(
    statistics_count_what_happened,
    cleaning_the_history_spares_what_lives_and_what_is_young,
    a_preview_whose_plan_waits_to_be_executed_is_not_cleaned_away,
);
