//! What the end-to-end tests share: an installation of its own, real processes, a look into its database.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test stops at the first surprise; no test uses everything"
)]

pub mod files;
pub mod installation;
pub mod process;
pub mod sources;
pub mod webdriver;
