//! Real `upkeep-worker` processes that get killed in the middle of real work.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use serde_json::json;
use support::files;
use support::installation::{Installation, ask, until, until_final};
use support::process::{Process, exec};
use support::site::{Site, on_both_engines};
use upkeep_contract::task::{AttemptOutcome, TaskDetail, TaskState};
use upkeep_queue::{Enqueued, NewTask};

/// Enough files that a kill surely lands in the middle of their removal.
const MANY: usize = 100_000;

on_both_engines!(
    after_kill_9_another_worker_finishes_the_cleanup,
    a_task_that_kills_its_worker_each_time_ends_as_failed,
    a_terminated_worker_hands_back_its_task_at_once,
    cancelling_a_long_cleanup_stops_it_within_a_second_with_honest_counts,
);

fn outcomes(detail: &TaskDetail) -> Vec<AttemptOutcome> {
    detail
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect()
}

/// True once some files are gone and many are left.
fn in_the_middle(detail: &TaskDetail) -> bool {
    let progress = detail.task.progress.as_ref();
    detail.task.state == TaskState::Running
        && progress.is_some_and(|progress| {
            progress.message.contains("removing")
                && progress.done > 0
                && progress.total > Some(progress.done)
        })
}

async fn after_kill_9_another_worker_finishes_the_cleanup(site: Site) {
    files::many_files(&site.installation.scratch(), MANY, 48);
    files::file(&site.installation.scratch().join("young"), 1);
    let queue = &site.queue;
    let id = ask(queue, "cleanup-temp-files", json!({"max_age_hours": 24})).await;

    let mut first = site.worker(&[]);
    until(queue, &id, in_the_middle).await;
    first.kill();
    let left = files::count_files(&site.installation.scratch());
    assert!(
        left > 1 && left < MANY,
        "the kill came in the middle: {left} left"
    );
    assert_eq!(
        queue.task(&id).await.unwrap().task.state,
        TaskState::Running,
        "nobody has noticed yet"
    );

    let _second = site.worker(&[]);
    let detail = until_final(queue, &id).await;
    assert_eq!(
        detail.task.state,
        TaskState::Succeeded,
        "{:?}",
        detail.task.error
    );
    assert_eq!(
        outcomes(&detail),
        [AttemptOutcome::Lost, AttemptOutcome::Succeeded]
    );
    assert_eq!(
        files::count_files(&site.installation.scratch()),
        1,
        "the young file alone is left"
    );
    let report = detail.report.unwrap();
    assert_eq!(
        report["files_matched"], MANY,
        "the counts of both attempts add up"
    );
    assert_eq!(report["files_removed"], MANY);
    assert_eq!(report["problems"], json!([]));
}

async fn a_task_that_kills_its_worker_each_time_ends_as_failed(site: Site) {
    files::many_files(&site.installation.scratch(), MANY, 48);
    let queue = &site.queue;
    let task = NewTask {
        max_attempts: 2,
        ..NewTask::new("cleanup-temp-files", json!({}), "tester")
    };
    let Enqueued::New(id) = queue.enqueue(task).await.unwrap() else {
        panic!("not new")
    };
    for attempt in 1..=2 {
        let mut worker = site.worker(&[]);
        until(queue, &id, |detail| {
            detail.task.attempt == attempt && in_the_middle(detail)
        })
        .await;
        worker.kill();
    }
    let mut bystander = site.worker(&[]);
    let detail = until_final(queue, &id).await;
    assert_eq!(detail.task.state, TaskState::Failed);
    assert_eq!(
        detail.task.error.as_ref().map(|error| error.kind.as_str()),
        Some("lease_expired")
    );
    assert_eq!(outcomes(&detail), [AttemptOutcome::Lost; 2]);
    assert!(bystander.is_running());
}

async fn a_terminated_worker_hands_back_its_task_at_once(site: Site) {
    files::many_files(&site.installation.scratch(), MANY, 48);
    let queue = &site.queue;
    let id = ask(queue, "cleanup-temp-files", json!({})).await;
    let mut first = site.worker(&["--grace-seconds", "0"]);
    until(queue, &id, in_the_middle).await;
    assert!(first.terminate(), "{}", first.output());
    let detail = queue.task(&id).await.unwrap();
    assert_eq!(
        (detail.task.state, outcomes(&detail)),
        (TaskState::Queued, vec![AttemptOutcome::Released])
    );
    let _second = site.worker(&[]);
    let detail = until_final(queue, &id).await;
    assert_eq!(detail.task.state, TaskState::Succeeded);
    assert_eq!(detail.report.unwrap()["files_removed"], MANY);
}

async fn cancelling_a_long_cleanup_stops_it_within_a_second_with_honest_counts(site: Site) {
    files::many_files(&site.installation.scratch(), MANY, 48);
    let queue = &site.queue;
    let id = ask(queue, "cleanup-temp-files", json!({})).await;
    let _worker = site.worker(&[]);
    until(queue, &id, in_the_middle).await;
    queue.cancel(&id, "tester").await.unwrap();
    let detail = until_final(queue, &id).await;
    assert_eq!(detail.task.state, TaskState::Cancelled);
    let (asked, ended) = (
        detail.task.cancel_requested_at.unwrap(),
        detail.task.finished_at.unwrap(),
    );
    assert!(
        ended.since(asked).as_millis() < 1000,
        "{:?}",
        ended.since(asked)
    );
    let removed = detail.report.unwrap()["files_removed"].as_u64().unwrap();
    let left = files::count_files(&site.installation.scratch());
    assert_eq!(
        usize::try_from(removed).unwrap() + left,
        MANY,
        "what is not there any more was counted"
    );
    assert!(left > 0);
}

#[tokio::test]
async fn a_disk_that_was_full_for_a_while_stops_a_worker_only_for_that_while() {
    let installation = Installation::new();
    // a limit on the size of files stands for the full disk; the signal that goes with it is not wanted
    let mut command = std::process::Command::new("env");
    command
        .args(["--ignore-signal=XFSZ"])
        .arg(support::process::worker_program())
        .arg("run");
    let mut worker = Process::start(&installation, command, "worker");
    worker.wait_for("the worker is ready");
    let pid = worker.pid().to_string();
    let limit = |bytes: &str| {
        let status = std::process::Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={bytes}")])
            .status();
        assert!(status.unwrap().success());
    };
    limit("1024:unlimited");
    worker.wait_for("the heartbeat failed");
    limit("unlimited:unlimited");
    let queue = installation.queue().await;
    let id = ask(&queue, "health-check", json!({})).await;
    assert_eq!(
        until_final(&queue, &id).await.task.state,
        TaskState::Succeeded
    );
    assert!(worker.terminate(), "{}", worker.output());
}

/// Exit code, the JSON on stdout (null when there is none) and what stderr says.
fn call(installation: &Installation, arguments: &[&str]) -> (i32, serde_json::Value, String) {
    let output = exec(&installation.home(), arguments);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (
        output.status.code().unwrap(),
        report,
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_direct_call_needs_no_queue_and_its_exit_code_says_how_it_ended() {
    let installation = Installation::new();
    let old = installation.scratch().join("old");
    files::file(&old, 48);
    let call = |arguments: &[&str]| call(&installation, arguments);
    let (code, report, _) = call(&[
        "exec",
        "cleanup-temp-files",
        "--params",
        r#"{"max_age_hours":24}"#,
        "--dry-run",
    ]);
    assert_eq!(
        (code, &report["files_matched"], &report["files_removed"]),
        (0, &json!(1), &json!(0))
    );
    assert!(old.exists());
    let (code, report, _) = call(&[
        "exec",
        "cleanup-temp-files",
        "--params",
        r#"{"locations":["scratch"]}"#,
    ]);
    assert_eq!(
        (code, &report["outcome"], &report["files_removed"]),
        (0, &json!("succeeded"), &json!(1))
    );
    assert!(!old.exists());
    let (code, report, _) = call(&["exec", "health-check"]);
    assert_eq!(code, 0);
    assert!(report["checks"].as_array().unwrap().len() > 4);

    std::fs::remove_dir_all(installation.scratch()).unwrap();
    let (code, _, error) = call(&["exec", "cleanup-temp-files"]);
    assert_eq!(code, 1);
    assert!(
        error.contains("scratch") && error.contains("hint:"),
        "{error}"
    );
    assert!(
        !installation.home().join("upkeep.db").exists(),
        "no queue was opened"
    );

    let (code, operations, _) = call(&["operations"]);
    let ids: Vec<&str> = operations
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| operation["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        (code, ids),
        (
            0,
            vec![
                "cleanup-runs",
                "cleanup-temp-files",
                "health-check",
                "log-statistics",
                "restore-from-trash"
            ]
        )
    );
}

#[test]
fn bad_usage_is_told_and_exits_with_2() {
    let installation = Installation::new();
    let call = |arguments: &[&str]| call(&installation, arguments);
    for (arguments, expect) in [
        (
            vec![
                "exec",
                "cleanup-temp-files",
                "--params",
                r#"{"max_age_hours":-1}"#,
            ],
            "max_age_hours",
        ),
        (
            vec!["exec", "cleanup-temp-files", "--params", "nonsense"],
            "not JSON",
        ),
        (
            vec!["exec", "no-such-operation"],
            "cleanup-runs, cleanup-temp-files",
        ),
        (vec!["exec", "health-check", "--dry-run"], "removes nothing"),
        (
            vec![
                "exec",
                "cleanup-temp-files",
                "--params",
                r#"{"locations":["nope"]}"#,
            ],
            "configured are: scratch",
        ),
        (vec!["nonsense"], "Usage"),
    ] {
        let (code, report, error) = call(&arguments);
        assert_eq!((code, report), (2, json!(null)), "{arguments:?}: {error}");
        assert!(error.contains(expect), "{arguments:?}: {error}");
    }
}

#[test]
fn a_direct_call_that_is_interrupted_says_what_it_did() {
    let installation = Installation::new();
    files::many_files(&installation.scratch(), MANY, 48);
    let mut command = std::process::Command::new(support::process::worker_program());
    command.args(["exec", "cleanup-temp-files"]);
    let mut process = Process::start(&installation, command, "exec");
    process.wait_for("removing");
    assert_eq!(process.interrupt(), Some(130), "{}", process.output());
    let output = process.output();
    let report = &output[output.find("{\n").unwrap()..=output.rfind("\n}").unwrap() + 1];
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    assert_eq!(report["outcome"], "cancelled");
    let removed = usize::try_from(report["files_removed"].as_u64().unwrap()).unwrap();
    assert_eq!(removed + files::count_files(&installation.scratch()), MANY);
}

#[test]
fn some_items_that_cannot_be_done_end_as_partial() {
    let installation = Installation::new();
    files::file(&installation.scratch().join("kept/stays"), 48);
    files::file(&installation.scratch().join("goes"), 48);
    let _locked = support::files::Undeletable::lock(&installation.scratch().join("kept"));
    let output = exec(&installation.home(), &["exec", "cleanup-temp-files"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{report:#}");
    assert_eq!(
        (&report["outcome"], &report["files_removed"]),
        (&json!("partial"), &json!(1))
    );
    let problem = &report["problems"][0];
    assert!(
        problem["path"].as_str().unwrap().ends_with("kept/stays"),
        "{problem}"
    );
    assert!(!problem["reason"].as_str().unwrap().is_empty());
}
