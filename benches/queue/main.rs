//! How fast the queue is on this machine: `make bench-queue`, or a part of it by name.
//!
//! Every figure is printed with its engine, how durable it is, its batch and how many were measured;
//! where the design sets a bar, it stands beside the figure. Figures are medians of several rounds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at the first surprise"
)]

mod database;
mod disk;
mod drain;
mod enqueue;
mod figures;
mod history;
mod idle;
mod latency;
mod log;
#[path = "../machine.rs"]
mod machine;
mod noop;
mod other_process;
mod pages;
mod peers;
mod recovery;
mod statistics;

use database::Databases;

/// The parts, in the order they are measured.
const PARTS: [&str; 11] = [
    "disk",
    "enqueue",
    "drain",
    "backlog",
    "latency",
    "idle",
    "recovery",
    "pages",
    "log",
    "statistics",
    "history",
];

#[tokio::main]
async fn main() {
    // cargo passes `--bench`
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [first, url, concurrency] = arguments.as_slice()
        && first == other_process::FLAG
    {
        return other_process::run(url, concurrency.parse().unwrap()).await;
    }
    let known = |name: &str| PARTS.contains(&name) || name == "peers";
    if let Some(unknown) = arguments.iter().find(|name| !known(name)) {
        panic!("there is no part `{unknown}`: use some of {PARTS:?} or peers");
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|name| name == part);

    let databases = Databases::new();
    figures::print_machine(databases.folder());
    if wanted("disk") {
        disk::measure(databases.folder());
    }
    if wanted("enqueue") {
        enqueue::measure(&databases).await;
    }
    if wanted("drain") {
        drain::measure(&databases).await;
    }
    if wanted("backlog") {
        drain::measure_backlog(&databases).await;
    }
    if wanted("latency") {
        latency::measure(&databases).await;
    }
    if wanted("idle") {
        idle::measure(&databases).await;
    }
    if wanted("recovery") {
        recovery::measure(&databases).await;
    }
    if wanted("pages") {
        pages::measure(&databases).await;
    }
    if wanted("log") {
        log::measure(&databases).await;
    }
    if wanted("statistics") {
        statistics::measure(&databases).await;
    }
    if wanted("history") {
        history::measure(&databases).await;
    }
    // they are not ours to keep: measured only when asked for
    if arguments.iter().any(|name| name == "peers") {
        peers::measure(databases.folder());
    }
    machine::print_load();
}
