//! Two hosts and one console: workers, targets, fan-outs, and the operator's levers.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;
use upkeep_contract::task::{Task, TaskState};
use upkeep_queue::{Enqueued, NewTask, Queue};
use upkeep_testkit::PostgresCluster;

use crate::support::files;
use crate::support::installation::{Installation, all_tasks, ask, until, until_final};
use crate::support::process::{Process, worker_program};
use crate::support::webdriver::App;

const FAR: &str = "web-02";

/// A worker on the far host, with an installation of its own, on that database.
fn far_worker(far: &Installation, database: &str) -> Process {
    let mut command = Command::new(worker_program());
    command.args(["run", "--host", FAR]);
    Process::start_on(far, Some(database), command, "worker")
}

/// Chooses where an operation is to run.
async fn choose(app: &App, operation: &str, label: &str) {
    let select = app.find(&format!("target-{operation}")).await;
    select.select_by_label(label).await.unwrap();
}

/// The row of that host's worker in this state, once it is there.
fn worker_row(state: &str) -> String {
    format!(
        "[data-testid='worker-host'][data-host='{FAR}'] [data-testid='worker-row'][data-state='{state}']"
    )
}

/// The only task, once it was asked for.
async fn first_task(queue: &Queue) -> Task {
    let mut changes = queue.changes();
    let asked = async {
        loop {
            if let Some(task) = all_tasks(queue).await.pop() {
                return task;
            }
            changes.next().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_a_drain_and_a_fan_out_end_to_end() {
    let installation = Installation::new();
    let queue = installation.queue().await;
    let _far = Process::worker(&installation, &["--host", FAR]);
    let app = App::open(&installation).await;

    app.go("#/workers").await;
    app.css(&worker_row("active")).await;
    app.css(&format!(
        "[data-testid='worker-host'][data-host='{FAR}'] [data-testid='worker-drain']"
    ))
    .await
    .click()
    .await
    .unwrap();
    app.css(&worker_row("draining")).await;

    app.go("#/overview").await;
    choose(&app, "health-check", FAR).await;
    app.click("run-health-check").await;
    app.wait_for_text("card-health-check", "is draining").await;
    // the card says so before the click, too
    let task = first_task(&queue).await;
    assert_eq!(
        (task.state, task.target_host.as_deref()),
        (TaskState::Queued, Some(FAR))
    );

    app.go("#/workers").await;
    app.click("worker-resume").await;
    let detail = until_final(&queue, &task.id).await;
    assert_eq!(
        (detail.task.state, detail.task.worker_host.as_deref()),
        (TaskState::Succeeded, Some(FAR))
    );

    app.go("#/overview").await;
    choose(&app, "health-check", "Every host (2 live)").await;
    app.click("run-health-check").await;
    app.css("[data-testid='card-health-check'] a[href^='#/groups/']")
        .await
        .click()
        .await
        .unwrap();
    app.css(&format!(
        "[data-testid='group-row'][data-host='{FAR}'][data-state='succeeded']"
    ))
    .await;
    let rows = "[data-testid='group-row'][data-state='succeeded']";
    let begun = std::time::Instant::now();
    while app.client.find_all(Locator::Css(rows)).await.unwrap().len() < 2 {
        assert!(begun.elapsed().as_secs() < 30, "{}", app.page_text().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_previews_of_every_host_list_is_removed_on_each() {
    let installation = Installation::new();
    files::file(&installation.scratch().join("old"), 48);
    files::file(&installation.scratch().join("young"), 1);
    let far = Installation::new();
    files::file(&far.scratch().join("old-there"), 48);
    files::file(&far.scratch().join("young-there"), 1);
    let _worker = far_worker(&far, &installation.database_url());
    let app = App::open(&installation).await;
    choose(&app, "cleanup-temp-files", "Every host (2 live)").await;
    app.click("run-cleanup-temp-files").await;
    app.wait_for_text("fan-out-dialog", FAR).await;
    app.click("fan-out-preview").await;
    app.click("group-remove").await;
    let asked = app.wait_for_text("execute-dialog", "1 file").await;
    assert!(asked.contains(FAR), "{asked}");
    assert_eq!(
        files::count_files(&installation.scratch()),
        2,
        "only asked so far"
    );
    app.click("execute-confirm").await;
    app.css("[data-testid='notice-group'] a")
        .await
        .click()
        .await
        .unwrap();
    app.css(&format!(
        "[data-testid='group-row'][data-host='{FAR}'][data-state='succeeded']"
    ))
    .await;
    let queue = installation.queue().await;
    for task in all_tasks(&queue).await {
        until_final(&queue, &task.id).await;
    }
    for (place, young) in [(&installation, "young"), (&far, "young-there")] {
        assert_eq!(files::count_files(&place.scratch()), 1);
        assert!(place.scratch().join(young).exists());
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_host_without_a_worker_is_said_at_once_and_a_lost_task_can_be_closed_by_force()
 {
    let installation = Installation::new();
    // the leases of this worker outlive the test: only force can end what it holds
    let far = Installation::new();
    far.configure(&format!(
        "[[locations]]\nname = \"scratch\"\npath = \"{}\"\n\n[worker]\nlease_seconds = 3600\n",
        far.scratch().display()
    ));
    files::many_files(&far.scratch(), 150_000, 48);
    let cluster = PostgresCluster::shared();
    // the app runs without the right to reach into another user's folder, where the socket is
    let localhost = Ipv4Addr::LOCALHOST.into();
    let url = cluster.over_tcp(&cluster.database().await, localhost);
    let queue = Queue::open(&url).await.unwrap();
    let mut worker = far_worker(&far, &url);
    let task = NewTask {
        target_host: Some(FAR.to_owned()),
        ..NewTask::new("cleanup-temp-files", json!({}), "tester")
    };
    let Enqueued::New(held) = queue.enqueue(task).await.unwrap() else {
        panic!("not new")
    };
    until(&queue, &held, |detail| {
        detail.task.state == TaskState::Running
    })
    .await;
    worker.kill();

    let app = App::open_on(&installation, Some(&url), &[]).await;
    let target = app.find("target-health-check").await;
    target.select_by_label("Another host…").await.unwrap();
    let name = app.find("target-health-check-host").await;
    name.send_keys("web-99").await.unwrap();
    app.click("run-health-check").await;
    app.wait_for_text("card-health-check", "no worker on web-99")
        .await;

    app.go(&format!("#/tasks/{held}")).await;
    // the worker is called stale ten seconds after its last word
    app.click("task-force-close").await;
    app.click("force-close-confirm").await;
    let detail = until_final(&queue, &held).await;
    assert_eq!(detail.task.state, TaskState::Cancelled);
    assert_eq!(detail.task.error.unwrap().kind, "force_closed");
    app.go("#/workers").await;
    app.css(&worker_row("stale")).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_operations_priorities_and_bulk_actions() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    let queue = installation.queue().await;
    app.click("pause-health-check").await;
    app.find("paused-health-check").await;
    app.click("run-health-check").await;
    app.wait_for_text("card-health-check", "paused").await;
    let first = all_tasks(&queue).await.remove(0);
    for index in 0..600 {
        ask(
            &queue,
            "health-check",
            json!({ "cpu_window_ms": 200 + index }),
        )
        .await;
    }

    app.go(&format!("#/tasks/{}", first.id)).await;
    let priority = app.find("task-priority").await;
    priority.clear().await.unwrap();
    priority.send_keys("7").await.unwrap();
    app.click("task-set-priority").await;
    until(&queue, &first.id, |detail| detail.task.priority == 7).await;

    app.go("#/tasks").await;
    app.click("bulk-cancel").await;
    app.wait_for_text("bulk-count", "601").await;
    app.click("bulk-confirm").await;
    until(&queue, &first.id, |detail| {
        detail.task.state == TaskState::Cancelled
    })
    .await;
    assert_eq!(queue.count(TaskState::Queued).await.unwrap(), 0);
    assert_eq!(queue.count(TaskState::Cancelled).await.unwrap(), 601);

    app.go("#/overview").await;
    app.click("resume-health-check").await;
    app.wait_until_gone("paused-health-check").await;
    app.click("run-health-check").await;
    app.css("[data-testid='last-run-health-check'][data-state='succeeded']")
        .await;
    app.close().await;
}
