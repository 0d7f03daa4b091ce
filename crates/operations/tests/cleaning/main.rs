//! Cleaning, shown on real directories.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a builder that cannot build has failed its test"
)]

mod choosing;
#[cfg(feature = "portable")]
mod elsewhere;
mod guards;
mod leaving_out;
mod own_mount;
mod plans;
mod reference;
mod refusals;
// elsewhere nothing is put back, which is shown in `elsewhere`
#[cfg(not(feature = "portable"))]
mod restoring;
mod runs;
mod support;
mod temp_files;
