//! The live dashboard for a while: what the app takes does not grow. `make soak PARTS=dashboard` looks for ten minutes.

use std::time::{Duration, Instant};

use upkeep_contract::SystemClock;
use upkeep_contract::clock::Clock;

use crate::support::installation::Installation;
use crate::support::process::stat;
use crate::support::webdriver::App;

/// How long, in seconds.
const SECONDS: &str = "SOAK_DASHBOARD_SECONDS";

/// While it is opened, everything happens for the first time.
const SETTLING: Duration = Duration::from_secs(10);

/// What a process took: seconds of CPU since it began, and its share of memory, kilobytes.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    cpu_seconds: f64,
    kilobytes: u64,
}

/// The app's own process, and all that it started: the webview's.
fn look(app: u32) -> (Taken, Taken) {
    let mut family = vec![app];
    let mut processes: Vec<(u32, u32)> = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if let Some((_, fields)) = stat(pid) {
            processes.push((pid, fields[1].parse().unwrap()));
        }
    }
    // ids rise, children mostly come after their parents; twice is enough for the webview's helpers
    for _ in 0..3 {
        for (pid, parent) in &processes {
            if family.contains(parent) && !family.contains(pid) {
                family.push(*pid);
            }
        }
    }
    let all = family.iter().map(|pid| taken(*pid));
    let whole = all.fold(Taken::default(), |sum, one| Taken {
        cpu_seconds: sum.cpu_seconds + one.cpu_seconds,
        kilobytes: sum.kilobytes + one.kilobytes,
    });
    (taken(app), whole)
}

fn taken(pid: u32) -> Taken {
    let Some((_, fields)) = stat(pid) else {
        return Taken::default();
    };
    let ticks: u32 = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let share = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = share.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Taken {
        cpu_seconds: f64::from(ticks) / 100.0,
        kilobytes: kilobytes.unwrap_or(0),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_that_stays_open_takes_no_more_and_more() {
    let seconds = std::env::var(SECONDS).map_or(20, |text| text.parse().unwrap());
    let installation = Installation::new();
    let app = App::open(&installation).await;
    let queue = installation.queue().await;
    app.go("#/health/live").await;
    app.css("[data-testid='live-cpu-chart'] canvas").await;
    let workers = queue
        .workers(SystemClock.now().minus(Duration::from_secs(60)))
        .await
        .unwrap();
    let pid = workers.iter().find(|worker| worker.embedded).unwrap().pid;
    tokio::time::sleep(SETTLING).await;

    let step = Duration::from_secs(seconds) / 10;
    println!(
        "\n| after | CPU of the app | CPU with its webview | memory of the app | with its webview |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let begun = Instant::now();
    let mut before = look(pid);
    let (mut own, mut all) = (Vec::new(), Vec::new());
    for turn in 1..=10u32 {
        tokio::time::sleep(step).await;
        let now = look(pid);
        let percent = |now: Taken, before: Taken| {
            (now.cpu_seconds - before.cpu_seconds) / step.as_secs_f64() * 100.0
        };
        println!(
            "| {:.0} s | {:.1} % | {:.1} % | {} kB | {} kB |",
            begun.elapsed().as_secs_f64(),
            percent(now.0, before.0),
            percent(now.1, before.1),
            now.0.kilobytes,
            now.1.kilobytes
        );
        assert!(now.0.kilobytes > 0, "turn {turn}: the app is gone");
        own.push(now.0.kilobytes);
        all.push(now.1.kilobytes);
        before = now;
    }
    // the first half has seen everything once; the webview gives its garbage back in its own time
    let (first, second) = own.split_at(5);
    let grown = |first: &[u64], second: &[u64]| {
        second
            .iter()
            .min()
            .unwrap()
            .saturating_sub(*first.iter().max().unwrap())
    };
    assert!(grown(first, second) < 4_000, "the app grew: {own:?} kB");
    let (first, second) = all.split_at(5);
    assert!(
        grown(first, second) < 30_000,
        "app and webview grew: {all:?} kB"
    );
    app.close().await;
}
