//! What Upkeep's tests share: a clock that can be moved, databases, builders.
//!
//! Only tests depend on this crate; a surprise here stops the test, so it may panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

pub mod bare;
pub mod clock;
pub mod database;
pub mod history;
pub mod postgres;
pub mod raw;

pub use bare::Bare;
pub use clock::FakeClock;
pub use database::{TestQueue, claim_all, folder_in_memory, new_worker, newest_audit, task};
pub use history::{fill_history, fill_log};
pub use postgres::{Durability, PostgresCluster, PostgresOptions, Stop};
pub use raw::RawDatabase;
