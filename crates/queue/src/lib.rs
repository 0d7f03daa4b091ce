//! The durable queue: a task's life, its lease, and the history.
//!
//! Rules kept here: a final state never changes; a write without the current lease token
//! changes nothing; attempts never exceed their maximum; every task names who asked for it.
//! Deliberately absent: any timer that makes tasks, and any knowledge of what an operation does.
//!
//! What differs between database engines lives in [`engine`]; all other SQL is written once.

mod attempt;
mod audit;
mod backoff;
mod cancel;
mod candidates;
mod changes;
mod claim;
mod depth;
mod ended;
mod engine;
mod enqueue;
mod error;
mod filter;
mod finish;
mod gather;
mod gone_workers;
mod group;
mod history;
mod levers;
mod listing;
mod log;
mod open;
mod reports;
mod rescue;
mod room;
mod rows;
mod statistics;
mod waiting;
mod workers;

pub use attempt::{Held, Lease, NewLogLine};
pub use backoff::Backoff;
pub use changes::ChangeStream;
pub use claim::{Claim, ClaimFilter};
pub use ended::EndedReport;
pub use engine::{Inspection, Release, Room, TableRoom, inspect};
pub use enqueue::{DEFAULT_MAX_ATTEMPTS, DEFAULT_PRIORITY, DEFAULT_TIMEOUT, Enqueued, NewTask};
pub use error::QueueError;
pub use finish::{Closing, Ending, Finish};
pub use gone_workers::GoneWorker;
pub use history::HistoryEntry;
pub use open::Queue;
pub use reports::PastReport;
pub use rescue::LeaseWatch;
pub use statistics::StatisticsRequest;
pub use workers::{NewWorker, STALE_AFTER, WorkerMode};
