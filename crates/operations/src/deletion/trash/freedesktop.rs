//! The trash of the freedesktop.org specification (1.0), so that every desktop lists a file and puts it back.
//!
//! Moved from the directory that is held to a trash folder that is held: nobody can lead it elsewhere by
//! swapping folders for links or mounts. What arrives is looked at, and moved back when it is another file
//! than the one that was judged.

mod restore;

use std::ffi::{CStr, CString, OsString};
use std::fmt::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, fstat, mkdirat, openat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::Record;
use crate::deletion::cursor::Cursor;
use crate::deletion::platform::open_root;
use crate::deletion::stat::Stat;

pub(crate) use restore::Trashes;

/// Names tried in a trash that has that name already.
const NAMES_MAX: u32 = 10_000;
/// Room for `.10000.trashinfo` in a name of 255 bytes.
const NAME_MAX: usize = 236;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The two folders of a trash, held open.
struct Trash {
    files: OwnedFd,
    info: OwnedFd,
}

/// Moves an entry of the cursor's directory to the trash: the one that was judged, no other.
/// False when it was gone before.
pub(crate) fn move_to_trash(
    at: &mut Cursor,
    name: &CStr,
    judged: &Stat,
    record: &Record<'_>,
) -> Result<bool, String> {
    let moved = match home_trash(Missing::Make).and_then(|it| it.take(at, name, judged, record)) {
        // a file is moved within its file system, never copied
        Err(Errno::XDEV) => top_trash(at.root().stat.mount, Missing::Make)
            .and_then(|trash| trash.take(at, name, judged, record)),
        other => other,
    };
    match moved {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) if is_gone(at, name) => Ok(false),
        Err(Errno::STALE) => Err(
            "another file took its place just before it went to the trash; run again".to_owned(),
        ),
        Err(error) => Err(format!(
            "cannot be moved to the trash ({error}); it was left where it is: make the trash writable, or turn the trash off for this location"
        )),
    }
}

fn is_gone(at: &mut Cursor, name: &CStr) -> bool {
    let stat = at.current().and_then(|here| Stat::of_entry(here, name));
    stat.is_err_and(|error| error == Errno::NOENT)
}

/// What to do about a folder of a trash that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Fail,
}

/// The user's own trash.
fn home_trash(missing: Missing) -> Result<Trash, Errno> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/share")))
        .ok_or(Errno::NOENT)?;
    if missing == Missing::Make {
        std::fs::create_dir_all(&data).map_err(|error| {
            let code = error.raw_os_error().unwrap_or(0);
            Errno::from_raw_os_error(code)
        })?;
    }
    // the way there is the user's own business, links included
    let data = openat(CWD, &data, FOLDER - OFlags::NOFOLLOW, Mode::empty())?;
    Trash::open(
        &own_folder(&data, c"Trash", Links::Followed, missing)?,
        missing,
    )
}

/// The trash at the top of the file system that is mounted there.
fn top_trash(mount: u64, missing: Missing) -> Result<Trash, Errno> {
    let top = open_root(&mount_point(mount).ok_or(Errno::XDEV)?)?;
    if top.stat.mount != mount {
        return Err(Errno::XDEV);
    }
    let user = rustix::process::geteuid().as_raw().to_string();
    // one that the administrator made for all counts only when nobody can remove another's
    let shared = openat(&top.descriptor, c".Trash", FOLDER, Mode::empty())
        .and_then(|shared| Ok((fstat(&shared)?.st_mode & 0o1000 != 0).then_some(shared)));
    if let Ok(Some(shared)) = shared
        && let Ok(user) = CString::new(user.as_str())
        && let Ok(folder) = own_folder(&shared, &user, Links::Refused, missing)
    {
        return Trash::open(&folder, missing);
    }
    let own = CString::new(format!(".Trash-{user}")).map_err(|_| Errno::INVAL)?;
    Trash::open(
        &own_folder(&top.descriptor, &own, Links::Refused, missing)?,
        missing,
    )
}

/// Where a mount is mounted, by lines such as `36 27 0:32 / /dev/shm rw - tmpfs tmpfs rw`.
fn mount_point(mount: u64) -> Option<PathBuf> {
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    let id = mount.to_string();
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        if fields.next()? != id.as_bytes() {
            return None;
        }
        Some(PathBuf::from(OsString::from_vec(without_octal(
            fields.nth(3)?,
        ))))
    })
}

/// The kernel writes blanks and backslashes as `\040` and so on.
fn without_octal(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    bytes
}

/// Whether a folder may be a link. Where others may write, one could be a trap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Followed,
    Refused,
}

/// A folder of a trash. Where links are refused it must be this user's own, too.
fn own_folder(
    above: &OwnedFd,
    name: &CStr,
    links: Links,
    missing: Missing,
) -> Result<OwnedFd, Errno> {
    if missing == Missing::Make {
        match mkdirat(above, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    let flags = match links {
        Links::Refused => FOLDER,
        Links::Followed => FOLDER - OFlags::NOFOLLOW,
    };
    let folder = openat(above, name, flags, Mode::empty())?;
    if links == Links::Refused && fstat(&folder)?.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Errno::PERM);
    }
    Ok(folder)
}

impl Trash {
    fn open(folder: &OwnedFd, missing: Missing) -> Result<Self, Errno> {
        Ok(Self {
            files: own_folder(folder, c"files", Links::Refused, missing)?,
            info: own_folder(folder, c"info", Links::Refused, missing)?,
        })
    }

    fn take(
        &self,
        at: &mut Cursor,
        name: &CStr,
        judged: &Stat,
        record: &Record<'_>,
    ) -> Result<(), Errno> {
        // the move would fail, but only after it was announced
        if Stat::of_descriptor(&self.files)?.mount != judged.mount {
            return Err(Errno::XDEV);
        }
        let said = info(&at.path_of(name.to_bytes()));
        let short = &name.to_bytes()[..name.count_bytes().min(NAME_MAX)];
        for number in 1..NAMES_MAX {
            let mut kept_as = short.to_vec();
            if number > 1 {
                kept_as.extend_from_slice(format!(".{number}").as_bytes());
            }
            let info_name = [kept_as.as_slice(), b".trashinfo"].concat();
            match self.write_info(&info_name, &said) {
                Err(Errno::EXIST) => continue,
                other => other?,
            }
            let kept_as = CString::new(kept_as).map_err(|_| Errno::INVAL)?;
            let announced = record.begin(name, Some(&kept_as), judged.identity);
            let moved = match &announced {
                Ok(_) => self.move_in(at, name, &kept_as, judged),
                Err(error) => Err(*error),
            };
            if moved.is_err() {
                // without its file it says nothing
                unlinkat(&self.info, &info_name, AtFlags::empty()).ok();
                if let Ok(line) = &announced {
                    // a restoration that finds it at its place knows it, too
                    record.manifest.stayed(line).ok();
                }
            }
            match moved {
                Err(Errno::EXIST) => {}
                other => return other,
            }
        }
        Err(Errno::EXIST)
    }

    fn write_info(&self, name: &[u8], said: &str) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.info, name, flags, Mode::RUSR | Mode::WUSR)?;
        let mut rest = said.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(&file, rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => {
                    unlinkat(&self.info, name, AtFlags::empty()).ok();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn move_in(
        &self,
        at: &mut Cursor,
        name: &CStr,
        kept_as: &CStr,
        judged: &Stat,
    ) -> Result<(), Errno> {
        let here = at.current()?;
        renameat_with(here, name, &self.files, kept_as, RenameFlags::NOREPLACE)?;
        if Stat::of_entry(&self.files, kept_as)?.identity == judged.identity {
            return Ok(());
        }
        renameat_with(&self.files, kept_as, here, name, RenameFlags::NOREPLACE)?;
        Err(Errno::STALE)
    }
}

/// What the trash must know to put it back.
fn info(path: &Path) -> String {
    let now = jiff::ZonedDateTime::now().strftime("%Y-%m-%dT%H:%M:%S");
    let path = info_path(path);
    format!("[Trash Info]\nPath={path}\nDeletionDate={now}\n")
}

/// A path as the trash writes it.
fn info_path(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // writing to a string cannot fail
            let _written = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_as_the_kernel_writes_them() {
        let check = |text: &[u8], expect: &[u8]| assert_eq!(without_octal(text), expect);
        check(b"/dev/shm", b"/dev/shm");
        check(br"/mnt/a\040b\134c", br"/mnt/a b\c");
        check(br"/mnt/\04", br"/mnt/\04");
        check(br"\", br"\");
    }

    #[test]
    fn a_path_in_the_trash_is_plain_ascii() {
        let said = info(Path::new("/srv/größe 1%"));
        assert!(
            said.starts_with("[Trash Info]\nPath=/srv/gr%C3%B6%C3%9Fe%201%25\nDeletionDate=20")
        );
    }
}
