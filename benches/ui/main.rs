//! What the window takes: `make bench-ui`, or a part of it by name.
//!
//! The start, an open window and its memory stand beside a Tauri app of one page without a script, built with the
//! same libraries and measured in turn. Needs a display and a session bus of its own, which `scripts/bench.sh` makes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at the first surprise"
)]

use std::path::PathBuf;
use std::time::Duration;

mod driver;
mod figures;
mod idle;
#[path = "../machine.rs"]
mod machine;
mod program;
mod screen;
mod start;

const PARTS: [&str; 3] = ["start", "idle", "screen"];

/// How often each program is started; `ROUNDS` says otherwise.
const STARTS: usize = 10;

/// How often an open window is looked at; never more often than it is started.
const LOOKS: usize = 3;

/// Seconds that are looked at; `DURATION` says otherwise.
const SECONDS: u64 = 30;

fn main() {
    // cargo passes `--bench`
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let Some(unknown) = arguments
        .iter()
        .find(|name| !PARTS.contains(&name.as_str()))
    {
        panic!("there is no part `{unknown}`: use some of {PARTS:?}");
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|name| name == part);
    let cores = std::thread::available_parallelism().unwrap();
    println!("# What the window takes, measured on {cores} cores\n");
    println!("- databases on: {}", machine::file_system(&folder()));
    machine::print_load();
    let number = |name: &str, default: u64| match std::env::var(name) {
        Ok(text) if !text.is_empty() => text.parse().unwrap(),
        _ => default,
    };
    let rounds = usize::try_from(number("UPKEEP_BENCH_ROUNDS", STARTS as u64)).unwrap();
    let time = Duration::from_secs(number("UPKEEP_BENCH_SECONDS", SECONDS));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if wanted("start") {
        start::measure(rounds);
    }
    if wanted("idle") {
        runtime.block_on(idle::measure(rounds.min(LOOKS), time));
    }
    if wanted("screen") {
        runtime.block_on(screen::measure(time));
    }
    machine::print_load();
}

/// Where databases lie: a disk.
fn folder() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), PathBuf::from)
}
