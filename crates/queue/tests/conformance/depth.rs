//! How deep the queue is.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::live::LiveQueue;
use upkeep_contract::task::TaskError;
use upkeep_queue::Ending;
use upkeep_testkit::{TestQueue, task};

async fn what_waits_and_what_runs_is_counted_with_the_age_of_the_oldest(test: TestQueue) {
    let check = async |queued, running, oldest_waiting_ms| {
        let expect = LiveQueue {
            queued,
            running,
            oldest_waiting_ms,
        };
        assert_eq!(test.queue.depth().await.unwrap(), expect);
    };
    check(0, 0, None).await;
    for _ in 0..3 {
        test.enqueue(task()).await;
        test.clock.advance(Duration::from_secs(1));
    }
    check(3, 0, Some(3000)).await;
    let claim = test.claim("w").await.unwrap();
    check(2, 1, Some(2000)).await;
    test.queue
        .finish(&claim.lease, Ending::Succeeded(json!(null)))
        .await
        .unwrap();
    check(2, 0, Some(2000)).await;
    // a task in its back-off waits, and is not due
    let claim = test.claim("w").await.unwrap();
    let error = TaskError {
        kind: String::new(),
        message: String::new(),
        hint: String::new(),
    };
    let ending = Ending::Transient(error);
    test.queue.finish(&claim.lease, ending).await.unwrap();
    test.claim("w").await.unwrap();
    check(1, 1, None).await;
    test.clock.advance(Duration::from_secs(600));
    check(1, 1, Some(602_000)).await;
}

upkeep_testkit::on_both_engines!(what_waits_and_what_runs_is_counted_with_the_age_of_the_oldest);
