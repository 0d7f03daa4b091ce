//! A task that reports ten times a second, written by another process, as the page shows it: how late, and whether
//! any frame is late for it while the list has a million rows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fantoccini::Client;
use serde_json::{Value, json};
use upkeep_contract::OperationId;
use upkeep_contract::task::Progress;
use upkeep_queue::{Claim, ClaimFilter, Ending, NewTask, Queue};

use crate::driver;
use crate::figures::{heading, quantile, row, verdict};
use crate::program::Which;

/// Rows of the history.
const ROWS: usize = 1_000_000;

/// An operation that no worker of the app performs.
const OPERATION: &str = "bench-progress";

/// Each report says in its message when it was written; each frame that shows a new one says how late it is.
const LATENESS: &str = "
    const late = window.__late = [];
    let seen = '';
    new MutationObserver(() => {
        const said = document.querySelector('[data-testid=task-progress] .message')?.textContent.trim() ?? '';
        if (said === seen || !/^[0-9]{13}$/.test(said)) return;
        seen = said;
        requestAnimationFrame(() => late.push(Date.now() - Number(said)));
    }).observe(document.body, { subtree: true, childList: true, characterData: true });";

/// The time between one frame and the next.
const FRAMES: &str = "
    const frames = window.__frames = [];
    let before = null;
    const frame = (now) => {
        if (before !== null) frames.push(now - before);
        before = now;
        window.__wanted = requestAnimationFrame(frame);
    };
    window.__wanted = requestAnimationFrame(frame);";

/// The trivial app's page with a table as long as a page of tasks that nothing looks after: ten times a second
/// one text of it is another. What its frames take is what the webview takes for such a page on this machine.
const PLAIN_TABLE: &str = "
    const row = (n) => `<tr>${['task', 'operation', 'host', 'state', 'asked by', 'began', 'took']
        .map((name) => `<td>${name} ${n}</td>`).join('')}</tr>`;
    document.body.innerHTML = `<main style='position:fixed;inset:0;overflow:auto'><table style='width:100%'>${
        Array.from({ length: 50 }, (_, n) => row(n)).join('')}</table></main>`;
    for (const cell of document.querySelectorAll('td')) cell.style.cssText = 'padding:10px;border-bottom:1px solid #ccc';
    const cell = document.querySelector('td');
    setInterval(() => { cell.textContent = String(Date.now()); }, 100);";

/// While frames are counted, somebody looks through the list.
const SCROLL: &str = "
    const main = document.querySelector('main');
    let way = 40;
    window.__scroll = setInterval(() => {
        const at = main.scrollTop;
        main.scrollBy(0, way);
        if (main.scrollTop === at) way = -way;
    }, 50);";

/// What is done with a list while its frames are counted.
const LISTS: [(&str, &str); 2] = [
    ("between frames, the list of tasks in view", ""),
    ("between frames, and somebody scrolls through it", SCROLL),
];

const STOP: &str =
    "cancelAnimationFrame(window.__wanted); clearInterval(window.__scroll); return window.__frames";

pub(crate) async fn measure(time: Duration) {
    let home = tempfile::tempdir_in(crate::folder()).unwrap();
    let url = format!("sqlite://{}", home.path().join("upkeep.db").display());
    let queue = Queue::open(&url).await.unwrap();
    eprintln!("    filling a history of {ROWS} tasks");
    upkeep_testkit::fill_history(&url, ROWS).await;
    let claim = claim(&queue).await;

    let (_driver, client, _) = driver::open(Which::Upkeep, home.path()).await;
    client
        .execute(
            "location.hash = `#/tasks/${arguments[0]}`",
            vec![json!(claim.task.id)],
        )
        .await
        .unwrap();
    driver::until(
        &client,
        "return !!document.querySelector('[data-testid=task-progress]')",
    )
    .await;
    heading(
        "A task of another process reports ten times a second; the history has 1,000,000 tasks (SQLite)",
    );
    client.execute(LATENESS, vec![]).await.unwrap();
    report(&queue, &claim, time).await;
    let late = numbers(&client, "return window.__late").await;
    let reports = time.as_secs() * 10;
    assert!(
        late.len() > usize::try_from(reports / 2).unwrap(),
        "{late:?}"
    );
    row(
        "from the report to the frame that shows it",
        &format!("{} of {reports}", late.len()),
        &format!(
            "p50 **{:.0}**, p99 **{:.0}**, longest {:.0} ms",
            quantile(&late, 0.5),
            quantile(&late, 0.99),
            quantile(&late, 1.0)
        ),
        None,
        &verdict("p99 under 100 ms", quantile(&late, 0.99) < 100.0),
    );

    client
        .execute("location.hash = '#/tasks'", vec![])
        .await
        .unwrap();
    driver::until(
        &client,
        "return document.querySelectorAll('[data-testid=task-row]').length > 20",
    )
    .await;
    let plain = plain_table(time).await;
    for ((what, script), plain) in LISTS.into_iter().zip(plain) {
        client.execute(script, vec![]).await.unwrap();
        // what was begun just now is no part of it
        report(&queue, &claim, Duration::from_secs(2)).await;
        client.execute(FRAMES, vec![]).await.unwrap();
        report(&queue, &claim, time).await;
        let frames = numbers(&client, STOP).await;
        row(
            what,
            &format!("{} frames in {} s", frames.len(), time.as_secs()),
            &said(&frames),
            Some(&said(&plain)),
            &verdict("none over 50 ms", long(&frames) == 0),
        );
    }
    queue
        .finish(&claim.lease, Ending::Succeeded(json!({})))
        .await
        .unwrap();
    client.close().await.unwrap();
    queue.close().await;
}

/// The frames of a table that nothing looks after, untouched and scrolled through.
async fn plain_table(time: Duration) -> [Vec<f64>; 2] {
    let home = tempfile::tempdir_in(crate::folder()).unwrap();
    let (_driver, client, _) = driver::open(Which::Trivial, home.path()).await;
    client.execute(PLAIN_TABLE, vec![]).await.unwrap();
    let mut lists = [vec![], vec![]];
    for ((_, script), frames) in LISTS.into_iter().zip(&mut lists) {
        client.execute(script, vec![]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        client.execute(FRAMES, vec![]).await.unwrap();
        tokio::time::sleep(time).await;
        *frames = numbers(&client, STOP).await;
    }
    client.close().await.unwrap();
    lists
}

fn said(frames: &[f64]) -> String {
    format!(
        "p50 **{:.1}**, p99 **{:.1}**, longest **{:.1}** ms; {} over 50 ms",
        quantile(frames, 0.5),
        quantile(frames, 0.99),
        quantile(frames, 1.0),
        long(frames)
    )
}

fn long(frames: &[f64]) -> usize {
    frames.iter().filter(|frame| **frame > 50.0).count()
}

async fn claim(queue: &Queue) -> Claim {
    let task = NewTask::new(OperationId::from(OPERATION), json!({}), "bench");
    queue.enqueue(task).await.unwrap();
    let filter = ClaimFilter {
        operations: vec![OPERATION.into()],
        ..upkeep_testkit::claim_all("bench")
    };
    queue
        .claim(
            &"bench".into(),
            std::process::id(),
            &filter,
            Duration::from_secs(3600),
            1,
        )
        .await
        .unwrap()
        .pop()
        .unwrap()
}

/// Reports ten times a second for a while.
async fn report(queue: &Queue, claim: &Claim, time: Duration) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let reports = u32::try_from(time.as_millis() / 100).unwrap();
    for done in 0..reports {
        ticks.tick().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let progress = Progress {
            done: u64::from(done),
            total: Some(u64::from(reports)),
            unit: "files".to_owned(),
            stopping: false,
            message: now.as_millis().to_string(),
        };
        queue
            .report_progress(&claim.lease, Some(&progress), &[])
            .await
            .unwrap();
    }
    // the last one is still on its way
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn numbers(client: &Client, script: &str) -> Vec<f64> {
    let answer: Value = client.execute(script, vec![]).await.unwrap();
    let values = answer.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}
