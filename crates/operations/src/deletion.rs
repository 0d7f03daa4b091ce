//! Safe deletion: what may be cleaned, how trees are walked, and what is written down.
//!
//! The rules are those of ARCHITECTURE.md, "Deleting". Everything below a location is reached
//! relative to directory descriptors; a path is never resolved twice.

mod check;
pub(crate) mod conclude;
pub(crate) mod cursor;
pub(crate) mod execute;
mod in_use;
pub(crate) mod manifest;
pub(crate) mod name;
pub(crate) mod open;
pub(crate) mod plan;
mod refusal;
pub(crate) mod scan;
pub(crate) mod stat;
pub(crate) mod tally;
mod trash;
pub(crate) mod tree;
pub(crate) mod walk;
pub(crate) mod work;

pub use check::check_location;
pub use refusal::Refusal;

/// Which directory a path stands for; none when it cannot be looked at.
pub(crate) fn identity_of(path: &std::path::Path) -> Option<stat::Identity> {
    open::look_at(path).ok().map(|stat| stat.identity)
}
