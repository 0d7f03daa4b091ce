//! Little room and large letters: at 800 × 600, and at twice the size in an ordinary window, no page scrolls
//! sideways, nothing is cut off, and what a page is for can be reached.

use std::path::Path;

use serde_json::json;

use crate::support::files;
use crate::support::installation::{Installation, all_tasks, until_final};
use crate::support::walk::key;
use crate::support::webdriver::App;

/// What is wrong with the page in view: it scrolls sideways, or something that can be used lies outside of
/// what it could be scrolled to.
const LOOK: &str = "
    const wrong = [];
    const wide = (e) => e.scrollWidth > e.clientWidth + 1;
    const main = document.querySelector('main');
    for (const e of [document.scrollingElement, document.body, main])
        if (wide(e)) wrong.push(`${e.tagName} is ${e.scrollWidth} wide, ${e.clientWidth} are there: ${
            [...e.querySelectorAll('*')].filter((c) => c.getBoundingClientRect().right > e.getBoundingClientRect().right + 1
                && !c.closest('.scroll-x *')).slice(0, 3).map((c) => `${c.tagName}.${c.className} ${c.innerText?.slice(0, 30)}`).join(' | ')}`);
    const root = document.querySelector('dialog[open]') ?? document;
    for (const e of root.querySelectorAll('a[href], button, input, select, textarea, summary')) {
        if (!e.checkVisibility({ visibilityProperty: true }) || e.matches('.skip') || e.closest('.visually-hidden')) continue;
        e.scrollIntoView({ block: 'center', inline: 'center' });
        const { left, right, top, bottom } = e.getBoundingClientRect();
        const name = `${e.tagName} ${e.dataset.testid ?? e.getAttribute('aria-label') ?? e.innerText}`;
        if (left < -1 || right > innerWidth + 1 || top < -1 || bottom > innerHeight + 1)
            wrong.push(`${name} lies outside: ${[left, top, right, bottom].map(Math.round)} of ${innerWidth} × ${innerHeight}`);
        else {
            // words over two lines: their first
            const line = e.getClientRects()[0];
            const at = document.elementFromPoint((Math.max(line.left, 0) + Math.min(line.right, innerWidth)) / 2, (line.top + line.bottom) / 2);
            if (!at || !(e.contains(at) || at.contains(e) || at.closest('label')?.contains(e)))
                wrong.push(`${name} is covered by ${at?.tagName}.${at?.className} ${at?.innerText?.slice(0, 30)}`);
        }
    }
    main.scrollTo(0, 0);
    return wrong;";

struct Looked {
    wrong: Vec<String>,
}

impl Looked {
    async fn look(&mut self, app: &App, size: &str, place: &str) {
        app.settle().await;
        let wrong = app.run(LOOK, vec![]).await;
        for line in wrong.as_array().unwrap() {
            self.wrong
                .push(format!("{size}, {place}: {}", line.as_str().unwrap()));
        }
        if let Some(folder) = std::env::var_os("UPKEEP_TEST_SCREENSHOTS") {
            let name = format!("size-{size}-{}.png", place.replace([' ', '#', '/'], "-"));
            app.screenshot(&Path::new(&folder).join(name)).await;
        }
    }
}

/// By the keyboard: the driver's mouse does not know how large the page is shown.
async fn press(app: &App, id: &str) {
    let script = "document.querySelector(`[data-testid=${arguments[0]}]`).focus()";
    app.find(id).await;
    app.run(script, vec![json!(id)]).await;
    app.press(&[key::ENTER]).await;
}

async fn width(app: &App) -> u64 {
    app.run("return innerWidth", vec![]).await.as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_small_window_and_twice_the_size() {
    let installation = Installation::in_memory();
    files::many_files(&installation.scratch(), 30, 48);
    let app = App::open(&installation).await;
    app.find("card-cleanup-temp-files").await;
    app.click("run-health-check").await;
    app.css("[data-testid='last-run-health-check'][data-state]")
        .await;
    app.click("run-log-statistics").await;
    app.css("[data-testid='last-run-log-statistics'][data-state]")
        .await;
    app.click("run-cleanup-temp-files").await;
    app.click("plan-confirm").await;
    app.css("[data-testid='last-run-cleanup-temp-files'][data-state='succeeded']")
        .await;
    files::many_files(&installation.scratch(), 30, 48);
    let queue = installation.queue().await;
    let mut places = app.pages().await;
    places.push("#/health/live".to_owned());
    for task in all_tasks(&queue).await {
        until_final(&queue, &task.id).await;
        places.push(format!("#/tasks/{}", task.id));
    }

    let mut looked = Looked { wrong: vec![] };
    for size in ["800x600", "twice"] {
        if size == "twice" {
            app.client.set_window_size(1280, 800).await.unwrap();
            app.until_true("wide again", "return innerWidth > 1200", vec![])
                .await;
            // as a person does it: five steps of a fifth each
            for _ in 0..5 {
                app.press_with(key::CONTROL, '=').await;
            }
            app.until_true(
                "twice as large",
                "return Math.abs(innerWidth - 640) < 12",
                vec![],
            )
            .await;
        } else {
            app.client.set_window_size(800, 600).await.unwrap();
            app.until_true("small", "return innerWidth <= 800", vec![])
                .await;
        }
        assert!(width(&app).await <= 800);
        for place in &places {
            app.visit(place).await;
            let name: String = place.split_inclusive('/').take(2).collect();
            looked.look(&app, size, &name).await;
        }
        app.visit("#/overview").await;
        press(&app, "preview-cleanup-temp-files").await;
        app.wait_for_text("plan-total", "30 files").await;
        looked.look(&app, size, "plan").await;
        app.press(&[key::ESCAPE]).await;
        app.wait_until_gone("plan-dialog").await;
        press(&app, "open-palette").await;
        app.find("palette").await;
        looked.look(&app, size, "palette").await;
        app.press(&[key::ESCAPE]).await;
        app.wait_until_gone("palette").await;
    }
    // and back
    app.press_with(key::CONTROL, '-').await;
    app.until_true(
        "smaller again",
        "return innerWidth > arguments[0]",
        vec![json!(660)],
    )
    .await;
    app.close().await;
    assert!(
        looked.wrong.is_empty(),
        "{} things do not fit:\n  {}",
        looked.wrong.len(),
        looked.wrong.join("\n  ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_plain_locale_names_in_any_script_are_shown_and_removed() {
    let installation = Installation::in_memory();
    let names = ["größe.txt", "файл.log", "一時.tmp", "naïve 🗑.bin"];
    for name in names {
        files::file(&installation.scratch().join(name), 48);
    }
    let app = App::open_with(&installation, &[("LANG", "C"), ("LC_ALL", "C")]).await;
    app.wait_for_text("preflight-cleanup-temp-files", "ready on")
        .await;
    app.click("run-cleanup-temp-files").await;
    let plan = app.wait_for_text("plan-dialog", "4 files").await;
    for name in names {
        assert!(plan.contains(name), "{name} is not in:\n{plan}");
    }
    app.click("plan-confirm").await;
    app.wait_for_text("last-run-cleanup-temp-files", "removed 4 files")
        .await;
    assert_eq!(files::count_files(&installation.scratch()), 0);

    // numbers, times and charts come from the language, which this locale does not name
    app.visit("#/statistics").await;
    app.css("[data-testid='throughput'] canvas").await;
    app.visit("#/health/live").await;
    app.css("[data-testid='live-cpu-chart'] canvas").await;
    app.close().await;
}
