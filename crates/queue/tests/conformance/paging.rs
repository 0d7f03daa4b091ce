//! Paging through thousands of tasks under every filter, against a filter written in Rust.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use upkeep_contract::Timestamp;
use upkeep_contract::task::{FailedAs, TaskError, TaskFilter, TaskState};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Ending, NewTask};
use upkeep_testkit::{PostgresCluster, TestQueue};

use crate::support::{MILLISECOND, error, performs};

const TASKS: usize = 2600;
const OPERATIONS: [&str; 3] = ["cleanup-runs", "health-check", "zz"];
// in the order of bytes; most languages order them otherwise
const HOSTS: [&str; 4] = ["Host-B", "host-a", "host-c", "hosta"];
const GROUPS: [&str; 2] = ["01936e2a-7c4b-7000-8000-000000000001", "group-2"];
const PEOPLE: [&str; 4] = ["anna@desk-7", "Bert 100%", "c_d", "Änne"];

fn some<'t>(random: &mut StdRng, of: &[&'t str], chance: f64) -> Option<&'t str> {
    random
        .random_bool(chance)
        .then(|| *of.choose(random).unwrap())
}

/// Thousands of tasks, many of them of the same millisecond, in every state.
async fn fill(test: &TestQueue, random: &mut StdRng) {
    let mut requests = Vec::new();
    for index in 0..TASKS {
        requests.push(NewTask {
            target_host: some(random, &HOSTS, 0.3).map(str::to_owned),
            group_id: some(random, &GROUPS, 0.2).map(Into::into),
            max_attempts: random.random_range(1..3),
            ..NewTask::new(
                *OPERATIONS.choose(random).unwrap(),
                json!({ "locations": [format!("l{}", index % 10)], "note": "a\\b\"c" }),
                *PEOPLE.choose(random).unwrap(),
            )
        });
        if random.random_bool(0.05) {
            test.queue
                .enqueue_all(std::mem::take(&mut requests))
                .await
                .unwrap();
            test.clock.advance(random.random_range(0..3) * MILLISECOND);
        }
    }
    test.queue.enqueue_all(requests).await.unwrap();
    for round in 0..30 {
        let host = HOSTS[round % HOSTS.len()];
        let strategy = [ClaimStrategy::Priority, ClaimStrategy::Lifo][round % 2];
        let claims = test
            .claim_with("w", &performs(&OPERATIONS, host, strategy), 40)
            .await;
        let endings = claims.iter().filter_map(|claim| {
            let ending = match random.random_range(0..6) {
                0 => Ending::Succeeded(json!(null)),
                1 => Ending::Partial(json!(null)),
                2 => Ending::Permanent(if random.random_bool(0.5) {
                    error("it broke; the lease is fine")
                } else {
                    lost()
                }),
                3 => Ending::Transient(error("away")),
                4 => Ending::Cancelled(None),
                _ => return None,
            };
            Some(test.queue.finish(&claim.lease, ending))
        });
        for finish in futures::future::join_all(endings).await {
            finish.unwrap();
        }
    }
}

/// As rescue writes it.
fn lost() -> TaskError {
    TaskError {
        kind: "lease_expired".to_owned(),
        ..error("its worker is gone")
    }
}

fn is_beginning_of_an_id(text: &str) -> bool {
    text.len() >= 13
        && text.len() <= 36
        && text.chars().enumerate().all(|(index, letter)| match index {
            8 | 13 | 18 | 23 => letter == '-',
            _ => letter.is_ascii_hexdigit(),
        })
}

/// What the contract says of a filter, in Rust.
fn matches(filter: &TaskFilter, row: &Value) -> bool {
    let field = |name: &str| row[name].as_str().unwrap_or_default();
    let host = row["worker_host"].as_str().or(row["target_host"].as_str());
    let text = filter.text.trim().to_ascii_lowercase();
    let texts = [
        field("operation"),
        field("requested_by"),
        field("params"),
        field("error"),
    ];
    let in_text = || {
        let mut all = texts.iter().copied().chain([field("id")]).chain(host);
        all.any(|one| one.to_ascii_lowercase().contains(&text))
    };
    let enqueued_at = Timestamp(row["enqueued_at"].as_i64().unwrap());
    let lost = field("error").contains("\"kind\":\"lease_expired\"");
    let by = filter.requested_by.as_deref().unwrap_or_default();
    let by = by.trim().to_ascii_lowercase();
    field("requested_by").to_ascii_lowercase().contains(&by)
        && filter.since.is_none_or(|since| enqueued_at >= since)
        && filter.until.is_none_or(|until| enqueued_at < until)
        && (field("state") != "failed"
            || match filter.failed_as {
                FailedAs::Any => true,
                FailedAs::Lost => lost,
                FailedAs::Error => !lost,
            })
        && (filter.states.is_empty()
            || filter
                .states
                .iter()
                .any(|state| state.as_str() == field("state")))
        && (filter.operations.is_empty()
            || filter
                .operations
                .iter()
                .any(|one| one.as_str() == field("operation")))
        && filter
            .host
            .as_ref()
            .is_none_or(|wanted| host == Some(wanted))
        && filter
            .group
            .as_ref()
            .is_none_or(|group| group.as_str() == field("group_id"))
        && (if is_beginning_of_an_id(&text) {
            field("id").starts_with(&text)
        } else {
            in_text()
        })
}

fn some_filter(random: &mut StdRng, rows: &[Value]) -> TaskFilter {
    let id = rows.choose(random).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let texts = [
        "",
        "",
        "",
        "",
        "anna",
        "ANNA",
        "100%",
        "c_d",
        "Änne",
        "a\\b",
        "l7",
        "lease",
        "nowhere",
        "%",
        "_",
        " hosta ",
        &id,
        &id[..13],
        &id[..20].to_uppercase(),
        &id[..9],
        "cleanup",
        "\"kind\"",
    ];
    let mut states: Vec<TaskState> = TaskState::ALL.to_vec();
    if random.random_bool(0.5) {
        states.clear();
    }
    states.retain(|_| random.random_bool(0.4));
    if random.random_bool(0.1) {
        states.extend_from_within(..);
    }
    let mut operations: Vec<_> = OPERATIONS.iter().map(|id| (*id).into()).collect();
    if random.random_bool(0.5) {
        operations.clear();
    }
    operations.retain(|_| random.random_bool(0.5));
    TaskFilter {
        states,
        operations,
        host: some(random, &HOSTS, 0.3).map(str::to_owned),
        group: some(random, &GROUPS, 0.2).map(Into::into),
        text: (*texts.choose(random).unwrap()).to_owned(),
        requested_by: some(
            random,
            &["anna", "BERT", "100%", "nobody", " c_d ", " "],
            0.3,
        )
        .map(str::to_owned),
        since: random.random_bool(0.3).then(|| some_time(random, rows)),
        until: random.random_bool(0.3).then(|| some_time(random, rows)),
        failed_as: [FailedAs::Any, FailedAs::Lost, FailedAs::Error][random.random_range(0..3)],
    }
}

fn some_time(random: &mut StdRng, rows: &[Value]) -> Timestamp {
    Timestamp(
        rows.choose(random).unwrap()["enqueued_at"]
            .as_i64()
            .unwrap(),
    )
}

fn one_thing_at_a_time(random: &mut StdRng, rows: &[Value]) -> Vec<TaskFilter> {
    let mut filters = vec![TaskFilter::default()];
    filters.extend(TaskState::ALL.map(|state| TaskFilter {
        states: vec![state],
        ..TaskFilter::default()
    }));
    filters.extend(HOSTS.map(|host| TaskFilter {
        host: Some(host.to_owned()),
        ..TaskFilter::default()
    }));
    // one thing at a time, too: what narrows most is seldom drawn alone
    filters.extend(
        [FailedAs::Lost, FailedAs::Error].map(|failed_as| TaskFilter {
            states: vec![TaskState::Failed],
            failed_as,
            ..TaskFilter::default()
        }),
    );
    filters.extend(["anna", "desk"].map(|by| TaskFilter {
        requested_by: Some(by.to_owned()),
        ..TaskFilter::default()
    }));
    filters.push(TaskFilter {
        since: Some(some_time(random, rows)),
        ..TaskFilter::default()
    });
    filters.push(TaskFilter {
        until: Some(some_time(random, rows)),
        operations: vec!["zz".into()],
        ..TaskFilter::default()
    });
    filters
}

async fn every_filter_gives_each_of_its_tasks_once_and_in_order(test: TestQueue) {
    let mut random = StdRng::seed_from_u64(7);
    fill(&test, &mut random).await;
    let mut rows = test.bare().await.rows("tasks", "id").await;
    assert_eq!(rows.len(), TASKS);
    rows.sort_by_key(|row| {
        (
            row["enqueued_at"].as_i64(),
            row["id"].as_str().map(str::to_owned),
        )
    });
    rows.reverse();
    let mut times: Vec<i64> = rows
        .iter()
        .filter_map(|row| row["enqueued_at"].as_i64())
        .collect();
    times.dedup();
    assert!(times.len() < TASKS / 10, "many of the same moment");

    let mut filters = one_thing_at_a_time(&mut random, &rows);
    filters.extend((0..150).map(|_| some_filter(&mut random, &rows)));
    let (mut early, mut found) = (0, 0);
    for filter in filters {
        let expect: Vec<&str> = rows
            .iter()
            .filter(|row| matches(&filter, row))
            .filter_map(|row| row["id"].as_str())
            .collect();
        let limit = if expect.len() > 600 {
            333
        } else {
            random.random_range(7..120)
        };
        let mut seen: Vec<String> = Vec::new();
        let mut after = None;
        loop {
            let page = test
                .queue
                .tasks(&filter, after.as_ref(), limit)
                .await
                .unwrap();
            assert!(page.tasks.len() <= limit as usize);
            seen.extend(page.tasks.iter().map(|task| task.id.to_string()));
            let next = page.next.as_ref();
            match page.searched_to {
                // enough was looked at: all of the filter's tasks so far have been given
                Some(to) => {
                    early += 1;
                    assert_eq!(next.map(|cursor| cursor.enqueued_at), Some(to));
                    let given = rows.iter().filter(|row| {
                        let key = (row["enqueued_at"].as_i64(), row["id"].as_str());
                        let end = (Some(to.as_millis()), next.map(|cursor| cursor.id.as_str()));
                        key >= end && matches(&filter, row)
                    });
                    assert_eq!(given.count(), seen.len(), "{filter:?}");
                }
                None if next.is_some() => {
                    assert_eq!(page.tasks.len(), limit as usize, "{filter:?}");
                }
                None => {}
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expect, "{filter:?}");
        found += usize::from(!expect.is_empty());
        let count = test.queue.count_matching(&filter).await.unwrap();
        if !is_beginning_of_an_id(filter.text.trim()) {
            assert_eq!(
                count.queued + count.running + count.finished,
                expect.len() as u64,
                "{filter:?}"
            );
        }
    }
    assert!(
        early > 20 && found > 30,
        "the filters try what they should: {early} {found}"
    );
}

async fn a_page_is_never_empty_for_nothing_and_never_larger_than_the_largest(test: TestQueue) {
    let requests = (0..700).map(|index| NewTask::new("a", json!({}), format!("n{index}")));
    test.queue.enqueue_all(requests.collect()).await.unwrap();
    let page =
        async |filter: &TaskFilter, limit| test.queue.tasks(filter, None, limit).await.unwrap();
    let everything = TaskFilter::default();
    assert_eq!(page(&everything, 0).await.tasks.len(), 1);
    assert_eq!(page(&everything, u32::MAX).await.tasks.len(), 500);
    // the only match lies beyond what one page looks at
    let oldest = TaskFilter {
        text: "n0".to_owned(),
        ..TaskFilter::default()
    };
    let first = page(&oldest, 10).await;
    assert_eq!((first.tasks.len(), first.searched_to.is_some()), (0, true));
    let second = test
        .queue
        .tasks(&oldest, first.next.as_ref(), 10)
        .await
        .unwrap();
    assert_eq!(
        (second.tasks.len(), second.next, second.searched_to),
        (1, None, None)
    );
}

async fn what_comes_while_somebody_pages_neither_repeats_nor_hides_a_task(test: TestQueue) {
    let requests = (0..100).map(|_| NewTask::new("a", json!({}), "before"));
    test.queue.enqueue_all(requests.collect()).await.unwrap();
    let filter = TaskFilter::default();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = test.queue.tasks(&filter, after.as_ref(), 30).await.unwrap();
        seen.extend(page.tasks.into_iter().map(|task| task.requested_by));
        test.clock.advance(MILLISECOND);
        test.enqueue(NewTask::new("a", json!({}), "meanwhile"))
            .await;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, vec!["before"; 100]);
}

#[tokio::test]
async fn a_database_that_speaks_another_language_lists_the_same() {
    let url = PostgresCluster::shared()
        .database_with_collation("en-US")
        .await;
    every_filter_gives_each_of_its_tasks_once_and_in_order(TestQueue::on(url).await).await;
}

upkeep_testkit::on_both_engines!(
    every_filter_gives_each_of_its_tasks_once_and_in_order,
    a_page_is_never_empty_for_nothing_and_never_larger_than_the_largest,
    what_comes_while_somebody_pages_neither_repeats_nor_hides_a_task,
);
