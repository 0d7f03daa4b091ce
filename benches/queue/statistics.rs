//! Figures over a range out of a long history.

use std::time::{Duration, Instant};

use upkeep_operations::buckets::local_edges;
use upkeep_queue::{Queue, StatisticsRequest};
use upkeep_testkit::fill_history;
use upkeep_testkit::history::{OPERATIONS, host_of};

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, ms, row, times};

const TASKS: usize = 1_000_000;

const SAMPLES: usize = 15;

pub(crate) async fn measure(databases: &Databases) {
    heading("Statistics over 1,000,000 tasks");
    for engine in Engine::BOTH {
        let url = databases.fresh(engine).await;
        let queue = Queue::open(&url).await.unwrap();
        let begun = Instant::now();
        fill_history(&url, TASKS).await;
        let name = engine.name();
        let filling = begun.elapsed().as_secs_f64();
        row(name, "(filling the table)", "1", &[filling], "s", Bar::None);
        let now = queue.now();
        let all = queue.oldest_task_at().await.unwrap().unwrap();
        let last = |hours: u64| now.minus(Duration::from_hours(hours));
        let ranges = [
            ("last hour", last(1)),
            ("last day", last(24)),
            ("last week", last(7 * 24)),
            ("last 30 days", last(30 * 24)),
            ("all", all),
        ];
        for (what, from) in ranges {
            let request = StatisticsRequest {
                edges: local_edges(from, now),
                ..StatisticsRequest::between(from, now)
            };
            one(&queue, name, what, &request).await;
            if from == all {
                let host = Some(host_of(1));
                let of_host = StatisticsRequest {
                    host,
                    ..request.clone()
                };
                one(&queue, name, "all, one host", &of_host).await;
                let operation = Some(OPERATIONS[1].into());
                let of_operation = StatisticsRequest {
                    operation,
                    ..request
                };
                one(&queue, name, "all, one operation", &of_operation).await;
            }
        }
        queue.close().await;
        databases.remove(&url).await;
    }
}

async fn one(queue: &Queue, engine: &str, what: &str, request: &StatisticsRequest) {
    let mut samples = Vec::with_capacity(SAMPLES);
    let mut ended = 0;
    let before = processor_seconds();
    for _ in 0..SAMPLES {
        let begun = Instant::now();
        let figures = queue.statistics(request).await.unwrap();
        samples.push(ms(begun.elapsed()));
        ended = figures
            .operations
            .iter()
            .map(|one| one.outcomes.ended())
            .sum();
    }
    // on a machine that others use this says more than the clock
    let processor =
        (processor_seconds() - before) * 1000.0 / f64::from(u32::try_from(SAMPLES).unwrap());
    let what = format!("{what}; {ended} ended; {processor:.0} ms of processors");
    times(engine, &what, &samples, Bar::None, Bar::Below(300.0));
}

/// What this program and the servers of PostgreSQL have used of all processors.
fn processor_seconds() -> f64 {
    let own = std::process::id().to_string();
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // a process that has just ended has no file any more
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if name != own && !stat.contains("(postgres)") {
            continue;
        }
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        ticks += fields[11..13]
            .iter()
            .map(|number| number.parse::<u64>().unwrap())
            .sum::<u64>();
    }
    // Linux counts in hundredths of a second here, whatever its own clock
    f64::from(u32::try_from(ticks).unwrap()) / 100.0
}
