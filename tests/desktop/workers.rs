//! Workers: the one inside the app stopped and started by a person, and the gone ones forgotten.

use serde_json::json;
use upkeep_contract::Timestamp;
use upkeep_contract::audit::AuditFilter;
use upkeep_contract::task::TaskState;
use upkeep_contract::worker::WorkerState;

use crate::support::installation::{Installation, all_tasks, ask, until_final};
use crate::support::webdriver::App;

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_inside_is_stopped_started_and_forgotten_and_nothing_starts_by_itself() {
    let installation = Installation::new();
    let queue = installation.queue().await;
    let app = App::open(&installation).await;
    app.go("#/workers").await;
    app.wait_for_text("embedded-state", "Running").await;
    // two heartbeats make a line
    app.find("vitals-course").await;

    app.click("embedded-stop").await;
    app.wait_for_text("embedded-state", "Not running").await;
    let home = installation.home().display().to_string();
    let command = app
        .wait_for_text("worker-command", "upkeep-worker run")
        .await;
    assert!(
        command.contains(&format!("UPKEEP_HOME='{home}'")),
        "{command}"
    );

    // what is asked for waits, and is performed once somebody starts a worker
    let id = ask(&queue, "health-check", json!({})).await;
    app.click("embedded-start").await;
    app.wait_for_text("embedded-state", "Running").await;
    let task = until_final(&queue, &id).await.task;
    assert_eq!(task.state, TaskState::Succeeded);

    app.css("[data-testid='worker-host'] summary")
        .await
        .click()
        .await
        .unwrap();
    app.click("forget-stopped").await;
    app.wait_until_gone("forget-stopped").await;
    let workers = queue.workers(Timestamp(0)).await.unwrap();
    assert_eq!(workers.len(), 1, "{workers:#?}");
    assert_ne!(workers[0].state, WorkerState::Stopped);

    assert_eq!(all_tasks(&queue).await.len(), 1, "only what was asked for");
    let trail = queue
        .audit(&AuditFilter::default(), None, 20)
        .await
        .unwrap();
    let deeds: Vec<&str> = trail
        .entries
        .iter()
        .rev()
        .map(|entry| entry.what.as_str())
        .collect();
    assert_eq!(
        deeds,
        ["stop_worker", "enqueue", "start_worker", "forget_workers"]
    );
    app.close().await;
}
