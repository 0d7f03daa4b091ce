//! Preview, run, progress, cancel, two quick clicks, what cannot be cleaned.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use fantoccini::Locator;
use upkeep_contract::task::TaskState;

use crate::support::files;
use crate::support::installation::{Installation, all_tasks, until_final};
use crate::support::webdriver::App;

const CARD: &str = "cleanup-temp-files";

/// The paths that the plan dialog lists.
async fn listed(app: &App) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for entry in app
        .client
        .find_all(Locator::Css("[data-testid='plan-entry']"))
        .await
        .unwrap()
    {
        paths.insert(entry.attr("data-path").await.unwrap().unwrap());
    }
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_lists_exactly_the_old_files_and_the_run_removes_exactly_those() {
    let installation = Installation::new();
    let root = installation.scratch();
    let outside = installation.outside();
    let treasure = outside.join("treasure");
    files::file(&treasure, 24 * 400);
    files::file(&root.join("old.txt"), 48);
    files::file(&root.join("a/b/c/nested-old.txt"), 72);
    files::file(&root.join("a/b/young.txt"), 2);
    files::file(&root.join(OsStr::from_bytes(b"not-utf8-\xff\xfe.bin")), 48);
    std::os::unix::fs::symlink(&outside, root.join("link-to-outside")).unwrap();
    files::file(&root.join("locked/cannot-go.txt"), 48);
    let locked = files::Undeletable::lock(&root.join("locked"));
    files::file(&root.join("unreadable/cannot-be-seen.txt"), 48);
    let _unreadable = files::Unreadable::lock(&root.join("unreadable"));
    let before = files::tree(installation.path());

    let app = App::open(&installation).await;
    app.click(&format!("preview-{CARD}")).await;
    app.find("plan-entries").await;
    let shown = |relative: &str| format!("{}/{relative}", root.display());
    let expected: BTreeSet<String> = [
        "old.txt",
        "a/b/c/nested-old.txt",
        r"not-utf8-\xFF\xFE.bin",
        "locked/cannot-go.txt",
    ]
    .into_iter()
    .map(shown)
    .collect();
    assert_eq!(listed(&app).await, expected);
    let dialog = app.text("plan-dialog").await;
    assert!(
        dialog.contains("unreadable"),
        "the folder it could not look into is named: {dialog}"
    );
    let after: Vec<_> = files::tree(installation.path())
        .into_iter()
        .filter(|(path, _)| path.starts_with(&root) || path.starts_with(&outside))
        .collect();
    let same: Vec<_> = before
        .into_iter()
        .filter(|(path, _)| path.starts_with(&root) || path.starts_with(&outside))
        .collect();
    assert_eq!(after, same, "a preview changes nothing");

    app.click("plan-confirm").await;
    let last = format!("last-run-{CARD}");
    app.wait_for_text(&last, "partial").await;
    app.wait_for_text(&last, "removed 3 files").await;
    drop(locked);
    let left: BTreeSet<_> = files::tree(&root)
        .into_keys()
        .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    let expected: BTreeSet<_> = [
        "a",
        "a/b",
        "a/b/c",
        "a/b/young.txt",
        "link-to-outside",
        "locked",
        "locked/cannot-go.txt",
        "unreadable",
        "unreadable/cannot-be-seen.txt",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    assert_eq!(left, expected, "the old files are gone and nothing else");
    assert!(treasure.exists());

    // the task's detail: attempts, log and report
    let queue = installation.queue().await;
    let task = all_tasks(&queue)
        .await
        .into_iter()
        .find(|task| !task.dry_run)
        .unwrap();
    assert_eq!(task.state, TaskState::Partial);
    app.go(&format!("#/tasks/{}", task.id)).await;
    app.wait_for_text("task-state", "partial").await;
    app.wait_for_text("task-attempts", "partial").await;
    app.wait_for_text("task-log", "attempt 1 of 3 begins").await;
    let report = app.wait_for_text("task-report", "cannot-go.txt").await;
    assert!(
        report.contains('3') && report.contains("unreadable"),
        "{report}"
    );
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_seen_while_it_works_and_cancel_stops_it_with_honest_counts() {
    const MANY: usize = 300_000;
    let installation = Installation::new();
    files::many_files(&installation.scratch(), MANY, 48);
    let app = App::open(&installation).await;
    app.click(&format!("run-{CARD}")).await;
    let confirm = app.find("plan-confirm").await;
    let words = confirm
        .text()
        .await
        .unwrap()
        .replace([',', '.', '\u{202f}', ' '], "");
    assert!(
        words.contains("300000"),
        "the button says how many: {words}"
    );
    // so many are not removed before their number was typed
    let number = app.find("plan-type").await;
    number.send_keys("300000").await.unwrap();
    confirm.click().await.unwrap();
    let progress = app
        .find(&format!("progress-{CARD}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(!progress.is_empty());
    app.wait_for_text(&format!("progress-{CARD}"), "of 300,000 files")
        .await;
    app.click(&format!("cancel-{CARD}")).await;
    app.wait_for_text(&format!("last-run-{CARD}"), "cancelled")
        .await;

    let queue = installation.queue().await;
    let task = all_tasks(&queue)
        .await
        .into_iter()
        .find(|task| !task.dry_run)
        .unwrap();
    let detail = queue.task(&task.id).await.unwrap();
    let took = task
        .finished_at
        .unwrap()
        .since(task.cancel_requested_at.unwrap());
    assert!(took.as_millis() < 1000, "{took:?}");
    let removed =
        usize::try_from(detail.report.unwrap()["files_removed"].as_u64().unwrap()).unwrap();
    let left = files::count_files(&installation.scratch());
    assert!(removed > 0 && left > 0, "{removed} removed, {left} left");
    assert_eq!(removed + left, MANY);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_quick_clicks_start_one_task_and_the_second_says_so() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.find("run-health-check").await;
    // a window of five seconds keeps the first one running
    let script = "
        const field = document.querySelector(\"[data-testid='card-health-check'] input\");
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
        set.call(field, '5000');
        field.dispatchEvent(new Event('input', { bubbles: true }));
        field.dispatchEvent(new Event('change', { bubbles: true }));";
    app.run(script, vec![]).await;
    app.click("run-health-check").await;
    app.click("run-health-check").await;
    app.wait_for_text("card-health-check", "already").await;
    let queue = installation.queue().await;
    let tasks = all_tasks(&queue).await;
    assert_eq!(tasks.len(), 1, "{tasks:#?}");
    assert_eq!(tasks[0].params["cpu_window_ms"], 5000);
    until_final(&queue, &tasks[0].id).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_whose_folder_is_missing_gives_an_error_that_stays_and_says_what_to_do() {
    let installation = Installation::new();
    std::fs::remove_dir_all(installation.scratch()).unwrap();
    let app = App::open(&installation).await;
    app.click(&format!("run-{CARD}")).await;
    let error = app.wait_for_text(&format!("error-{CARD}"), "scratch").await;
    assert!(
        error.contains(&installation.scratch().display().to_string()),
        "{error}"
    );
    assert!(
        error.to_lowercase().contains("settings") || error.to_lowercase().contains("create"),
        "{error}"
    );
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(app.text(&format!("error-{CARD}")).await, error, "it stays");
    app.css(&format!(
        "[data-testid='error-{CARD}'] button[aria-label*='ismiss']"
    ))
    .await
    .click()
    .await
    .unwrap();
    app.wait_until_gone(&format!("error-{CARD}")).await;
    app.close().await;
}
