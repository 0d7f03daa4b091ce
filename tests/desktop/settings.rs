//! Settings: drafts that are judged, shown and saved, and a configuration file that is broken.

use std::path::Path;

use fantoccini::elements::Element;

use crate::support::installation::{Installation, all_tasks};
use crate::support::webdriver::App;

async fn fill(app: &App, id: &str, text: &str) {
    let field: Element = app.find(id).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

fn config(installation: &Installation) -> String {
    std::fs::read_to_string(installation.home().join("config.toml")).unwrap()
}

/// A new location and a value, each wrong first.
async fn two_changes_are_drafted(app: &App, added: &Path) {
    // a forbidden folder is told before anything is pressed
    app.click("add-location").await;
    fill(app, "place-name", "added").await;
    fill(app, "place-path", "/etc").await;
    app.wait_for_text("error-place", "/etc").await;
    fill(app, "place-path", &added.display().to_string()).await;
    app.wait_until_gone("error-place").await;
    app.click("place-save").await;
    app.find("location-added").await;
    fill(app, "value-worker-concurrency-field", "999").await;
    app.wait_for_text("value-worker-concurrency", "outside 1 to 256")
        .await;
    fill(app, "value-worker-concurrency-field", "3").await;
    app.wait_for_text("draft-bar", "2 changes not saved").await;
}

async fn the_history_is_counted_and_previewed(app: &App, installation: &Installation) {
    // what the history takes is counted, and its preview is one click away
    app.wait_for_text("history-audit", "1").await;
    app.click("history-preview").await;
    app.find("plan-dialog").await;
    let queue = installation.queue().await;
    let tasks = all_tasks(&queue).await;
    assert!(tasks.iter().all(|task| task.dry_run), "{tasks:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_judged_as_it_is_typed_shown_saved_and_never_written_over_another_s_change() {
    let installation = Installation::new();
    let text = format!("# mine\n{}", config(&installation));
    installation.configure(&text);
    let added = installation.path().join("added");
    std::fs::create_dir_all(&added).unwrap();
    let app = App::open(&installation).await;
    app.go("#/settings").await;
    app.find("location-scratch").await;

    two_changes_are_drafted(&app, &added).await;
    assert_eq!(config(&installation), text, "nothing is saved unseen");

    // somebody edits the file by hand while the draft is open
    app.click("draft-review").await;
    let theirs = text.replace("[worker]", "# theirs\n[worker]\nstrategy = \"fifo\"");
    installation.configure(&theirs);
    app.click("review-save").await;
    app.find("review-elsewhere").await;
    assert_eq!(
        config(&installation),
        theirs,
        "a change made elsewhere stays"
    );
    let shown = app.find("review-dialog").await.text().await.unwrap();
    assert!(shown.contains("when a worker starts"), "{shown}");
    app.click("review-save").await;
    app.wait_until_gone("review-dialog").await;
    let now = config(&installation);
    for kept in [
        "# mine\n",
        "# theirs\n",
        "strategy = \"fifo\"",
        "concurrency = 3",
    ] {
        assert!(now.contains(kept), "{kept} is not in\n{now}");
    }
    assert!(now.contains(&added.display().to_string()), "{now}");

    the_history_is_counted_and_previewed(&app, &installation).await;
    app.close().await;

    let app = App::open(&installation).await;
    app.go("#/overview").await;
    app.wait_for_text("card-cleanup-temp-files", "added").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_told_with_line_and_key_and_cleans_nothing() {
    let installation = Installation::new();
    let old = installation.scratch().join("old");
    crate::support::files::file(&old, 48);
    let broken = config(&installation).replace("[worker]", "enabeld = true\n\n[worker]");
    installation.configure(&broken);
    let app = App::open(&installation).await;
    let page = app.wait_for_text("trouble-configuration", "enabeld").await;
    assert!(page.contains("line 5"), "{page}\n{broken}");
    app.click("run-cleanup-temp-files").await;
    app.wait_for_text("error-cleanup-temp-files", "enabeld")
        .await;
    assert!(old.exists());
    app.close().await;
}
