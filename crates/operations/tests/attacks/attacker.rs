//! The attacker: a process that swaps and swaps back until it is told to stop.
//!
//! Its own hands reach the canaries never: folders are opened without following links or mounts, and
//! everything is done relative to them. So whatever the canaries lose, the cleanup has taken.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, ResolveFlags, linkat, openat, openat2, renameat,
    renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use crate::ground::{FILES, Ground, LINKED, MOUNTED, RUNS, SWAPPED, YOUNG, age, file_name};

/// What is swapped for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Exchange,
    Rename,
    Parent,
    Location,
    FileForLink,
    FileForHardLink,
    YoungFile,
    Mount,
}

/// Every kind, and its name in the table.
pub(crate) const KINDS: [(Kind, &str); 8] = [
    (Kind::Exchange, "folder exchanged for a link to canaries"),
    (Kind::Rename, "folder renamed, a link in its place"),
    (Kind::Parent, "parent renamed away or exchanged"),
    (Kind::Location, "location or its parent exchanged"),
    (Kind::FileForLink, "file replaced by a link to a canary"),
    (
        Kind::FileForHardLink,
        "file replaced by a canary's hard link",
    ),
    (Kind::YoungFile, "file replaced by a young one"),
    (Kind::Mount, "canaries mounted over a folder"),
];

/// How often what was swapped, away only; each was swapped back.
#[derive(Debug, Default)]
pub(crate) struct Swaps {
    counts: [u64; KINDS.len()],
    /// Young files that were gone when they were taken back.
    pub(crate) young_lost: u64,
}

impl Swaps {
    /// What the attacker last told.
    pub(crate) fn read(base: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(base.join("swaps")).ok()?;
        let mut numbers = text.split(' ').map(|number| number.parse().unwrap());
        let mut swaps = Self::default();
        for count in &mut swaps.counts {
            *count = numbers.next()?;
        }
        swaps.young_lost = numbers.next()?;
        Some(swaps)
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }
}

#[derive(Default)]
struct Counters {
    counts: [AtomicU64; KINDS.len()],
    young_lost: AtomicU64,
    stop: AtomicBool,
}

impl Counters {
    fn tell(&self, base: &Path) {
        let counts = self.counts.iter().chain([&self.young_lost]);
        let numbers: Vec<String> = counts
            .map(|count| count.load(Ordering::Relaxed).to_string())
            .collect();
        std::fs::write(base.join("swaps.new"), numbers.join(" ")).unwrap();
        std::fs::rename(base.join("swaps.new"), base.join("swaps")).unwrap();
    }
}

/// Attacks until the file `stop` is there, or nobody waits any more.
pub(crate) fn attack(ground: &Ground) {
    let counters = Counters::default();
    let parent = rustix::process::getppid();
    std::thread::scope(|scope| {
        for (number, turn) in [Hand::folders, Hand::above, Hand::files]
            .into_iter()
            .enumerate()
        {
            let mut hand = Hand {
                ground,
                counters: &counters,
                name: number,
                dice: 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1),
                made: 0,
            };
            scope.spawn(move || {
                while !hand.counters.stop.load(Ordering::Relaxed) {
                    turn(&mut hand);
                    hand.pause();
                }
            });
        }
        while !ground.base.join("stop").exists() && rustix::process::getppid() == parent {
            std::thread::sleep(Duration::from_millis(50));
            counters.tell(&ground.base);
        }
        counters.stop.store(true, Ordering::Relaxed);
    });
    counters.tell(&ground.base);
}

/// One thread of the attacker, with things in the stash under names of its own.
struct Hand<'a> {
    ground: &'a Ground,
    counters: &'a Counters,
    name: usize,
    dice: u64,
    made: u64,
}

/// The thing is not there at the moment, or in the way: another turn comes.
type Turn = Result<(), Errno>;

impl Hand<'_> {
    fn random(&mut self, below: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % below as u64).unwrap()
    }

    fn pause(&mut self) {
        let micros = self.random(400) as u64;
        std::thread::sleep(Duration::from_micros(micros));
    }

    fn count(&self, kind: Kind) {
        self.counters.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A name in the stash that was never used.
    fn fresh(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.name, self.made)
    }

    fn reach(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.ground.folder(path).ok_or(Errno::NOENT)
    }

    /// Folders that hold files: exchanged for links, or renamed and a link put in their place.
    fn folders(&mut self) {
        let path = match self.random(SWAPPED.len() + RUNS.len()) {
            number if number < SWAPPED.len() => SWAPPED[number],
            number => RUNS[number - SWAPPED.len()],
        };
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Ok(above) = self.reach(above) else { return };
        let target = self.canaries_of(path);
        if self.random(2) == 0 {
            self.exchange(Kind::Exchange, &above, name, &target);
        } else {
            let _turn = self.rename(&above, name, &target);
        }
    }

    /// What a link in the place of this folder must hold to lead to its canaries.
    fn canaries_of(&mut self, path: &str) -> PathBuf {
        let (from, to) = (
            format!("loc/scratch/{path}"),
            format!("outside/scratch/{path}"),
        );
        let relative = self.random(4) > 0;
        self.ground.link(&from, &to, relative)
    }

    /// Exchanges an entry for a link in one step, and back.
    fn exchange(&mut self, kind: Kind, above: &OwnedFd, name: &str, target: &Path) {
        let stash = &self.ground.stash;
        let link = self.fresh();
        symlinkat(target, stash, &link).unwrap();
        // an old link is something that a cleanup removes, by itself
        if self.random(2) == 0 {
            age(stash, &link, 3);
        }
        let swapped = renameat_with(above, name, stash, &link, RenameFlags::EXCHANGE);
        if swapped.is_ok() {
            self.count(kind);
            self.pause();
            let back = renameat_with(above, name, stash, &link, RenameFlags::EXCHANGE);
            if back.is_err() {
                // the cleanup has removed the link
                renameat(stash, &link, above, name).ok();
            }
        }
        unlinkat(stash, &link, AtFlags::empty()).ok();
    }

    fn rename(&mut self, above: &OwnedFd, name: &str, target: &Path) -> Turn {
        let stash = &self.ground.stash;
        let aside = self.fresh();
        renameat(above, name, stash, &aside)?;
        if symlinkat(target, above, name).is_ok() {
            self.count(Kind::Rename);
            if self.random(2) == 0 {
                age(above, name, 3);
            }
            self.pause();
            // only a link can be removed so, never a folder that is there by now
            unlinkat(above, name, AtFlags::empty()).ok();
        }
        renameat(stash, &aside, above, name)
    }

    /// What lies above those folders: their parents, now and then the location itself.
    fn above(&mut self) {
        let ground = self.ground;
        match self.random(40) {
            0 => {
                let relative = self.random(2) == 0;
                let target = ground.link("loc/scratch", "outside/scratch", relative);
                if let Ok(above) = openat(&ground.held, "loc", OFlags::DIRECTORY, Mode::empty()) {
                    self.exchange(Kind::Location, &above, "scratch", &target);
                }
            }
            1 => {
                let relative = self.random(2) == 0;
                let target = ground.link("loc", "outside", relative);
                self.exchange(Kind::Location, &ground.held, "loc", &target);
            }
            2 => {
                let target = self.canaries_of("runs");
                self.exchange(Kind::Location, &ground.scratch, "runs", &target);
            }
            3..20 => {
                let target = self.canaries_of("p");
                self.exchange(Kind::Parent, &ground.scratch, "p", &target);
            }
            _ => {
                let _turn = self.move_parent();
            }
        }
    }

    fn move_parent(&mut self) -> Turn {
        let ground = self.ground;
        let aside = self.fresh();
        // out of the location, or to another place in it
        let (to, aside) = match self.random(2) {
            0 => (&ground.stash, aside),
            _ => (&ground.scratch, "elsewhere".to_owned()),
        };
        let (above, name) = match self.random(2) {
            0 => (self.reach("")?, "p"),
            _ => (self.reach("p")?, "q"),
        };
        renameat(&above, name, to, &aside)?;
        self.count(Kind::Parent);
        self.pause();
        renameat(to, &aside, &above, name)
    }

    /// Files, and the folders that are mounted over.
    fn files(&mut self) {
        let _turn = match self.random(8) {
            0..2 => self.link_for_file(),
            2..4 => self.hard_link_for_file(),
            4..7 => self.young_for_file(),
            _ if self.ground.with_mounts => self.mount(),
            _ => Ok(()),
        };
    }

    fn any_folder(&mut self) -> &'static str {
        match self.random(SWAPPED.len() + MOUNTED.len()) {
            number if number < SWAPPED.len() => SWAPPED[number],
            number => MOUNTED[number - SWAPPED.len()],
        }
    }

    fn link_for_file(&mut self) -> Turn {
        let path = self.any_folder();
        let folder = self.reach(path)?;
        let (name, link) = (file_name(self.random(FILES)), self.fresh());
        let stash = &self.ground.stash;
        let target = self.canaries_of(&format!("{path}/{name}"));
        symlinkat(target, stash, &link)?;
        if self.random(2) == 0 {
            age(stash, &link, 3);
        }
        renameat(stash, &link, &folder, &name)?;
        self.count(Kind::FileForLink);
        Ok(())
    }

    fn hard_link_for_file(&mut self) -> Turn {
        let path = self.any_folder();
        let folder = self.reach(path)?;
        let (name, link) = (file_name(self.random(LINKED)), self.fresh());
        let stash = &self.ground.stash;
        let canary = format!("{path}/{name}");
        linkat(&self.ground.canary, canary, stash, &link, AtFlags::empty())?;
        let renamed = renameat(stash, &link, &folder, &name);
        // nothing happens when the file was this very inode already
        let replaced = unlinkat(stash, &link, AtFlags::empty()) == Err(Errno::NOENT);
        if replaced {
            self.count(Kind::FileForHardLink);
        }
        renamed
    }

    /// Puts a young file in an old one's place, and takes it back.
    fn young_for_file(&mut self) -> Turn {
        let folder = self.reach(YOUNG)?;
        let (name, young) = (file_name(self.random(FILES)), self.fresh());
        let stash = &self.ground.stash;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(stash, &young, flags, Mode::from_raw_mode(0o600))?;
        drop(file);
        let inode = statat(stash, &young, AtFlags::SYMLINK_NOFOLLOW)?.st_ino;
        renameat(stash, &young, &folder, &name)?;
        self.count(Kind::YoungFile);
        self.pause();
        let back = renameat(&folder, &name, stash, &young)
            .and_then(|()| statat(stash, &young, AtFlags::SYMLINK_NOFOLLOW));
        if !back.is_ok_and(|back| back.st_ino == inode) {
            self.counters.young_lost.fetch_add(1, Ordering::Relaxed);
        }
        unlinkat(stash, &young, AtFlags::empty())
    }

    fn mount(&mut self) -> Turn {
        let name = MOUNTED[self.random(MOUNTED.len())];
        let ground = self.ground;
        let below = self.reach(name)?;
        let at = |folder: &OwnedFd| format!("/proc/self/fd/{}", folder.as_raw_fd());
        mount_bind(ground.canaries().join(name), at(&below))?;
        self.count(Kind::Mount);
        self.pause();
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let above = openat2(&ground.scratch, name, flags, Mode::empty(), resolve)?;
        unmount(at(&above), UnmountFlags::DETACH)
    }
}
