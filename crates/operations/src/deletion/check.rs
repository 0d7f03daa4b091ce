//! Which paths may be cleaned at all: one answer for the settings page, previews and executions.
//!
//! First what the text alone tells, then what the system says of the very directory that
//! would be opened. Nothing here changes anything, access times included.

use std::path::{Component, Path, PathBuf, Prefix};

use super::platform::places::{
    CLOSED, HOMES, OPEN_INSIDE, SESSIONS, SHARED, TEMPORARY, homes, plain,
};
use super::platform::{Errno, Root, look_at, open_root};
use super::refusal::Refusal;
use super::stat::{Identity, Kind, Stat};
use crate::settings::Settings;

/// Whether a folder of the system may go by another name than the lists have.
const SEVERAL_NAMES: bool = cfg!(any(not(target_os = "linux"), feature = "portable"));

/// Says whether this path may be cleaned.
///
/// # Errors
/// [`Refusal`] says why not and what to do.
pub fn check_location(
    path: &Path,
    allow_mount_root: bool,
    settings: &Settings,
) -> Result<(), Refusal> {
    let path = check_text(path)?;
    check_protected_text(&path, settings)?;
    let stat = look_at(&path).map_err(|error| refuse_open(&path, error))?;
    check_stat(&path, &stat, allow_mount_root, settings)
}

/// Checks and opens a location: what was checked is what is held.
pub(crate) fn open_location(
    path: &Path,
    allow_mount_root: bool,
    settings: &Settings,
) -> Result<(PathBuf, Root), Refusal> {
    let path = check_text(path)?;
    check_protected_text(&path, settings)?;
    let stat = look_at(&path).map_err(|error| refuse_open(&path, error))?;
    check_stat(&path, &stat, allow_mount_root, settings)?;
    let root = open_root(&path).map_err(|error| refuse_open(&path, error))?;
    // between the look and the opening somebody may have put another directory there
    check_stat(&path, &root.stat, allow_mount_root, settings)?;
    Ok((path, root))
}

/// What the text alone tells; returns the path without `.` and doubled or trailing slashes.
fn check_text(path: &Path) -> Result<PathBuf, Refusal> {
    if path.as_os_str().is_empty() {
        return Err(Refusal::Empty);
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Refusal::ZeroByte(path.to_owned()));
    }
    if !path.is_absolute() {
        return Err(Refusal::Relative(path.to_owned()));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(Refusal::Upwards(path.to_owned()));
    }
    if !is_on_a_drive(path) {
        return Err(Refusal::NotOnADrive(path.to_owned()));
    }
    let clean: PathBuf = path.components().collect();
    if clean.parent().is_none() {
        return Err(Refusal::WholeSystem);
    }
    check_system(&clean)?;
    check_homes(&clean)?;
    Ok(clean)
}

/// On Windows a path may lead to another machine, or around what makes paths comparable.
fn is_on_a_drive(path: &Path) -> bool {
    match path.components().next() {
        Some(Component::Prefix(prefix)) => matches!(prefix.kind(), Prefix::Disk(_)),
        _ => true,
    }
}

fn check_system(path: &Path) -> Result<(), Refusal> {
    let refuse = |system: &str| {
        Err(Refusal::System {
            path: path.to_owned(),
            system: system.into(),
        })
    };
    let plain = plain(path);
    if is_inside_one(&plain, OPEN_INSIDE) {
        return Ok(());
    }
    for folder in SESSIONS {
        if plain.parent() == Some(Path::new(folder)) {
            return refuse(folder);
        }
    }
    for system in CLOSED {
        if plain.starts_with(system) {
            return refuse(system);
        }
    }
    for system in SHARED {
        if plain == Path::new(system) {
            return refuse(system);
        }
    }
    for system in CLOSED.iter().chain(SHARED) {
        if Path::new(system).starts_with(&plain) {
            return refuse(system);
        }
    }
    Ok(())
}

fn is_inside_one(plain: &Path, folders: &[&str]) -> bool {
    let inside = |folder: &&str| plain.starts_with(folder) && plain != Path::new(folder);
    folders.iter().any(inside)
}

fn is_temporary(plain: &Path) -> bool {
    TEMPORARY.iter().any(|folder| plain == Path::new(folder))
}

/// A home of a person must be neither the location nor inside it; a service's home must not be it.
fn check_homes(path: &Path) -> Result<(), Refusal> {
    let plain_path = plain(path);
    if is_temporary(&plain_path) {
        return Ok(());
    }
    let above = plain_path.parent();
    if HOMES.iter().any(|homes| above == Some(Path::new(homes))) {
        return Err(Refusal::Home {
            path: path.to_owned(),
            home: path.to_owned(),
        });
    }
    for home in homes() {
        let plain_home = plain(&home.path);
        let overlaps = if home.of_a_person {
            plain_home.starts_with(&plain_path)
        } else {
            plain_home == plain_path
        };
        if overlaps {
            return Err(Refusal::Home {
                path: path.to_owned(),
                home: home.path,
            });
        }
    }
    Ok(())
}

/// Compares with what belongs to this installation, as written and as it really lies.
fn check_protected_text(path: &Path, settings: &Settings) -> Result<(), Refusal> {
    for protected in &settings.protected {
        if allowed_beside(path, protected, settings) {
            continue;
        }
        let real = protected.canonicalize();
        for candidate in std::iter::once(protected).chain(real.as_ref().ok()) {
            if candidate.starts_with(path) || path.starts_with(candidate) {
                return Err(refuse_protected(path, protected));
            }
        }
    }
    Ok(())
}

/// Upkeep's own temporary folder may be cleaned, unless something protected lies inside the very location.
fn allowed_beside(path: &Path, protected: &Path, settings: &Settings) -> bool {
    settings.own_temporary.as_ref().is_some_and(|own| {
        let real = own.canonicalize();
        let inside = |own: &Path| path.starts_with(own);
        (inside(own) || real.as_deref().is_ok_and(inside))
            && (own == protected || !protected.starts_with(own))
    })
}

fn refuse_protected(path: &Path, protected: &Path) -> Refusal {
    Refusal::Protected {
        path: path.to_owned(),
        protected: protected.to_owned(),
    }
}

fn check_stat(
    path: &Path,
    stat: &Stat,
    allow_mount_root: bool,
    settings: &Settings,
) -> Result<(), Refusal> {
    if stat.kind != Kind::Directory {
        return Err(Refusal::NotADirectory(path.to_owned()));
    }
    let top = path.ancestors().last().unwrap_or(path);
    if look_at(top).is_ok_and(|system| system.identity == stat.identity) {
        return Err(Refusal::WholeSystem);
    }
    if stat.mount_root && !allow_mount_root {
        return Err(Refusal::MountRoot(path.to_owned()));
    }
    check_same_directory(path, stat.identity, settings)
}

/// A bind mount shows a directory under another path: what counts is which directory it is.
fn check_same_directory(
    path: &Path,
    location: Identity,
    settings: &Settings,
) -> Result<(), Refusal> {
    let identity = |path: &Path| {
        let path = path.canonicalize().ok()?;
        look_at(&path).ok().map(|stat| stat.identity)
    };
    if !is_temporary(&plain(path)) {
        for home in homes() {
            if identity(&home.path) == Some(location) {
                return Err(Refusal::Home {
                    path: path.to_owned(),
                    home: home.path,
                });
            }
        }
    }
    let above: Vec<Identity> = path.ancestors().filter_map(identity).collect();
    // where one folder goes by several names (short names on Windows, firm links on macOS)
    if SEVERAL_NAMES && !is_inside_one(&plain(path), OPEN_INSIDE) {
        let is = |system: &str| identity(Path::new(system));
        let closed = CLOSED
            .iter()
            .find(|it| is(it).is_some_and(|it| above.contains(&it)));
        let shared = || SHARED.iter().find(|it| is(it) == Some(location));
        if let Some(system) = closed.or_else(shared) {
            return Err(Refusal::System {
                path: path.to_owned(),
                system: system.into(),
            });
        }
    }
    for protected in &settings.protected {
        if allowed_beside(path, protected, settings) {
            continue;
        }
        let Ok(real) = protected.canonicalize() else {
            continue;
        };
        let inside = identity(&real).is_some_and(|own| above.contains(&own));
        let holds = real
            .ancestors()
            .any(|path| identity(path) == Some(location));
        if inside || holds {
            return Err(refuse_protected(path, protected));
        }
    }
    Ok(())
}

fn refuse_open(path: &Path, error: Errno) -> Refusal {
    let path = path.to_owned();
    match error {
        Errno::NOENT => Refusal::Missing(path),
        Errno::LOOP => {
            let link = first_link(&path).unwrap_or_else(|| path.clone());
            Refusal::SymbolicLink { path, link }
        }
        Errno::NOTDIR => Refusal::NotADirectory(path),
        other => Refusal::Unreadable {
            path,
            reason: other.to_string(),
        },
    }
}

/// The topmost part of the path that is a link, for the message only.
fn first_link(path: &Path) -> Option<PathBuf> {
    let mut parts: Vec<&Path> = path.ancestors().collect();
    parts.reverse();
    let link = parts.into_iter().find(|part| part.is_symlink())?;
    Some(link.to_owned())
}
