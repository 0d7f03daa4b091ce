//! Folders that no location may be, by operating system: the system's own, those that many share, homes.
//!
//! Written as [`plain`] gives paths, so that one comparison serves all of them.

#[cfg(any(target_os = "linux", not(any(windows, target_os = "macos"))))]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

#[cfg(any(target_os = "linux", not(any(windows, target_os = "macos"))))]
pub(crate) use linux::{CLOSED, HOMES, OPEN_INSIDE, SESSIONS, SHARED, TEMPORARY};
#[cfg(target_os = "macos")]
pub(crate) use macos::{CLOSED, HOMES, OPEN_INSIDE, SESSIONS, SHARED, TEMPORARY};
#[cfg(windows)]
pub(crate) use windows::{CLOSED, HOMES, OPEN_INSIDE, SESSIONS, SHARED, TEMPORARY};

/// A home directory.
pub(crate) struct Home {
    pub(crate) path: PathBuf,
    /// And not of a service.
    pub(crate) of_a_person: bool,
}

/// A path as the lists write it: on Windows without its drive, and where names are usually the same in upper
/// and lower case in lower case. It may refuse too much where they are not, never too little.
#[cfg(any(target_os = "linux", not(any(windows, target_os = "macos"))))]
pub(crate) fn plain(path: &Path) -> Cow<'_, Path> {
    Cow::Borrowed(path)
}

/// A path as the lists write it: on Windows without its drive, and where names are usually the same in upper
/// and lower case in lower case. It may refuse too much where they are not, never too little.
#[cfg(any(windows, target_os = "macos"))]
pub(crate) fn plain(path: &Path) -> Cow<'_, Path> {
    use std::path::Component;
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        if let Component::Normal(name) = part {
            plain.push(name.to_string_lossy().to_lowercase());
        }
    }
    Cow::Owned(plain)
}

/// The homes this machine tells of.
#[cfg(unix)]
pub(crate) fn homes() -> Vec<Home> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut homes = own_home("HOME");
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

/// The homes this machine tells of.
#[cfg(windows)]
pub(crate) fn homes() -> Vec<Home> {
    own_home("USERPROFILE")
}

fn own_home(variable: &str) -> Vec<Home> {
    let mut homes = Vec::new();
    if let Some(home) = std::env::var_os(variable) {
        add_home(&mut homes, Path::new(&home), true);
    }
    homes
}

fn add_home(homes: &mut Vec<Home>, path: &Path, of_a_person: bool) {
    if !path.is_absolute() || path.parent().is_none() {
        return;
    }
    let real = path.canonicalize().ok().filter(|real| real != path);
    for path in [Some(path.to_owned()), real].into_iter().flatten() {
        homes.push(Home { path, of_a_person });
    }
}
