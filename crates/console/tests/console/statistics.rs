//! The use case behind the page of statistics.

use serde_json::json;
use upkeep_contract::statistics::{StatisticsQuery, StatisticsRange};
use upkeep_contract::{ErrorCode, Timestamp};
use upkeep_queue::Ending;

use crate::support::{check_reply, installation, reply};

#[tokio::test]
async fn every_range_ends_now_and_is_cut_into_stretches() {
    let here = installation().await;
    let ending = Ending::Succeeded(json!({}));
    here.finished("health-check", json!({}), "host-a", ending)
        .await;
    here.test.clock.advance(std::time::Duration::from_secs(1));
    let now = here.test.queue.now();
    for (range, most) in [
        (StatisticsRange::Hour, 61),
        (StatisticsRange::Day, 25),
        (StatisticsRange::Week, 29),
        (StatisticsRange::Month, 31),
        (StatisticsRange::All, 3),
    ] {
        let query = StatisticsQuery {
            range,
            ..StatisticsQuery::default()
        };
        let view = here.console.statistics(&query).await.unwrap();
        assert_eq!(view.queue.to, now);
        assert_eq!(view.queue.operations[0].outcomes.succeeded, 1, "{range:?}");
        assert!(
            view.queue.throughput.len() <= most,
            "{range:?}: {}",
            view.queue.throughput.len()
        );
        assert!(!view.zone.is_empty() && view.runtime.worker_threads > 0);
    }
    let elsewhere = StatisticsQuery {
        host: Some("host-b".to_owned()),
        ..StatisticsQuery::default()
    };
    let view = here.console.statistics(&elsewhere).await.unwrap();
    assert_eq!(
        (view.queue.operations.len(), view.queue.success_rate),
        (0, None)
    );
}

#[tokio::test]
async fn an_empty_history_has_statistics_too() {
    let here = installation().await;
    let query = StatisticsQuery {
        range: StatisticsRange::All,
        ..StatisticsQuery::default()
    };
    let view = here.console.statistics(&query).await.unwrap();
    assert_eq!(view.queue.counts, []);
    assert!(view.queue.from < view.queue.to);
}

#[tokio::test]
async fn a_range_must_end_after_it_begins() {
    let here = installation().await;
    let range = StatisticsRange::Between {
        from: Timestamp(5),
        to: Timestamp(5),
    };
    let query = StatisticsQuery {
        range,
        ..StatisticsQuery::default()
    };
    let refused = here.console.statistics(&query).await;
    check_reply(
        &reply(refused),
        ErrorCode::InvalidParameters,
        "end after it begins",
        "ask again",
    );
}
