//! The list of tasks and a task's own page: filters, the keyboard, asking again with changes, a long log.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;
use upkeep_contract::task::{TaskError, TaskState};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{TaskId, WorkerId};
use upkeep_queue::{Claim, ClaimFilter, Ending, Enqueued, NewTask, Queue};
use upkeep_testkit::fill_log;

use crate::support::installation::{Installation, all_tasks, until_final};
use crate::support::webdriver::App;

const LINES: i64 = 1_000_000;
/// `fill_log` writes `needle` into every such line.
const NEEDLE: i64 = 9_973;

async fn enqueue(queue: &Queue, request: NewTask) -> TaskId {
    match queue.enqueue(request).await.unwrap() {
        Enqueued::New(id) => id,
        Enqueued::Existing(id) => panic!("{id} is there already"),
    }
}

/// Claims the oldest task as a worker that nobody will hear of again.
async fn claim(queue: &Queue) -> Claim {
    let filter = ClaimFilter {
        operations: vec!["health-check".into()],
        host: "attic".to_owned(),
        strategy: ClaimStrategy::Fifo,
    };
    let lease = Duration::from_secs(1);
    let worker = WorkerId::from("gone");
    let mut claims = queue.claim(&worker, 1, &filter, lease, 1).await.unwrap();
    claims.pop().unwrap()
}

fn request(by: &str, window: u32) -> NewTask {
    NewTask::new("health-check", json!({ "cpu_window_ms": window }), by)
}

/// A task that failed by itself and logged a million lines; one whose worker was lost; a few that succeeded.
async fn history(installation: &Installation) -> (TaskId, TaskId) {
    let queue = installation.queue().await;
    for window in 300..320 {
        enqueue(&queue, request("anna@desk-7 (desktop)", window)).await;
        let lease = claim(&queue).await.lease;
        let ending = Ending::Succeeded(json!(null));
        queue.finish(&lease, ending).await.unwrap();
    }
    let broken = enqueue(&queue, request("bert@desk-8 (command line)", 900)).await;
    let error = TaskError {
        kind: "permanent".to_owned(),
        message: "the sensors are gone".to_owned(),
        hint: String::new(),
    };
    let lease = claim(&queue).await.lease;
    queue
        .finish(&lease, Ending::Permanent(error))
        .await
        .unwrap();
    fill_log(&installation.database_url(), &broken, LINES).await;
    let once = NewTask {
        max_attempts: 1,
        ..request("anna@desk-7 (desktop)", 901)
    };
    let lost = enqueue(&queue, once).await;
    // nobody extends its lease: the app's worker will notice
    claim(&queue).await;
    queue.close().await;
    (broken, lost)
}

async fn until_rows(app: &App, count: usize) {
    let rows = async || {
        let found = app
            .client
            .find_all(Locator::Css("[data-testid='task-row']"));
        found.await.map_or(0, |rows| rows.len())
    };
    let begun = std::time::Instant::now();
    while rows().await != count {
        assert!(
            begun.elapsed().as_secs() < 30,
            "never {count} rows at {}:\n{}",
            app.run("return location.hash", vec![]).await,
            app.page_text().await
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn focused(app: &App) -> String {
    let id = app
        .run(
            "return document.activeElement?.dataset.taskId ?? ''",
            vec![],
        )
        .await;
    id.as_str().unwrap_or_default().to_owned()
}

async fn press(app: &App, key: &str) {
    let element = app.client.active_element().await.unwrap();
    element.send_keys(key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::too_many_lines,
    reason = "one story: found, looked into, run again"
)]
async fn a_task_is_found_by_filter_and_keyboard_its_long_log_searched_and_run_again_with_changes() {
    const DOWN: &str = "\u{e015}";
    const ENTER: &str = "\u{e007}";
    let installation = Installation::new();
    let (broken, lost) = history(&installation).await;
    let app = App::open(&installation).await;
    // what a window remembers is this user's, not this installation's
    app.run("localStorage.removeItem('upkeep.filters')", vec![])
        .await;
    let queue = installation.queue().await;
    until_final(&queue, &lost).await;

    // lost is apart from failed
    app.go("#/tasks").await;
    until_rows(&app, 22).await;
    app.click("filter-lost").await;
    until_rows(&app, 1).await;
    let badge = format!("[data-task-id='{lost}'] .badge");
    assert_eq!(app.css(&badge).await.text().await.unwrap(), "Lost");
    app.click("filter-lost").await;
    app.click("filter-failed").await;
    app.css(&format!(
        "[data-testid='task-row'][data-task-id='{broken}']"
    ))
    .await;
    until_rows(&app, 1).await;
    app.click("filter-failed").await;

    // who asked, saved under a name and chosen again
    until_rows(&app, 22).await;
    let by = app.find("filter-by").await;
    by.send_keys("bert").await.unwrap();
    until_rows(&app, 1).await;
    app.click("filter-new").await;
    let name = app.find("filter-name").await;
    name.send_keys(&format!("Asked by Bert{ENTER}"))
        .await
        .unwrap();
    app.find("filter-remove").await;
    app.go("#/tasks").await;
    until_rows(&app, 22).await;
    app.find("filter-saved")
        .await
        .select_by_label("Asked by Bert")
        .await
        .unwrap();
    until_rows(&app, 1).await;
    let address = app.run("return location.hash", vec![]).await;
    assert_eq!(address, "#/tasks?by=bert");
    app.find("filter-time")
        .await
        .select_by_label("The last hour")
        .await
        .unwrap();
    until_rows(&app, 1).await;
    app.go("#/tasks").await;
    until_rows(&app, 22).await;

    app.run("localStorage.removeItem('upkeep.filters')", vec![])
        .await;

    // by keyboard to a row and into its task
    app.run(
        "document.querySelector(\"[data-testid='task-row']\").focus()",
        vec![],
    )
    .await;
    assert_eq!(focused(&app).await, lost.as_str());
    press(&app, DOWN).await;
    assert_eq!(focused(&app).await, broken.as_str());
    press(&app, ENTER).await;
    assert_eq!(app.wait_for_text("task-state", "Failed").await, "Failed");
    let command = app.text("task-command").await;
    assert_eq!(
        command,
        "upkeepctl trigger health-check --param cpu_window_ms=900"
    );

    // a million lines: the end at once, the beginning, and what stands in between
    app.wait_for_text("log-length", "1,000,000 lines").await;
    app.css("[data-testid='log-line'][data-line='1000000']")
        .await;
    app.run(
        "document.querySelector(\"[data-testid='log-box']\").scrollTop = 0",
        vec![],
    )
    .await;
    app.css("[data-testid='log-line'][data-line='1']").await;
    app.find("log-search")
        .await
        .send_keys("NEEDLE")
        .await
        .unwrap();
    app.wait_for_text("log-hits", "hit 1 of").await;
    app.css(&format!(".found[data-line='{NEEDLE}'] mark")).await;
    press(&app, ENTER).await;
    app.css(&format!(".found[data-line='{}'] mark", 2 * NEEDLE))
        .await;
    app.wait_for_text("log-hits", "hit 2 of 100").await;
    let drawn = app
        .client
        .find_all(Locator::Css("[data-testid='log-line']"))
        .await;
    assert!(drawn.unwrap().len() < 100, "only what can be seen is drawn");

    // the same once more, with a change that the form and the worker accept
    app.click("task-run-changed").await;
    let field = app.find("param-health-check-cpu-window-ms").await;
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some("900"));
    field.clear().await.unwrap();
    field.send_keys("450").await.unwrap();
    app.click("run-changed-confirm").await;
    app.wait_for_text("notice-task", "Started as a new task")
        .await;
    let task = all_tasks(&queue).await.remove(0);
    assert_eq!(task.params, json!({ "cpu_window_ms": 450 }));
    let ended = until_final(&queue, &task.id).await.task;
    assert_eq!(ended.state, TaskState::Succeeded);
    app.close().await;
}
