//! Cleaning, shown on real directories.
#![expect(
    clippy::unwrap_used,
    reason = "a builder that cannot build has failed its test"
)]

mod choosing;
mod guards;
mod own_mount;
mod plans;
mod reference;
mod refusals;
mod restoring;
mod runs;
mod support;
mod temp_files;
