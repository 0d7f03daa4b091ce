//! Every system but Linux: the same over cap-std, one folder at a time and never by way of a link.
//!
//! A folder is opened below the one that holds it, which is held open itself; a link in its place is an
//! error. Nothing tells mounts apart here, so a folder on another device is refused instead: what is
//! mounted from the same device is not seen. On Windows a folder that is held open can be neither moved
//! nor replaced; what is removed below it by its path is therefore what it was.

#[cfg(any(windows, test))]
mod errors;
mod list;
mod names;
mod stat;

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::DirExt;
use cap_std::ambient_authority;
use tokio_util::sync::CancellationToken;

use super::Root;
use crate::deletion::stat::{Kind, Stat};

#[cfg(windows)]
pub(crate) use errors::Errno;
pub(crate) use list::{Buffer, Burst, FileType, Part};
#[cfg(unix)]
pub(crate) use rustix::io::Errno;

/// A directory held open.
pub(crate) type Directory = cap_std::fs::Dir;

/// Opens an absolute path; a symbolic link anywhere in it is an error (`ELOOP`).
pub(crate) fn open_root(path: &Path) -> Result<Root, Errno> {
    let mut reached = Reached::top(path)?;
    for part in path.components() {
        if let Component::Normal(name) = part {
            let directory = open_one(&reached.directory, name)?;
            reached = reached.then(directory)?;
        }
    }
    Ok(Root {
        descriptor: reached.directory,
        stat: reached.stat,
    })
}

/// Looks at an absolute path as [`open_root`] would open it, without needing permission to read it.
pub(crate) fn look_at(path: &Path) -> Result<Stat, Errno> {
    let mut parts: Vec<_> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    let last = parts.pop();
    let mut reached = Reached::top(path)?;
    for name in parts {
        let directory = open_one(&reached.directory, name)?;
        reached = reached.then(directory)?;
    }
    let Some(last) = last else {
        return Ok(reached.stat);
    };
    let mut stat = Stat::of_os_entry(&reached.directory, last)?;
    if stat.kind == Kind::SymbolicLink {
        return Err(Errno::LOOP);
    }
    stat.mount_root = stat.identity.device != reached.stat.identity.device;
    Ok(stat)
}

/// How far a path was followed.
struct Reached {
    directory: Directory,
    stat: Stat,
}

impl Reached {
    /// The top of the path's drive, or of the system.
    fn top(path: &Path) -> Result<Self, Errno> {
        let top = path.ancestors().last().unwrap_or(path);
        let directory = Directory::open_ambient_dir(top, ambient_authority()).map_err(errno)?;
        let mut stat = Stat::of_directory(&directory)?;
        stat.mount_root = true;
        Ok(Self { directory, stat })
    }

    /// The directory that was opened in this one.
    fn then(self, directory: Directory) -> Result<Self, Errno> {
        let mut stat = Stat::of_directory(&directory)?;
        stat.mount_root = stat.identity.device != self.stat.identity.device;
        Ok(Self { directory, stat })
    }
}

/// Opens a directory of another one. Systems differ in what they call a link there: `ELOOP` it is.
fn open_one(directory: &Directory, name: &std::ffi::OsStr) -> Result<Directory, Errno> {
    let opened = directory.open_dir_nofollow(name).map_err(errno);
    match opened {
        Ok(opened) => {
            // what Windows redirects in other ways than links
            if stat::is_redirected(&opened)? {
                return Err(Errno::LOOP);
            }
            Ok(opened)
        }
        Err(error @ (Errno::NOTDIR | Errno::LOOP)) => match Stat::of_os_entry(directory, name) {
            Ok(stat) if stat.kind == Kind::SymbolicLink => Err(Errno::LOOP),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Opens a directory below another: no links, no other device, never upwards.
pub(crate) fn open_below(directory: &Directory, path: &CStr) -> Result<Directory, Errno> {
    let device = Stat::of_directory(directory)?.identity.device;
    let mut reached: Option<Directory> = None;
    for part in path.to_bytes().split(|byte| *byte == b'/') {
        let name = names::for_system(part)?;
        let next = open_one(reached.as_ref().unwrap_or(directory), &name)?;
        if Stat::of_directory(&next)?.identity.device != device {
            return Err(Errno::XDEV);
        }
        reached = Some(next);
    }
    reached.ok_or(Errno::NOENT)
}

/// A second handle of an open directory. None on macOS, where a process may hold so few that they are
/// worth more than the time they save.
pub(crate) fn again(directory: &Directory) -> Result<Directory, Errno> {
    if cfg!(target_os = "macos") {
        return Err(Errno::MFILE);
    }
    directory.try_clone().map_err(errno)
}

/// Removes what is no directory.
pub(crate) fn remove_file(directory: &Directory, name: &CStr) -> Result<(), Errno> {
    let name = names::for_system(name.to_bytes())?;
    directory.remove_file_or_symlink(name).map_err(errno)
}

/// Removes an empty directory.
pub(crate) fn remove_directory(directory: &Directory, name: &CStr) -> Result<(), Errno> {
    let name = names::for_system(name.to_bytes())?;
    directory.remove_dir(name).map_err(errno)
}

/// The path of an entry of a folder below a root.
pub(crate) fn path_below(root: &Path, folder: &[u8], entry: &[u8]) -> PathBuf {
    let parts = folder.split(|byte| *byte == b'/').chain([entry]);
    let mut path = root.to_owned();
    for part in parts.filter(|part| !part.is_empty()) {
        path.push(names::decode(part));
    }
    path
}

/// An open file, read once more with a position of its own.
#[derive(Debug)]
pub(crate) struct ReadAgain {
    file: Arc<File>,
    at: u64,
}

/// Reads an open file from its beginning, whatever becomes of its name.
#[expect(
    clippy::unnecessary_wraps,
    reason = "Linux opens the file anew, which may fail"
)]
pub(crate) fn read_again(file: &Arc<File>) -> io::Result<ReadAgain> {
    Ok(ReadAgain {
        file: Arc::clone(file),
        at: 0,
    })
}

impl Read for ReadAgain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The user this program runs as; none where the system does not number its users.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems do not number their users"
)]
pub(crate) fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// The user this program runs as; none where the system does not number its users.
#[cfg(windows)]
pub(crate) fn user() -> Option<u32> {
    None
}

/// Which files are in use cannot be seen here.
#[derive(Debug)]
pub(crate) struct Picture(());

impl Picture {
    /// An empty picture.
    pub(crate) fn take(_: &CancellationToken) -> Self {
        Self(())
    }

    /// Nothing is known to be used.
    #[expect(clippy::unused_self, reason = "Linux looks into its picture")]
    pub(crate) fn uses(&self, _: &Stat) -> bool {
        false
    }

    /// What could not be looked at, for the task's log.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "on Linux it depends on what was seen"
    )]
    pub(crate) fn limit(&self) -> Option<String> {
        Some(
            "which files programs have open is not known on this system: only their age and the rules of the location protected them"
                .to_owned(),
        )
    }
}

/// What the system answered.
#[cfg(unix)]
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(match error.kind() {
        // cap-std's own answer to a path that leads out of a directory
        io::ErrorKind::PermissionDenied => Errno::XDEV,
        _ => Errno::IO,
    })
}

/// What the system answered.
#[cfg(windows)]
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn errno(error: io::Error) -> Errno {
    Errno::of(&error)
}
