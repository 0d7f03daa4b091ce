//! How fast cleaning is on this machine: `make bench-cleanup`, or parts of it by name.
//!
//! Upkeep's cleaning is the real program, `upkeep-worker exec`, with a configuration, every guard and
//! the manifest; the others are the tools of this machine. They take turns on trees made anew, so
//! that the ratio between them stands even where the machine's speed does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and stops at the first surprise"
)]

mod absurd;
mod contenders;
mod figures;
#[path = "../machine.rs"]
mod machine;
mod measure;
mod shapes;
mod turns;

use std::path::PathBuf;

use contenders::Site;
use shapes::Shape;
use turns::Turns;

/// What is done with a tree.
const WORK: [&str; 2] = ["preview", "clean"];
/// Trees of which one measurement says enough.
const ABSURD: &str = "absurd";

fn main() {
    // cargo passes `--bench`
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let known = |name: &str| Shape::find(name).is_some() || WORK.contains(&name) || name == ABSURD;
    if let Some(unknown) = arguments.iter().find(|name| !known(name)) {
        panic!(
            "there is no part `{unknown}`: use some of {:?}, {WORK:?} or {ABSURD}",
            Shape::ALL.map(Shape::name)
        );
    }
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let only_absurd = arguments.len() == 1 && named(ABSURD);
    let any_shape = Shape::ALL.iter().any(|shape| named(shape.name()));
    let any_work = WORK.iter().any(|work| named(work));

    let site = Site::new(setting("UPKEEP_BENCH_WORKER", String::new()));
    let turns = Turns {
        site: &site,
        rounds: setting("UPKEEP_BENCH_ROUNDS", 5),
        peers: setting("UPKEEP_BENCH_PEERS", "yes".to_owned()) == "yes",
    };
    figures::print_machine(site.folder());
    println!("- {}", turns::said());

    let sizes = setting("UPKEEP_BENCH_SIZE", "200000 1000000".to_owned());
    for size in sizes.split_whitespace() {
        let size: usize = size.parse().expect("SIZE holds numbers of files");
        for shape in Shape::ALL {
            if only_absurd || (any_shape && !named(shape.name())) {
                continue;
            }
            if !any_work || named("preview") {
                turns.preview(shape, size);
            }
            if !any_work || named("clean") {
                turns.clean(shape, size);
            }
        }
    }
    if arguments.is_empty() || named(ABSURD) {
        absurd::measure(&site);
    }
    machine::print_load();
}

/// A setting that `scripts/bench.sh` hands down.
fn setting<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => {
            let value = text.parse().ok();
            value.unwrap_or_else(|| panic!("{name} cannot be `{text}`"))
        }
        _ => otherwise,
    }
}

/// Where trees and Upkeep's own folder are made: a disk, unless `TMPDIR` says otherwise.
fn disk() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}
