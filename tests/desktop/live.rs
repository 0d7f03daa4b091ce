//! The live dashboard in the real window: it draws, and nothing is sampled once nobody looks.

use std::time::{Duration, Instant};

use crate::support::installation::Installation;
use crate::support::webdriver::App;

const BEGAN: &str = "live sampling of this host began";
const ENDED: &str = "live sampling of this host ended";

fn times(app: &App, line: &str) -> usize {
    app.output().matches(line).count()
}

/// The samples that the log counts when a sampling ended.
fn samples(app: &App) -> Vec<u64> {
    let output = app.output();
    let counts = output.lines().filter(|line| line.contains(ENDED));
    counts
        .map(|line| {
            line.rsplit("samples=")
                .next()
                .unwrap()
                .trim()
                .parse()
                .unwrap()
        })
        .collect()
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The stream ended, its count of samples stands still, and no other began.
async fn assert_that_nothing_is_sampled(app: &App, begun: usize) {
    until("it ends", async || times(app, ENDED) == begun).await;
    let counted = samples(app);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(
        times(app, BEGAN),
        begun,
        "it began again:\n{}",
        app.output()
    );
    assert_eq!(samples(app), counted);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sampled_once_the_page_is_left_hidden_or_closed() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.find("run-health-check").await;
    assert_eq!(times(&app, BEGAN), 0, "nobody has looked yet");

    app.go("#/health/live").await;
    app.css("[data-testid='live-cpu-chart'] canvas").await;
    let taken = async || app.text("live-status").await;
    let first = taken().await;
    until("a second sample", async || taken().await != first).await;
    assert_eq!(times(&app, BEGAN), 1);

    app.go("#/tasks").await;
    assert_that_nothing_is_sampled(&app, 1).await;
    assert!(samples(&app)[0] >= 2);

    app.go("#/health/live").await;
    app.find("live-cpu").await;
    until("it begins again", async || times(&app, BEGAN) == 2).await;
    app.client.minimize_window().await.unwrap();
    assert_that_nothing_is_sampled(&app, 2).await;

    app.client.set_window_rect(0, 0, 1280, 800).await.unwrap();
    until("it begins again", async || times(&app, BEGAN) == 3).await;
    app.click("live-pause").await;
    assert_that_nothing_is_sampled(&app, 3).await;

    app.click("live-pause").await;
    until("it begins again", async || times(&app, BEGAN) == 4).await;
    // a page that loads anew has forgotten what it watched
    app.run("location.hash = '#/overview'; location.reload()", vec![])
        .await;
    assert_that_nothing_is_sampled(&app, 4).await;

    app.go("#/health/live").await;
    until("it begins again", async || times(&app, BEGAN) == 5).await;
    crate::support::window::close("Upkeep");
    until("the window's stream ends", async || times(&app, ENDED) == 5).await;
}

/// Under a C locale the library that draws would refuse to load; under the strict policy it must draw all the same.
#[tokio::test(flavor = "multi_thread")]
async fn charts_are_drawn_under_a_c_locale_and_told_to_those_who_cannot_see_them() {
    let installation = Installation::new();
    let app = App::open_with(&installation, &[("LANG", "C"), ("LC_ALL", "C")]).await;
    app.go("#/health/live").await;
    app.css("[data-testid='live-cpu-chart'] canvas").await;
    let said =
        "return document.querySelector(\"[data-testid='live-cpu-chart-summary']\").textContent";
    until("a summary with figures", async || {
        let said = app.run(said, vec![]).await;
        let said = said.as_str().unwrap_or_default();
        said.contains("Programs: last") && said.contains("highest")
    })
    .await;
    let painted = "const canvas = document.querySelector(\"[data-testid='live-load-chart'] canvas\"); if (!canvas) return 0;\
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);\
        return new Set(new Uint32Array(data.buffer)).size";
    until("more than one colour", async || {
        app.run(painted, vec![])
            .await
            .as_u64()
            .is_some_and(|colours| colours > 3)
    })
    .await;
    app.click("live-load-chart-table").await;
    app.wait_for_text("live-load-chart", "1 minute").await;
    app.css("[data-testid='live-load-chart'] tbody td").await;
    let problems = app.output();
    assert!(!problems.contains("Content Security Policy"), "{problems}");
    app.close().await;
}
