//! What the queue promises, on both engines: every row of the state table in `docs/state_machine.md`,
//! every refusal, and what operators, consoles and workers rely on besides.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod audit;
mod cancel;
mod changes;
mod claim;
mod depth;
mod document;
mod enqueue;
mod fences;
mod force_close;
mod gone_workers;
mod groups;
mod history;
mod levers;
mod life;
mod limits;
mod listing;
mod log;
mod model;
mod opening;
mod paging;
mod reports;
mod rescue;
mod room;
mod statistics;
mod strategies;
mod support;
mod waiting;
mod workers;
