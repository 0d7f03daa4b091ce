//! What earlier runs say about a task.

use std::time::Duration;

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::earlier::UsualDuration;
use upkeep_contract::task::Progress;
use upkeep_queue::{Ending, Lease};

use crate::support::{Installation, installation};

/// Claims the task that waits on that host and says how much there is to do.
async fn begin(here: &Installation, host: &str, done: u64, total: u64) -> Lease {
    let lease = here.claim(host).await.unwrap().lease;
    let progress = Progress {
        done,
        total: Some(total),
        unit: "files".to_owned(),
        message: String::new(),
        ..Progress::default()
    };
    let queue = &here.test.queue;
    assert!(
        queue
            .report_progress(&lease, Some(&progress), &[])
            .await
            .unwrap()
    );
    lease
}

/// A run that did so many files within so many seconds.
async fn run(here: &Installation, host: &str, dry_run: bool, files: u64, seconds: u64) -> TaskId {
    let params = json!({"max_age_hours": 24, "dry_run": dry_run});
    let id = here.queued("cleanup-temp-files", params).await;
    let lease = begin(here, host, files, files).await;
    here.test.clock.advance(Duration::from_secs(seconds));
    let ending = Ending::Succeeded(json!({"files_removed": files}));
    here.test.queue.finish(&lease, ending).await.unwrap();
    // one after the other, also by the clock
    here.test.clock.advance(Duration::from_secs(1));
    id
}

#[tokio::test]
async fn the_run_before_is_of_the_same_operation_host_and_kind() {
    let here = installation().await;
    let first = run(&here, "host-a", false, 10, 1).await;
    run(&here, "host-b", false, 10, 1).await;
    run(&here, "host-a", true, 10, 1).await;
    let second = run(&here, "host-a", false, 20, 1).await;
    let previous = async |id: &TaskId| {
        let earlier = here.console.earlier_runs(id).await.unwrap();
        earlier.previous
    };
    let before = previous(&second).await.unwrap();
    assert_eq!(before.task.id, first);
    assert_eq!(before.report, Some(json!({"files_removed": 10})));
    assert_eq!(previous(&first).await, None, "nothing that came later");
}

#[tokio::test]
async fn how_long_it_may_take_is_told_from_three_runs_on_and_scaled_by_the_work() {
    let here = installation().await;
    let usual = async |id: &TaskId| here.console.earlier_runs(id).await.unwrap().usual;
    run(&here, "host-a", false, 100, 10).await;
    run(&here, "host-a", false, 200, 40).await;
    let third = run(&here, "host-a", false, 100, 30).await;
    assert_eq!(usual(&third).await, None, "two runs before say nothing");

    // nobody knows yet how much it will be
    let params = json!({"max_age_hours": 24});
    let id = here.queued("cleanup-temp-files", params).await;
    let seconds = |low: u64, high: u64, scaled| {
        Some(UsualDuration {
            low_ms: low * 1000,
            high_ms: high * 1000,
            runs: 3,
            scaled,
        })
    };
    assert_eq!(usual(&id).await, seconds(10, 40, false));
    // 0.1, 0.2 and 0.3 seconds for each file
    begin(&here, "host-a", 1, 1000).await;
    assert_eq!(usual(&id).await, seconds(100, 300, true));
}
