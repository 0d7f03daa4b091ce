//! Looking through one location: judges each entry and writes the plan. Changes nothing.
//!
//! Two threads: one goes ahead and walks, the other judges what it comes by, in the same order.

mod ahead;

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use upkeep_contract::cleanup::{CleanupReport, EntryKind, KeptReason, PlanEntry};
use upkeep_contract::settings::LocationSettings;

use super::choose::Chooser;
use super::cursor::Cursor;
use super::in_use::Picture;
use super::name::{display, entry_name, escape};
use super::plan::{BATCH, FileEntry, PlanWriter};
use super::platform::Errno;
use super::stat::{Identity, Kind, Stat, timestamp};
use super::tally::{self, Folders, Links};
use super::walk::walk;
use super::work::{Stop, Work};
use ahead::{Ahead, Event, Looked, OnTheirWay, PARCELS_MAX, Parcel};

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
        let here = Place {
            cursor: at.at_root(),
            path: Vec::new(),
            ends: Vec::new(),
        };
        let (work, chooser, others) = (self.work, self.chooser, self.others);
        let on_their_way = OnTheirWay::default();
        let (sender, parcels) = sync_channel(PARCELS_MAX);
        std::thread::scope(|scope| {
            let ahead = Ahead::new(work, chooser, others, sender, &on_their_way);
            let walked = scope.spawn(move || {
                let mut ahead = ahead;
                walk(at, stat, &mut ahead)?;
                ahead.finish()
            });
            let mut judge = Judge {
                picture: work.in_use.picture(),
                scan: self,
                here,
                batch: Vec::with_capacity(BATCH),
                device: stat.identity.device,
                emptied: vec![Emptied::default()],
                seen: 0,
                buffer: Vec::new(),
            };
            let judged: Result<(), Stop> = parcels.into_iter().try_for_each(|parcel: Parcel| {
                let (entries, directories) = (parcel.entries, parcel.directories);
                judge.parcel(parcel)?;
                on_their_way.arrived(entries, directories);
                Ok(())
            });
            judge.scan.folders.end_location();
            // what stopped the judge stopped the walk
            judged?;
            walked
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Scan<'_> {
    /// Whether the location takes only the own files and this is none.
    fn is_foreign(&self, stat: &Stat) -> bool {
        self.location.only_own_files && !stat.belongs_to(self.work.user)
    }
}

/// Whether a directory will be empty once the plan is executed.
#[derive(Clone, Copy, Debug, Default)]
struct Emptied {
    something_stays: bool,
    had_entries: bool,
}

/// Where the judge is, as a path; the one ahead is somewhere else by now.
struct Place {
    /// Stays at the root.
    cursor: Cursor,
    path: Vec<u8>,
    /// Where the path of each directory above ends.
    ends: Vec<usize>,
}

impl Place {
    fn enter(&mut self, name: &CStr) {
        self.ends.push(self.path.len());
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.to_bytes());
    }

    /// An entry of this directory, for a person.
    fn show(&self, entry: &CStr) -> String {
        let mut text = self.cursor.show_below_root(&self.path);
        if !entry.is_empty() {
            text.push('/');
            text.push_str(&display(entry.to_bytes()));
        }
        text
    }
}

struct Judge<'a> {
    scan: Scan<'a>,
    here: Place,
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

    fn keep(&mut self, reason: KeptReason, files: u64, name: &CStr) {
        self.stays();
        tally::keep(self.scan.report, reason, files, || self.here.show(name));
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

    fn flush(&mut self) -> Result<(), Stop> {
        if !self.batch.is_empty() {
            let scan = &mut self.scan;
            let files = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
            let path = &self.here.path;
            let bytes = files.iter().map(|file| file.4).sum();
            let count = files.len() as u64;
            scan.folders.add(&scan.location.name, path, count, bytes);
            scan.plan.files(scan.index, path, self.device, files)?;
        }
        Ok(())
    }

    /// Why something that is not a folder stays, and that it never matched; `Ok` when it matches.
    fn judge(&mut self, name: &CStr, stat: &Stat) -> Result<i64, Option<KeptReason>> {
        let Scan { work, chooser, .. } = &self.scan;
        if stat.mount != self.here.cursor.root().stat.mount {
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
        let chosen = chooser.leaves(&self.here.path, name.to_bytes(), stat, &mut self.buffer);
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
    fn matched(&mut self, name: &CStr, stat: &Stat, time_ns: i64) -> Result<(), Stop> {
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
            self.keep(reason, 1, name);
            return Ok(());
        }
        let age = scan.work.now_ns.saturating_sub(time_ns);
        tally::add_age(scan.report, age, 1, bytes);
        tally::list(scan.report, bytes, || PlanEntry {
            kind: if stat.kind == Kind::SymbolicLink {
                EntryKind::SymbolicLink
            } else {
                EntryKind::File
            },
            location: scan.location.name.clone(),
            path: self.here.show(name),
            name: entry_name(&self.here.path, name.to_bytes()),
            files: 1,
            bytes,
            modified_at: timestamp(time_ns),
        });
        if self.device != stat.identity.device || self.batch.len() >= BATCH {
            self.flush()?;
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

impl Judge<'_> {
    fn parcel(&mut self, parcel: Parcel) -> Result<(), Stop> {
        let mut names = Names(&parcel.names);
        for event in parcel.events {
            match event {
                Event::Entries { count, looked } => self.entries(&mut names, count, looked)?,
                Event::Folder => {
                    self.tick()?;
                    self.had_entry();
                }
                Event::Closed(reason) => {
                    self.tick()?;
                    self.had_entry();
                    self.keep(reason, 0, names.next());
                }
                Event::OtherLocation => self.stays(),
                Event::Entered => {
                    self.here.enter(names.next());
                    self.emptied.push(Emptied::default());
                }
                Event::Left(stat) => self.left(&stat)?,
                Event::Blocked(error) => self.blocked(names.next(), error),
            }
        }
        Ok(())
    }

    fn had_entry(&mut self) {
        if let Some(emptied) = self.emptied.last_mut() {
            emptied.had_entries = true;
        }
    }

    fn entries(&mut self, names: &mut Names<'_>, count: usize, looked: Looked) -> Result<(), Stop> {
        self.had_entry();
        match looked {
            Looked::Ahead(stats) => {
                for stat in stats {
                    self.entry(names.next(), stat)?;
                }
            }
            Looked::Open(directory) => {
                for _ in 0..count {
                    let name = names.next();
                    self.entry(name, Stat::of_entry(&directory, name))?;
                }
            }
        }
        self.flush()
    }

    fn entry(&mut self, name: &CStr, looked: Result<Stat, Errno>) -> Result<(), Stop> {
        self.tick()?;
        let stat = match looked {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(_) => {
                self.keep(KeptReason::OddTime, 0, name);
                return Ok(());
            }
        };
        if stat.kind == Kind::Directory {
            // it was none when the walk came by
            self.keep(KeptReason::Changed, 0, name);
            return Ok(());
        }
        match self.judge(name, &stat) {
            Ok(time) => self.matched(name, &stat, time)?,
            Err(Some(reason)) => self.keep(reason, 0, name),
            Err(None) => self.stays(),
        }
        Ok(())
    }

    fn blocked(&mut self, name: &CStr, error: Errno) {
        match error {
            Errno::XDEV => self.keep(KeptReason::OtherMount, 0, name),
            // what was a directory a moment ago is now a link or a file
            Errno::LOOP | Errno::NOTDIR => self.keep(KeptReason::Changed, 0, name),
            error => {
                self.stays();
                tally::problem(
                    self.scan.report,
                    || self.here.show(name),
                    tally::explain(error),
                );
            }
        }
    }

    fn left(&mut self, stat: &Stat) -> Result<(), Stop> {
        self.tick()?;
        let emptied = self.emptied.pop().unwrap_or_default();
        let above = self.here.ends.pop().unwrap_or_default();
        let scan = &mut self.scan;
        let path = &self.here.path;
        let name = &path[if above == 0 { 0 } else { above + 1 }..];
        let time = scan.chooser.time_ns(stat);
        let old_enough = |time: i64| time <= scan.cutoff_ns.min(scan.floor_ns);
        let goes = scan.location.remove_empty_directories
            && !emptied.something_stays
            && time.is_some_and(old_enough)
            // what lay in it was taken by the rules; what was empty before must be meant by them
            && (emptied.had_entries
                || scan.chooser.includes(&path[..above], name, &mut self.buffer))
            && !scan.is_foreign(stat)
            && !self.picture.uses(stat);
        if goes {
            tally::list(scan.report, 0, || PlanEntry {
                kind: EntryKind::Directory,
                location: scan.location.name.clone(),
                path: self.here.show(c""),
                name: entry_name(path, b""),
                files: 0,
                bytes: stat.allocated,
                modified_at: timestamp(time.unwrap_or(stat.modified_ns)),
            });
            scan.plan.directory(
                scan.index,
                path,
                stat.identity,
                stat.modified_ns,
                emptied.had_entries,
            )?;
        }
        self.here.path.truncate(above);
        if !goes {
            self.stays();
        }
        Ok(())
    }
}

/// Takes one name after another.
struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    fn next(&mut self) -> &'a CStr {
        // whoever sends an event sends its name, too
        let name = CStr::from_bytes_until_nul(self.0).unwrap_or_default();
        self.0 = self.0.get(name.count_bytes() + 1..).unwrap_or_default();
        name
    }
}
