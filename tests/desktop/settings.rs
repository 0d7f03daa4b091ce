//! Locations: added, refused, turned off, and a configuration file that is broken.

use fantoccini::elements::Element;

use crate::support::installation::Installation;
use crate::support::webdriver::App;

async fn fill(app: &App, id: &str, text: &str) {
    let field: Element = app.find(id).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

fn config(installation: &Installation) -> String {
    std::fs::read_to_string(installation.home().join("config.toml")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_is_added_a_forbidden_one_refused_and_comments_stay() {
    let installation = Installation::new();
    let text = format!("# mine\n{}", config(&installation));
    installation.configure(&text);
    let added = installation.path().join("added");
    std::fs::create_dir_all(&added).unwrap();
    let app = App::open(&installation).await;
    app.go("#/settings").await;
    app.find("location-scratch").await;

    app.click("add-location").await;
    fill(&app, "place-name", "forbidden").await;
    fill(&app, "place-path", "/etc").await;
    app.click("place-save").await;
    app.wait_for_text("error-place", "/etc").await;
    assert_eq!(
        config(&installation),
        text,
        "a refused location changes nothing"
    );

    fill(&app, "place-name", "added").await;
    fill(&app, "place-path", &added.display().to_string()).await;
    app.click("place-save").await;
    app.find("location-added").await;
    let now = config(&installation);
    assert!(
        now.starts_with("# mine\n") && now.contains(&added.display().to_string()),
        "{now}"
    );

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
