//! The use cases behind every front door: what an operator may ask for, and what comes back.
//!
//! Rules kept here: nothing is enqueued but on a request; parameters are accepted by the
//! operation's registry first; every change of settings is checked and audited.
//! Deliberately absent: windows, HTTP, SQL, timers that make tasks.

mod amount;
mod audit;
mod changes;
mod condition;
mod console;
mod earlier;
mod embedded;
mod error;
pub mod export;
mod fleet;
mod health;
mod history_room;
mod keeper;
mod levers;
mod live;
mod overview;
mod report;
mod requester;
mod settings;
mod settings_draft;
mod statistics;
mod trigger;
mod vitals;
mod vitals_news;
mod watch;

pub use amount::AmountWatch;
pub use changes::ChangeBatches;
pub use condition::condition;
pub use console::Console;
pub use error::ConsoleError;
pub use keeper::{Installation, Keeper, Look};
pub use live::{LiveWatch, watch_live};
pub use settings::installation_settings;
pub use upkeep_worker::ON_DEMAND_NOTICE;
pub use vitals::{Samples, VitalsWatch, watch_vitals};
pub use watch::TaskWatch;
