//! A cleanup that moves to the trash: decided from its preview, seen at work, looked through, taken back.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fantoccini::Locator;
use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use upkeep_contract::task::{Task, TaskState};

use crate::support::files;
use crate::support::installation::{Installation, all_tasks};
use crate::support::webdriver::App;

const CARD: &str = "cleanup-temp-files";

/// Every file with its kind, size and time; folders show when something went in or out of them.
fn only_files(root: &Path) -> BTreeMap<PathBuf, (u32, u64, i64, i64)> {
    let mut tree = files::tree(root);
    tree.retain(|_, (mode, ..)| *mode & 0o170_000 != 0o040_000);
    tree
}

/// An installation in memory whose location moves to the trash, and that trash.
fn with_trash() -> (Installation, PathBuf) {
    let installation = Installation::in_memory();
    installation.configure(&format!(
        "[[locations]]\nname = \"scratch\"\npath = \"{}\"\ntrash = true\n",
        installation.scratch().display()
    ));
    let data = installation.path().join("data");
    std::fs::create_dir(&data).unwrap();
    (installation, data)
}

impl App {
    /// Chooses in a field as a person would.
    async fn choose(&self, id: &str, value: &str, event: &str) {
        self.find(id).await;
        let script = "
            const field = document.querySelector(`[data-testid='${arguments[0]}']`);
            const type = field instanceof HTMLSelectElement ? HTMLSelectElement : HTMLInputElement;
            Object.getOwnPropertyDescriptor(type.prototype, 'value').set.call(field, arguments[1]);
            field.dispatchEvent(new Event(arguments[2], { bubbles: true }));";
        self.run(script, vec![json!(id), json!(value), json!(event)])
            .await;
    }

    /// The paths of the items that are listed right now, with what came of each.
    async fn items(&self) -> Vec<(String, String)> {
        let script = "
            return [...document.querySelectorAll(\"[data-testid='report-items'] tr[data-path]\")]
                .map((row) => [row.dataset.path, row.dataset.kind]);";
        serde_json::from_value(self.run(script, vec![]).await).unwrap()
    }

    /// Clicks the link that a note on the task's page gives.
    async fn follow_notice(&self) {
        self.css("[data-testid='notice-task'] a")
            .await
            .click()
            .await
            .unwrap();
    }
}

/// Watches a card until counts have changed, a rate and the time left were seen; what was seen.
async fn watch_progress(app: &App, card: &str) -> (Vec<String>, String, String) {
    let part =
        |name: &str| format!("[data-testid='progress-{card}'] [data-testid='progress-{name}']");
    let begun = Instant::now();
    let (mut counts, mut rate, mut left) = (Vec::new(), String::new(), String::new());
    while counts.len() < 3 || rate.is_empty() || left.is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{counts:?} {rate} {left}: {}",
            app.page_text().await
        );
        for (name, seen) in [("rate", &mut rate), ("left", &mut left)] {
            if let Ok(element) = app.client.find(Locator::Css(&part(name))).await {
                *seen = element.text().await.unwrap_or_default();
            }
        }
        if let Ok(element) = app.client.find(Locator::Css(&part("count"))).await {
            let count = element.text().await.unwrap_or_default();
            if !count.is_empty() && counts.last() != Some(&count) {
                counts.push(count);
            }
        }
    }
    (counts, rate, left)
}

async fn newest(installation: &Installation, operation: &str) -> Task {
    let tasks = all_tasks(&installation.queue().await).await;
    let mut found = tasks
        .into_iter()
        .filter(|task| task.operation.as_str() == operation && !task.dry_run);
    found.next().unwrap()
}

/// One that somebody has open, one that cannot go, and the largest.
fn special_files(root: &Path) {
    files::file(&root.join("open.log"), 72);
    files::file(&root.join("locked/cannot-go.txt"), 72);
    std::fs::write(root.join("large.iso"), vec![7; 3_000_000]).unwrap();
    files::age(&root.join("large.iso"), 24 * 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleanup_into_the_trash_is_decided_on_watched_looked_through_and_taken_back() {
    const MANY: usize = 60_000;
    let (installation, data) = with_trash();
    let root = installation.scratch();
    files::many_files(&root.join("many"), MANY, 48);
    special_files(&root);
    let in_use = File::open(root.join("open.log")).unwrap();
    flock(&in_use, FlockOperation::LockExclusive).unwrap();
    let locked = files::Undeletable::lock(&root.join("locked"));
    let before = only_files(&root);

    let data_home = data.display().to_string();
    let app = App::open_with(&installation, &[("XDG_DATA_HOME", &data_home)]).await;
    app.click(&format!("preview-{CARD}")).await;
    // what it takes to decide: where, how old, what is largest, what stays and why
    let plan = app.wait_for_text("plan-dialog", "60,002 files").await;
    for part in [
        "By folder",
        "many",
        "By age",
        "30 to 90 days",
        "Kept, and why",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let largest = app.text("largest-entry").await;
    assert!(
        largest.contains("large.iso") && largest.contains("3 MB"),
        "{largest}"
    );
    let kept = app.text("report-kept").await;
    assert!(
        kept.contains("in use") && kept.contains("open.log"),
        "{kept}"
    );

    app.find("plan-type")
        .await
        .send_keys("60,002")
        .await
        .unwrap();
    app.click("plan-confirm").await;
    let (counts, rate, left) = watch_progress(&app, CARD).await;
    assert!(
        counts.iter().all(|count| count.contains("of 60,002 files")),
        "{counts:?}"
    );
    assert!(rate.ends_with("files/s"), "{rate}");
    assert!(left.ends_with("left"), "{left}");
    app.wait_for_text(&format!("last-run-{CARD}"), "partial")
        .await;
    app.wait_for_text(
        &format!("last-run-{CARD}"),
        "moved 60,001 files to the trash",
    )
    .await;
    let remaining: Vec<PathBuf> = only_files(&root).into_keys().collect();
    assert_eq!(
        remaining,
        [root.join("locked/cannot-go.txt"), root.join("open.log")]
    );

    // item by item
    let cleanup = newest(&installation, CARD).await;
    app.go(&format!("#/tasks/{}", cleanup.id)).await;
    app.wait_for_text("task-state", "partial").await;
    let shown = |relative: &str| root.join(relative).display().to_string();
    app.wait_for_text("report-items", "cannot-go.txt").await;
    let first = app.items().await;
    assert_eq!(
        first[0],
        (shown("locked/cannot-go.txt"), "failed".to_owned())
    );
    app.choose("items-filter", "kept", "change").await;
    assert_eq!(app.items().await, [(shown("open.log"), "kept".to_owned())]);
    app.choose("items-filter", "trashed", "change").await;
    assert!(app.items().await.iter().all(|(_, kind)| kind == "trashed"));
    app.choose("items-filter", "", "change").await;
    app.choose("items-text", "CANNOT", "input").await;
    assert_eq!(
        app.items().await,
        [(shown("locked/cannot-go.txt"), "failed".to_owned())]
    );

    // and back, by a task of its own
    app.click("task-restore").await;
    app.wait_for_text("restore-dialog", "60,001 files would go back")
        .await;
    app.find("restore-file").await;
    app.click("restore-confirm").await;
    app.wait_until_gone("restore-dialog").await;
    app.follow_notice().await;
    app.wait_for_text("task-report", "put back 60,001 files")
        .await;
    app.wait_for_text("task-state", "succeeded").await;
    drop(locked);
    assert!(only_files(&root) == before, "every file is back as it was");
    for folder in ["files", "info"] {
        let trash = data.join("Trash").join(folder);
        assert_eq!(files::count_files(&trash), 0, "{}", trash.display());
    }
    let restore = newest(&installation, "restore-from-trash").await;
    assert_eq!(restore.state, TaskState::Succeeded);
    assert_eq!(restore.requested_by, cleanup.requested_by);
    assert_eq!(restore.target_host, cleanup.worker_host);
    assert_eq!(restore.params, json!({ "cleanup": cleanup.id }));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restoration_leaves_what_is_there_now_and_says_what_it_could_not_put_back() {
    let (installation, data) = with_trash();
    let root = installation.scratch();
    for name in ["a/first.txt", "a/second.txt", "b/third.txt"] {
        files::file(&root.join(name), 48);
    }
    let data_home = data.display().to_string();
    let app = App::open_with(&installation, &[("XDG_DATA_HOME", &data_home)]).await;
    app.click(&format!("run-{CARD}")).await;
    app.click("plan-confirm").await;
    app.wait_for_text(&format!("last-run-{CARD}"), "moved 3 files to the trash")
        .await;
    std::fs::write(root.join("a/second.txt"), b"written since").unwrap();
    std::fs::remove_dir(root.join("b")).unwrap();

    let cleanup = newest(&installation, CARD).await;
    app.go(&format!("#/tasks/{}", cleanup.id)).await;
    app.click("task-restore").await;
    app.click("restore-confirm").await;
    app.follow_notice().await;
    app.wait_for_text("task-state", "partial").await;
    app.wait_for_text("task-report", "1 file could not be")
        .await;
    app.wait_for_text("report-problem", "is there now").await;
    let second = root.join("a/second.txt").display().to_string();
    assert_eq!(app.items().await[0], (second, "failed".to_owned()));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    assert_eq!(read("a/second.txt"), "written since");
    assert_eq!(read("a/first.txt"), "0123456789");
    assert_eq!(
        read("b/third.txt"),
        "0123456789",
        "its folder was made anew"
    );
    let left = files::count_files(&data.join("Trash/files"));
    assert_eq!(left, 1, "what could not go back stays in the trash");
    app.close().await;
}
