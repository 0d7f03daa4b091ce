//! The configuration file and the folders of an installation.
//!
//! Rule: a wrong file is an error with line, key and cure, and never a default in its place;
//! a file that is wrong or that somebody else owns is never written over.
//! Deliberately absent: what a path really is on this host (a link, a mount, a system
//! directory). The operations judge that just before they clean.

mod database;
mod document;
mod edit;
mod error;
mod fields;
mod folders;
mod health;
mod read;
mod rules;
mod settings;
mod suggest;
mod write;

pub use database::without_password;
pub use edit::{
    remove_location, remove_run_store, save_location, save_run_store, set_embedded_worker,
    set_health_number, set_threshold,
};
pub use error::{ConfigError, Fault, Invalid};
pub use folders::{DATABASE_VARIABLE, Folders, HOME_VARIABLE};
pub use settings::{CleaningSettings, Configuration, OWN_TEMPORARY_NAME, WorkerSettings};
pub use suggest::suggestions;
pub use write::{FirstStart, ensure_exists};
