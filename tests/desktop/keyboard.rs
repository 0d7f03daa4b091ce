//! Without a mouse: every page and every control is reached by keys, an operation is previewed, read, confirmed
//! and seen to end, and the focus is never lost on the way.

use serde_json::json;
use upkeep_contract::task::TaskState;

use crate::support::files;
use crate::support::installation::{Installation, all_tasks};
use crate::support::walk::key;
use crate::support::webdriver::App;

const CARD: &str = "cleanup-temp-files";

/// Asserts that something has the focus, and returns what it is.
async fn focus_kept(app: &App, after: &str) -> String {
    // what replaces a control gets the focus in the same turn or the next
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    let focused = app.focused().await;
    assert_ne!(
        focused,
        "BODY",
        "after {after} the focus is lost; the page says:\n{}",
        app.page_text().await
    );
    focused
}

/// Presses Tab until the control with this test id has the focus.
async fn tab_to(app: &App, id: &str) {
    let mut way = Vec::new();
    for _ in 0..120 {
        let focused = app.focused().await;
        if focused.split(' ').nth(1) == Some(id) {
            return;
        }
        way.push(focused);
        app.press(&[key::TAB]).await;
    }
    panic!("Tab never comes to {id}, but to {way:?}");
}

/// Every control of the page that can be seen, with Tab and the arrows alone; those left over are named.
async fn all_controls_are_reached(app: &App, page: &str) {
    // a radio group is one stop, as is a list that the arrows move in
    let left = "
        const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('[inert], [aria-hidden=true]');
        const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')];
        const stops = all.filter((e) => seen(e) && !e.disabled && e.tabIndex >= 0
            && !(e.type === 'radio' && !e.checked));
        return stops.filter((e) => !e.dataset.reached)
            .map((e) => `${e.tagName} ${e.dataset.testid ?? e.getAttribute('aria-label') ?? e.innerText}`);";
    let mark = "
        const e = document.activeElement;
        if (e === document.body) return 'BODY';
        e.dataset.reached = '1';
        const look = getComputedStyle(e);
        const shown = look.boxShadow !== 'none' || look.outlineStyle !== 'none' || e.matches('h1, main');
        const { top, bottom, left, right } = e.getBoundingClientRect();
        const inside = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
        return shown && inside ? '' : `${e.tagName} ${e.dataset.testid ?? e.innerText}: shown ${shown}, in view ${inside}`;";
    let mut lost = 0;
    for _ in 0..200 {
        let mut wrong = app.run(mark, vec![]).await;
        // what is scrolled to is in view with the next frames
        for _ in 0..20 {
            if matches!(wrong.as_str(), Some("" | "BODY")) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            wrong = app.run(mark, vec![]).await;
        }
        match wrong.as_str().unwrap() {
            "" => {}
            // from the last control back to the first, once around
            "BODY" => lost += 1,
            wrong => panic!("on {page} the focus cannot be seen: {wrong}"),
        }
        if app.run(left, vec![]).await == json!([]) {
            assert!(lost <= 1, "on {page} the focus went away {lost} times");
            return;
        }
        app.press(&[key::TAB]).await;
    }
    let left = app.run(left, vec![]).await;
    panic!("on {page} Tab never comes to {left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_and_every_control_is_reached_by_keys() {
    let installation = Installation::in_memory();
    files::many_files(&installation.scratch(), 20, 48);
    let app = App::open(&installation).await;
    let pages = app.pages().await;
    app.settle().await;
    let letters = "
        return [...document.querySelectorAll('[data-testid=keys-dialog] dt')]
            .map((dt) => dt.innerText.trim().split(/\\s+/))
            .filter(([first, second]) => first === 'g' && second?.length === 1)
            .map(([, letter]) => letter);";
    app.press(&['?']).await;
    app.find("keys-dialog").await;
    let letters: Vec<String> = serde_json::from_value(app.run(letters, vec![]).await).unwrap();
    assert_eq!(
        letters.len(),
        pages.len(),
        "each page has a letter: {letters:?}"
    );
    app.press(&[key::ESCAPE]).await;
    app.wait_until_gone("keys-dialog").await;

    for (letter, page) in letters.iter().zip(&pages) {
        app.press(&['g', letter.chars().next().unwrap()]).await;
        app.until_true(
            &format!("at {page} by g {letter}"),
            "return location.hash === arguments[0]",
            vec![json!(page)],
        )
        .await;
        app.settle().await;
        // the page that is there already is not gone to
        if page != "#/overview" {
            let focused = focus_kept(&app, page).await;
            assert!(focused.starts_with("H1"), "{page} begins at {focused}");
        }
        all_controls_are_reached(&app, page).await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_previewed_read_confirmed_and_seen_to_end_by_keys_alone() {
    let installation = Installation::in_memory();
    files::many_files(&installation.scratch(), 20, 48);
    let app = App::open(&installation).await;
    app.wait_for_text(&format!("preflight-{CARD}"), "ready on")
        .await;
    tab_to(&app, &format!("preview-{CARD}")).await;
    app.press(&[key::ENTER]).await;
    app.wait_for_text("plan-total", "20 files").await;
    focus_kept(&app, "the plan came").await;
    // the harmless way out: back to where it was asked for, with nothing done
    app.press(&[key::ESCAPE]).await;
    app.wait_until_gone("plan-dialog").await;
    let focused = focus_kept(&app, "the plan was closed").await;
    assert!(focused.contains(CARD), "back at {focused}");

    tab_to(&app, &format!("run-{CARD}")).await;
    app.press(&[key::SPACE]).await;
    app.wait_for_text("plan-total", "20 files").await;
    // reading: the entries scroll and each can be left out
    tab_to(&app, "plan-entries").await;
    app.press(&[key::DOWN]).await;
    app.press(&[key::TAB, key::SPACE]).await;
    app.wait_for_text("plan-left-out", "1 listed entry stays")
        .await;
    focus_kept(&app, "an entry was left out").await;
    tab_to(&app, "plan-confirm").await;
    app.press(&[key::ENTER]).await;
    app.css(&format!(
        "[data-testid='last-run-{CARD}'][data-state='succeeded']"
    ))
    .await;
    app.wait_until_gone("plan-dialog").await;
    focus_kept(&app, "the removal").await;
    app.wait_for_text(&format!("last-run-{CARD}"), "removed 19 files")
        .await;
    assert_eq!(files::count_files(&installation.scratch()), 1);

    // what does not delete starts at once, and the button keeps the focus
    tab_to(&app, "run-health-check").await;
    app.press(&[key::ENTER]).await;
    app.css("[data-testid='last-run-health-check'][data-state]")
        .await;
    let focused = focus_kept(&app, "a check").await;
    assert!(focused.contains("run-health-check"), "{focused}");

    // by name
    app.press_with(key::CONTROL, 'k').await;
    app.find("palette").await;
    app.press(&['t', 'a', 's', 'k', 's', key::ENTER]).await;
    app.find("tasks-table").await;
    app.until_true(
        "at the heading",
        "return document.activeElement?.tagName === 'H1'",
        vec![],
    )
    .await;

    // down the list, into a task, and back
    let rows = "return document.activeElement?.dataset.testid === 'task-row'";
    for _ in 0..40 {
        if app.run(rows, vec![]).await == json!(true) {
            break;
        }
        app.press(&[key::TAB]).await;
        focus_kept(&app, "Tab on Tasks").await;
    }
    app.press(&[key::DOWN]).await;
    app.until_true(
        "in the second row",
        "return document.activeElement === document.querySelectorAll('[data-testid=task-row]')[1]",
        vec![],
    )
    .await;
    app.press(&[key::ENTER]).await;
    app.find("task-state").await;
    app.until_true(
        "at the task's heading",
        "return document.activeElement?.tagName === 'H1'",
        vec![],
    )
    .await;
    app.settle().await;
    focus_kept(&app, "the task was read").await;
    tab_to(&app, "task-run-again").await;

    let queue = installation.queue().await;
    let tasks = all_tasks(&queue).await;
    assert!(
        tasks.iter().all(|task| task.state == TaskState::Succeeded),
        "{tasks:#?}"
    );
    app.close().await;
}
