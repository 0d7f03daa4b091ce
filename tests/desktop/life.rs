//! The app closed and killed in the middle of a task, and started again.

use std::time::Duration;

use upkeep_contract::task::{AttemptOutcome, TaskState};

use crate::support::installation::{Installation, all_tasks, until, until_final};
use crate::support::process::stat;
use crate::support::webdriver::App;
use crate::support::{self, files};

const CARD: &str = "cleanup-temp-files";
const MANY: usize = 300_000;

async fn begin_a_long_cleanup(app: &App) {
    app.click(&format!("run-{CARD}")).await;
    app.find("plan-type")
        .await
        .send_keys("300000")
        .await
        .unwrap();
    app.click("plan-confirm").await;
    app.wait_for_text(&format!("progress-{CARD}"), "of 300,000 files")
        .await;
}

/// Whether the app is ended as a person ends it or torn away, its task is finished by the next one.
async fn ends_and_starts_again(end: impl AsyncFnOnce(&App, u32), first: AttemptOutcome) {
    let installation = Installation::new();
    files::many_files(&installation.scratch(), MANY, 48);
    let app = App::open(&installation).await;
    begin_a_long_cleanup(&app).await;
    let queue = installation.queue().await;
    let task = all_tasks(&queue)
        .await
        .into_iter()
        .find(|task| !task.dry_run)
        .unwrap();
    let pid = queue.task(&task.id).await.unwrap().attempts[0].pid;
    end(&app, pid).await;
    drop(app);
    let left = files::count_files(&installation.scratch());
    assert!(left > 0, "the end came in the middle");

    let app = App::open(&installation).await;
    let detail = until_final(&queue, &task.id).await;
    assert_eq!(
        detail.task.state,
        TaskState::Succeeded,
        "{:?}",
        detail.task.error
    );
    let outcomes: Vec<_> = detail
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect();
    assert_eq!(outcomes, [first, AttemptOutcome::Succeeded]);
    assert_eq!(detail.report.unwrap()["files_removed"], MANY);
    assert_eq!(files::count_files(&installation.scratch()), 0);
    app.wait_for_text(&format!("last-run-{CARD}"), "succeeded")
        .await;
    app.go(&format!("#/tasks/{}", task.id)).await;
    app.wait_for_text("task-attempts", "succeeded").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_closed_in_the_middle_of_a_task_hands_it_back_and_goes_on_at_its_next_start() {
    let close = async |_: &App, pid: u32| {
        support::window::close("Upkeep");
        wait_until_gone(pid).await;
    };
    ends_and_starts_again(close, AttemptOutcome::Released).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_told_to_terminate_hands_its_task_back() {
    let terminate = async |_: &App, pid: u32| {
        signal(pid, rustix::process::Signal::TERM);
        wait_until_gone(pid).await;
    };
    ends_and_starts_again(terminate, AttemptOutcome::Released).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_killed_in_the_middle_of_a_task_goes_on_after_the_lease() {
    let kill = async |_: &App, pid: u32| {
        signal(pid, rustix::process::Signal::KILL);
        wait_until_gone(pid).await;
    };
    ends_and_starts_again(kill, AttemptOutcome::Lost).await;
}

/// The driver gives up a session whose page died, so what the app logs tells: a page that samples is in view.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_process_dies_comes_back_where_it_was() {
    const BEGAN: &str = "live sampling of this host began";
    let installation = Installation::new();
    let mut app = App::open_with(&installation, &[("RUST_LOG", "info,upkeep=debug")]).await;
    app.wait_for_log(1, "canvases are drawn by the processor");
    app.find("nav-overview").await;
    app.go("#/health/live").await;
    app.css("canvas").await;
    app.wait_for_log(1, BEGAN);
    signal(app.page_process(), rustix::process::Signal::KILL);
    app.wait_for_log(1, "the page's process has died");
    app.wait_for_log(2, BEGAN);
    assert!(
        !app.output().contains("cannot load the page"),
        "{}",
        app.output()
    );
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

async fn wait_until_gone(pid: u32) {
    for _ in 0..300 {
        // a zombie has ended; its parent has just not looked yet
        if stat(pid).is_none_or(|(_, fields)| fields[0] == "Z") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the app never ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_made_elsewhere_is_seen_in_an_open_window() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.find("run-health-check").await;
    let queue = installation.queue().await;
    let id = crate::support::installation::ask(&queue, "health-check", serde_json::json!({})).await;
    until(&queue, &id, |detail| detail.task.state.is_final()).await;
    app.css("[data-testid='last-run-health-check'][data-state='succeeded']")
        .await;
    app.go("#/tasks").await;
    app.css(&format!("[data-testid='task-row'][data-task-id='{id}']"))
        .await;
    app.close().await;
}
