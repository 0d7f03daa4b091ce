//! Which paths may be cleaned at all: one answer for the settings page, previews and executions.
//!
//! First what the text alone tells, then what the system says of the very directory that
//! would be opened. Nothing here changes anything, access times included.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use super::open::{Root, look_at, open_root};
use super::refusal::Refusal;
use super::stat::{Identity, Kind, Stat};
use crate::settings::Settings;

/// Refused themselves and with everything inside.
const CLOSED: &[&str] = &[
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/lost+found",
    "/nix",
    "/snap",
    "/run/systemd",
    "/run/udev",
    "/run/dbus",
    "/run/lock",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/lib/pacman",
    "/var/lib/systemd",
    "/var/lib/docker",
    "/var/lib/containerd",
];

/// Refused themselves; folders inside them may be locations.
const SHARED: &[&str] = &[
    "/run",
    "/run/user",
    "/run/media",
    "/var",
    "/var/run",
    "/var/lock",
    "/var/lib",
    "/var/log",
    "/var/cache",
    "/var/spool",
    "/var/mail",
    "/var/backups",
    "/var/opt",
    "/var/local",
    "/opt",
    "/srv",
    "/mnt",
    "/media",
    "/home",
    "/root",
];

/// Folders that hold temporary files by definition, although some system accounts call them home.
const TEMPORARY: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

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
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(Refusal::ZeroByte(path.to_owned()));
    }
    if !path.is_absolute() {
        return Err(Refusal::Relative(path.to_owned()));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(Refusal::Upwards(path.to_owned()));
    }
    let clean: PathBuf = path.components().collect();
    if clean == Path::new("/") {
        return Err(Refusal::WholeSystem);
    }
    check_system(&clean)?;
    check_homes(&clean)?;
    Ok(clean)
}

fn check_system(path: &Path) -> Result<(), Refusal> {
    let refuse = |system: &str| {
        Err(Refusal::System {
            path: path.to_owned(),
            system: system.into(),
        })
    };
    if path.starts_with("/dev/shm") && path != Path::new("/dev/shm") {
        return Ok(());
    }
    // a session's runtime folder holds its sockets; only folders inside it may be locations
    if path.parent() == Some(Path::new("/run/user")) {
        return refuse("/run/user");
    }
    for system in CLOSED {
        if path.starts_with(system) {
            return refuse(system);
        }
    }
    for system in SHARED {
        if path == Path::new(system) {
            return refuse(system);
        }
    }
    for system in CLOSED.iter().chain(SHARED) {
        if Path::new(system).starts_with(path) {
            return refuse(system);
        }
    }
    Ok(())
}

/// A home of a person must be neither the location nor inside it; a service's home must not be it.
fn check_homes(path: &Path) -> Result<(), Refusal> {
    if TEMPORARY.iter().any(|folder| path == Path::new(folder)) {
        return Ok(());
    }
    // accounts of a directory service (LDAP and the like) do not stand in /etc/passwd
    if path.parent() == Some(Path::new("/home")) {
        return Err(Refusal::Home {
            path: path.to_owned(),
            home: path.to_owned(),
        });
    }
    for home in homes() {
        let overlaps = if home.of_a_person {
            home.path.starts_with(path)
        } else {
            home.path == path
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

struct Home {
    path: PathBuf,
    of_a_person: bool,
}

fn homes() -> Vec<Home> {
    let mut homes = Vec::new();
    if let Some(home) = std::env::var_os("HOME") {
        add_home(&mut homes, Path::new(&home), true);
    }
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    for line in passwd.split(|byte| *byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let (Some(user), Some(home)) = (fields.get(2), fields.get(5)) else {
            continue;
        };
        let user: Option<u32> = std::str::from_utf8(user).ok().and_then(|u| u.parse().ok());
        let of_a_person = user.is_none_or(|user| user == 0 || (1000..65_534).contains(&user));
        add_home(&mut homes, Path::new(OsStr::from_bytes(home)), of_a_person);
    }
    homes
}

fn add_home(homes: &mut Vec<Home>, path: &Path, of_a_person: bool) {
    if !path.is_absolute() || path == Path::new("/") {
        return;
    }
    let real = path.canonicalize().ok().filter(|real| real != path);
    for path in [Some(path.to_owned()), real].into_iter().flatten() {
        homes.push(Home { path, of_a_person });
    }
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
    if look_at(Path::new("/")).is_ok_and(|system| system.identity == stat.identity) {
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
    if !TEMPORARY.iter().any(|folder| path == Path::new(folder)) {
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
