//! What looking at a host takes: `make bench-health`, or a part of it by name.
//!
//! A full sample stands beside psutil, which takes the same figures in turn with it, in one run; the live
//! dashboard runs at its own pace beside a loop over psutil at the same pace.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at the first surprise"
)]

mod dashboard;
mod figures;
#[path = "../machine.rs"]
#[expect(dead_code, reason = "no file system matters here")]
mod machine;
mod peer;
mod sample;

const PARTS: [&str; 2] = ["sample", "dashboard"];

#[tokio::main]
async fn main() {
    // cargo passes `--bench`
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let known = |name: &str| PARTS.contains(&name);
    if let Some(unknown) = arguments.iter().find(|name| !known(name)) {
        panic!("there is no part `{unknown}`: use some of {PARTS:?}");
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|name| name == part);
    figures::print_machine();
    if wanted("sample") {
        sample::measure();
    }
    if wanted("dashboard") {
        dashboard::measure().await;
    }
    machine::print_load();
}
