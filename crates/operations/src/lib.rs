//! The operations, over narrow traits: they know no queue, no configuration file and no front door.
//!
//! Rule: an operation runs when, and only when, somebody calls [`registry::Registry::run`].
//! Deliberately absent: timers, schedules, SQL.

pub mod buckets;
pub mod cleanup_runs;
pub mod cleanup_temp_files;
pub mod context;
pub mod deletion;
pub mod error;
pub mod health_check;
pub mod history;
pub mod host;
pub mod live;
pub mod log_statistics;
pub mod operation;
mod probes;
pub mod registry;
pub mod restore_from_trash;
pub mod settings;
pub mod vitals;

pub use cleanup_runs::CleanupRuns;
pub use cleanup_temp_files::CleanupTempFiles;
pub use context::Context;
pub use error::OperationError;
pub use health_check::HealthCheckOperation;
pub use live::LiveSampler;
pub use log_statistics::LogStatistics;
pub use operation::{Finished, Operation};
pub use registry::Registry;
pub use restore_from_trash::RestoreFromTrash;
pub use vitals::SystemSampler;
