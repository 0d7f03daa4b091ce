//! Cleaning, shown on real directories.

mod refusals;
mod support;
mod temp_files;
