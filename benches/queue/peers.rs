//! A peer in the same minutes on the same disk: huey, a queue for Python, on SQLite with `synchronous=FULL`.

use std::path::Path;
use std::process::Command;

use crate::figures::{Bar, heading, row};

/// Names a Python that has huey; `scripts/bench.sh` sets it.
const PYTHON: &str = "UPKEEP_BENCH_PYTHON";

pub(crate) fn measure(folder: &Path) {
    heading("A peer: huey on SQLite FULL, one client, one worker");
    let Some(python) = std::env::var_os(PYTHON) else {
        println!("(skipped: {PYTHON} names no Python with the package huey)");
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/queue/peers.py");
    let output = Command::new(python)
        .arg(script)
        .arg(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in said.lines() {
        let mut words = line.split(' ');
        let what = words.next().unwrap();
        let figures: Vec<f64> = words.map(|word| word.parse().unwrap()).collect();
        row(
            "huey, SQLite FULL",
            what,
            "5000 × 3",
            &figures,
            "tasks/s",
            Bar::None,
        );
    }
}
