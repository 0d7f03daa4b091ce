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
    find_folder(path).ok().flatten()
}

/// Which directory a path leads to, by whatever links; none only when there is none.
pub(crate) fn find_folder(path: &std::path::Path) -> std::io::Result<Option<stat::Identity>> {
    match path
        .canonicalize()
        .and_then(|real| Ok(open::look_at(&real)?))
    {
        Ok(stat) => Ok(Some(stat.identity)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
