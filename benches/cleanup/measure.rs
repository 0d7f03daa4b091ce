//! What one run of a program took: wall, processor and memory, as the system counts them for the child.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) wall: Duration,
    /// User's and system's time, all threads together.
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// The most memory it had at once, bytes.
    pub(crate) peak: u64,
    pub(crate) code: Option<i32>,
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Run {
    command.stdin(Stdio::null());
    let begun = Instant::now();
    let child = command.spawn().unwrap();
    let ended = child.wait4().unwrap();
    Run {
        wall: begun.elapsed(),
        user: ended.rusage.utime,
        system: ended.rusage.stime,
        peak: ended.rusage.maxrss,
        code: ended.status.code(),
    }
}
