//! The live dashboard at its own pace: the very stream that the app opens, and what the app makes of each sample.

use std::time::{Duration, Instant};

use upkeep_config::Folders;
use upkeep_console::{Console, LiveWatch, watch_live};

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
    heading("The dashboard once a second, with the busiest processes, as JSON for the window");
    let mut peer = Peer::start();
    if let Some(peer) = &mut peer {
        peer.begin(&format!("run {seconds}"));
    }
    let host = look(watch_live(None), seconds).await;
    let theirs = peer.as_mut().map(Peer::answer);
    let their_percent = theirs.as_ref().map(|it| it[0] / it[1] * 100.0);
    host.print("this host", seconds, their_percent);
    row(
        "memory, after 10 s and at the end",
        &format!("{} bytes of JSON a sample", host.bytes),
        &format!(
            "{:.1} and **{:.1}** MB",
            megabytes(host.settled),
            megabytes(host.end)
        ),
        theirs.map(|it| format!("{:.1} MB", it[2] / 1e6)).as_deref(),
        None,
        &verdict(
            "grows by less than 1 MB",
            host.end < host.settled + 1_000_000,
        ),
    );

    let home = tempfile::tempdir().unwrap();
    let folders = Folders::at(home.path());
    folders.create().unwrap();
    let url = format!("sqlite://{}", home.path().join("bench.db").display());
    let console = Console::open(folders, &url, "bench").await.unwrap();
    // an open app listens for changes whether a dashboard is shown or not
    let used = processor_time();
    let listening = console.changes();
    tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    let percent = processor_time().saturating_sub(used).as_secs_f64() / f64::from(seconds) * 100.0;
    let text = format!("{percent:.2} % of a core");
    row(
        "listening to the queue, no dashboard",
        &format!("{seconds} s"),
        &text,
        None,
        None,
        "–",
    );
    let with_queue = look(watch_live(Some(&console)), seconds).await;
    with_queue.print("this host and the queue, listening included", seconds, None);
    drop(listening);
    console.shutdown().await.unwrap();
}

/// What watching took.
struct Taken {
    percent: f64,
    samples: usize,
    bytes: usize,
    settled: u64,
    end: u64,
}

impl Taken {
    fn print(&self, what: &str, seconds: u32, peer: Option<f64>) {
        row(
            &format!("processor: {what}"),
            &format!("{} samples, {seconds} s", self.samples),
            &format!("**{:.2}** % of a core", self.percent),
            peer.map(|percent| format!("{percent:.2} % of a core"))
                .as_deref(),
            peer.map(|peer| self.percent / peer),
            &verdict("at most 1 % of a core", self.percent <= 1.0),
        );
    }
}

async fn look(mut watch: LiveWatch, seconds: u32) -> Taken {
    // what opening takes is not the dashboard's pace
    watch.next().await.unwrap();
    watch.next().await.unwrap();
    let (begun, used) = (Instant::now(), processor_time());
    let (mut bytes, mut samples, mut settled) = (0, 0, resident());
    while begun.elapsed() < Duration::from_secs(u64::from(seconds)) {
        let sample = watch.next().await.unwrap();
        bytes += serde_json::to_string(&sample).unwrap().len();
        samples += 1;
        if samples == SETTLING {
            settled = resident();
        }
    }
    let used = processor_time().saturating_sub(used).as_secs_f64();
    Taken {
        percent: used / begun.elapsed().as_secs_f64() * 100.0,
        samples,
        bytes: bytes / samples,
        settled,
        end: resident(),
    }
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
