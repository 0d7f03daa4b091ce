//! What the real program `upkeep-worker run` takes while there is nothing to do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, row};

/// Names the program; `scripts/bench.sh` sets it.
const PROGRAM: &str = "UPKEEP_BENCH_WORKER";

const SETTLING: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(30);

pub(crate) async fn measure(databases: &Databases) {
    heading("An idle worker: processor time of `upkeep-worker run`");
    let program = std::env::var_os(PROGRAM).map(PathBuf::from);
    let Some(program) = program else {
        println!("(skipped: {PROGRAM} names no upkeep-worker of a release build)");
        return;
    };
    let mut workers = Vec::new();
    for engine in Engine::BOTH {
        let url = databases.fresh(engine).await;
        let worker = start(&program, &databases.fresh_folder(), &url);
        workers.push((engine, worker));
    }
    tokio::time::sleep(SETTLING).await;
    let before: Vec<Duration> = workers
        .iter()
        .map(|(_, it)| processor_time(it.id()))
        .collect();
    let begun = Instant::now();
    tokio::time::sleep(MEASURED).await;
    let time = begun.elapsed();
    for ((engine, mut worker), before) in workers.into_iter().zip(before) {
        let used = processor_time(worker.id()).saturating_sub(before);
        let percent = 100.0 * used.as_secs_f64() / time.as_secs_f64();
        let count = format!("{} s", MEASURED.as_secs());
        let bar = match engine {
            Engine::Sqlite => Bar::Below(1.0),
            Engine::Postgres => Bar::None,
        };
        row(
            engine.name(),
            "release build",
            &count,
            &[percent],
            "% of a core",
            bar,
        );
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
}

fn start(program: &Path, home: &Path, url: &str) -> Child {
    Command::new(program)
        .arg("run")
        .env("UPKEEP_HOME", home)
        .env("UPKEEP_DATABASE_URL", url)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// User's and system's time of a process, all its threads together, to the hundredth of a second.
fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // the name before may hold spaces
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}
