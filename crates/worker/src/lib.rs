//! A worker: claims tasks, keeps their leases alive, performs them, and says how they ended.
//!
//! Rule: a worker performs what the queue holds and nothing else. Its only timers are the
//! heartbeat, the look for leases that ran out, the wait for the queue, and the throttle of progress.
//! Deliberately absent: anything that enqueues a task.

mod attempt;
mod heartbeat;
mod history;
mod leases;
mod options;
mod registry;
mod reporter;
mod settings;
mod worker;

pub use history::QueueHistory;
pub use options::WorkerOptions;
pub use registry::registry;
pub use settings::{FolderSettings, operation_settings};
pub use worker::{RunningWorker, start};

/// What every start of a program of Upkeep logs, so that an operator can see the promise kept.
pub const ON_DEMAND_NOTICE: &str = "Background operations configured for on-demand execution only";
