//! The live dashboard at its own pace: the very stream that the app opens, and what the app makes of each sample.

use std::time::{Duration, Instant};

use upkeep_config::Folders;
use upkeep_console::{Console, watch_live};

use crate::figures::{heading, row, verdict};
use crate::peer::Peer;

/// How long, in seconds; `scripts/bench.sh` sets it.
const SECONDS: &str = "UPKEEP_BENCH_SECONDS";

/// Memory may still grow while everything happens for the first time.
const SETTLING: usize = 10;

pub(crate) async fn measure() {
    let seconds: u32 = match std::env::var(SECONDS) {
        Ok(text) if !text.is_empty() => text.parse().unwrap(),
        _ => 60,
    };
    heading(
        "The dashboard once a second, with the queue and the busiest processes, as JSON for the window",
    );
    let mut peer = Peer::start();
    let home = tempfile::tempdir().unwrap();
    let folders = Folders::at(home.path());
    folders.create().unwrap();
    let url = format!("sqlite://{}", home.path().join("bench.db").display());
    let console = Console::open(folders, &url, "bench").await.unwrap();
    let mut watch = watch_live(Some(&console));
    // what opening takes is not the dashboard's pace
    watch.next().await.unwrap();
    watch.next().await.unwrap();

    if let Some(peer) = &mut peer {
        peer.begin(&format!("run {seconds}"));
    }
    let (begun, used) = (Instant::now(), processor_time());
    let (mut bytes, mut samples, mut settled) = (0, 0, resident());
    while begun.elapsed() < Duration::from_secs(u64::from(seconds)) {
        let sample = watch.next().await.unwrap();
        assert!(sample.queue.is_some());
        bytes += serde_json::to_string(&sample).unwrap().len();
        samples += 1;
        if samples == SETTLING {
            settled = resident();
        }
    }
    let percent = (processor_time() - used).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
    let end = resident();
    drop(watch);
    console.shutdown().await.unwrap();

    let theirs = peer.as_mut().map(Peer::answer);
    let their_percent = theirs.as_ref().map(|it| it[0] / it[1] * 100.0);
    row(
        "processor",
        &format!("{samples} samples, {seconds} s"),
        &format!("**{percent:.2}** % of a core"),
        their_percent
            .map(|percent| format!("{percent:.2} % of a core"))
            .as_deref(),
        their_percent.map(|theirs| percent / theirs),
        &verdict("at most 1 % of a core", percent <= 1.0),
    );
    row(
        "memory, after 10 s and at the end",
        &format!("{} bytes of JSON a sample", bytes / samples),
        &format!("{:.1} and **{:.1}** MB", megabytes(settled), megabytes(end)),
        theirs.map(|it| format!("{:.1} MB", it[2] / 1e6)).as_deref(),
        None,
        &verdict("grows by less than 1 MB", end < settled + 1_000_000),
    );
}

#[expect(clippy::cast_precision_loss, reason = "some megabytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// User's and system's time of this process, to the nanosecond.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// What this process holds in RAM, bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
