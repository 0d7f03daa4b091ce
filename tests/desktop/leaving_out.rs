//! What is decided about a plan before it runs: what stays, and that its number was read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::files;
use crate::support::installation::{Installation, all_tasks, until_final};
use crate::support::webdriver::App;

const CARD: &str = "cleanup-temp-files";

/// A file's row in the plan dialog, as a selector of its tick.
fn tick(path: &str) -> String {
    format!("[data-testid='plan-entry'][data-path$='{path}'] input")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unticked_stays_and_a_large_removal_waits_for_its_number() {
    const MANY: usize = 10_020;
    let installation = Installation::new();
    let root = installation.scratch();
    files::many_files(&root, MANY, 48);
    let odd = root.join(OsStr::from_bytes(b"\xff-keep.bin"));
    let app = App::open(&installation).await;
    app.wait_for_text(&format!("preflight-{CARD}"), "ready on")
        .await;
    app.click(&format!("run-{CARD}")).await;
    app.wait_for_text("plan-reach", "10,020 files").await;
    app.wait_for_text("plan-cut", "only what is listed").await;
    // without the number nothing begins
    app.click("plan-confirm").await;
    let rows = app.css("[data-testid='plan-entry']").await;
    let path = rows.attr("data-path").await.unwrap().unwrap();
    // by keyboard: the tick has the focus, the space bar takes it away
    app.css("[data-testid='plan-entry'] input")
        .await
        .send_keys(" ")
        .await
        .unwrap();
    app.wait_for_text("plan-left-out", "1 listed entry stays")
        .await;
    let confirm = app.wait_for_text("plan-confirm", "10,019 files").await;
    let field = app.find("plan-type").await;
    field.send_keys("10020").await.unwrap();
    app.click("plan-confirm").await;
    let queue = installation.queue().await;
    assert_eq!(
        all_tasks(&queue).await.len(),
        1,
        "only the preview so far: {confirm}"
    );
    field.clear().await.unwrap();
    field.send_keys("10,019").await.unwrap();
    app.click("plan-confirm").await;
    app.wait_for_text(&format!("last-run-{CARD}"), "removed 10,019 files")
        .await;
    assert!(std::path::Path::new(&path).exists(), "{path} stays");
    assert_eq!(files::count_files(&root), 1);

    // the audit trail and the task say what was left out
    let tasks = all_tasks(&queue).await;
    let run = tasks.iter().find(|task| !task.dry_run).unwrap();
    let left_out = run.params["leave_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1);
    assert!(path.ends_with(left_out[0]["name"].as_str().unwrap()));
    let detail = queue.task(&run.id).await.unwrap();
    assert_eq!(detail.report.unwrap()["kept"][0]["reason"], "left_out");

    // a name that is not text is left out as exactly
    files::file(&odd, 48);
    app.click(&format!("run-{CARD}")).await;
    app.css(&tick("keep.bin")).await.click().await.unwrap();
    app.wait_for_text("plan-confirm", "1 file").await;
    assert!(!app.shows("plan-type").await, "one press is enough");
    app.click("plan-confirm").await;
    app.wait_for_text(&format!("last-run-{CARD}"), "removed 1 file")
        .await;
    let tasks = all_tasks(&queue).await;
    until_final(&queue, &tasks[0].id).await;
    assert!(odd.exists());
    assert_eq!(files::count_files(&root), 1);
    app.close().await;
}
