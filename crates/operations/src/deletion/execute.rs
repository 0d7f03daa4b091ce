//! Executing a plan of files: removes what it lists and nothing else.
//!
//! Each entry is looked at again just before. Files go first, by several threads; directories
//! afterwards, in the order of the plan, which names a directory after everything in it.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use upkeep_contract::cleanup::{CleanupReport, KeptReason};
use upkeep_contract::settings::LocationSettings;

use super::cursor::Cursor;
use super::in_use::Picture;
use super::manifest::{Done, Earlier, Manifest, outcome};
use super::name::{end_of, escape, unescape};
use super::open::Root;
use super::plan::{BATCH, Directory, FileEntry, Files, Line, Numbered, Plan, PlanReader};
use super::stat::{Identity, Kind, Stat};
use super::tally;
use super::trash::move_to_trash;
use super::work::{Stop, Work};
use crate::OperationError;

/// File systems stamp times from a clock that ticks every few milliseconds.
const CLOCK_GRAIN_NS: i64 = 20_000_000;

/// A location whose root is held.
pub(crate) struct Held {
    pub(crate) settings: LocationSettings,
    pub(crate) path: std::path::PathBuf,
    pub(crate) root: Arc<Root>,
}

/// Removes what a plan lists.
pub(crate) struct Execute<'a> {
    pub(crate) work: &'a Work,
    pub(crate) plan: &'a Plan,
    pub(crate) manifest: &'a Manifest,
    pub(crate) locations: &'a [Held],
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
}

impl Execute<'_> {
    /// Removes; the report carries on from the plan's.
    pub(crate) fn run(&self, report: &mut CleanupReport) -> Result<(), Stop> {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
        self.pass(Pass::Files, threads, report)?;
        if self.plan.footer.directories > 0 {
            self.pass(Pass::Directories, 1, report)?;
        }
        Ok(())
    }

    fn pass(&self, pass: Pass, threads: usize, report: &mut CleanupReport) -> Result<(), Stop> {
        let total = report.files_matched.saturating_sub(report.files_kept);
        let shared = Shared {
            lines: Mutex::new(self.plan.lines()?),
            report: Mutex::new(report),
            failed: Mutex::new(None),
            stop: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total,
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread that removes.
struct Hand<'a, 'r> {
    execute: &'a Execute<'a>,
    shared: &'a Shared<'r>,
    cursors: HashMap<usize, Cursor>,
    picture: Arc<Picture>,
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
        while entries < BATCH {
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
        Some(Cursor::new(Arc::clone(&held.root), held.path.clone()))
    }

    fn files(&mut self, line: &Numbered, files: &Files, added: &mut Added) -> Done {
        added.at = files.at;
        let mut done = Done {
            batch: line.number,
            folder: recorded(&line.path),
            ..Done::default()
        };
        let mut letters = vec![outcome::OPEN; files.entries.len()];
        // what the attempt before left: letters of an ended batch, or the mark that it was cut off
        let mut cut_off = false;
        let before = match self.execute.manifest.earlier(line.number) {
            Some(Earlier::Ended(before)) => Some(before),
            Some(Earlier::CutOff { before }) => {
                cut_off = true;
                before.as_ref()
            }
            None => None,
        };
        if let Some(before) = before {
            done.files = before.files;
            done.bytes = before.bytes;
            if before.outcomes.is_empty() {
                letters.fill(outcome::REMOVED);
            } else {
                for (letter, earlier) in letters.iter_mut().zip(before.outcomes.bytes()) {
                    *letter = earlier;
                }
            }
        }
        let Some(mut at) = self.cursor(files.at) else {
            return done;
        };
        if let Ok(held) = self.location(files.at) {
            done.location.clone_from(&held.settings.name);
        }
        let reached = at.go_to(&line.path);
        for (entry, letter) in files.entries.iter().zip(letters.iter_mut()) {
            if matches!(*letter, outcome::REMOVED | outcome::GONE) {
                if *letter == outcome::GONE {
                    added.gone += 1;
                    added.gone_bytes += entry.4;
                }
                self.count_file();
                continue;
            }
            if self.must_stop() {
                break;
            }
            self.count_file();
            *letter = match reached {
                Ok(()) => self.file(&mut at, files, entry, cut_off, &mut done, added),
                // the folder is gone, and with it the file
                Err(Errno::NOENT) => gone(cut_off, entry, &mut done, added),
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    added.kept.push((KeptReason::Changed, 1, at.show(b"")));
                    outcome::KEPT
                }
                Err(Errno::XDEV) => {
                    added.kept.push((KeptReason::OtherMount, 1, at.show(b"")));
                    outcome::KEPT
                }
                Err(error) => {
                    added.failed_files += 1;
                    let reason = tally::explain(error);
                    added
                        .problems
                        .push((at.show_below_root(&line.path), reason));
                    outcome::FAILED
                }
            };
        }
        self.cursors.insert(files.at, at);
        if letters.iter().any(|letter| *letter != outcome::REMOVED) {
            done.outcomes = String::from_utf8(letters).unwrap_or_default();
        }
        done
    }

    /// Counts an entry; true when the work must stop before it.
    fn must_stop(&mut self) -> bool {
        self.handled += 1;
        let work = self.execute.work;
        if self.handled.is_multiple_of(16) && !self.stopped {
            self.stopped = work.context.is_cancelled() || self.shared.stop.load(Ordering::Relaxed);
        }
        if self.handled.is_multiple_of(64) && !self.stopped {
            self.picture = work.in_use.picture();
        }
        self.stopped
    }

    fn count_file(&self) {
        let done = self.shared.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(64) || done == self.shared.total {
            let total = Some(self.shared.total);
            self.execute
                .work
                .progress(done, total, "files", "removing files");
        }
    }

    fn file(
        &mut self,
        at: &mut Cursor,
        files: &Files,
        entry: &FileEntry,
        cut_off: bool,
        done: &mut Done,
        added: &mut Added,
    ) -> u8 {
        let FileEntry(escaped, is_link, inode, size, _, modified_ns) = entry;
        let name = unescape(escaped).and_then(|name| CString::new(name).ok());
        let Some(name) = name else {
            added.failed_files += 1;
            let reason = "the plan's name for it cannot be read; preview again".to_owned();
            added.problems.push((at.show(escaped.as_bytes()), reason));
            return outcome::FAILED;
        };
        let stat = match at.current().and_then(|here| Stat::of_entry(here, &name)) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return gone(cut_off, entry, done, added),
            Err(error) => return failed(at, &name, tally::explain(error), added),
        };
        let kind = if *is_link {
            Kind::SymbolicLink
        } else {
            Kind::File
        };
        let same = stat.identity
            == (Identity {
                device: files.device,
                inode: *inode,
            })
            && stat.size == *size
            && stat.modified_ns == *modified_ns
            && stat.kind == kind;
        let own = self.execute.work.user;
        let settings = self.location(files.at).map(|held| &held.settings);
        let only_own = settings.as_ref().is_ok_and(|it| it.only_own_files);
        let to_trash = settings.is_ok_and(|it| it.trash);
        let reason = if !same {
            Some(KeptReason::Changed)
        } else if stat.mount != at.root().stat.mount {
            Some(KeptReason::OtherMount)
        } else if only_own && stat.owner != own {
            Some(KeptReason::OtherOwner)
        } else if self.picture.uses(&stat) {
            Some(KeptReason::InUse)
        } else {
            None
        };
        if let Some(reason) = reason {
            added.kept.push((reason, 1, at.show(name.to_bytes())));
            return outcome::KEPT;
        }
        if to_trash {
            if let Err(reason) = move_to_trash(at, &name) {
                return failed(at, &name, reason, added);
            }
        } else {
            let removed = at
                .current()
                .and_then(|here| rustix::fs::unlinkat(here, &name, AtFlags::empty()));
            match removed {
                Ok(()) => {}
                Err(Errno::NOENT) => return gone(cut_off, entry, done, added),
                Err(error) => return failed(at, &name, tally::explain(error), added),
            }
            // the trash gives nothing back; a hard link only when its last name goes
            if stat.links <= 1 {
                done.bytes += stat.allocated;
            }
        }
        done.files += 1;
        done.removed.push(escaped.clone());
        outcome::REMOVED
    }

    fn directory(&mut self, line: &Numbered, planned: &Directory, added: &mut Added) -> Done {
        added.at = planned.at;
        let mut done = Done {
            batch: line.number,
            folder: recorded(&line.path),
            outcomes: char::from(outcome::OPEN).to_string(),
            ..Done::default()
        };
        if self.must_stop() {
            return done;
        }
        let Some(mut at) = self.cursor(planned.at) else {
            return done;
        };
        if let Ok(held) = self.location(planned.at) {
            done.location.clone_from(&held.settings.name);
        }
        let cut = line.path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match cut {
            Some(cut) => (&line.path[..cut], &line.path[cut + 1..]),
            None => (&line.path[..0], &line.path[..]),
        };
        let name = CString::new(name).unwrap_or_default();
        let removed = at
            .go_to(parent)
            .and_then(|()| self.remove_directory(&mut at, &name, planned));
        let cut_off = matches!(
            self.execute.manifest.earlier(line.number),
            Some(Earlier::CutOff { .. })
        );
        let letter = match removed {
            Ok(None) => outcome::REMOVED,
            Ok(Some(reason)) => {
                added.kept.push((reason, 0, at.show(name.to_bytes())));
                outcome::KEPT
            }
            Err(Errno::NOENT) if cut_off => outcome::REMOVED,
            Err(Errno::NOENT) => outcome::GONE,
            // something in it was kept, and said so, or it is in use again
            Err(Errno::NOTEMPTY | Errno::EXIST) => outcome::KEPT,
            Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => {
                added
                    .kept
                    .push((KeptReason::Changed, 0, at.show(name.to_bytes())));
                outcome::KEPT
            }
            Err(error) => {
                added
                    .problems
                    .push((at.show(name.to_bytes()), tally::explain(error)));
                outcome::FAILED
            }
        };
        self.cursors.insert(planned.at, at);
        if letter == outcome::REMOVED {
            done.directories = 1;
            done.outcomes = String::new();
        } else {
            done.outcomes = char::from(letter).to_string();
        }
        done
    }

    fn remove_directory(
        &self,
        at: &mut Cursor,
        name: &CStr,
        planned: &Directory,
    ) -> Result<Option<KeptReason>, Errno> {
        let mount = at.root().stat.mount;
        let here = at.current()?;
        let stat = Stat::of_entry(here, name)?;
        // removing its entries changed its time, but never before the removal began
        let began_ns = self
            .execute
            .manifest
            .began_ns
            .saturating_sub(CLOCK_GRAIN_NS);
        let by_us = planned.had_entries && stat.modified_ns >= began_ns;
        let same = stat.identity == planned.identity
            && stat.kind == Kind::Directory
            && (stat.modified_ns == planned.modified_ns || by_us);
        if !same {
            return Ok(Some(KeptReason::Changed));
        }
        if stat.mount != mount {
            return Ok(Some(KeptReason::OtherMount));
        }
        if self.picture.uses(&stat) {
            return Ok(Some(KeptReason::InUse));
        }
        rustix::fs::unlinkat(here, name, AtFlags::REMOVEDIR)?;
        Ok(None)
    }
}

/// A folder as the manifest records it.
fn recorded(path: &[u8]) -> String {
    let (end, is_cut) = end_of(path);
    let end = escape(end);
    if is_cut {
        format!("…{end}")
    } else {
        end.into_owned()
    }
}

/// Gone before its turn; after an attempt that was cut off it was that attempt that removed it.
fn gone(cut_off: bool, entry: &FileEntry, done: &mut Done, added: &mut Added) -> u8 {
    if cut_off {
        done.files += 1;
        done.bytes += entry.4;
        done.removed.push(entry.0.clone());
        return outcome::REMOVED;
    }
    added.gone += 1;
    added.gone_bytes += entry.4;
    outcome::GONE
}

fn failed(at: &Cursor, name: &CStr, reason: String, added: &mut Added) -> u8 {
    added.failed_files += 1;
    added.problems.push((at.show(name.to_bytes()), reason));
    outcome::FAILED
}
