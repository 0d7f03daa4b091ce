//! Which files a location's rules take: patterns, protected names, sizes, and by which time they are old.
//!
//! The scan and the execution ask the same chooser, so that what was forbidden since a preview
//! stays, too. A folder that is closed is not even looked into.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::ffi::CStr;
use std::time::Duration;

use upkeep_contract::choice::{AgeBy, Patterns, RuleProblem};
use upkeep_contract::cleanup::KeptReason;
use upkeep_contract::settings::LocationSettings;

use super::cursor::Cursor;
use super::platform::{Errno, FileType};
use super::stat::{Identity, Kind, Stat};
use super::walk::{Step, Visitor, walk};
use super::work::{Stop, Work};

const HOUR: Duration = Duration::from_hours(1);

/// The rules of one location, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    age_by: AgeBy,
    include: Patterns,
    exclude: Patterns,
    protect: HashSet<Vec<u8>>,
    min_size: u64,
    /// Nothing younger is taken, whatever a task asks for.
    pub(crate) min_age: Duration,
    /// So many of the newest stay.
    pub(crate) keep_newest: u32,
}

impl Chooser {
    /// Reads the rules; the configuration has checked them, so a problem is a surprise.
    pub(crate) fn of(location: &LocationSettings) -> Result<Self, RuleProblem> {
        let patterns = |list: &[String]| Patterns::new(list).map_err(|(_, problem)| problem);
        let protect = location.protect.iter();
        Ok(Self {
            age_by: location.age_by,
            include: patterns(&location.include)?,
            exclude: patterns(&location.exclude)?,
            protect: protect.map(|name| name.as_bytes().to_vec()).collect(),
            min_size: location.min_size_bytes,
            min_age: HOUR * location.min_age_hours,
            keep_newest: location.keep_newest,
        })
    }

    /// The time by which an entry is as old as it is; none when the file system does not say.
    pub(crate) fn time_ns(&self, stat: &Stat) -> Option<i64> {
        match self.age_by {
            AgeBy::Modified => Some(stat.modified_ns),
            AgeBy::Accessed => stat.accessed_ns,
            AgeBy::Changed => stat.changed_ns,
            AgeBy::Created => stat.created_ns,
            AgeBy::Newest => {
                let newest = stat.changed_ns.max(Some(stat.modified_ns));
                newest.max(stat.created_ns)
            }
        }
    }

    /// The same while a removal goes on, which began at `began_ns`: removing one name of a file
    /// sets the change time of its other names, and that does not make them young.
    pub(crate) fn time_during_removal_ns(&self, stat: &Stat, began_ns: i64) -> Option<i64> {
        let mut stat = *stat;
        if stat.changed_ns.is_some_and(|changed| changed >= began_ns) {
            stat.changed_ns = Some(stat.modified_ns);
        }
        self.time_ns(&stat)
    }

    /// Whether the age is that of the content, which the plan has.
    pub(crate) fn is_by_modification(&self) -> bool {
        self.age_by == AgeBy::Modified
    }

    /// Why an entry stays whatever it is; a folder stays with everything below it.
    pub(crate) fn closes(
        &self,
        folder: &[u8],
        name: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Option<KeptReason> {
        if !self.protect.is_empty() && self.protect.contains(name) {
            return Some(KeptReason::Protected);
        }
        if self.exclude.matches_entry(folder, name, buffer) {
            return Some(KeptReason::Excluded);
        }
        None
    }

    /// Whether a folder or one above it is closed; the location itself never is.
    pub(crate) fn closes_path(&self, path: &[u8]) -> Option<KeptReason> {
        if self.protect.is_empty() && self.exclude.is_empty() {
            return None;
        }
        let mut buffer = Vec::new();
        let mut start = 0;
        while start < path.len() {
            let rest = &path[start..];
            let length = rest.iter().position(|byte| *byte == b'/');
            let end = length.map_or(path.len(), |length| start + length);
            let folder = &path[..start.saturating_sub(1)];
            let reason = self.closes(folder, &path[start..end], &mut buffer);
            if reason.is_some() {
                return reason;
            }
            start = end + 1;
        }
        None
    }

    /// Why a file or link stays, its age apart.
    pub(crate) fn leaves(
        &self,
        folder: &[u8],
        name: &[u8],
        stat: &Stat,
        buffer: &mut Vec<u8>,
    ) -> Option<KeptReason> {
        if let Some(reason) = self.closes(folder, name, buffer) {
            return Some(reason);
        }
        if !self.includes(folder, name, buffer) {
            return Some(KeptReason::NotIncluded);
        }
        (stat.size < self.min_size).then_some(KeptReason::TooSmall)
    }

    /// Whether the patterns of what may be taken allow it.
    pub(crate) fn includes(&self, folder: &[u8], name: &[u8], buffer: &mut Vec<u8>) -> bool {
        self.include.is_empty() || self.include.matches_entry(folder, name, buffer)
    }
}

/// Where a location's newest files are looked for.
pub(crate) struct Newest<'a> {
    pub(crate) work: &'a Work,
    pub(crate) chooser: &'a Chooser,
    pub(crate) only_own_files: bool,
    /// Roots of other locations, which are no part of this one.
    pub(crate) others: &'a HashSet<Identity>,
}

impl Newest<'_> {
    /// The time of the last of the newest files that stay: what is as new or newer stays.
    /// None when there are no more files than that, so that all of them stay.
    pub(crate) fn last_kept_ns(&self, at: &mut Cursor) -> Result<i64, Stop> {
        let keep = usize::try_from(self.chooser.keep_newest).unwrap_or(usize::MAX);
        if keep == 0 {
            return Ok(i64::MAX);
        }
        let stat = at.root().stat;
        let mut times = Times {
            newest: self,
            keep,
            heap: BinaryHeap::new(),
            buffer: Vec::new(),
            seen: 0,
        };
        walk(at, stat, &mut times)?;
        if times.heap.len() < keep {
            return Ok(i64::MIN);
        }
        Ok(times.heap.peek().map_or(i64::MIN, |Reverse(time)| *time))
    }
}

struct Times<'a> {
    newest: &'a Newest<'a>,
    keep: usize,
    /// The newest times so far, the oldest of them on top.
    heap: BinaryHeap<Reverse<i64>>,
    buffer: Vec<u8>,
    seen: u64,
}

impl Visitor for Times<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        let Newest { work, chooser, .. } = self.newest;
        self.seen += 1;
        if self.seen.is_multiple_of(32) {
            work.check_cancelled()?;
        }
        if self.seen.is_multiple_of(1024) {
            work.progress(self.seen, None, "files", "looking for the newest files");
        }
        let mut is_folder = hint == FileType::Directory;
        if !is_folder {
            let looked = at.current().and_then(|here| Stat::of_entry(here, name));
            // what cannot be looked at stays anyhow
            let Ok(stat) = looked else {
                return Ok(Step::Over);
            };
            is_folder = stat.kind == Kind::Directory;
            if !is_folder {
                self.file(at, name.to_bytes(), &stat);
                return Ok(Step::Over);
            }
        }
        let closed = chooser.closes(at.path(), name.to_bytes(), &mut self.buffer);
        Ok(if closed.is_some() {
            Step::Over
        } else {
            Step::Into
        })
    }

    fn entered(&mut self, _: &mut Cursor, stat: &Stat) -> Result<Step, Stop> {
        if self.newest.others.contains(&stat.identity) {
            return Ok(Step::Over);
        }
        Ok(Step::Into)
    }

    fn burst_ended(&mut self, _: &mut Cursor) -> Result<(), Stop> {
        self.newest.work.check_cancelled()
    }

    fn blocked(&mut self, _: &mut Cursor, _: &CStr, _: Errno) -> Result<(), Stop> {
        // what cannot be seen is not counted as new, so more of the rest stays; the scan reports it
        Ok(())
    }

    fn left(&mut self, _: &mut Cursor, _: &CStr, _: &Stat) -> Result<(), Stop> {
        Ok(())
    }
}

impl Times<'_> {
    fn file(&mut self, at: &Cursor, name: &[u8], stat: &Stat) {
        let Newest { work, chooser, .. } = self.newest;
        let Some(time) = chooser.time_ns(stat) else {
            return;
        };
        let counts = stat.kind != Kind::Special
            && stat.mount == at.root().stat.mount
            && !work.is_future(time)
            && !work.is_future(stat.modified_ns)
            && (!self.newest.only_own_files || stat.belongs_to(work.user))
            && chooser
                .leaves(at.path(), name, stat, &mut self.buffer)
                .is_none();
        if !counts {
            return;
        }
        self.heap.push(Reverse(time));
        if self.heap.len() > self.keep {
            self.heap.pop();
        }
    }
}

#[cfg(test)]
mod tests;
