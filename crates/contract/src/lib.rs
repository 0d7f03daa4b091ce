//! What crosses a boundary of Upkeep: parameters, reports, tasks, workers, events, errors.
//!
//! Types only. Nothing here reads a clock it was not given, a file, or a database.
//! The UI's TypeScript is generated from these types (see `ui/src/lib/generated`).

pub mod audit;
pub mod bulk;
pub mod choice;
pub mod cleanup;
pub mod clock;
pub mod condition;
pub mod earlier;
pub mod error;
pub mod event;
pub mod export;
pub mod group;
pub mod health;
pub mod health_json;
pub mod history_room;
pub mod id;
pub mod live;
pub mod operation;
pub mod overview;
pub mod params;
pub mod preferences;
pub mod settings;
pub mod settings_draft;
pub mod statistics;
pub mod task;
pub mod thresholds;
pub mod typescript;
pub mod waiting;
pub mod worker;

pub use clock::{Clock, SystemClock, Timestamp};
pub use error::{ErrorCode, ErrorReply};
pub use id::{AttemptNumber, GroupId, LeaseToken, OperationId, PlanId, TaskId, WorkerId};
