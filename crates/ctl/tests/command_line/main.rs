//! The real `upkeepctl`, real databases of both engines, and real `upkeep-worker` processes.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

mod asking;
mod documents;
mod ends;
mod lists;
mod looking;
mod operating;
mod printing;
mod server;
mod support;
