//! The idea that must never break: no maintenance operation ever starts by itself.
//!
//! Not at start-up, not on a timer, not as a side effect; and every task names who asked for it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

mod on_demand {
    mod sources;
}

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use support::files;
use support::installation::{Installation, all_tasks, ask, until_final};
use support::process::{Process, app_program, ctl_program, worker_program};
use upkeep_config::Folders;
use upkeep_contract::task::{TaskFilter, TaskState};
use upkeep_queue::{Ending, Queue};
use upkeep_testkit::{FakeClock, newest_audit};
use upkeep_worker::{ON_DEMAND_NOTICE, WorkerOptions, registry, start};

/// How long programs are left alone: many heartbeats, looks and polls.
const A_WHILE: Duration = Duration::from_secs(6);

/// What an operator would find: old files in a configured location, an old run in a run store, an
/// old finished task in the history.
struct Temptation {
    installation: Installation,
    files: BTreeMap<PathBuf, (u32, u64, i64, i64)>,
    tasks: Vec<upkeep_contract::TaskId>,
    audit: usize,
}

impl Temptation {
    async fn new() -> Self {
        let installation = Installation::new();
        let runs = installation.path().join("runs");
        files::file(&installation.scratch().join("nested/old"), 24 * 90);
        files::file(&runs.join("run-1/result"), 24 * 90);
        files::age(&runs.join("run-1"), 24 * 90);
        let tmp = installation.home().join("tmp");
        files::file(&tmp.join("old"), 24 * 90);
        installation.configure(&format!(
            "[[locations]]\nname = \"scratch\"\npath = \"{}\"\n\n[[locations]]\nname = \"own\"\npath = \"{}\"\n\n\
             [[run_stores]]\nname = \"runs\"\npath = \"{}\"\n\n[worker]\nlease_seconds = 2\n",
            installation.scratch().display(),
            tmp.display(),
            runs.display()
        ));
        let queue = Queue::open_with_clock(&url(&installation), Arc::new(LongAgo))
            .await
            .unwrap();
        let id = ask(&queue, "health-check", json!({})).await;
        let filter = upkeep_queue::ClaimFilter {
            operations: vec!["health-check".into()],
            ..upkeep_testkit::claim_all("another-host")
        };
        let claim = queue
            .claim(
                &"an-old-worker".into(),
                1,
                &filter,
                Duration::from_secs(60),
                1,
            )
            .await
            .unwrap()
            .pop()
            .unwrap();
        queue
            .finish(&claim.lease, Ending::Succeeded(json!({})))
            .await
            .unwrap();
        let audit = newest_audit(&queue, 100).await.len();
        queue.close().await;
        let files = cleanable(&installation);
        Self {
            installation,
            files,
            tasks: vec![id],
            audit,
        }
    }

    /// Nothing was asked for, so nothing may have changed.
    async fn assert_untouched(&self) {
        let queue = self.installation.queue().await;
        let tasks: Vec<_> = all_tasks(&queue)
            .await
            .into_iter()
            .map(|task| task.id)
            .collect();
        assert_eq!(tasks, self.tasks, "a task appeared or went");
        assert_eq!(
            newest_audit(&queue, 100).await.len(),
            self.audit,
            "an audit row appeared"
        );
        assert_eq!(cleanable(&self.installation), self.files, "a file changed");
        let artifacts = std::fs::read_dir(self.installation.home().join("artifacts"));
        assert_eq!(
            artifacts.map_or(0, Iterator::count),
            0,
            "an artifact appeared"
        );
        let statistics = self.installation.home().join("logs/statistics.jsonl");
        assert!(!statistics.exists(), "statistics were logged");
    }
}

/// A clock that stands half a year ago.
#[derive(Debug)]
struct LongAgo;

impl upkeep_contract::Clock for LongAgo {
    fn now(&self) -> upkeep_contract::Timestamp {
        upkeep_contract::SystemClock
            .now()
            .minus(Duration::from_hours(24 * 180))
    }
}

fn url(installation: &Installation) -> String {
    format!(
        "sqlite://{}",
        installation.home().join("upkeep.db").display()
    )
}

/// Everything that some operation could remove, as it lies on the disk.
fn cleanable(installation: &Installation) -> BTreeMap<PathBuf, (u32, u64, i64, i64)> {
    let mut all = files::tree(&installation.scratch());
    all.extend(files::tree(&installation.path().join("runs")));
    all.extend(files::tree(&installation.home().join("tmp")));
    all
}

/// The command with a clock that is four years ahead.
fn far_ahead(program: &Path) -> Command {
    let mut command = Command::new("faketime");
    command
        .args(["-f", "+4y"])
        .arg(program)
        .env("DONT_FAKE_MONOTONIC", "1");
    command
}

#[tokio::test]
async fn a_worker_left_alone_with_a_clock_far_ahead_starts_nothing() {
    let temptation = Temptation::new().await;
    let mut command = far_ahead(&worker_program());
    command.arg("run");
    let mut worker = Process::start(&temptation.installation, command, "worker");
    worker.wait_for("the worker is ready");
    tokio::time::sleep(A_WHILE).await;
    assert!(worker.is_running(), "{}", worker.output());
    assert!(worker.output().contains(ON_DEMAND_NOTICE));
    temptation.assert_untouched().await;
}

#[tokio::test]
async fn the_app_left_alone_starts_nothing_and_says_so_at_its_start() {
    let temptation = Temptation::new().await;
    let mut app = Process::start(&temptation.installation, Command::new(app_program()), "app");
    app.wait_for("the worker is ready");
    tokio::time::sleep(A_WHILE).await;
    assert!(app.is_running(), "{}", app.output());
    assert!(
        app.output()
            .contains("Background operations configured for on-demand execution only")
    );
    temptation.assert_untouched().await;
}

#[tokio::test]
async fn the_server_left_alone_with_a_clock_far_ahead_starts_nothing() {
    let temptation = Temptation::new().await;
    let mut command = far_ahead(&ctl_program());
    command.args(["serve", "--port", "0"]);
    let mut server = Process::start(&temptation.installation, command, "server");
    server.wait_for("the worker is ready");
    tokio::time::sleep(A_WHILE).await;
    assert!(server.is_running(), "{}", server.output());
    assert!(server.output().contains(ON_DEMAND_NOTICE));
    temptation.assert_untouched().await;
}

#[tokio::test]
async fn starting_and_stopping_again_and_again_starts_nothing() {
    let temptation = Temptation::new().await;
    for _ in 0..3 {
        let mut worker = Process::worker(&temptation.installation, &[]);
        worker.wait_for("the worker is ready");
        assert!(worker.terminate(), "{}", worker.output());
    }
    temptation.assert_untouched().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_years_ahead_under_a_worker_starts_nothing() {
    let temptation = Temptation::new().await;
    let clock = Arc::new(FakeClock::at_present());
    let queue = Queue::open_with_clock(
        &url(&temptation.installation),
        Arc::<FakeClock>::clone(&clock),
    )
    .await
    .unwrap();
    let folders = Folders::at(&temptation.installation.home());
    let options = WorkerOptions {
        lease: Duration::from_secs(1),
        ..WorkerOptions::default()
    };
    let operations = registry(&folders, Some(&queue));
    let worker = start(queue.clone(), operations, folders.artifacts(), options)
        .await
        .unwrap();
    for _ in 0..10 {
        clock.advance(Duration::from_hours(24 * 365));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    worker.stop().await.unwrap();
    temptation.assert_untouched().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_everything_the_console_shows_starts_nothing() {
    let temptation = Temptation::new().await;
    let folders = Folders::at(&temptation.installation.home());
    let console = upkeep_console::Console::open(folders, &url(&temptation.installation), "test")
        .await
        .unwrap();
    let worker = Process::worker(&temptation.installation, &[]);
    for _ in 0..3 {
        console.overview().await.unwrap();
        console.settings().await.unwrap();
        console
            .tasks(&TaskFilter::default(), None, 100)
            .await
            .unwrap();
        console.task(&temptation.tasks[0]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    drop(worker);
    console.shutdown().await.unwrap();
    temptation.assert_untouched().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_starts_no_removal() {
    let temptation = Temptation::new().await;
    let _worker = Process::worker(&temptation.installation, &[]);
    let queue = temptation.installation.queue().await;
    for (operation, matched) in [
        ("cleanup-temp-files", "files_matched"),
        ("cleanup-runs", "runs_matched"),
    ] {
        let id = ask(
            &queue,
            operation,
            json!({"max_age_hours": 24, "dry_run": true}),
        )
        .await;
        let detail = until_final(&queue, &id).await;
        assert_eq!(
            detail.task.state,
            TaskState::Succeeded,
            "{:?}",
            detail.task.error
        );
        assert_eq!(
            detail.report.unwrap()[matched],
            2,
            "{operation}: the preview sees what could go"
        );
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(cleanable(&temptation.installation), temptation.files);
    assert_eq!(
        all_tasks(&queue).await.len(),
        3,
        "the old task and the two previews"
    );
}

/// Asks for one operation and checks that it ran once, for whom, and that no other ran.
async fn runs_when_asked(
    operation: &str,
    params: serde_json::Value,
) -> (Temptation, serde_json::Value) {
    let temptation = Temptation::new().await;
    let mut worker = Process::worker(&temptation.installation, &[]);
    worker.wait_for("the worker is ready");
    temptation.assert_untouched().await;
    let queue = temptation.installation.queue().await;
    let id = ask(&queue, operation, params).await;
    let detail = until_final(&queue, &id).await;
    assert_eq!(
        detail.task.state,
        TaskState::Succeeded,
        "{:?}",
        detail.task.error
    );
    assert_eq!(
        (detail.attempts.len(), detail.task.requested_by.as_str()),
        (1, "tester")
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let newer: Vec<_> = all_tasks(&queue)
        .await
        .into_iter()
        .map(|task| task.id)
        .filter(|id| !temptation.tasks.contains(id))
        .collect();
    assert_eq!(newer, std::slice::from_ref(&id), "one request, one task");
    let audit = newest_audit(&queue, 100).await;
    assert_eq!(audit.len(), temptation.audit + 1);
    assert_eq!(
        (
            audit[0].who.as_str(),
            audit[0].what.as_str(),
            &audit[0].subject
        ),
        ("tester", "enqueue", &id.0)
    );
    (temptation, detail.report.unwrap())
}

#[tokio::test]
async fn cleanup_temp_files_runs_only_when_asked() {
    let (temptation, report) =
        runs_when_asked("cleanup-temp-files", json!({"locations": ["scratch"]})).await;
    assert_eq!(report["files_removed"], 1);
    let left = cleanable(&temptation.installation);
    assert_eq!(
        left.len(),
        temptation.files.len() - 1,
        "one file went, and nothing else"
    );
    assert!(!left.contains_key(&temptation.installation.scratch().join("nested/old")));
}

#[tokio::test]
async fn cleanup_runs_runs_only_when_asked() {
    let (temptation, report) =
        runs_when_asked("cleanup-runs", json!({"max_age_hours": 24 * 30})).await;
    assert_eq!(
        report["runs_removed"], 2,
        "the old task and the old run directory"
    );
    assert!(!temptation.installation.path().join("runs/run-1").exists());
    assert!(
        temptation
            .installation
            .scratch()
            .join("nested/old")
            .exists()
    );
}

#[tokio::test]
async fn health_check_runs_only_when_asked() {
    let (temptation, report) = runs_when_asked("health-check", json!({})).await;
    assert!(report["checks"].as_array().unwrap().len() > 4);
    assert_eq!(cleanable(&temptation.installation), temptation.files);
}

#[tokio::test]
async fn log_statistics_runs_only_when_asked() {
    let (temptation, _) = runs_when_asked("log-statistics", json!({})).await;
    let log = std::fs::read_to_string(temptation.installation.home().join("logs/statistics.jsonl"))
        .unwrap();
    assert_eq!(log.lines().count(), 1);
    assert_eq!(cleanable(&temptation.installation), temptation.files);
}

#[tokio::test]
async fn restore_from_trash_runs_only_when_asked() {
    let installation = Installation::new();
    let old = installation.scratch().join("nested/old");
    files::file(&old, 24 * 90);
    installation.configure(&format!(
        "[[locations]]\nname = \"scratch\"\npath = \"{}\"\ntrash = true\n",
        installation.scratch().display()
    ));
    let data = installation.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let start_worker = || {
        let mut command = Command::new(worker_program());
        command.arg("run").env("XDG_DATA_HOME", &data);
        let mut worker = Process::start(&installation, command, "worker");
        worker.wait_for("the worker is ready");
        worker
    };
    let mut worker = start_worker();
    let queue = installation.queue().await;
    let cleanup = ask(&queue, "cleanup-temp-files", json!({})).await;
    let report = until_final(&queue, &cleanup).await.report.unwrap();
    assert_eq!(report["files_trashed"], 1);
    // what lies in the trash stays there, whoever starts
    assert!(worker.terminate());
    let _worker = start_worker();
    tokio::time::sleep(A_WHILE).await;
    assert!(!old.exists() && data.join("Trash/files/old").exists());
    assert_eq!(all_tasks(&queue).await.len(), 1);

    let restore = ask(&queue, "restore-from-trash", json!({ "cleanup": cleanup })).await;
    let detail = until_final(&queue, &restore).await;
    assert_eq!(detail.task.state, TaskState::Succeeded);
    assert_eq!(detail.task.requested_by, "tester");
    assert_eq!(detail.report.unwrap()["files_restored"], 1);
    assert!(old.exists());
    assert_eq!(all_tasks(&queue).await.len(), 2, "one request, one task");
}
