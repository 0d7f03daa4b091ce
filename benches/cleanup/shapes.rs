//! Trees to be cleaned: how their folders lie, and making them quickly.
//!
//! Nothing here holds a list of files: a measured program inherits the peak of its parent's memory.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};

const HOUR: u64 = 3600;
/// What each file holds.
const CONTENT: [u8; 100] = [b'x'; 100];
const THREADS: usize = 4;
/// Levels of a deep tree's chains, and the files at each level.
const LEVELS: usize = 100;
const FILES_A_LEVEL: usize = 10;
/// Names of each file in a tree of hard links, each in a folder of its own.
const NAMES: usize = 4;
const NAMES_A_FOLDER: usize = 250;

/// How the folders of a tree lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Wide,
    Deep,
    Flat,
    Links,
}

impl Shape {
    pub(crate) const ALL: [Self; 4] = [Self::Wide, Self::Deep, Self::Flat, Self::Links];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Deep => "deep",
            Self::Flat => "flat",
            Self::Links => "links",
        }
    }

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Wide => "folders of 100 to 1000 files, two levels",
            Self::Deep => "chains of 100 folders within each other, 10 files in each",
            Self::Flat => "one folder",
            Self::Links => "four names for each file, in four folders",
        }
    }

    /// Makes a tree of `size` old names at `root`, and waits until the disk has it.
    pub(crate) fn build(self, root: &Path, size: usize) {
        std::fs::create_dir(root).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || match self {
                    Self::Wide => wide(root, size, thread),
                    Self::Deep => deep(root, size, thread),
                    Self::Flat => flat(root, size, thread),
                    Self::Links => links(root, size, thread),
                });
            }
        });
        settle(root);
    }
}

/// Waits until the disk has what was done, so that the next to be measured does not pay for it.
pub(crate) fn settle(folder: &Path) {
    rustix::fs::syncfs(File::open(folder).unwrap()).unwrap();
}

/// How many files folder `number` of a wide tree has, the same in every tree.
fn files_of(number: usize) -> usize {
    100 + (number * 7919) % 901
}

fn wide(root: &Path, size: usize, thread: usize) {
    let mut begun = 0;
    let mut number = 0;
    while begun < size {
        let files = files_of(number).min(size - begun);
        if number % THREADS == thread {
            let folder = root.join(format!("group-{:02}", number % 32));
            let folder = folder.join(format!("folder-{number:05}"));
            fill(&made(&folder), 0..files);
        }
        begun += files;
        number += 1;
    }
}

fn deep(root: &Path, size: usize, thread: usize) {
    let chain = LEVELS * FILES_A_LEVEL;
    for number in (thread..size.div_ceil(chain)).step_by(THREADS) {
        let mut folder = root.join(format!("chain-{number:04}"));
        let mut left = chain.min(size - number * chain);
        while left > 0 {
            let files = FILES_A_LEVEL.min(left);
            fill(&made(&folder), 0..files);
            folder.push("in");
            left -= files;
        }
    }
}

fn flat(root: &Path, size: usize, thread: usize) {
    let share = size.div_ceil(THREADS);
    let end = size.min((thread + 1) * share);
    fill(&made(root), thread * share..end);
}

fn links(root: &Path, size: usize, thread: usize) {
    let group = NAMES * NAMES_A_FOLDER;
    for number in (thread..size.div_ceil(group)).step_by(THREADS) {
        let folder = |name: usize| root.join(format!("folder-{number:04}-{name}"));
        let first = made(&folder(0));
        let names = group.min(size - number * group);
        let files = names / NAMES;
        fill(&first, 0..files);
        for name in 1..NAMES {
            let other = made(&folder(name));
            for file in 0..files {
                let file = file_name(file);
                rustix::fs::linkat(&first, &file, &other, &file, AtFlags::empty()).unwrap();
            }
        }
        // what does not divide
        fill(&first, files..files + names % NAMES);
    }
}

fn made(folder: &Path) -> OwnedFd {
    std::fs::create_dir_all(folder).unwrap();
    File::open(folder).unwrap().into()
}

fn file_name(number: usize) -> CString {
    CString::new(format!("file-{number:06}.tmp")).unwrap()
}

/// Small files, two to sixty days old.
fn fill(folder: &OwnedFd, numbers: std::ops::Range<usize>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for number in numbers {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = rustix::fs::openat(folder, file_name(number), flags, mode).unwrap();
        rustix::io::write(&file, &CONTENT).unwrap();
        let hours = 48 + (number as u64 * 31) % 1392;
        age(&file, now.as_secs() - hours * HOUR);
    }
}

fn age(file: impl AsFd, seconds: u64) {
    let time = Timespec {
        tv_sec: i64::try_from(seconds).unwrap(),
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::futimens(file, &times).unwrap();
}

/// Makes one old file.
pub(crate) fn old_file(folder: &OwnedFd, name: &CString) {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o644)).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    age(&file, now.as_secs() - 480 * HOUR);
}

/// How many files are still there, counted by a tool that nobody here competes with.
pub(crate) fn count(root: &Path) -> usize {
    let mut files = 0;
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
            }
        }
    }
    files
}
