//! Real trees of real files.

use std::collections::BTreeMap;
use std::fs::{File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Writes a file, and its folders, that was last modified that many hours ago.
pub(crate) fn file(path: &Path, hours_old: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, b"0123456789").unwrap();
    age(path, hours_old);
}

/// Sets a file's or folder's times to that many hours ago.
pub(crate) fn age(path: &Path, hours_old: u64) {
    let time = SystemTime::now() - Duration::from_hours(hours_old);
    File::open(path)
        .unwrap()
        .set_times(FileTimes::new().set_modified(time).set_accessed(time))
        .unwrap();
}

/// Many names of old files, a thousand to a folder. Those of a folder are hard links to one file:
/// to a cleanup each is an entry to look at and remove, and they are quick to make.
pub(crate) fn many_files(root: &Path, count: usize, hours_old: u64) {
    let mut first = PathBuf::new();
    for index in 0..count {
        let folder = root.join(format!("folder-{:04}", index / 1000));
        let name = folder.join(format!("file-{index:07}"));
        if index % 1000 == 0 {
            file(&name, hours_old);
            first = name;
        } else {
            std::fs::hard_link(&first, name).unwrap();
        }
    }
}

/// What a tree looks like: each path with its kind, size and modification time. Links are not followed.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            found.insert(
                path.clone(),
                (
                    metadata.mode(),
                    metadata.size(),
                    metadata.mtime(),
                    metadata.mtime_nsec(),
                ),
            );
            if metadata.is_dir() {
                open.push(path);
            }
        }
    }
    found
}

/// How many files (not folders) lie below.
pub(crate) fn count_files(root: &Path) -> usize {
    tree(root)
        .values()
        .filter(|(mode, ..)| mode & 0o170_000 != 0o040_000)
        .count()
}

/// A folder that its own owner may not look into, while this lives.
pub(crate) struct Unreadable(PathBuf);

impl Unreadable {
    /// Takes away every permission.
    pub(crate) fn lock(folder: &Path) -> Self {
        set_mode(folder, 0o000);
        Self(folder.to_owned())
    }
}

impl Drop for Unreadable {
    fn drop(&mut self) {
        set_mode(&self.0, 0o755);
    }
}

/// A folder whose entries cannot be removed, not even by root, while this lives.
pub(crate) struct Undeletable(PathBuf);

impl Undeletable {
    /// Locks the folder: without the permission to write for an ordinary user, with the immutable flag for root.
    pub(crate) fn lock(folder: &Path) -> Self {
        set_mode(folder, 0o555);
        if rustix::process::geteuid().is_root() {
            chattr("+i", folder);
        }
        Self(folder.to_owned())
    }
}

impl Drop for Undeletable {
    fn drop(&mut self) {
        if rustix::process::geteuid().is_root() {
            chattr("-i", &self.0);
        }
        set_mode(&self.0, 0o755);
    }
}

fn set_mode(folder: &Path, mode: u32) {
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

fn chattr(flag: &str, folder: &Path) {
    let status = std::process::Command::new("chattr")
        .arg(flag)
        .arg(folder)
        .status()
        .unwrap();
    assert!(
        status.success(),
        "chattr {flag} {} failed: the test needs a file system with flags",
        folder.display()
    );
}
