//! What may befall workers and databases, tried on real processes: workers that freeze, databases that
//! go away, disks that are full, clocks that are wrong, hosts that are cut off.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise; what was measured or could not be tried is told"
)]

mod support;

#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/frozen.rs"]
mod frozen;
#[path = "faults/hosts.rs"]
mod hosts;
#[path = "faults/recovery.rs"]
mod recovery;
#[path = "faults/server.rs"]
mod server;
#[path = "faults/sqlite.rs"]
mod sqlite;
#[path = "faults/stopping.rs"]
mod stopping;

use serde_json::json;
use upkeep_contract::TaskId;
use upkeep_contract::task::{AttemptOutcome, Progress, Task, TaskDetail, TaskState};
use upkeep_queue::{NewTask, Queue};

/// How the attempts of a task ended, the oldest first.
fn outcomes(detail: &TaskDetail) -> Vec<AttemptOutcome> {
    let attempts = detail.attempts.iter();
    attempts.map(|attempt| attempt.outcome).collect()
}

/// Asks for a health check that averages over so many seconds: work that takes its time and stops at once.
async fn ask_for_seconds(queue: &Queue, seconds: f64) -> TaskId {
    queue.enqueue(work(seconds)).await.unwrap().id().clone()
}

/// A request for a health check that averages over so many seconds, at least a fifth of one.
fn work(seconds: f64) -> NewTask {
    let window = std::time::Duration::from_secs_f64(seconds).as_millis();
    let params = json!({ "cpu_window_ms": u32::try_from(window).unwrap() });
    NewTask::new("health-check", params, "tester")
}

fn is_running(detail: &TaskDetail) -> bool {
    detail.task.state == TaskState::Running
}

/// True once some files are gone and many are left.
fn in_the_middle(task: &Task) -> bool {
    let middle = |progress: &Progress| {
        progress.message.contains("removing")
            && progress.done > 0
            && progress.total > Some(progress.done)
    };
    task.state == TaskState::Running && task.progress.as_ref().is_some_and(middle)
}
