//! Pages of the list of tasks out of a long history, under each filter.

use std::time::{Duration, Instant};

use upkeep_contract::task::{FailedAs, TaskCursor, TaskFilter, TaskState};
use upkeep_contract::{Clock, SystemClock, TaskId, Timestamp};
use upkeep_queue::{NewWorker, Queue};
use upkeep_testkit::history::{COMMON_TEXT, OPERATIONS, RARE_TEXT, group_of, host_of};
use upkeep_testkit::{fill_history, new_worker};

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, ms, row, times};

const TASKS: usize = 1_000_000;

/// The rows of a page, as the console asks for them.
const PAGE: u32 = 50;

const SAMPLES: usize = 200;

pub(crate) async fn measure(databases: &Databases) {
    heading("A page of 50 out of 1,000,000 tasks");
    for engine in Engine::BOTH {
        let url = databases.fresh(engine).await;
        let queue = Queue::open(&url).await.unwrap();
        let begun = Instant::now();
        fill_history(&url, TASKS).await;
        for index in 0..20 {
            let worker = NewWorker {
                operations: OPERATIONS.map(Into::into).to_vec(),
                ..new_worker(&host_of(index))
            };
            queue.register_worker(&worker).await.unwrap();
        }
        let filling = begun.elapsed().as_secs_f64();
        let name = engine.name();
        row(name, "(filling the table)", "1", &[filling], "s", Bar::None);
        let newest = queue.tasks(&TaskFilter::default(), None, 1).await.unwrap();
        let newest = newest.tasks[0].clone();
        for (what, filter) in filters(newest.id.as_str()) {
            let whole = whole_search(&queue, &filter).await;
            let first = pages(&queue, &filter, &[None]).await;
            let what = format!("{what}; {} found", whole.found);
            let bar = Bar::Below(10.0);
            times(name, &format!("{what}: first page"), &first, Bar::None, bar);
            if whole.cursors.len() > 1 {
                let deep = pages(&queue, &filter, &whole.cursors).await;
                let what = format!("{what}: any page of {}", whole.pages);
                times(name, &what, &deep, Bar::None, bar);
            }
            if whole.searched {
                let what = format!("{what}: the whole search");
                row(
                    name,
                    &what,
                    &format!("{} pages", whole.pages),
                    &[whole.seconds],
                    "s",
                    Bar::None,
                );
            }
        }
        anywhere(&queue, name, newest.enqueued_at).await;
        queue.close().await;
        databases.remove(&url).await;
    }
}

fn filters(newest: &str) -> Vec<(String, TaskFilter)> {
    let text = |text: &str| TaskFilter {
        text: text.to_owned(),
        ..TaskFilter::default()
    };
    let mut all = vec![("no filter".to_owned(), TaskFilter::default())];
    for state in TaskState::ALL {
        let states = vec![state];
        let filter = TaskFilter {
            states,
            ..TaskFilter::default()
        };
        all.push((format!("state {}", state.as_str()), filter));
    }
    let by_operation = |operation: &str| TaskFilter {
        operations: vec![operation.into()],
        ..TaskFilter::default()
    };
    for operation in OPERATIONS {
        all.push((format!("operation {operation}"), by_operation(operation)));
    }
    all.push((
        "an operation never used".to_owned(),
        by_operation("no-such"),
    ));
    let failed = || TaskFilter {
        states: vec![TaskState::Failed, TaskState::Partial],
        operations: vec![OPERATIONS[0].into(), OPERATIONS[3].into()],
        ..TaskFilter::default()
    };
    all.push(("two states and two operations".to_owned(), failed()));
    let host = || TaskFilter {
        host: Some(host_of(1)),
        ..TaskFilter::default()
    };
    all.push(("host".to_owned(), host()));
    let states = vec![TaskState::Failed];
    all.push((
        "host and state failed".to_owned(),
        TaskFilter { states, ..host() },
    ));
    let states = vec![TaskState::Queued];
    all.push((
        "host and state queued".to_owned(),
        TaskFilter { states, ..host() },
    ));
    let group = group_of(400_000).map(Into::into);
    all.push((
        "group".to_owned(),
        TaskFilter {
            group,
            ..TaskFilter::default()
        },
    ));
    all.extend(newer_filters());
    all.push(("text, common".to_owned(), text(COMMON_TEXT)));
    all.push(("text, rare".to_owned(), text(RARE_TEXT)));
    all.push(("text, nowhere".to_owned(), text("no such words anywhere")));
    let with_text = TaskFilter {
        text: RARE_TEXT.to_owned(),
        ..failed()
    };
    all.push((
        "text, rare, two states, two operations".to_owned(),
        with_text,
    ));
    let with_text = TaskFilter {
        text: RARE_TEXT.to_owned(),
        ..host()
    };
    all.push(("text, rare, and host".to_owned(), with_text));
    all.push(("a whole id".to_owned(), text(newest)));
    all.push((
        "the beginning of an id (13)".to_owned(),
        text(&newest[..13]),
    ));
    all.push(("the beginning of an id (8)".to_owned(), text(&newest[..8])));
    all
}

/// Who asked, when, and whether the worker was lost.
fn newer_filters() -> Vec<(String, TaskFilter)> {
    let now = SystemClock.now();
    let ago = |days: u64| Some(now.minus(Duration::from_hours(24 * days)));
    let by = |name: &str| TaskFilter {
        requested_by: Some(name.to_owned()),
        ..TaskFilter::default()
    };
    let lost = |failed_as| TaskFilter {
        states: vec![TaskState::Failed],
        failed_as,
        ..TaskFilter::default()
    };
    let times = TaskFilter {
        since: ago(200),
        until: ago(100),
        ..TaskFilter::default()
    };
    vec![
        ("asked for by one of 31".to_owned(), by("operator-07")),
        ("asked for by nobody".to_owned(), by("nobody")),
        (
            "asked for by one of 31, and failed".to_owned(),
            TaskFilter {
                states: vec![TaskState::Failed],
                ..by("operator-07")
            },
        ),
        (
            "asked for by one of 31, and an operation".to_owned(),
            TaskFilter {
                operations: vec![OPERATIONS[0].into()],
                ..by("operator-07")
            },
        ),
        ("100 days of the year".to_owned(), times.clone()),
        (
            "100 days of the year, and partial".to_owned(),
            TaskFilter {
                states: vec![TaskState::Partial],
                ..times.clone()
            },
        ),
        (
            "100 days of the year, a host, by one of 31".to_owned(),
            TaskFilter {
                host: Some(host_of(1)),
                requested_by: by("operator-07").requested_by,
                ..times
            },
        ),
        ("lost".to_owned(), lost(FailedAs::Lost)),
        ("failed, not lost".to_owned(), lost(FailedAs::Error)),
    ]
}

/// A filter followed to its last page.
struct Whole {
    found: usize,
    pages: usize,
    seconds: f64,
    /// True when a page ended early because enough rows were looked at.
    searched: bool,
    /// The beginnings of pages, spread over all of them.
    cursors: Vec<Option<TaskCursor>>,
}

/// Pages that are followed at most: as many as anybody would turn, or a search to its end.
const FOLLOWED: usize = 1_500;

async fn whole_search(queue: &Queue, filter: &TaskFilter) -> Whole {
    let begun = Instant::now();
    let mut whole = Whole {
        found: 0,
        pages: 0,
        seconds: 0.0,
        searched: false,
        cursors: vec![None],
    };
    let mut after = None;
    loop {
        let page = queue.tasks(filter, after.as_ref(), PAGE).await.unwrap();
        whole.found += page.tasks.len();
        whole.pages += 1;
        whole.searched |= page.searched_to.is_some();
        after = page.next;
        if after.is_none() || whole.pages == FOLLOWED {
            break;
        }
        whole.cursors.push(after.clone());
    }
    whole.seconds = begun.elapsed().as_secs_f64();
    whole
}

async fn pages(queue: &Queue, filter: &TaskFilter, cursors: &[Option<TaskCursor>]) -> Vec<f64> {
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        let after = &cursors[rand::random_range(0..cursors.len())];
        let begun = Instant::now();
        queue.tasks(filter, after.as_ref(), PAGE).await.unwrap();
        samples.push(ms(begun.elapsed()));
    }
    samples
}

/// Pages that begin at any moment of the year, under filters that have more pages than are followed above.
async fn anywhere(queue: &Queue, name: &str, newest: Timestamp) {
    let year = i64::try_from(TASKS).unwrap() * 31_536;
    let cursors: Vec<Option<TaskCursor>> = (0..SAMPLES)
        .map(|_| {
            let enqueued_at = Timestamp(newest.0 - rand::random_range(0..year));
            let id = TaskId(String::new());
            Some(TaskCursor { enqueued_at, id })
        })
        .collect();
    for (what, filter) in filters("00000000-0000-7000-8000-000000000000") {
        if !filter.text.is_empty() && filter.host.is_none() && filter.text != COMMON_TEXT {
            continue;
        }
        let samples = pages(queue, &filter, &cursors).await;
        let what = format!("{what}: from any moment of the year");
        times(name, &what, &samples, Bar::None, Bar::Below(10.0));
    }
}
