//! Plans that are too old, and what goes back from the trash.

use std::time::Duration;

use serde_json::{Value, json};
use upkeep_contract::{ErrorCode, TaskId};
use upkeep_queue::Ending;

use crate::support::{Installation, check_reply, installation, reply};

const CLEAN: &str = "cleanup-temp-files";
const RESTORE: &str = "restore-from-trash";

impl Installation {
    async fn cleaned(&self, params: Value, report: Value) -> TaskId {
        let ending = Ending::Succeeded(report);
        self.finished(CLEAN, params, "host-a", ending).await
    }
}

#[tokio::test]
async fn a_plan_that_is_too_old_is_refused_with_its_age() {
    let here = installation().await;
    let plan = here.cleaned(json!({"dry_run": true}), json!({})).await;
    let hour = Duration::from_hours(1);
    here.test.clock.advance(hour * 24);
    let in_time = here.trigger(CLEAN, json!({"plan": plan})).await.unwrap();
    here.console.cancel(in_time.task_id()).await.unwrap();

    here.test.clock.advance(hour);
    let asked = reply(here.trigger(CLEAN, json!({"plan": plan})).await);
    check_reply(
        &asked,
        ErrorCode::Conflict,
        "is 25 hours old",
        "preview again",
    );
    let again = reply(here.console.run_again(in_time.task_id()).await);
    check_reply(
        &again,
        ErrorCode::Conflict,
        "is 25 hours old",
        "preview again",
    );

    // as the operator configures it
    let longer = format!(
        "[cleaning]\nplan_max_age_hours = 72\n{}",
        here.config_text()
    );
    std::fs::write(here.console.folders().config_file(), longer).unwrap();
    here.trigger(CLEAN, json!({"plan": plan})).await.unwrap();
}

#[tokio::test]
async fn a_restoration_goes_to_the_host_that_cleaned_and_names_who_asked() {
    let here = installation().await;
    let cleanup = here.cleaned(json!({}), json!({"files_trashed": 3})).await;
    let params = json!({"cleanup": cleanup});
    let restore = here.queued(RESTORE, params.clone()).await;
    let task = here.console.task(&restore).await.unwrap().task;
    assert_eq!(task.target_host.as_deref(), Some("host-a"));
    assert_eq!(task.requested_by, here.console.requester());
    assert!(!task.dry_run);

    let elsewhere = Some("host-b".to_owned());
    let operation = RESTORE.into();
    let asked = here.console.trigger(&operation, params, elsewhere);
    check_reply(
        &reply(asked.await),
        ErrorCode::Conflict,
        "in the trash of host-a",
        "restore what a cleanup moved to the trash",
    );
}

#[tokio::test]
async fn only_an_ended_cleanup_that_moved_to_the_trash_can_be_taken_back() {
    let here = installation().await;
    let preview = here.cleaned(json!({"dry_run": true}), json!({})).await;
    let deleted = here
        .cleaned(json!({"max_age_hours": 1}), json!({"files_trashed": 0}))
        .await;
    let check = here
        .finished(
            "health-check",
            json!({}),
            "host-a",
            Ending::Succeeded(json!({})),
        )
        .await;
    let waiting = here.queued(CLEAN, json!({"max_age_hours": 2})).await;
    for (cleanup, code, message) in [
        (preview, ErrorCode::Conflict, "moved nothing to the trash"),
        (deleted, ErrorCode::Conflict, "moved nothing to the trash"),
        (check, ErrorCode::Conflict, "moved nothing to the trash"),
        (waiting.clone(), ErrorCode::Conflict, "has not ended yet"),
        ("nowhere".into(), ErrorCode::NotFound, "nowhere"),
        (
            "../x".into(),
            ErrorCode::InvalidParameters,
            "no id of a task",
        ),
    ] {
        let asked = here.trigger(RESTORE, json!({"cleanup": cleanup})).await;
        check_reply(&reply(asked), code, message, "");
    }
    let asked = here.trigger(RESTORE, json!({})).await;
    check_reply(
        &reply(asked),
        ErrorCode::InvalidParameters,
        "`cleanup`",
        "correct",
    );

    // one that broke off may have moved some: its manifest knows
    let error = upkeep_contract::task::TaskError {
        kind: "permanent".to_owned(),
        message: "the disk is gone".to_owned(),
        hint: String::new(),
    };
    let failed = Ending::Permanent(error);
    here.console.cancel(&waiting).await.unwrap();
    let failed = here
        .finished(CLEAN, json!({"max_age_hours": 3}), "host-a", failed)
        .await;
    here.queued(RESTORE, json!({"cleanup": failed})).await;
}
