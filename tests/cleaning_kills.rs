//! Real workers that are killed at random moments of a cleanup: the manifest is true at every moment, the
//! next attempt goes on, and the last report adds up to the file. `make soak` runs the long version.
//!
//! `SOAK_CLEANUP_KILLS` (8) and `SOAK_SEED` say how much.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise; the soak's result is a table"
)]

mod support;

#[path = "cleaning_kills/lane.rs"]
mod lane;
#[path = "cleaning_kills/record.rs"]
mod record;
#[path = "cleaning_kills/trash.rs"]
mod trash;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use lane::{Lane, Tally};

/// Installations side by side: most of the time each waits for a lease to run out.
const LANES: u64 = 4;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        let read = text.parse();
        read.unwrap_or_else(|_| panic!("{name} is `{text}`; give a number"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_manifest_is_true_and_the_counts_add_up_whenever_a_worker_is_killed() {
    let wanted = usize::try_from(number("SOAK_CLEANUP_KILLS", 8)).unwrap();
    let seed = number("SOAK_SEED", 1);
    let begun = Instant::now();
    let kills = Arc::new(AtomicUsize::new(0));
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let kills = Arc::clone(&kills);
        lanes.push(tokio::spawn(async move {
            let mut lane = Lane::new(seed * 1000 + lane).await;
            // each round is one kill until it is known to be none, or two
            while kills.fetch_add(1, Ordering::Relaxed) < wanted {
                let before = lane.tally.kills;
                lane.round().await;
                let more = lane.tally.kills - before;
                kills.fetch_add(more, Ordering::Relaxed);
                kills.fetch_sub(1, Ordering::Relaxed);
            }
            kills.fetch_sub(1, Ordering::Relaxed);
            lane.tally
        }));
    }
    let mut tallies: Vec<Tally> = Vec::new();
    for lane in lanes {
        tallies.push(lane.await.unwrap());
    }
    let sum = |figure: fn(&Tally) -> usize| tallies.iter().map(figure).sum::<usize>();
    println!("\nkills within a cleanup, seed {seed}");
    for (name, figure) in [
        ("cleanups that ended", sum(|it| it.cleanups)),
        ("  of a preview's plan", sum(|it| it.of_a_preview)),
        ("kills (SIGKILL)", sum(|it| it.kills)),
        (
            "  before the first removal",
            sum(|it| it.before_the_first_removal),
        ),
        ("  among the files", sum(|it| it.among_the_files)),
        ("  among the folders", sum(|it| it.among_the_folders)),
        (
            "  after the last removal",
            sum(|it| it.after_the_last_removal),
        ),
        ("kills that came too late", sum(|it| it.too_late)),
        ("files removed", sum(|it| it.files_removed)),
        ("  in batches that were cut off", sum(|it| it.files_unnamed)),
        (
            "seconds",
            usize::try_from(begun.elapsed().as_secs()).unwrap(),
        ),
    ] {
        println!("  {name:<38} {figure:>10}");
    }
    assert!(sum(|it| it.kills) >= wanted);
    assert!(
        sum(|it| it.among_the_files) > 0,
        "no kill came while files were removed: nothing was shown"
    );
}
