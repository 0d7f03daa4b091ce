//! Health: a threshold lowered in Settings makes a check warn, and what it offers leads to the right preview.

use fantoccini::elements::Element;
use upkeep_contract::health::{CheckStatus, HealthReport};
use upkeep_contract::task::TaskState;

use crate::support::files;
use crate::support::installation::{Installation, all_tasks};
use crate::support::webdriver::App;

async fn type_into(app: &App, id: &str, text: &str) {
    let field: Element = app.find(id).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lowered_threshold_turns_the_check_and_its_remedy_leads_to_the_right_preview() {
    let installation = Installation::new();
    let text = std::fs::read_to_string(installation.home().join("config.toml")).unwrap();
    installation.configure(&format!("# ask anna\n{text}"));
    let old = installation.scratch().join("old.txt");
    files::file(&old, 48);
    files::file(&installation.scratch().join("young.txt"), 1);
    let app = App::open(&installation).await;

    // the wrong way round is refused while it is typed
    app.go("#/settings").await;
    type_into(&app, "threshold-disk-warning", "96").await;
    app.wait_for_text("threshold-disk", "above its critical threshold")
        .await;
    type_into(&app, "threshold-disk-warning", "0.0001").await;
    app.wait_for_text("draft-bar", "1 change not saved").await;
    app.click("draft-review").await;
    app.click("review-save").await;
    app.find("threshold-disk-default").await;
    let config = std::fs::read_to_string(installation.home().join("config.toml")).unwrap();
    assert!(config.starts_with("# ask anna\n"), "{config}");
    assert!(
        config.contains("disk = { warning = 0.0001, critical = 95 }"),
        "{config}"
    );

    app.click("nav-health").await;
    app.find("health-empty").await;
    let queue = installation.queue().await;
    assert!(all_tasks(&queue).await.is_empty(), "looking starts nothing");
    app.click("health-check-now").await;
    app.css("[data-testid='health-check'][data-check^='disk:'] [data-remedy='scratch']")
        .await;
    app.wait_for_text("health-latest", "Warns at").await;

    // what is shown is what the task reported
    let tasks = all_tasks(&queue).await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].operation.as_str(), "health-check");
    assert!(!tasks[0].requested_by.is_empty());
    let detail = queue.task(&tasks[0].id).await.unwrap();
    let report: HealthReport = serde_json::from_value(detail.report.unwrap()).unwrap();
    let offering: Vec<_> = report
        .checks
        .iter()
        .filter(|check| !check.remedies.is_empty())
        .collect();
    let [disk] = offering[..] else {
        panic!("one file system holds the location: {offering:#?}");
    };
    assert_ne!(disk.status, CheckStatus::Ok);
    for check in &report.checks {
        let row = format!("[data-testid='health-check'][data-check='{}']", check.id);
        let said = app.css(&row).await.text().await.unwrap().to_lowercase();
        assert!(
            said.contains(&check.message.to_lowercase()),
            "{said}\n{check:?}"
        );
    }

    // one click to the preview, prefilled; nothing goes without the next one
    app.click("remedy").await;
    app.wait_for_text("plan-total", "1 file").await;
    let plan = app.text("plan-dialog").await;
    assert!(
        plan.contains("old.txt") && !plan.contains("young.txt"),
        "{plan}"
    );
    assert!(old.exists(), "a preview removes nothing");
    let tasks = all_tasks(&queue).await;
    assert_eq!(tasks.len(), 2);
    assert!(tasks[0].dry_run);
    assert_eq!(tasks[0].state, TaskState::Succeeded);
    assert_eq!(tasks[0].params["locations"], serde_json::json!(["scratch"]));
    app.click("plan-close").await;

    // a second check shows what changed and how each check moved
    app.click("health-check-now").await;
    app.find("health-changes").await;
    app.find("sparkline").await;

    // and the card of Overview has turned
    app.go("#/overview").await;
    let badge = app.find("last-health").await.text().await.unwrap();
    assert!(badge == "Degraded" || badge == "Critical", "{badge}");
    app.close().await;
}
