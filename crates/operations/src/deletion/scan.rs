//! Looking through one location: judges each entry and writes the plan. Changes nothing.

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::Arc;

use rustix::fs::FileType;
use rustix::io::Errno;
use upkeep_contract::cleanup::{CleanupReport, EntryKind, KeptReason, PlanEntry};
use upkeep_contract::settings::LocationSettings;

use super::choose::Chooser;
use super::cursor::Cursor;
use super::in_use::Picture;
use super::name::escape;
use super::plan::{BATCH, FileEntry, PlanWriter};
use super::stat::{Identity, Kind, Stat, timestamp};
use super::tally::{self, Folders, Links};
use super::walk::{Step, Visitor, walk};
use super::work::{Stop, Work};

/// Looks through one location.
pub(crate) struct Scan<'a> {
    pub(crate) work: &'a Work,
    pub(crate) plan: &'a mut PlanWriter,
    pub(crate) report: &'a mut CleanupReport,
    pub(crate) folders: &'a mut Folders,
    pub(crate) links: &'a mut Links,
    /// Index of the location in the plan and in the report.
    pub(crate) index: usize,
    pub(crate) location: &'a LocationSettings,
    pub(crate) chooser: &'a Chooser,
    /// Nothing younger than this was asked for, nanoseconds.
    pub(crate) cutoff_ns: i64,
    /// Nothing younger than this may be taken in this location.
    pub(crate) floor_ns: i64,
    /// What is as new as this stays as one of the newest.
    pub(crate) newest_ns: i64,
    /// Roots of other locations, which are cleaned by their own settings.
    pub(crate) others: &'a HashSet<Identity>,
}

impl Scan<'_> {
    /// Looks through the location whose root the cursor holds.
    pub(crate) fn run(self, at: &mut Cursor) -> Result<(), Stop> {
        let stat = at.root().stat;
        let mut judge = Judge {
            picture: self.work.in_use.picture(),
            scan: self,
            batch: Vec::with_capacity(BATCH),
            device: stat.identity.device,
            emptied: vec![Emptied::default()],
            seen: 0,
            buffer: Vec::new(),
        };
        let ended = walk(at, stat, &mut judge);
        judge.scan.folders.end_location();
        ended
    }
}

impl Scan<'_> {
    /// Whether the location takes only the own files and this is none.
    fn is_foreign(&self, stat: &Stat) -> bool {
        self.location.only_own_files && stat.owner != self.work.user
    }
}

/// Whether a directory will be empty once the plan is executed.
#[derive(Clone, Copy, Debug, Default)]
struct Emptied {
    something_stays: bool,
    had_entries: bool,
}

struct Judge<'a> {
    scan: Scan<'a>,
    picture: Arc<Picture>,
    batch: Vec<FileEntry>,
    device: u64,
    /// One for each directory from the root to the cursor.
    emptied: Vec<Emptied>,
    seen: u64,
    /// For paths that patterns are matched against.
    buffer: Vec<u8>,
}

impl Judge<'_> {
    fn stays(&mut self) {
        if let Some(emptied) = self.emptied.last_mut() {
            emptied.something_stays = true;
        }
    }

    fn keep(&mut self, reason: KeptReason, files: u64, at: &Cursor, name: &CStr) {
        self.stays();
        tally::keep(self.scan.report, reason, files, || at.show(name.to_bytes()));
    }

    fn tick(&mut self) -> Result<(), Stop> {
        self.seen += 1;
        if self.seen.is_multiple_of(32) {
            self.scan.work.check_cancelled()?;
        }
        if self.seen.is_multiple_of(1024) {
            self.picture = self.scan.work.in_use.picture();
            let message = format!("looking through `{}`", self.scan.location.name);
            self.scan.work.progress(self.seen, None, "files", &message);
        }
        Ok(())
    }

    fn flush(&mut self, at: &Cursor) -> Result<(), Stop> {
        if !self.batch.is_empty() {
            let files = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
            self.scan
                .plan
                .files(self.scan.index, at.path(), self.device, files)?;
        }
        Ok(())
    }

    /// Into a folder, unless the rules close it.
    fn folder(&mut self, at: &Cursor, name: &CStr) -> Step {
        let chooser = self.scan.chooser;
        match chooser.closes(at.path(), name.to_bytes(), &mut self.buffer) {
            Some(reason) => {
                self.keep(reason, 0, at, name);
                Step::Over
            }
            None => Step::Into,
        }
    }

    /// Why something that is not a folder stays, and that it never matched; `Ok` when it matches.
    fn judge(&mut self, at: &Cursor, name: &CStr, stat: &Stat) -> Result<i64, Option<KeptReason>> {
        let Scan { work, chooser, .. } = &self.scan;
        if stat.mount != at.root().stat.mount {
            return Err(Some(KeptReason::OtherMount));
        }
        let time = chooser.time_ns(stat).ok_or(Some(KeptReason::OddTime))?;
        if work.is_future(time) || work.is_future(stat.modified_ns) {
            return Err(Some(KeptReason::OddTime));
        }
        if time > self.scan.cutoff_ns {
            return Err(None);
        }
        if stat.kind == Kind::Special {
            return Err(Some(KeptReason::SpecialFile));
        }
        let chosen = chooser.leaves(at.path(), name.to_bytes(), stat, &mut self.buffer);
        if chosen.is_some() {
            return Err(chosen);
        }
        if time > self.scan.floor_ns {
            return Err(Some(KeptReason::BelowMinAge));
        }
        if time >= self.scan.newest_ns && !self.scan.is_foreign(stat) {
            return Err(Some(KeptReason::Newest));
        }
        Ok(time)
    }

    /// A regular file or symbolic link that is old enough and chosen.
    fn matched(
        &mut self,
        at: &mut Cursor,
        name: &CStr,
        stat: &Stat,
        time_ns: i64,
    ) -> Result<(), Stop> {
        let scan = &mut self.scan;
        let reason = if scan.is_foreign(stat) {
            Some(KeptReason::OtherOwner)
        } else if self.picture.uses(stat) {
            Some(KeptReason::InUse)
        } else {
            None
        };
        let bytes = match reason {
            Some(_) => stat.allocated,
            None => scan.links.gives_back(stat),
        };
        scan.report.files_matched += 1;
        scan.report.bytes_matched += bytes;
        if let Some(total) = scan.report.locations.get_mut(scan.index) {
            total.files_matched += 1;
            total.bytes_matched += bytes;
        }
        if let Some(reason) = reason {
            self.keep(reason, 1, at, name);
            return Ok(());
        }
        scan.folders.add(&scan.location.name, at.path(), 1, bytes);
        let age = scan.work.now_ns.saturating_sub(time_ns);
        tally::add_age(scan.report, age, 1, bytes);
        tally::list(scan.report, bytes, || PlanEntry {
            kind: if stat.kind == Kind::SymbolicLink {
                EntryKind::SymbolicLink
            } else {
                EntryKind::File
            },
            location: scan.location.name.clone(),
            path: at.show(name.to_bytes()),
            bytes,
            modified_at: timestamp(time_ns),
        });
        if self.device != stat.identity.device || self.batch.len() >= BATCH {
            self.flush(at)?;
            self.device = stat.identity.device;
        }
        self.batch.push(FileEntry(
            escape(name.to_bytes()).into_owned(),
            stat.kind == Kind::SymbolicLink,
            stat.identity.inode,
            stat.size,
            bytes,
            stat.modified_ns,
        ));
        Ok(())
    }
}

impl Visitor for Judge<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        self.tick()?;
        if let Some(emptied) = self.emptied.last_mut() {
            emptied.had_entries = true;
        }
        if hint == FileType::Directory {
            return Ok(self.folder(at, name));
        }
        let stat = match at.current().and_then(|here| Stat::of_entry(here, name)) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Step::Over),
            Err(_) => {
                self.keep(KeptReason::OddTime, 0, at, name);
                return Ok(Step::Over);
            }
        };
        if stat.kind == Kind::Directory {
            return Ok(self.folder(at, name));
        }
        match self.judge(at, name, &stat) {
            Ok(time) => self.matched(at, name, &stat, time)?,
            Err(Some(reason)) => self.keep(reason, 0, at, name),
            Err(None) => self.stays(),
        }
        Ok(Step::Over)
    }

    fn entered(&mut self, _: &mut Cursor, stat: &Stat) -> Result<Step, Stop> {
        if self.scan.others.contains(&stat.identity) {
            self.stays();
            return Ok(Step::Over);
        }
        self.emptied.push(Emptied::default());
        Ok(Step::Into)
    }

    fn burst_ended(&mut self, at: &mut Cursor) -> Result<(), Stop> {
        self.scan.work.check_cancelled()?;
        self.flush(at)
    }

    fn blocked(&mut self, at: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop> {
        match error {
            Errno::XDEV => self.keep(KeptReason::OtherMount, 0, at, name),
            // what was a directory a moment ago is now a link or a file
            Errno::LOOP | Errno::NOTDIR => self.keep(KeptReason::Changed, 0, at, name),
            error => {
                self.stays();
                tally::problem(
                    self.scan.report,
                    || at.show(name.to_bytes()),
                    tally::explain(error),
                );
            }
        }
        Ok(())
    }

    fn left(&mut self, at: &mut Cursor, name: &CStr, stat: &Stat) -> Result<(), Stop> {
        self.tick()?;
        let emptied = self.emptied.pop().unwrap_or_default();
        let scan = &mut self.scan;
        let time = scan.chooser.time_ns(stat);
        let old_enough = |time: i64| time <= scan.cutoff_ns.min(scan.floor_ns);
        let goes = scan.location.remove_empty_directories
            && !emptied.something_stays
            && time.is_some_and(old_enough)
            // what lay in it was taken by the rules; what was empty before must be meant by them
            && (emptied.had_entries
                || scan.chooser.includes(at.path(), name.to_bytes(), &mut self.buffer))
            && !scan.is_foreign(stat)
            && !self.picture.uses(stat);
        if !goes {
            self.stays();
            return Ok(());
        }
        let mut path = at.path().to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.to_bytes());
        tally::list(scan.report, 0, || PlanEntry {
            kind: EntryKind::Directory,
            location: scan.location.name.clone(),
            path: at.show(name.to_bytes()),
            bytes: stat.allocated,
            modified_at: timestamp(time.unwrap_or(stat.modified_ns)),
        });
        scan.plan.directory(
            scan.index,
            &path,
            stat.identity,
            stat.modified_ns,
            emptied.had_entries,
        )?;
        Ok(())
    }
}
