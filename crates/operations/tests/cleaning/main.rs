//! Cleaning, shown on real directories.

mod guards;
mod plans;
mod refusals;
mod runs;
mod support;
mod temp_files;
