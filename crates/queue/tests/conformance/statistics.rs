//! Figures over a range, compared with a slow and obvious count over random histories.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use upkeep_contract::statistics::{Outcomes, Percentiles, QueueStatistics, SlowTask};
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, TaskId, Timestamp};
use upkeep_queue::StatisticsRequest;
use upkeep_testkit::{RawDatabase, TestQueue};

/// A task as it stands in the database.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    operation: &'static str,
    dry_run: bool,
    state: TaskState,
    target: Option<&'static str>,
    host: Option<&'static str>,
    enqueued: i64,
    started: Option<i64>,
    finished: Option<i64>,
    error: Option<&'static str>,
}

const BEGIN: i64 = 1_700_000_000_000;
const LENGTH: i64 = 1_000_000;
const OPERATIONS: [&str; 3] = ["cleanup", "health-check", "z, odd"];
const HOSTS: [&str; 4] = ["web-1", "web-2", "host, with: marks", "ünïcode"];
/// What a task says whose worker was lost.
const LOST: &str = "its worker is gone";
const ERRORS: [&str; 4] = ["disk full", "it's: gone, 7", "no permission", LOST];

fn random_rows(random: &mut StdRng, count: usize) -> Vec<Row> {
    (0..count)
        .map(|index| {
            let state = TaskState::ALL[random.random_range(0..TaskState::ALL.len())];
            let enqueued = BEGIN + random.random_range(0..LENGTH);
            let begun = match state {
                TaskState::Queued => false,
                TaskState::Cancelled => random.random_bool(0.5),
                _ => true,
            };
            // a clock that was set back, a wait of a year, and many equal times
            let wait = match random.random_range(0..20) {
                0 => -random.random_range(1..500),
                1 => random.random_range(0..40_000_000_000),
                2..10 => 15,
                _ => random.random_range(0..2_000),
            };
            let duration = match random.random_range(0..20) {
                0 => -random.random_range(1..500),
                1 => random.random_range(0..900_000_000),
                2..10 => 885,
                _ => random.random_range(0..60_000),
            };
            let started = begun.then_some(enqueued + wait);
            let finished = state
                .is_final()
                .then(|| started.unwrap_or(enqueued) + duration);
            Row {
                id: format!(
                    "{index:08}-0000-7000-8000-{:012}",
                    random.random_range(0..9)
                ),
                operation: OPERATIONS[random.random_range(0..OPERATIONS.len())],
                dry_run: random.random_bool(0.3),
                state,
                target: random
                    .random_bool(0.3)
                    .then(|| HOSTS[random.random_range(0..4)]),
                host: begun.then(|| HOSTS[random.random_range(0..4)]),
                enqueued,
                started,
                finished,
                error: (state == TaskState::Failed && random.random_bool(0.9))
                    .then(|| ERRORS[random.random_range(0..ERRORS.len())]),
            }
        })
        .collect()
}

async fn write(test: &TestQueue, rows: &[Row]) {
    let mut raw = RawDatabase::connect(&test.url()).await.unwrap();
    let text = |text: Option<&str>| {
        text.map_or_else(
            || "NULL".to_owned(),
            |text| format!("'{}'", text.replace('\'', "''")),
        )
    };
    let number = |number: Option<i64>| number.map_or_else(|| "NULL".to_owned(), |n| n.to_string());
    let mut insert = "INSERT INTO tasks (id, operation, params, dry_run, state, priority, requested_by, enqueued_at, run_after, \
         attempt, max_attempts, timeout_ms, lease_token, lease_until, lease_ms, target_host, worker_host, started_at, finished_at, error) VALUES "
        .to_owned();
    for (index, row) in rows.iter().enumerate() {
        let running = (row.state == TaskState::Running).then_some(BEGIN + 10 * LENGTH);
        let error = row.error.map(|message| {
            let kind = if message == LOST {
                "lease_expired"
            } else {
                "permanent"
            };
            format!(r#"{{"kind":"{kind}","message":"{message}","hint":"look"}}"#)
        });
        write!(
            insert,
            "{}('{}', '{}', '{{}}', {}, '{}', 100, 'tester', {}, {}, 1, 3, 1000, {}, {}, {}, {}, {}, {}, {}, {})",
            if index == 0 { "" } else { ", " },
            row.id,
            row.operation,
            i64::from(row.dry_run),
            row.state.as_str(),
            row.enqueued,
            row.enqueued,
            text(running.map(|_| row.id.as_str())),
            number(running),
            number(running.map(|_| 1000)),
            text(row.target),
            text(row.host),
            number(row.started),
            number(row.finished),
            text(error.as_deref()),
        )
        .unwrap();
    }
    raw.execute(&insert).await.unwrap();
}

fn percentiles(mut values: Vec<i64>) -> Option<Percentiles> {
    values.sort_unstable();
    // the first value that at least so many of a hundred values do not exceed
    let rank = |percent: usize| {
        let enough = |index: &usize| (index + 1) * 100 >= values.len() * percent;
        values[(0..values.len()).find(enough).unwrap()]
    };
    (!values.is_empty()).then(|| Percentiles {
        count: values.len() as u64,
        p50_ms: rank(50),
        p95_ms: rank(95),
        p99_ms: rank(99),
        max_ms: *values.last().unwrap(),
    })
}

fn outcomes<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for row in rows {
        outcomes.add(row.state, 1);
    }
    outcomes
}

/// What the queue should say, counted row by row.
#[expect(clippy::too_many_lines, reason = "one figure after the other")]
fn check(rows: &[Row], request: &StatisticsRequest, said: &QueueStatistics, now: i64) {
    let (from, to) = (request.from.0, request.to.0);
    let within = |time: Option<i64>| time.is_some_and(|time| time >= from && time < to);
    let scope: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            let host = row.host.or(row.target);
            request
                .operation
                .as_ref()
                .is_none_or(|wanted| wanted.as_str() == row.operation)
                && request
                    .host
                    .as_deref()
                    .is_none_or(|wanted| host == Some(wanted))
        })
        .collect();
    let ended: Vec<&Row> = scope
        .iter()
        .copied()
        .filter(|row| within(row.finished))
        .collect();
    let duration = |row: &&Row| Some(row.finished? - row.started?);
    let wait = |row: &&Row| Some(row.started? - row.enqueued);

    // counts
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &scope {
        if within(row.finished) || (!row.state.is_final() && within(Some(row.enqueued))) {
            *counts
                .entry((row.operation, row.state.as_str()))
                .or_default() += 1;
        }
    }
    let said_counts: BTreeMap<(&str, &str), u64> = said
        .counts
        .iter()
        .map(|one| ((one.operation.as_str(), one.state.as_str()), one.count))
        .collect();
    assert_eq!(said_counts, counts);
    assert_eq!(
        said.success_rate,
        outcomes(ended.iter().copied()).success_rate()
    );
    let of_state = |state| scope.iter().filter(|row| row.state == state).count() as u64;
    assert_eq!(said.queued_now, of_state(TaskState::Queued));
    assert_eq!(said.running_now, of_state(TaskState::Running));
    let oldest = scope
        .iter()
        .filter(|row| row.state == TaskState::Queued && row.enqueued <= now)
        .map(|row| now - row.enqueued)
        .max();
    assert_eq!(said.oldest_waiting_ms, oldest);

    // times
    assert_eq!(
        said.duration,
        percentiles(ended.iter().filter_map(duration).collect())
    );
    assert_eq!(
        said.waiting,
        percentiles(ended.iter().filter_map(wait).collect())
    );
    let names: std::collections::BTreeSet<&str> = ended.iter().map(|row| row.operation).collect();
    assert_eq!(
        said.operations
            .iter()
            .map(|one| one.operation.as_str())
            .collect::<Vec<_>>(),
        names.into_iter().collect::<Vec<_>>()
    );
    for one in &said.operations {
        let its: Vec<&Row> = ended
            .iter()
            .copied()
            .filter(|row| row.operation == one.operation.as_str())
            .collect();
        assert_eq!(one.outcomes, outcomes(its.iter().copied()));
        assert_eq!(one.success_rate, one.outcomes.success_rate());
        assert_eq!(
            one.duration,
            percentiles(its.iter().filter_map(duration).collect())
        );
        assert_eq!(
            one.waiting,
            percentiles(its.iter().filter_map(wait).collect())
        );
    }

    // throughput: without gaps, from the first moment to the last
    assert_eq!(said.throughput.first().unwrap().from, request.from);
    assert_eq!(said.throughput.last().unwrap().to, request.to);
    for pair in said.throughput.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
    }
    for bucket in &said.throughput {
        let its = ended.iter().copied().filter(|row| {
            row.finished
                .is_some_and(|end| end >= bucket.from.0 && end < bucket.to.0)
        });
        assert_eq!(bucket.outcomes, outcomes(its), "{bucket:?}");
    }

    // slowest
    let mut slow: Vec<SlowTask> = ended
        .iter()
        .filter_map(|row| {
            Some(SlowTask {
                task_id: TaskId(row.id.clone()),
                operation: OperationId::from(row.operation),
                host: row.host.or(row.target).map(str::to_owned),
                state: row.state,
                lost: row.state == TaskState::Failed && row.error == Some(LOST),
                finished_at: Timestamp(row.finished?),
                duration_ms: duration(row)?,
            })
        })
        .collect();
    slow.sort_by_key(|task| {
        (
            -task.duration_ms,
            -task.finished_at.0,
            std::cmp::Reverse(task.task_id.clone()),
        )
    });
    slow.truncate(10);
    assert_eq!(said.slowest, slow);

    // failures
    let failed: Vec<&Row> = ended
        .iter()
        .copied()
        .filter(|row| row.state == TaskState::Failed)
        .collect();
    assert_eq!(said.failures.looked_at, failed.len() as u64);
    let mut hosts: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    let mut errors: BTreeMap<Option<&str>, (u64, &str)> = BTreeMap::new();
    for row in &failed {
        *hosts.entry(row.host.or(row.target)).or_default() += 1;
        let (count, newest) = errors.entry(row.error).or_insert((0, ""));
        *count += 1;
        *newest = (*newest).max(&row.id);
    }
    let said_hosts: BTreeMap<Option<&str>, u64> = said
        .failures
        .hosts
        .iter()
        .map(|one| (one.host.as_deref(), one.failed))
        .collect();
    assert_eq!(said_hosts, hosts);
    assert!(
        said.failures
            .hosts
            .is_sorted_by(|a, b| a.failed >= b.failed)
    );
    let said_errors: Vec<(&str, u64, &str)> = said
        .failures
        .errors
        .iter()
        .map(|one| (one.message.as_str(), one.failed, one.newest_task.as_str()))
        .collect();
    let mut expect: Vec<(&str, u64, &str)> = errors
        .into_iter()
        .map(|(error, (count, newest))| (error.unwrap_or(""), count, newest))
        .collect();
    expect.sort_by_key(|(_, count, newest)| std::cmp::Reverse((*count, *newest)));
    assert_eq!(said_errors, expect);
}

fn random_request(random: &mut StdRng) -> StatisticsRequest {
    let time = |random: &mut StdRng| {
        Timestamp(BEGIN + random.random_range(-LENGTH / 5..LENGTH + LENGTH / 5))
    };
    let (one, other) = (time(random), time(random));
    let whole = random.random_bool(0.3);
    let edges = random.random_range(0..60);
    StatisticsRequest {
        from: if whole { Timestamp(0) } else { one.min(other) },
        to: if whole {
            Timestamp(BEGIN * 2)
        } else {
            one.max(other).plus(std::time::Duration::from_millis(1))
        },
        edges: (0..edges).map(|_| time(random)).collect(),
        host: random
            .random_bool(0.4)
            .then(|| HOSTS[random.random_range(0..4)].to_owned()),
        operation: random
            .random_bool(0.3)
            .then(|| OPERATIONS[random.random_range(0..3)].into()),
    }
}

async fn figures_agree_with_a_count_row_by_row(test: TestQueue) {
    for seed in 0..4 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut raw = RawDatabase::connect(&test.url()).await.unwrap();
        raw.execute("DELETE FROM tasks").await.unwrap();
        let size = [1, 40, 300, 900][usize::try_from(seed).unwrap()];
        let mut rows = random_rows(&mut random, size);
        write(&test, &rows).await;
        let now = test.queue.now().0;
        for _ in 0..25 {
            let request = random_request(&mut random);
            let said = test.queue.statistics(&request).await.unwrap();
            check(&rows, &request, &said, now);
        }
        // cleaning needs to know nothing of statistics: they are right afterwards, too
        let before = Timestamp(BEGIN + LENGTH / 2);
        let old: Vec<TaskId> = rows
            .iter()
            .filter(|row| row.finished.is_some_and(|end| end < before.0))
            .map(|row| TaskId(row.id.clone()))
            .collect();
        let gone = test.queue.remove_finished(&old, before).await.unwrap();
        assert_eq!(gone.len(), old.len());
        rows.retain(|row| row.finished.is_none_or(|end| end >= before.0));
        for _ in 0..10 {
            let request = random_request(&mut random);
            let said = test.queue.statistics(&request).await.unwrap();
            check(&rows, &request, &said, now);
        }
    }
}

async fn the_oldest_task_is_where_all_begins(test: TestQueue) {
    assert_eq!(test.queue.oldest_task_at().await.unwrap(), None);
    let rows = random_rows(&mut StdRng::seed_from_u64(7), 30);
    write(&test, &rows).await;
    let oldest = rows.iter().map(|row| row.enqueued).min().map(Timestamp);
    assert_eq!(test.queue.oldest_task_at().await.unwrap(), oldest);
}

async fn an_empty_range_has_no_figures(test: TestQueue) {
    write(&test, &random_rows(&mut StdRng::seed_from_u64(8), 50)).await;
    let moment = Timestamp(BEGIN);
    let said = test
        .queue
        .statistics(&StatisticsRequest::between(moment, moment))
        .await
        .unwrap();
    assert_eq!((said.throughput.len(), said.counts.len()), (0, 0));
    assert_eq!((said.success_rate, said.duration), (None, None));
    assert!(said.queued_now > 0, "what is now has no range");
}

upkeep_testkit::on_both_engines!(
    figures_agree_with_a_count_row_by_row,
    the_oldest_task_is_where_all_begins,
    an_empty_range_has_no_figures,
);
