//! Safe deletion: what may be cleaned, how trees are walked, and what is written down.
//!
//! The rules are those of the design, section 4. Everything below a location is reached
//! relative to directory descriptors; a path is never resolved twice.

mod check;
mod open;
mod refusal;
mod stat;

pub use check::check_location;
pub use refusal::Refusal;
