//! What screen readers, keyboards and weak eyes meet: every page, dialog and banner is checked by axe-core,
//! in light and in dark.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::files;
use crate::support::installation::{Installation, all_tasks, until_final};
use crate::support::walk::key;
use crate::support::webdriver::App;

/// The checker; a package of the UI's tests, and no part of its build.
const AXE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/ui/node_modules/axe-core/axe.min.js"
);

/// Runs every rule and answers with what is wrong, one line each.
const CHECK: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then(
        ({ violations, passes }) => done({
            passes: passes.length,
            wrong: violations.flatMap(({ id, impact, help, nodes }) => nodes.map((node) =>
                `${impact} ${id}: ${help}\\n      at ${node.target.join(' ')}\\n      ${node.html.slice(0, 200)}\\n      ${
                    [...node.any, ...node.all, ...node.none].map(({ message }) => message).join('; ')}`)),
        }),
        (error) => done({ passes: 0, wrong: [String(error)] }),
    );";

/// Collects what is wrong, so that one run tells of everything.
struct Checked {
    wrong: Vec<String>,
    looked_at: usize,
}

impl Checked {
    /// Teaches the page to check itself.
    async fn begin(app: &App) -> Self {
        let source = std::fs::read_to_string(AXE).unwrap_or_else(|error| {
            panic!("{AXE}: {error}; `scripts/ui.sh deps` installs it");
        });
        app.find("nav-overview").await;
        // contrast is only judged where it can be seen, so everything is in view at once
        app.client.set_window_size(1280, 4000).await.unwrap();
        app.until_true("tall", "return innerHeight > 3000", vec![])
            .await;
        app.run(&source, vec![]).await;
        Self {
            wrong: vec![],
            looked_at: 0,
        }
    }

    /// Checks what is in view in both themes, chosen as the settings do it.
    async fn look(&mut self, app: &App, place: &str) {
        app.settle().await;
        for theme in ["light", "dark"] {
            app.run(
                "document.documentElement.dataset.appearance = arguments[0]",
                vec![json!(theme)],
            )
            .await;
            let found = app.client.execute_async(CHECK, vec![]).await;
            let found = app.answered("axe", found);
            assert!(
                found["passes"].as_u64().is_some_and(|passes| passes > 5),
                "axe looked at nothing on {place}: {found}"
            );
            self.looked_at += 1;
            for line in found["wrong"].as_array().unwrap() {
                let line = line.as_str().unwrap();
                self.wrong.push(format!("{place}, {theme}: {line}"));
            }
            if let Some(folder) = std::env::var_os("UPKEEP_TEST_SCREENSHOTS") {
                let name = format!("axe-{}-{theme}.png", place.replace([' ', '#', '/'], "-"));
                app.screenshot(&Path::new(&folder).join(name)).await;
            }
        }
    }

    fn verdict(&self) {
        assert!(
            self.wrong.is_empty(),
            "{} violations in {} looks:\n  {}",
            self.wrong.len(),
            self.looked_at,
            self.wrong.join("\n  ")
        );
    }
}

async fn escape(app: &App, dialog: &str) {
    app.press(&[key::ESCAPE]).await;
    app.wait_until_gone(dialog).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_dialog_and_banner_is_clean_in_both_themes() {
    let installation = Installation::in_memory();
    files::many_files(&installation.scratch(), 30, 48);
    let app = App::open(&installation).await;
    let mut checked = Checked::begin(&app).await;

    // empty pages, before anything was asked for
    for page in app.pages().await {
        app.visit(&page).await;
        checked.look(&app, &format!("empty {page}")).await;
    }

    // a plan, a task that failed in part, a check, a fan-out; then every page again with something on it
    app.visit("#/overview").await;
    app.click("run-health-check").await;
    app.css("[data-testid='last-run-health-check'][data-state]")
        .await;
    app.click("run-log-statistics").await;
    app.css("[data-testid='last-run-log-statistics'][data-state]")
        .await;
    app.click("run-cleanup-temp-files").await;
    app.find("plan-confirm").await;
    checked.look(&app, "plan").await;
    app.click("plan-confirm").await;
    app.css("[data-testid='last-run-cleanup-temp-files'][data-state='succeeded']")
        .await;
    std::fs::remove_dir_all(installation.scratch()).unwrap();
    app.click("preview-cleanup-temp-files").await;
    app.find("error-cleanup-temp-files").await;
    checked.look(&app, "failed preview").await;

    let target = app.find("target-health-check").await;
    target.select_by_value("every").await.unwrap();
    app.click("run-health-check").await;
    app.settle().await;
    let queue = installation.queue().await;
    let mut tasks = all_tasks(&queue).await;
    for task in &tasks {
        until_final(&queue, &task.id).await;
    }
    tasks = all_tasks(&queue).await;
    let mut places = app.pages().await;
    places.push("#/health/live".to_owned());
    places.push("#/tasks?text=nothing-is-called-so".to_owned());
    places.extend(tasks.iter().map(|task| format!("#/tasks/{}", task.id)));
    let groups = tasks.iter().filter_map(|task| task.group_id.as_ref());
    places.extend(groups.map(|group| format!("#/groups/{group}")));
    assert!(
        places.iter().any(|place| place.starts_with("#/groups/")),
        "no fan-out: {tasks:#?}"
    );
    for place in &places {
        app.visit(place).await;
        let name = place.split_inclusive('/').take(2).collect::<String>();
        checked.look(&app, &format!("busy {name}")).await;
    }

    // dialogs
    app.visit("#/overview").await;
    app.press_with(key::CONTROL, 'k').await;
    app.find("palette").await;
    checked.look(&app, "palette").await;
    escape(&app, "palette").await;
    app.press(&['?']).await;
    app.find("keys-dialog").await;
    checked.look(&app, "keys").await;
    escape(&app, "keys-dialog").await;
    for (page, opener, dialog) in [
        ("#/tasks", "tasks-export", "export-dialog"),
        ("#/tasks", "bulk-cancel", "bulk-dialog"),
        ("#/settings", "add-location", "place-dialog"),
    ] {
        app.visit(page).await;
        app.click(opener).await;
        app.css("dialog[open]").await;
        checked.look(&app, dialog).await;
        app.press(&[key::ESCAPE]).await;
        app.until_true(
            "closed",
            "return !document.querySelector('dialog[open]')",
            vec![],
        )
        .await;
    }

    // what concerns every page
    let good = std::fs::read_to_string(installation.home().join("config.toml")).unwrap();
    installation.configure(&format!("enabeld = true\n{good}"));
    app.visit("#/tasks").await;
    app.find("trouble-configuration").await;
    checked.look(&app, "trouble").await;
    app.visit("#/overview").await;
    checked.look(&app, "trouble on overview").await;
    app.close().await;
    checked.verdict();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_is_clean_in_both_themes() {
    let installation = Installation::new();
    std::fs::remove_file(installation.home().join("config.toml")).unwrap();
    let app = App::open(&installation).await;
    let mut checked = Checked::begin(&app).await;
    app.find("first-run").await;
    checked.look(&app, "first run").await;
    app.close().await;
    checked.verdict();
}

/// A page that is wrong must be told: else silence would say nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_words_and_pale_text_are_told() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    let mut checked = Checked::begin(&app).await;
    let spoil = "
        const main = document.querySelector('main');
        main.append(document.createElement('img'));
        const pale = document.createElement('p');
        pale.textContent = 'hardly there';
        pale.style.color = '#888';
        pale.style.background = '#777';
        main.append(pale);";
    app.run(spoil, vec![]).await;
    checked.look(&app, "spoilt").await;
    let told: Vec<Value> = checked.wrong.iter().map(|line| json!(line)).collect();
    for rule in ["image-alt", "color-contrast"] {
        assert!(
            told.iter()
                .any(|line| line.as_str().unwrap().contains(rule)),
            "{told:#?}"
        );
    }
    app.close().await;
}
