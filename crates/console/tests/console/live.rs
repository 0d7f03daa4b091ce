//! The live dashboard's stream over a real queue.

use std::time::Duration;

use serde_json::json;
use upkeep_console::watch_live;
use upkeep_contract::live::LiveSample;

use crate::support::installation;

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_tells_of_the_host_the_runtime_and_the_queue() {
    let here = installation().await;
    let mut watch = watch_live(Some(&here.console));
    let first = watch.next().await.unwrap();
    assert_eq!(first.interval_ms, None);
    let depth = |sample: &LiveSample| {
        let queue = sample.queue.clone().unwrap();
        (queue.queued, queue.running)
    };
    assert_eq!(depth(&first), (0, 0));
    assert!(first.memory.total_bytes > 0 && !first.cpu.cores.is_empty());

    here.queued("health-check", json!({})).await;
    let second = watch.next().await.unwrap();
    assert!(
        second.interval_ms.is_some_and(|ms| ms >= 900),
        "{:?}",
        second.interval_ms
    );
    assert!(second.cpu.percent.is_some());
    assert!(second.runtime.unwrap().busy_percent.is_some());
    // the sample may have been on its way when the task came
    let mut latest = watch.next().await.unwrap();
    while depth(&latest) != (1, 0) {
        latest = watch.next().await.unwrap();
    }
    assert!(latest.queue.unwrap().oldest_waiting_ms.is_some());

    here.claim("host-a").await.unwrap();
    while depth(&watch.next().await.unwrap()) != (0, 1) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_watched_without_a_database_and_when_it_goes_away() {
    let mut watch = watch_live(None);
    let sample = watch.next().await.unwrap();
    assert_eq!(sample.queue, None);
    assert!(sample.memory.total_bytes > 0);

    let here = installation().await;
    let mut watch = watch_live(Some(&here.console));
    assert!(watch.next().await.unwrap().queue.is_some());
    here.queued("health-check", json!({})).await;
    here.test.queue.close().await;
    let told = async { while watch.next().await.unwrap().queue.is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), told)
        .await
        .unwrap();
}
