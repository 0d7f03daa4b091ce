//! Fan-outs: which hosts are asked again, and what the audit trail says of it.

use serde_json::json;
use upkeep_contract::OperationId;
use upkeep_contract::group::FanOutOutcome;
use upkeep_contract::task::{AttemptOutcome, TaskError};
use upkeep_queue::{Ending, NewWorker};
use upkeep_testkit::{new_worker, newest_audit};

use crate::support::installation;

#[tokio::test]
async fn only_hosts_that_failed_never_began_or_were_cancelled_are_asked_again() {
    let here = installation().await;
    let health = OperationId::from("health-check");
    for host in ["a-fails", "b-runs", "c-succeeds", "d-cancelled", "e-waits"] {
        let worker = NewWorker {
            operations: vec![health.clone()],
            ..new_worker(host)
        };
        here.test.queue.register_worker(&worker).await.unwrap();
    }
    let asked = here.console.trigger_every_host(&health, json!({})).await;
    let FanOutOutcome::Queued { group_id, tasks } = asked.unwrap() else {
        panic!("nothing was asked for");
    };
    assert_eq!(tasks.len(), 5);
    let end = async |host: &str, ending| {
        let claim = here.claim(host).await.unwrap();
        here.test.queue.finish(&claim.lease, ending).await.unwrap();
    };
    let error = TaskError {
        kind: "permanent".to_owned(),
        message: "no disk".to_owned(),
        hint: String::new(),
    };
    end("a-fails", Ending::Permanent(error)).await;
    end("c-succeeds", Ending::Succeeded(json!({}))).await;
    here.claim("b-runs").await.unwrap();
    here.console
        .cancel(tasks[3].outcome.task_id())
        .await
        .unwrap();

    let wanted = ["a-fails", "d-cancelled", "e-waits"];
    let group = here.console.task_group(&group_id).await.unwrap();
    assert_eq!(group.repeatable_hosts, wanted);
    let again = here.console.repeat_group(&group_id).await.unwrap();
    let FanOutOutcome::Queued {
        group_id: second,
        tasks: again,
    } = again
    else {
        panic!("nothing was asked for again");
    };
    let hosts: Vec<&str> = again.iter().map(|task| task.host.as_str()).collect();
    assert_eq!(hosts, wanted);
    let group = here.console.task_group(&second).await.unwrap();
    for task in &group.tasks {
        assert_eq!(task.requested_by, here.console.requester());
        assert!(task.rerun_of.is_some(), "it says which task it repeats");
    }
    // the one that waited was withdrawn, so no host does the work twice
    let first = here.console.task(tasks[4].outcome.task_id()).await.unwrap();
    assert_eq!(first.task.state.as_str(), "cancelled");
    assert!(
        first
            .attempts
            .iter()
            .all(|attempt| attempt.outcome != AttemptOutcome::Running)
    );
    let audit = newest_audit(&here.test.queue, 20).await;
    let repeated: Vec<_> = audit
        .iter()
        .filter(|entry| entry.what == "repeat_group")
        .collect();
    assert_eq!(repeated.len(), 1);
    assert_eq!(
        (repeated[0].who.as_str(), repeated[0].subject.as_str()),
        (here.console.requester(), group_id.as_str())
    );
    assert_eq!(
        repeated[0].parameters,
        json!({"operation": "health-check", "hosts": wanted})
    );
}
