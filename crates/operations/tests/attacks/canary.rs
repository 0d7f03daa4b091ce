//! What the canaries are, to the byte and the time.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::ground::{Ground, LINKED, file_name};

/// A canary, or a folder of canaries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Canary {
    kind_and_mode: u32,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// Reading it would have moved this: it lies before the modification.
    read: (i64, i64),
    /// None for those that the attacker links elsewhere, which counts as a change of the file.
    changed: Option<(i64, i64)>,
    /// Names that are not the attacker's.
    links: u64,
    content: u64,
}

pub(crate) type Canaries = BTreeMap<PathBuf, Canary>;

/// Looks at every canary. The access times are read before anything else and set back afterwards.
pub(crate) fn look(ground: &Ground) -> Canaries {
    let folder = ground.canaries();
    let mut elsewhere = BTreeMap::new();
    for place in ["loc", "stash"] {
        count_links(&ground.base.join(place), &mut elsewhere);
    }
    // whether a canary was read shows only in its times before this look reads it
    let first = !ground.base.join("looked").exists();
    fs::write(ground.base.join("looked"), b"").unwrap();
    if first {
        for path in paths(&folder) {
            never_read(&path);
        }
    }
    let known = if first {
        paths(&folder)
    } else {
        fs::read_to_string(ground.base.join("known"))
            .unwrap()
            .lines()
            .map(PathBuf::from)
            .collect()
    };
    if first {
        let lines: Vec<&str> = known.iter().map(|path| path.to_str().unwrap()).collect();
        fs::write(ground.base.join("known"), lines.join("\n")).unwrap();
        // listing has read the folders
        for path in &known {
            never_read(path);
        }
    }
    let mut found = Canaries::new();
    for path in known {
        // what is lost is missing here
        if let Ok(meta) = fs::symlink_metadata(&path) {
            let links_elsewhere = elsewhere.get(&meta.ino()).copied().unwrap_or(0);
            found.insert(path.clone(), canary(&path, &meta, links_elsewhere));
        }
    }
    for path in paths(&folder) {
        if let Some(canary) = found.get_mut(&path)
            && canary.kind_and_mode & 0o170_000 == 0o100_000
        {
            let mut hasher = DefaultHasher::new();
            fs::read(&path).unwrap().hash(&mut hasher);
            canary.content = hasher.finish();
        } else if !found.contains_key(&path) {
            // somebody has put something there
            let meta = fs::symlink_metadata(&path).unwrap();
            found.insert(path.clone(), canary(&path, &meta, 0));
        }
    }
    if first {
        for path in found.keys() {
            never_read(path);
        }
        // setting the times back was a change itself, so the changes count from here
        for (path, canary) in &mut found {
            let meta = fs::symlink_metadata(path).unwrap();
            canary.read = (meta.atime(), meta.atime_nsec());
            if canary.changed.is_some() {
                canary.changed = Some((meta.ctime(), meta.ctime_nsec()));
            }
        }
    }
    found
}

fn canary(path: &Path, meta: &fs::Metadata, links_elsewhere: u64) -> Canary {
    let name = path.file_name().unwrap().to_str().unwrap();
    let linked = (0..LINKED).any(|number| name == file_name(number));
    Canary {
        kind_and_mode: meta.mode(),
        inode: meta.ino(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        read: (meta.atime(), meta.atime_nsec()),
        changed: (!linked).then(|| (meta.ctime(), meta.ctime_nsec())),
        links: meta.nlink() - links_elsewhere,
        content: 0,
    }
}

/// What is different, in words; empty when nothing is.
pub(crate) fn compare(before: &Canaries, after: &Canaries) -> Vec<String> {
    let mut different = Vec::new();
    for (path, canary) in before {
        match after.get(path) {
            None => different.push(format!("{} is lost", path.display())),
            Some(now) if now != canary => {
                different.push(format!("{} was {canary:?}, is {now:?}", path.display()));
            }
            Some(_) => {}
        }
    }
    let new = after.keys().filter(|path| !before.contains_key(*path));
    different.extend(new.map(|path| format!("{} is new", path.display())));
    different
}

/// The access time a day before the modification: reading would move it, on every kind of mount but `noatime`.
fn never_read(path: &Path) {
    let meta = fs::symlink_metadata(path).unwrap();
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: meta.mtime() - 24 * 3600,
            tv_nsec: 0,
        },
        last_modification: Timespec {
            tv_sec: meta.mtime(),
            tv_nsec: meta.mtime_nsec(),
        },
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(paths(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn count_links(folder: &Path, counts: &mut BTreeMap<u64, u64>) {
    for path in paths(folder) {
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_file() {
            *counts.entry(meta.ino()).or_default() += 1;
        }
    }
}
