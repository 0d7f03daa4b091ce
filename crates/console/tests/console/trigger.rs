//! Asking for work.

use serde_json::{Value, json};
use upkeep_contract::task::{CancelOutcome, TaskFilter, TaskState, TriggerOutcome};
use upkeep_contract::{ErrorCode, TaskId};
use upkeep_queue::Ending;
use upkeep_testkit::newest_audit;

use crate::support::{Installation, check_reply, installation, reply};

async fn tasks(installation: &Installation) -> usize {
    let page = installation
        .console
        .tasks(&TaskFilter::default(), None, 100)
        .await
        .unwrap();
    page.tasks.len()
}

#[tokio::test]
async fn a_request_is_queued_with_complete_parameters_and_its_requester() {
    let here = installation().await;
    let id = here
        .queued("cleanup-temp-files", json!({"locations": ["scratch"]}))
        .await;
    let task = here.console.task(&id).await.unwrap().task;
    assert_eq!(task.state, TaskState::Queued);
    assert_eq!(
        task.params,
        json!({"max_age_hours": 24.0, "locations": ["scratch"], "dry_run": false})
    );
    assert_eq!(task.requested_by, here.console.requester());
    assert!(task.requested_by.ends_with(" (test)"));
    assert_eq!(task.target_host, None);
    let audit = newest_audit(&here.test.queue, 10).await;
    assert_eq!(
        (audit[0].what.as_str(), audit[0].subject.as_str()),
        ("enqueue", id.as_str())
    );
}

#[tokio::test]
async fn the_same_request_twice_makes_one_task() {
    let here = installation().await;
    let id = here.queued("health-check", json!({})).await;
    // the defaults written out ask for the very same
    let again = here
        .trigger("health-check", json!({"cpu_window_ms": 500}))
        .await
        .unwrap();
    let expect = TriggerOutcome::AlreadyQueued {
        task_id: id.clone(),
    };
    assert_eq!(again, expect);
    here.claim("host-a").await.unwrap();
    let while_running = here.trigger("health-check", json!({})).await.unwrap();
    assert_eq!(while_running, expect);
    assert_eq!(tasks(&here).await, 1);
    here.queued("health-check", json!({"cpu_window_ms": 900}))
        .await;
}

#[tokio::test]
async fn what_cannot_be_accepted_is_named_and_enqueues_nothing() {
    let here = installation().await;
    let cases = [
        (
            "defragment",
            json!({}),
            ErrorCode::NotFound,
            "no operation `defragment`",
            "health-check",
        ),
        (
            "cleanup-temp-files",
            json!({"max_age_hour": 1}),
            ErrorCode::InvalidParameters,
            "`max_age_hour`",
            "correct",
        ),
        (
            "cleanup-temp-files",
            json!({"max_age_hours": -1}),
            ErrorCode::InvalidParameters,
            "is -1",
            "correct",
        ),
        (
            "cleanup-temp-files",
            json!([]),
            ErrorCode::InvalidParameters,
            "cannot be read",
            "correct",
        ),
        (
            "cleanup-temp-files",
            json!({"locations": ["scratsh"]}),
            ErrorCode::InvalidParameters,
            "no location `scratsh`",
            "scratch, off",
        ),
        (
            "cleanup-temp-files",
            json!({"locations": ["off"]}),
            ErrorCode::Refused,
            "`off` is turned off",
            "Settings",
        ),
        (
            "cleanup-runs",
            json!({"run_stores": ["scratch"]}),
            ErrorCode::InvalidParameters,
            "no run store `scratch`",
            "runs",
        ),
        (
            "cleanup-temp-files",
            json!({"plan": "nowhere"}),
            ErrorCode::NotFound,
            "no plan nowhere",
            "preview again",
        ),
    ];
    for (operation, params, code, in_message, in_hint) in cases {
        let reply = reply(here.trigger(operation, params).await);
        check_reply(&reply, code, in_message, in_hint);
    }
    assert_eq!(tasks(&here).await, 0);
    assert_eq!(newest_audit(&here.test.queue, 10).await, []);
}

#[tokio::test]
async fn names_cannot_be_accepted_while_the_configuration_is_wrong() {
    let here = installation().await;
    std::fs::write(
        here.console.folders().config_file(),
        "[[locations]]\nname = 1\npath = \"/srv\"\n",
    )
    .unwrap();
    let asked = here
        .trigger("cleanup-temp-files", json!({"locations": ["scratch"]}))
        .await;
    check_reply(&reply(asked), ErrorCode::InvalidConfiguration, "line 2", "");
    assert_eq!(tasks(&here).await, 0);
}

fn preview() -> Value {
    json!({"locations": ["scratch"], "dry_run": true})
}

#[tokio::test]
async fn a_plan_is_executed_on_the_host_that_made_it() {
    let here = installation().await;
    let plan = here
        .finished(
            "cleanup-temp-files",
            preview(),
            "host-a",
            Ending::Succeeded(json!({})),
        )
        .await;
    assert!(here.console.task(&plan).await.unwrap().task.dry_run);
    let execution = here
        .queued("cleanup-temp-files", json!({"plan": plan}))
        .await;
    let task = here.console.task(&execution).await.unwrap().task;
    assert_eq!(task.target_host.as_deref(), Some("host-a"));
    assert!(!task.dry_run);
    assert!(here.claim("host-b").await.is_none());
    assert_eq!(here.claim("host-a").await.unwrap().task.id, execution);
}

#[tokio::test]
async fn a_plan_that_is_no_finished_preview_of_the_operation_is_refused() {
    let here = installation().await;
    let operation = "cleanup-temp-files";
    let of_another = here
        .finished(
            "cleanup-runs",
            json!({"dry_run": true}),
            "host-a",
            Ending::Succeeded(json!({})),
        )
        .await;
    let no_preview = here
        .finished(operation, json!({}), "host-a", Ending::Succeeded(json!({})))
        .await;
    let cancelled = here.queued(operation, preview()).await;
    here.console.cancel(&cancelled).await.unwrap();
    let waiting = here.queued(operation, preview()).await;
    for (plan, reason) in [
        (of_another, "it is one of `cleanup-runs`"),
        (no_preview, "no preview"),
        (cancelled, "was cancelled"),
        (waiting, "not ended yet"),
    ] {
        let asked = here.trigger(operation, json!({"plan": plan})).await;
        check_reply(&reply(asked), ErrorCode::Conflict, reason, "preview again");
    }
}

#[tokio::test]
async fn running_again_makes_a_new_task_that_points_to_the_old_one() {
    let here = installation().await;
    let params = json!({"max_age_hours": 3.0});
    let old = here
        .finished(
            "cleanup-temp-files",
            params,
            "host-a",
            Ending::Partial(json!({})),
        )
        .await;
    let again = here.console.run_again(&old).await.unwrap();
    let new = here.console.task(again.task_id()).await.unwrap().task;
    assert_ne!(new.id, old);
    assert_eq!(new.rerun_of.as_ref(), Some(&old));
    assert_eq!(new.params["max_age_hours"], json!(3.0));
    let twice = here.console.run_again(&old).await.unwrap();
    assert_eq!(
        twice,
        TriggerOutcome::AlreadyQueued {
            task_id: new.id.clone()
        }
    );
    let waiting = here.console.run_again(&new.id).await;
    check_reply(
        &reply(waiting),
        ErrorCode::Conflict,
        "not ended yet",
        "cancel",
    );
    let unknown = here.console.run_again(&TaskId::from("nothing")).await;
    check_reply(&reply(unknown), ErrorCode::NotFound, "nothing", "");
}

#[tokio::test]
async fn a_plan_run_again_is_the_very_same_plan() {
    let here = installation().await;
    let plan = here
        .finished(
            "cleanup-temp-files",
            preview(),
            "host-a",
            Ending::Succeeded(json!({})),
        )
        .await;
    let execute = json!({"plan": plan});
    let executed = here
        .finished(
            "cleanup-temp-files",
            execute,
            "host-a",
            Ending::Succeeded(json!({})),
        )
        .await;
    let again = here.console.run_again(&executed).await.unwrap();
    let task = here.console.task(again.task_id()).await.unwrap().task;
    assert_eq!(task.params["plan"], json!(plan));
    assert_eq!(task.target_host.as_deref(), Some("host-a"));
}

#[tokio::test]
async fn cancelling_names_who_did_it() {
    let here = installation().await;
    let id = here.queued("health-check", json!({})).await;
    assert_eq!(
        here.console.cancel(&id).await.unwrap(),
        CancelOutcome::Cancelled
    );
    let task = here.console.task(&id).await.unwrap().task;
    assert_eq!(task.state, TaskState::Cancelled);
    assert_eq!(
        task.cancel_requested_by.as_deref(),
        Some(here.console.requester())
    );
    assert_eq!(
        here.console.cancel(&id).await.unwrap(),
        CancelOutcome::AlreadyFinished
    );
    let unknown = here.console.cancel(&TaskId::from("nothing")).await;
    check_reply(&reply(unknown), ErrorCode::NotFound, "nothing", "");
}

#[tokio::test]
async fn the_overview_shows_what_goes_on_and_what_ended_last() {
    let here = installation().await;
    here.finished(
        "cleanup-temp-files",
        preview(),
        "host-a",
        Ending::Succeeded(json!({})),
    )
    .await;
    let run = here
        .finished(
            "cleanup-temp-files",
            json!({}),
            "host-a",
            Ending::Succeeded(json!({})),
        )
        .await;
    let waiting = here.queued("health-check", json!({})).await;
    let overview = here.console.overview().await.unwrap();
    let of = |id: &str| {
        let found = overview
            .operations
            .iter()
            .find(|each| each.operation.id.as_str() == id);
        found.unwrap()
    };
    assert_eq!(
        of("cleanup-temp-files").last_run.as_ref().unwrap().id,
        run,
        "a preview is no run"
    );
    let cleaned = of("cleanup-temp-files");
    let ended = cleaned.last_run.as_ref().unwrap().finished_at;
    assert!(ended.is_some() && cleaned.last_success == ended);
    assert_eq!(of("health-check").current[0].id, waiting);
    assert_eq!(of("cleanup-runs").last_run, None);
    assert_eq!(overview.operations.len(), 5);
    assert_eq!(overview.configuration_error, None);
}
