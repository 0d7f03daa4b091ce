//! The audit trail as the page shows it, beside what was really asked for.

use crate::support::installation::{Installation, all_tasks};
use crate::support::webdriver::App;

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_page_says_who_asked_for_what_and_leads_to_the_task() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.go("#/audit").await;
    app.wait_for_text("audit-empty", "Nothing was asked for yet")
        .await;
    app.go("#/overview").await;
    app.click("run-health-check").await;
    app.css("[data-testid='last-run-health-check'][data-state='succeeded']")
        .await;
    let queue = installation.queue().await;
    let task = all_tasks(&queue).await.remove(0);

    app.go("#/audit").await;
    app.wait_for_text("audit-table", "Asked for a task").await;
    app.wait_for_text("audit-table", &task.requested_by).await;
    app.wait_for_text("audit-table", "health-check").await;
    let link = format!("[data-testid='audit-row'] a[href='#/tasks/{}']", task.id);
    app.css(&link).await.click().await.unwrap();
    // and back from the task to the lines about it alone
    app.click("task-audit").await;
    app.find("audit-subject").await;
    app.wait_for_text("audit-table", &task.requested_by).await;
    app.close().await;
}
