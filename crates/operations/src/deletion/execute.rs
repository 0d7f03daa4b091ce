//! Executing a plan of files: removes what it lists and nothing else.
//!
//! Each entry is looked at again just before. Files go first, by several threads; directories
//! afterwards, in the order of the plan, which names a directory after everything in it.

mod directories;
mod files;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use upkeep_contract::cleanup::{CleanupReport, KeptReason, RemovedEntry};
use upkeep_contract::settings::LocationSettings;

use super::choose::{Chooser, Newest};
use super::cursor::Cursor;
use super::in_use::Picture;
use super::left_out::LeftOut;
use super::manifest::{Done, Earlier, Manifest};
use super::name;
use super::plan::{BATCH, Line, Numbered, Plan, PlanReader};
use super::platform::Root;
use super::stat::Identity;
use super::tally;
use super::work::{Stop, Work, end_of_millisecond};
use crate::OperationError;

/// File systems stamp times from a clock that ticks every few milliseconds.
const CLOCK_GRAIN_NS: i64 = 20_000_000;

/// Removing waits for the disk more than it computes, so the number of cores says little.
const THREADS: usize = 4;
/// Paths of a unit's folders take so many bytes at most, besides the last one's.
const UNIT_PATHS: usize = 64 * 1024;

/// A location whose root is held.
pub(crate) struct Held {
    pub(crate) settings: LocationSettings,
    pub(crate) chooser: Chooser,
    pub(crate) path: std::path::PathBuf,
    pub(crate) root: Arc<Root>,
}

impl Held {
    /// A cursor at the root.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor::new(Arc::clone(&self.root), self.path.clone())
    }

    /// Nothing younger than this may be taken, nanoseconds.
    pub(crate) fn floor_ns(&self, work: &Work) -> i64 {
        let least = i64::try_from(self.chooser.min_age.as_nanos()).unwrap_or(i64::MAX);
        work.now_ns.saturating_sub(least)
    }
}

/// What the time of an entry is held against, just before its removal.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_field_names,
    reason = "each is a time and carries its unit"
)]
struct Limits {
    /// Nothing younger was asked for when the plan was made.
    cutoff_ns: i64,
    /// Nothing younger may be taken now.
    floor_ns: i64,
    /// What is as new as this is one of the newest now.
    newest_ns: i64,
    /// When the removal began, with some room for coarse clocks.
    began_ns: i64,
}

/// Removes what a plan lists.
pub(crate) struct Execute<'a> {
    pub(crate) work: &'a Work,
    pub(crate) plan: &'a Plan,
    pub(crate) manifest: &'a Manifest,
    pub(crate) locations: &'a [Held],
    /// Entries of the plan that stay.
    pub(crate) left_out: &'a LeftOut,
}

/// Which lines a pass over the plan takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Files,
    Directories,
}

struct Shared<'a> {
    lines: Mutex<PlanReader>,
    report: Mutex<&'a mut CleanupReport>,
    failed: Mutex<Option<Stop>>,
    stop: AtomicBool,
    done: AtomicU64,
    total: u64,
    /// One for each location.
    limits: &'a [Limits],
}

impl Execute<'_> {
    /// Removes; the report carries on from the plan's.
    /// `others` are the roots of all locations and run stores; asked only where newest files stay.
    pub(crate) fn run(
        &self,
        others: &HashSet<Identity>,
        report: &mut CleanupReport,
    ) -> Result<(), Stop> {
        let limits = self.limits(others)?;
        self.pass(Pass::Files, THREADS, &limits, report)?;
        if self.plan.footer.directories > 0 {
            self.pass(Pass::Directories, 1, &limits, report)?;
        }
        Ok(())
    }

    /// Which files are the newest is asked again: since the preview newer ones may have gone.
    fn limits(&self, others: &HashSet<Identity>) -> Result<Vec<Limits>, Stop> {
        let mut limits = Vec::with_capacity(self.locations.len());
        for held in self.locations {
            let mut others = others.clone();
            others.remove(&held.root.stat.identity);
            let newest = Newest {
                work: self.work,
                chooser: &held.chooser,
                only_own_files: held.settings.only_own_files,
                others: &others,
            };
            limits.push(Limits {
                cutoff_ns: end_of_millisecond(self.plan.header.cutoff),
                floor_ns: held.floor_ns(self.work),
                newest_ns: newest.last_kept_ns(&mut held.cursor())?,
                began_ns: self.manifest.began_ns.saturating_sub(CLOCK_GRAIN_NS),
            });
        }
        Ok(limits)
    }

    fn pass(
        &self,
        pass: Pass,
        threads: usize,
        limits: &[Limits],
        report: &mut CleanupReport,
    ) -> Result<(), Stop> {
        let total = report.files_matched.saturating_sub(report.files_kept);
        let shared = Shared {
            lines: Mutex::new(self.plan.lines()?),
            report: Mutex::new(report),
            failed: Mutex::new(None),
            stop: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total,
            limits,
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.work_off(pass, &shared));
            }
            self.work_off(pass, &shared);
        });
        let failed = shared.failed.into_inner();
        match failed.unwrap_or_else(PoisonError::into_inner) {
            Some(stop) => Err(stop),
            None => Ok(()),
        }
    }

    fn work_off(&self, pass: Pass, shared: &Shared<'_>) {
        let mut hand = Hand {
            execute: self,
            shared,
            cursors: HashMap::new(),
            picture: self.work.in_use.picture(),
            buffer: Vec::new(),
            handled: 0,
            stopped: false,
        };
        if let Err(stop) = hand.work_off(pass) {
            shared.stop.store(true, Ordering::Relaxed);
            let mut failed = lock(&shared.failed);
            // a failure says more than a cancellation
            if failed.is_none() || matches!(stop, Stop::Failed(_)) {
                *failed = Some(stop);
            }
        }
    }
}

/// The path of something removed, for a person.
fn shown(held: &Held, folder: &str, name: &str) -> String {
    let mut path = held.path.display().to_string();
    for part in [folder, name] {
        if !part.is_empty() {
            path.push('/');
            path.push_str(&name::display(&name::unescape(part).unwrap_or_default()));
        }
    }
    path
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread that removes.
struct Hand<'a, 'r> {
    execute: &'a Execute<'a>,
    shared: &'a Shared<'r>,
    cursors: HashMap<usize, Cursor>,
    picture: Arc<Picture>,
    /// For paths that patterns are matched against.
    buffer: Vec<u8>,
    handled: u64,
    /// Set once the work must stop, so that no later batch of the unit begins.
    stopped: bool,
}

/// What a batch added to the report.
#[derive(Default)]
struct Added {
    at: usize,
    gone: u64,
    gone_bytes: u64,
    kept: Vec<(KeptReason, u64, String)>,
    problems: Vec<(String, String)>,
    failed_files: u64,
}

impl Hand<'_, '_> {
    fn work_off(&mut self, pass: Pass) -> Result<(), Stop> {
        loop {
            if self.shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.execute.work.check_cancelled()?;
            let unit = self.take(pass)?;
            if unit.is_empty() {
                return Ok(());
            }
            let manifest = self.execute.manifest;
            manifest.begin(unit.iter().map(|line| line.number).collect())?;
            let mut done = Vec::with_capacity(unit.len());
            let mut added = Vec::with_capacity(unit.len());
            for line in &unit {
                let mut batch_added = Added::default();
                let result = match &line.line {
                    Line::Folder(files) => self.files(line, files, &mut batch_added),
                    Line::Directory(directory) => self.directory(line, directory, &mut batch_added),
                    _ => continue,
                };
                added.push(batch_added);
                done.push(result);
            }
            self.add(&done, added);
            manifest.end(done)?;
        }
    }

    /// Takes lines until they hold a batch of entries; what an earlier attempt finished is only counted.
    fn take(&self, pass: Pass) -> Result<Vec<Numbered>, OperationError> {
        let mut lines = lock(&self.shared.lines);
        let mut unit = Vec::new();
        let mut entries = 0;
        let mut paths = 0;
        while entries < BATCH && paths < UNIT_PATHS {
            let Some(line) = lines.next()? else { break };
            let (at, size, counted) = match (&line.line, pass) {
                (Line::Folder(files), Pass::Files) => (files.at, files.entries.len(), true),
                (Line::Directory(directory), Pass::Directories) => (directory.at, 1, false),
                _ => continue,
            };
            match self.execute.manifest.earlier(line.number) {
                Some(Earlier::Ended(done)) if done.outcomes.is_empty() => {
                    let added = Added {
                        at,
                        ..Added::default()
                    };
                    if counted {
                        self.shared.done.fetch_add(size as u64, Ordering::Relaxed);
                    }
                    self.add(std::slice::from_ref(done), vec![added]);
                }
                _ => {
                    entries += size;
                    paths += line.path.len();
                    unit.push(line);
                }
            }
        }
        Ok(unit)
    }

    fn add(&self, done: &[Done], added: Vec<Added>) {
        let mut report = lock(&self.shared.report);
        let report = &mut **report;
        for (done, added) in done.iter().zip(added) {
            report.files_removed += done.files;
            report.files_trashed += done.trashed;
            report.directories_removed += done.directories;
            report.bytes_removed += done.bytes;
            report.files_failed += added.failed_files;
            report.files_matched = report.files_matched.saturating_sub(added.gone);
            report.bytes_matched = report.bytes_matched.saturating_sub(added.gone_bytes);
            if let Some(total) = report.locations.get_mut(added.at) {
                total.files_removed += done.files;
                total.bytes_removed += done.bytes;
                total.files_matched = total.files_matched.saturating_sub(added.gone);
                total.bytes_matched = total.bytes_matched.saturating_sub(added.gone_bytes);
            }
            if let Some(held) = self.execute.locations.get(added.at) {
                let trashed = held.settings.trash;
                for name in &done.removed {
                    tally::removed(report, || RemovedEntry {
                        path: shown(held, &done.folder, name),
                        trashed,
                    });
                }
            }
            for (reason, files, example) in added.kept {
                tally::keep(report, reason, files, || example);
            }
            for (path, reason) in added.problems {
                tally::problem(report, || path, reason);
            }
        }
    }

    fn location(&self, at: usize) -> Result<&Held, Stop> {
        self.execute.locations.get(at).ok_or_else(|| {
            Stop::Failed(super::plan::refuse(
                &self.execute.plan.header.id,
                "names a location it does not have",
            ))
        })
    }

    /// The cursor of a location, taken out so that the hand stays free.
    fn cursor(&mut self, at: usize) -> Option<Cursor> {
        if let Some(cursor) = self.cursors.remove(&at) {
            return Some(cursor);
        }
        let held = self.location(at).ok()?;
        Some(held.cursor())
    }
}
