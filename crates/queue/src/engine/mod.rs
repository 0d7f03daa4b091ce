//! What differs between database engines: connecting, the schema, the writer, the signal
//! of other processes, the lock clause of the claim. Nothing outside this folder names an engine.

mod inspect;
mod sqlite;

pub use inspect::{Inspection, inspect};
pub(crate) use sqlite::{CLAIM_LOCK, Engine, WriteTransaction};
