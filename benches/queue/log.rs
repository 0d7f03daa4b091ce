//! A log of a million lines: any part of it, and a text in it.

use std::time::Instant;

use upkeep_contract::TaskId;
use upkeep_queue::Queue;
use upkeep_testkit::{fill_log, task};

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, ms, row, times};

const LINES: i64 = 1_000_000;

/// The lines of a page, as the window asks for them.
const PAGE: u32 = 200;

const SAMPLES: usize = 200;

pub(crate) async fn measure(databases: &Databases) {
    heading("The log of a task, 1,000,000 lines");
    for engine in Engine::BOTH {
        let url = databases.fresh(engine).await;
        let queue = Queue::open(&url).await.unwrap();
        let id = queue.enqueue(task()).await.unwrap().id().clone();
        let begun = Instant::now();
        fill_log(&url, &id, LINES).await;
        let filling = begun.elapsed().as_secs_f64();
        let name = engine.name();
        row(name, "(filling the log)", "1", &[filling], "s", Bar::None);

        let mut samples = Vec::new();
        for _ in 0..SAMPLES {
            let after = rand::random_range(0..LINES - i64::from(PAGE));
            let begun = Instant::now();
            let lines = queue.log_after(&id, after, PAGE).await.unwrap();
            samples.push(ms(begun.elapsed()));
            assert_eq!(lines.len(), PAGE as usize);
        }
        let bar = Bar::Below(10.0);
        times(
            name,
            "a page of 200 lines, anywhere",
            &samples,
            Bar::None,
            bar,
        );

        for (what, text) in [
            ("one line in seven", "multiple of 7."),
            ("one line in 9,973", "needle"),
            ("nowhere", "no such words"),
        ] {
            let begun = Instant::now();
            let (looks, found) = search(&queue, &id, text).await;
            let whole = begun.elapsed().as_secs_f64();
            let what = format!("a text that is in {what}");
            times(
                name,
                &format!("{what}: one look"),
                &looks,
                Bar::None,
                Bar::None,
            );
            let count = format!("{} looks, {found} found", looks.len());
            row(
                name,
                &format!("{what}: the whole log"),
                &count,
                &[whole],
                "s",
                Bar::None,
            );
        }
        queue.close().await;
        databases.remove(&url).await;
    }
}

/// Looks until the end of the log; what each look took, and how many lines were found.
async fn search(queue: &Queue, id: &TaskId, text: &str) -> (Vec<f64>, usize) {
    let (mut looks, mut found, mut after) = (Vec::new(), 0, 0);
    while after < LINES {
        let begun = Instant::now();
        let hits = queue.search_log(id, text, after).await.unwrap();
        looks.push(ms(begun.elapsed()));
        found += hits.lines.len();
        after = hits.searched_to;
    }
    (looks, found)
}
