//! The ground that is fought over: a location, and beside it a tree of canaries with the same names.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, ResolveFlags, Timespec, Timestamps, futimens, linkat, mkdirat,
    openat2, utimensat,
};

/// Folders of the location that are swapped, each with a folder of canaries of the same path.
pub(crate) const SWAPPED: [&str; 6] = ["t0", "t1", "t2", "t3", "p/q/t0", "p/q/t1"];
/// Folders that canaries are mounted over.
pub(crate) const MOUNTED: [&str; 2] = ["m0", "m1"];
/// Runs of a run store within the location, swapped as the folders are; a cleanup takes them whole.
pub(crate) const RUNS: [&str; 3] = ["runs/r0", "runs/r1", "runs/r2"];
/// Where old files are replaced by young ones. No canary has its name.
pub(crate) const YOUNG: &str = "young";
/// Files of a folder.
pub(crate) const FILES: usize = 30;
/// Of these, so many are canaries that are linked into the location; the others never are.
pub(crate) const LINKED: usize = 15;

const DAY: i64 = 24 * 3600;

/// The folders, each held open: whatever is swapped, the ground itself is reached.
pub(crate) struct Ground {
    pub(crate) base: PathBuf,
    pub(crate) held: OwnedFd,
    pub(crate) scratch: OwnedFd,
    pub(crate) canary: OwnedFd,
    /// What is not in the tree at the moment.
    pub(crate) stash: OwnedFd,
    pub(crate) with_mounts: bool,
}

/// The name of a folder's file.
pub(crate) fn file_name(number: usize) -> String {
    format!("file-{number:02}")
}

fn open(path: &Path) -> OwnedFd {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).unwrap()
}

fn days_ago(days: i64) -> Timestamps {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let time = Timespec {
        tv_sec: i64::try_from(since.unwrap().as_secs()).unwrap() - days * DAY,
        tv_nsec: 987_654_321,
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

/// Sets the times of an entry, a link's own, so many days back.
pub(crate) fn age(folder: impl std::os::fd::AsFd, name: &str, days: i64) {
    // it may have been swapped away
    utimensat(folder, name, &days_ago(days), AtFlags::SYMLINK_NOFOLLOW).ok();
}

impl Ground {
    /// Makes it; the canaries are old, so that a cleanup that reached them would remove them.
    pub(crate) fn make(base: &Path, with_mounts: bool) -> Self {
        for folder in [
            "loc/scratch/p/q",
            "loc/scratch/runs",
            "outside/scratch",
            "stash",
        ] {
            std::fs::create_dir_all(base.join(folder)).unwrap();
        }
        if with_mounts {
            std::fs::write(base.join("with-mounts"), b"").unwrap();
        }
        let canaries = base.join("outside/scratch");
        for folder in SWAPPED.iter().chain(&MOUNTED).chain(&RUNS) {
            let folder = canaries.join(folder);
            std::fs::create_dir_all(folder.join("below")).unwrap();
            for number in 0..FILES {
                for name in [
                    file_name(number),
                    format!("below/{}", file_name(FILES + number)),
                ] {
                    let path = folder.join(name);
                    std::fs::write(&path, path.as_os_str().as_encoded_bytes()).unwrap();
                    age(CWD, path.to_str().unwrap(), 9);
                }
            }
        }
        Self::open(base)
    }

    pub(crate) fn open(base: &Path) -> Self {
        Self {
            held: open(base),
            scratch: open(&base.join("loc/scratch")),
            canary: open(&base.join("outside/scratch")),
            stash: open(&base.join("stash")),
            with_mounts: base.join("with-mounts").exists(),
            base: base.to_owned(),
        }
    }

    pub(crate) fn location(&self) -> PathBuf {
        self.base.join("loc/scratch")
    }

    pub(crate) fn canaries(&self) -> PathBuf {
        self.base.join("outside/scratch")
    }

    /// What a link at one place of the ground holds to lead to another one. A relative link never leaves
    /// the mount, an absolute one does.
    pub(crate) fn link(&self, from: &str, to: &str, relative: bool) -> PathBuf {
        if !relative {
            return self.base.join(to);
        }
        let up = "../".repeat(from.matches('/').count());
        PathBuf::from(up).join(to)
    }

    /// A folder that lies in the location at this moment; none while a link or a mount is in the way.
    pub(crate) fn folder(&self, path: &str) -> Option<OwnedFd> {
        let path = if path.is_empty() { "." } else { path };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        openat2(&self.scratch, path, flags, Mode::empty(), resolve).ok()
    }

    /// Old files wherever one is missing. Half of them are the canaries' own inodes under the same
    /// names, so that not even a check of identities would hold a cleanup back from the canaries.
    pub(crate) fn fill(&self, round: usize) {
        for path in SWAPPED.iter().chain(&MOUNTED).chain(&RUNS).chain([&YOUNG]) {
            let Some(folder) = self.made(path) else {
                continue;
            };
            for number in 0..FILES {
                let name = file_name(number);
                let linked =
                    number < LINKED && *path != YOUNG && (number + round).is_multiple_of(3);
                if linked {
                    let canary = format!("{path}/{name}");
                    // what is there already stays
                    linkat(&self.canary, canary, &folder, &name, AtFlags::empty()).ok();
                } else {
                    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                    let made =
                        rustix::fs::openat(&folder, &name, flags, Mode::from_raw_mode(0o600));
                    if let Ok(made) = made {
                        rustix::io::write(&made, b"old").ok();
                        // not by its name: by now that may be a canary's
                        futimens(&made, &days_ago(2)).unwrap();
                    }
                }
            }
            // old enough to go when it becomes empty
            age(&folder, ".", 2);
        }
    }

    fn made(&self, path: &str) -> Option<OwnedFd> {
        for _ in 0..20 {
            if let Some(folder) = self.folder(path) {
                return Some(folder);
            }
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            if path.starts_with("p/") {
                let mode = Mode::from_raw_mode(0o700);
                // p and q go, too, when they are empty
                mkdirat(&self.scratch, "p", mode).ok();
                if let Some(folder) = self.folder("p") {
                    mkdirat(&folder, "q", mode).ok();
                }
            }
            if let Some(above) = self.folder(above) {
                mkdirat(&above, name, Mode::from_raw_mode(0o700)).ok();
            }
        }
        None
    }
}
