//! The configuration file and the folders of an installation.
//!
//! Rule: a wrong file is an error with line, key and cure, and never a default in its place;
//! a file that is wrong or that somebody else owns is never written over.
//! Deliberately absent: what a path really is on this host (a link, a mount, a system
//! directory). The operations judge that just before they clean.

mod compare;
mod database;
mod document;
mod draft;
mod edit;
mod error;
mod fields;
mod folders;
mod health;
mod lines;
mod read;
mod rules;
mod settings;
mod suggest;
mod values;
mod write;

pub use database::without_password;
pub use draft::{Review, Saved, base_of, read_with_base, review, save};
pub use error::{ConfigError, Fault, Invalid};
pub use folders::{DATABASE_VARIABLE, Folders, HOME_VARIABLE};
pub use lines::changed_lines;
pub use settings::{CleaningSettings, Configuration, OWN_TEMPORARY_NAME, WorkerSettings};
pub use suggest::suggestions;
pub use values::value_settings;
pub use write::{FirstStart, ensure_exists};
