//! What the end-to-end tests share: an installation of its own, real processes, a look into its database.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test stops at the first surprise; no test uses everything"
)]

pub(crate) mod files;
pub(crate) mod installation;
pub(crate) mod observer;
pub(crate) mod process;
pub(crate) mod site;
pub(crate) mod sources;
pub(crate) mod walk;
pub(crate) mod webdriver;
pub(crate) mod window;
