//! Reports of the past: of one operation on one host, the newest first, page by page.

use serde_json::{Value, json};
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, TaskId};
use upkeep_queue::{Ending, NewTask};
use upkeep_testkit::TestQueue;

use crate::support::{SECOND, error, performs};

const HEALTH: &str = "health-check";

/// Asks for an operation on a host and ends it there.
async fn ended(test: &TestQueue, operation: &str, host: &str, ending: Ending) -> TaskId {
    let request = NewTask {
        target_host: Some(host.to_owned()),
        ..NewTask::new(operation, json!({}), "anna")
    };
    ended_as(test, request, host, ending).await
}

async fn ended_as(test: &TestQueue, request: NewTask, host: &str, ending: Ending) -> TaskId {
    let operation = request.operation.clone();
    let id = test.enqueue(request).await;
    test.clock.advance(SECOND);
    let filter = performs(
        &[operation.as_str()],
        host,
        upkeep_contract::worker::ClaimStrategy::Fifo,
    );
    let claim = test.claim_with("w", &filter, 1).await.pop().unwrap();
    assert_eq!(claim.task.id, id);
    test.queue.finish(&claim.lease, ending).await.unwrap();
    id
}

async fn of_host(test: &TestQueue, host: &str, limit: u32) -> Vec<(TaskId, Option<Value>)> {
    let operation = OperationId::from(HEALTH);
    let found = test.queue.past_reports(&operation, host, None, limit).await;
    let found = found.unwrap().into_iter();
    found.map(|past| (past.task_id, past.report)).collect()
}

async fn only_this_operation_on_this_host_and_only_what_ended(test: TestQueue) {
    let report = |n: i32| Ending::Succeeded(json!({ "n": n }));
    let first = ended(&test, HEALTH, "a", report(1)).await;
    ended(&test, HEALTH, "b", report(2)).await;
    ended(&test, "cleanup-runs", "a", report(3)).await;
    let failed = ended(&test, HEALTH, "a", Ending::Permanent(error("it broke"))).await;
    let anywhere = NewTask::new(HEALTH, json!({}), "bert");
    let third = ended_as(&test, anywhere, "a", report(4)).await;
    let preview = NewTask {
        dry_run: true,
        ..NewTask::new(HEALTH, json!({}), "bert")
    };
    ended_as(&test, preview, "a", report(5)).await;
    test.enqueue(NewTask {
        target_host: Some("a".to_owned()),
        ..NewTask::new(HEALTH, json!({}), "anna")
    })
    .await;

    assert_eq!(
        of_host(&test, "a", 10).await,
        [
            (third, Some(json!({ "n": 4 }))),
            (failed.clone(), None),
            (first, Some(json!({ "n": 1 }))),
        ]
    );
    assert_eq!(of_host(&test, "c", 10).await, []);
    let operation = OperationId::from(HEALTH);
    assert_eq!(test.queue.hosts_of(&operation).await.unwrap(), ["a", "b"]);
    let past = test.queue.past_reports(&operation, "a", None, 10).await;
    let past = past.unwrap();
    assert_eq!(past[1].state, TaskState::Failed);
    assert_eq!(past[1].error.as_ref().unwrap().message, "it broke");
    assert_eq!(
        (past[0].requested_by.as_str(), past[1].requested_by.as_str()),
        ("bert", "anna")
    );
    assert!(past[0].finished_at > past[0].enqueued_at);
}

async fn pages_of_reports_join_without_gap_or_double(test: TestQueue) {
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(ended(&test, HEALTH, "a", Ending::Succeeded(json!(n))).await);
        ended(&test, HEALTH, "b", Ending::Succeeded(json!(n))).await;
    }
    ids.reverse();
    let operation = OperationId::from(HEALTH);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = test
            .queue
            .past_reports(&operation, "a", after.as_ref(), 3)
            .await
            .unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        seen.extend(page.into_iter().map(|past| past.task_id));
    }
    assert_eq!(seen, ids);
}

upkeep_testkit::on_both_engines! {
    only_this_operation_on_this_host_and_only_what_ended,
    pages_of_reports_join_without_gap_or_double,
}
