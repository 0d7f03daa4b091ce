//! Fan-outs: the tasks of one request, and which hosts may be asked again.

use serde_json::json;
use upkeep_contract::GroupId;
use upkeep_contract::task::TaskFilter;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Ending, NewTask, QueueError};
use upkeep_testkit::{TestQueue, task};

use crate::support::{end, error, performs};

async fn a_group_shows_its_tasks_by_host_and_who_may_be_asked_again(test: TestQueue) {
    let group = GroupId::generate();
    // the host, and how its attempt ends: none for one that is not begun
    let hosts = [
        ("waiting", None),
        ("cancelled", None),
        ("succeeded", Some(Ending::Succeeded(json!(null)))),
        ("partial", Some(Ending::Partial(json!(null)))),
        ("failed", Some(Ending::Permanent(error("wrong")))),
        ("backing-off", Some(Ending::Transient(error("away")))),
        ("handed-back", Some(Ending::Released)),
        ("running", None),
    ];
    let requests = hosts.iter().map(|(host, _)| NewTask {
        group_id: Some(group.clone()),
        target_host: Some((*host).to_owned()),
        ..task()
    });
    let ids = test.queue.enqueue_all(requests.collect()).await.unwrap();
    test.enqueue(NewTask {
        group_id: Some(GroupId::generate()),
        ..task()
    })
    .await;
    for ((host, ending), id) in hosts.iter().zip(&ids) {
        let filter = performs(&["test-operation"], host, ClaimStrategy::Priority);
        match (*host, ending) {
            ("running", _) => drop(test.claim_with("w", &filter, 1).await),
            ("cancelled", _) => drop(test.queue.cancel(id.id(), "anna").await.unwrap()),
            (_, Some(ending)) => {
                let claim = test.claim_with("w", &filter, 1).await.pop().unwrap();
                end(&test, &claim.lease, ending.clone()).await;
            }
            _ => {}
        }
    }
    let shown = test.queue.group(&group).await.unwrap();
    let order: Vec<_> = shown
        .tasks
        .iter()
        .filter_map(|task| task.target_host.as_deref())
        .collect();
    let mut sorted: Vec<_> = hosts.iter().map(|(host, _)| *host).collect();
    sorted.sort_unstable();
    assert_eq!(order, sorted);
    assert_eq!(shown.repeatable_hosts, ["cancelled", "failed", "waiting"]);
    assert_eq!(
        (shown.id.clone(), shown.operation.as_str()),
        (group.clone(), "test-operation")
    );
    assert_eq!(
        (shown.requested_by.as_str(), shown.enqueued_at),
        ("tester", test.queue.now())
    );

    let filter = TaskFilter {
        group: Some(group),
        ..TaskFilter::default()
    };
    assert_eq!(
        test.queue
            .tasks(&filter, None, 100)
            .await
            .unwrap()
            .tasks
            .len(),
        hosts.len()
    );
}

async fn a_group_that_is_not_there_is_told_so(test: TestQueue) {
    let missing = GroupId::from("nowhere");
    let refused = test.queue.group(&missing).await;
    assert!(matches!(refused, Err(QueueError::NoSuchGroup(id)) if id == missing));
}

upkeep_testkit::on_both_engines!(
    a_group_shows_its_tasks_by_host_and_who_may_be_asked_again,
    a_group_that_is_not_there_is_told_so,
);
