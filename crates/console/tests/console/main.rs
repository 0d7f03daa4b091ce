//! The use cases without a window, on a real SQLite file.
#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod earlier;
mod export;
mod fleet;
mod health;
mod live;
mod open;
mod report;
mod settings;
mod statistics;
mod support;
mod taking_back;
mod trigger;
mod watch;
