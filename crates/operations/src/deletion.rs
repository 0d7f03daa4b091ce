//! Safe deletion: what may be cleaned, how trees are walked, and what is written down.
//!
//! The rules are those of ARCHITECTURE.md, "Deleting". Everything below a location is reached
//! relative to directory descriptors; a path is never resolved twice.

mod check;
pub(crate) mod choose;
pub(crate) mod conclude;
pub(crate) mod cursor;
pub(crate) mod execute;
mod in_use;
pub(crate) mod left_out;
pub(crate) mod manifest;
pub(crate) mod name;
pub(crate) mod plan;
pub(crate) mod platform;
mod refusal;
pub(crate) mod scan;
pub(crate) mod stat;
pub(crate) mod tally;
#[cfg(test)]
mod tests;
pub(crate) mod trash;
pub(crate) mod tree;
pub(crate) mod walk;
pub(crate) mod work;

use std::collections::HashSet;
use std::path::Path;

use crate::OperationError;
use crate::settings::Settings;
use stat::Identity;

pub use check::check_location;
pub(crate) use check::open_location;
pub use conclude::too_old;
pub use refusal::Refusal;

/// The roots of all locations and run stores, also of those turned off: what lies in another one is
/// cleaned by its own settings, never as a part of this one.
///
/// # Errors
/// [`OperationError::Permanent`] when one cannot be looked at: it may lie inside what is to be cleaned.
pub(crate) fn roots_of_all(settings: &Settings) -> Result<HashSet<Identity>, OperationError> {
    let locations = settings.locations.iter();
    let stores = settings.run_stores.iter();
    let locations = locations.map(|it| ("location", &it.name, &it.path));
    let stores = stores.map(|it| ("run store", &it.name, &it.path));
    let mut roots = HashSet::new();
    for (what, name, path) in locations.chain(stores) {
        let root = find_folder(Path::new(path)).map_err(|error| {
            OperationError::permanent(
                format!(
                    "cannot tell whether the {what} `{name}` ({path}) lies inside what is cleaned: {error}; nothing was removed"
                ),
                "make its path readable, or take it out of Settings, and run again",
            )
        })?;
        roots.extend(root);
    }
    Ok(roots)
}

/// Which directory a path leads to, by whatever links; none only when there is none.
pub(crate) fn find_folder(path: &Path) -> std::io::Result<Option<Identity>> {
    match path
        .canonicalize()
        .and_then(|real| Ok(platform::look_at(&real)?))
    {
        Ok(stat) => Ok(Some(stat.identity)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
