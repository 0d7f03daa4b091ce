//! Putting files of the trash back where they were, with the care that took them away.
//!
//! A file is known by its identity, which moving does not change, and by what the trash says of it.
//! It is moved from the trash folder that is held to a directory that is reached below a held root:
//! no link is followed, no mount is crossed, nothing that is there now is replaced.

use std::ffi::{CStr, CString};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, mkdirat, openat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::super::Restored;
use super::{Missing, Trash, home_trash, info_path, top_trash};
use crate::deletion::cursor::Cursor;
use crate::deletion::manifest::Trashed;
use crate::deletion::name::unescape;
use crate::deletion::stat::{Identity, Kind, Stat};
use crate::deletion::tally;

/// A record in the trash is one short text; more than this is none.
const INFO_MAX: usize = 64 * 1024;

/// The trashes in which a location's files may lie: the user's own and that of its file system.
pub(crate) struct Trashes(Vec<Trash>);

impl Trashes {
    /// Those that there are; none is made.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "elsewhere nothing can be put back"
    )]
    pub(crate) fn of(mount: u64) -> Result<Self, String> {
        let found = [
            home_trash(Missing::Fail).ok(),
            top_trash(mount, Missing::Fail).ok(),
        ];
        Ok(Self(found.into_iter().flatten().collect()))
    }

    /// Puts a file back to its place below the cursor's root. `made` counts the folders this took.
    pub(crate) fn put_back(
        &self,
        at: &mut Cursor,
        file: &Trashed,
        made: &mut u64,
    ) -> Result<Restored, String> {
        let named = Named::of(file).ok_or("its name in the manifest cannot be read")?;
        let Some(trash) = self.0.iter().find(|trash| trash.holds(&named)) else {
            for trash in &self.0 {
                trash.forget(at, &named, &named.kept_as);
            }
            return Ok(match at.go_to(&named.folder) {
                Ok(()) if is_at(at, &named.name, named.identity) => Restored::Back,
                _ => Restored::Nowhere,
            });
        };
        trash.check_path(at, &named, &named.kept_as)?;
        reach(at, &named.folder, made).map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => {
                "its folder is a link or a file now, or was moved; it was left in the trash"
                    .to_owned()
            }
            Errno::XDEV => {
                "something is mounted on its folder; it was left in the trash".to_owned()
            }
            error => left(error),
        })?;
        trash.give(at, &named)?;
        Ok(Restored::Back)
    }
}

/// A line of the manifest in bytes.
struct Named {
    folder: Vec<u8>,
    name: CString,
    kept_as: CString,
    identity: Identity,
}

impl Named {
    fn of(file: &Trashed) -> Option<Self> {
        let one = |text: &str| {
            let name = unescape(text).filter(|name| !name.is_empty() && !name.contains(&b'/'))?;
            CString::new(name)
                .ok()
                .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
        };
        Some(Self {
            folder: unescape(&file.folder)?,
            name: one(&file.name)?,
            kept_as: one(&file.kept_as)?,
            identity: file.identity,
        })
    }
}

impl Trash {
    fn holds(&self, file: &Named) -> bool {
        Stat::of_entry(&self.files, &file.kept_as).is_ok_and(|stat| {
            stat.identity == file.identity && matches!(stat.kind, Kind::File | Kind::SymbolicLink)
        })
    }

    /// Removes the record of that name when it speaks of the file and has none: an attempt was cut off
    /// between writing it and moving the file.
    fn forget(&self, at: &Cursor, file: &Named, kept_as: &CStr) {
        let is_missing =
            Stat::of_entry(&self.files, kept_as).is_err_and(|error| error == Errno::NOENT);
        if is_missing && self.check_path(at, file, kept_as).is_ok() {
            self.remove_info(kept_as);
        }
    }

    /// Without its file it says nothing; with the file gone it does no harm, either.
    fn remove_info(&self, kept_as: &CStr) {
        let name = [kept_as.to_bytes(), b".trashinfo"].concat();
        unlinkat(&self.info, name, AtFlags::empty()).ok();
    }

    /// The trash must say itself that the file comes from there.
    fn check_path(&self, at: &Cursor, file: &Named, kept_as: &CStr) -> Result<(), String> {
        let read = self.read_info(kept_as).map_err(|error| {
            format!("its record in the trash cannot be read ({error}); put it back by hand")
        })?;
        let root = at.path_at_root(&file.folder, file.name.to_bytes());
        let said = read.lines().find_map(|line| line.strip_prefix("Path="));
        if said == Some(info_path(&root).as_str()) {
            return Ok(());
        }
        Err("the trash says that it comes from elsewhere; put it back by hand".to_owned())
    }

    fn read_info(&self, kept_as: &CStr) -> Result<String, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let name = [kept_as.to_bytes(), b".trashinfo"].concat();
        let file = openat(&self.info, name, flags, Mode::empty())?;
        if Stat::of_descriptor(&file)?.kind != Kind::File {
            return Err(Errno::INVAL);
        }
        let mut text = Vec::new();
        let mut piece = [0; 4096];
        while text.len() < INFO_MAX {
            match rustix::io::read(&file, &mut piece) {
                Ok(0) => return String::from_utf8(text).map_err(|_| Errno::ILSEQ),
                Ok(length) => text.extend_from_slice(piece.get(..length).unwrap_or_default()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::FBIG)
    }

    /// Moves the file to the cursor's directory: that very file, and only to a name that is free.
    fn give(&self, at: &mut Cursor, file: &Named) -> Result<(), String> {
        let Named { name, kept_as, .. } = file;
        let here = at.current().map_err(left)?;
        let none = RenameFlags::NOREPLACE;
        renameat_with(&self.files, kept_as, here, name, none).map_err(|error| match error {
            Errno::EXIST => {
                "something of that name is there now; it was left in the trash: move one of the two away and restore again".to_owned()
            }
            error => left(error),
        })?;
        if !is_at(at, name, file.identity) {
            let back = at
                .current()
                .and_then(|here| renameat_with(here, name, &self.files, kept_as, none));
            return Err(match back {
                Ok(()) => "another file took its place in the trash just before; it was left there"
                    .to_owned(),
                Err(error) => format!(
                    "another file took its place in the trash just before, and lies here now ({error}); look at it"
                ),
            });
        }
        self.remove_info(kept_as);
        if let Some(before) = name_before(kept_as) {
            self.forget(at, file, &before);
        }
        Ok(())
    }
}

/// The name that was tried before this one: `old` before `old.2`. An attempt that was cut off may have taken it.
fn name_before(kept_as: &CStr) -> Option<CString> {
    let name = kept_as.to_bytes();
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let (short, number) = (name.get(..dot)?, name.get(dot + 1..)?);
    let number: u32 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let before = match number {
        0 | 1 => return None,
        2 => short.to_vec(),
        number => [short, format!(".{}", number - 1).as_bytes()].concat(),
    };
    CString::new(before).ok().filter(|name| !name.is_empty())
}

fn is_at(at: &mut Cursor, name: &CStr, identity: Identity) -> bool {
    let stat = at.current().and_then(|here| Stat::of_entry(here, name));
    stat.is_ok_and(|stat| stat.identity == identity)
}

fn left(error: Errno) -> String {
    format!("it was left in the trash: {}", tally::explain(error))
}

/// Goes to a folder below the root; what of it is missing is made.
fn reach(at: &mut Cursor, folder: &[u8], made: &mut u64) -> Result<(), Errno> {
    // each round goes one folder deeper, unless somebody removes them meanwhile
    let rounds = folder.split(|byte| *byte == b'/').count() + 1;
    for _ in 0..rounds {
        match at.go_to(folder) {
            Err(Errno::NOENT) => {}
            other => return other,
        }
        at.still_here()?;
        let rest = folder.get(at.path().len()..).unwrap_or_default();
        let mut parts = rest.split(|byte| *byte == b'/');
        let missing = parts.find(|part| !part.is_empty()).ok_or(Errno::NOENT)?;
        match mkdirat(at.current()?, missing, Mode::from_raw_mode(0o777)) {
            Ok(()) => *made += 1,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::STALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_before_is_the_one_tried_before() {
        let check = |name: &CStr, expect: Option<&CStr>| {
            assert_eq!(name_before(name).as_deref(), expect, "{name:?}");
        };
        check(c"old.2", Some(c"old"));
        check(c"old.tmp.13", Some(c"old.tmp.12"));
        check(c"old", None);
        check(c"old.tmp", None);
        check(c"old.1", None);
        check(c".2", None);
        check(c"old.99999999999", None);
    }
}
