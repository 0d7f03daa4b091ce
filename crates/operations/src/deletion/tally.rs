//! Adding up a report: what matched, what was kept and why, what could not be done.

use std::collections::HashMap;

use upkeep_contract::PlanId;
use upkeep_contract::cleanup::{
    AgeTotal, CleanupOutcome, CleanupReport, FolderTotal, KeptCount, KeptReason, LocationTotal,
    PlanEntry, Problem, REPORT_ENTRIES_MAX, REPORT_EXAMPLES_MAX, REPORT_LARGEST_MAX, RemovedEntry,
};

use super::platform::Errno;
use super::stat::{Identity, Stat};
use crate::host::host_name;

/// Folders listed in a report.
const FOLDERS_MAX: usize = 100;
/// Hard-linked files whose names are counted; beyond that their bytes are not promised.
const LINKS_MAX: usize = 100_000;
const HOUR_NS: i64 = 3_600_000_000_000;
const AGES: [(&str, i64); 6] = [
    ("less than 1 day", 24 * HOUR_NS),
    ("1 to 7 days", 7 * 24 * HOUR_NS),
    ("7 to 30 days", 30 * 24 * HOUR_NS),
    ("30 to 90 days", 90 * 24 * HOUR_NS),
    ("90 days to 1 year", 365 * 24 * HOUR_NS),
    ("more than 1 year", i64::MAX),
];

/// A report that says nothing yet.
pub(crate) fn empty_report(plan: PlanId, dry_run: bool) -> CleanupReport {
    CleanupReport {
        outcome: if dry_run {
            CleanupOutcome::Preview
        } else {
            CleanupOutcome::Succeeded
        },
        dry_run,
        plan: Some(plan),
        host: host_name(),
        files_matched: 0,
        bytes_matched: 0,
        files_removed: 0,
        files_trashed: 0,
        directories_removed: 0,
        bytes_removed: 0,
        files_kept: 0,
        files_failed: 0,
        runs_matched: 0,
        runs_removed: 0,
        workers: None,
        database: None,
        locations: Vec::new(),
        folders: Vec::new(),
        ages: AGES
            .iter()
            .map(|(label, _)| AgeTotal {
                label: (*label).to_owned(),
                files: 0,
                bytes: 0,
            })
            .collect(),
        largest: Vec::new(),
        entries: Vec::new(),
        entries_truncated: false,
        kept: Vec::new(),
        removed: Vec::new(),
        problems: Vec::new(),
        problems_total: 0,
        duration_ms: 0,
    }
}

/// A location's line in the report, before anything was found.
pub(crate) fn empty_location(name: &str, path: &str) -> LocationTotal {
    LocationTotal {
        location: name.to_owned(),
        path: path.to_owned(),
        files_matched: 0,
        bytes_matched: 0,
        files_removed: 0,
        bytes_removed: 0,
    }
}

/// Adds something kept. `files` is how many matching files it stands for: none for what never matched.
pub(crate) fn keep(
    report: &mut CleanupReport,
    reason: KeptReason,
    files: u64,
    example: impl FnOnce() -> String,
) {
    report.files_kept += files;
    if let Some(kept) = report.kept.iter_mut().find(|kept| kept.reason == reason) {
        kept.count += 1;
        if kept.examples.len() < REPORT_EXAMPLES_MAX {
            kept.examples.push(example());
        }
    } else {
        report.kept.push(KeptCount {
            reason,
            count: 1,
            examples: vec![example()],
        });
    }
}

/// Adds something that could not be done.
pub(crate) fn problem(report: &mut CleanupReport, path: impl FnOnce() -> String, reason: String) {
    report.problems_total += 1;
    if report.problems.len() < REPORT_ENTRIES_MAX {
        report.problems.push(Problem {
            path: path(),
            reason,
        });
    }
}

/// Adds an entry to the list, as long as there is room, and to the largest ones, when it is one.
/// `bytes` are what counts there: none for what is never among them.
pub(crate) fn list(report: &mut CleanupReport, bytes: u64, entry: impl FnOnce() -> PlanEntry) {
    let is_listed = report.entries.len() < REPORT_ENTRIES_MAX;
    if !is_listed {
        report.entries_truncated = true;
    }
    let is_large = bytes > 0
        && (report.largest.len() < REPORT_LARGEST_MAX
            || report.largest.last().is_some_and(|it| bytes > it.bytes));
    if !is_listed && !is_large {
        return;
    }
    let entry = entry();
    if is_large {
        // sorted at any time, so that the smallest of the largest is known without a look
        let place = report.largest.partition_point(|it| it.bytes >= bytes);
        report.largest.truncate(REPORT_LARGEST_MAX - 1);
        report.largest.insert(place, entry.clone());
    }
    if is_listed {
        report.entries.push(entry);
    }
}

/// Adds something removed to the sample, as long as there is room.
pub(crate) fn removed(report: &mut CleanupReport, entry: impl FnOnce() -> RemovedEntry) {
    if report.removed.len() < REPORT_ENTRIES_MAX {
        report.removed.push(entry());
    }
}

/// Adds a matching file to the totals by age.
pub(crate) fn add_age(report: &mut CleanupReport, age_ns: i64, files: u64, bytes: u64) {
    let range = AGES.iter().position(|(_, end)| age_ns < *end);
    if let Some(total) = report.ages.get_mut(range.unwrap_or(AGES.len() - 1)) {
        total.files += files;
        total.bytes += bytes;
    }
}

/// Says what the system's answer means and what to do.
pub(crate) fn explain(error: Errno) -> String {
    let cure = match error {
        Errno::ACCESS => {
            "permission denied: the user who runs the worker needs permission to read and change the folder"
        }
        Errno::PERM => {
            "not permitted: the entry or its folder is immutable, append-only (see `lsattr`), or belongs to another user"
        }
        Errno::ROFS => "the file system is mounted read-only",
        Errno::BUSY => "busy: something is mounted on it or the system uses it",
        Errno::STALE => "the folder was moved or replaced in the meantime; run again",
        Errno::NAMETOOLONG => "nested too deep; remove it by hand",
        Errno::IO => "input/output error: check the disk and its file system",
        Errno::MFILE | Errno::NFILE => "too many open files: raise the limit and run again",
        other => return format!("{other}; look at the entry and run again"),
    };
    cure.to_owned()
}

/// Totals for each folder directly below a location, of which only the largest are kept.
#[derive(Default)]
pub(crate) struct Folders {
    direct: Option<FolderTotal>,
    current: Option<FolderTotal>,
    largest: Vec<FolderTotal>,
}

impl Folders {
    /// Adds to a folder. A walk goes through one folder after another, so the one before is complete.
    pub(crate) fn add(&mut self, location: &str, folder: &[u8], files: u64, bytes: u64) {
        let top = folder.split(|byte| *byte == b'/').next().unwrap_or(folder);
        let shown = if top.is_empty() {
            ".".to_owned()
        } else {
            super::name::display(top)
        };
        if !top.is_empty()
            && self
                .current
                .as_ref()
                .is_some_and(|current| current.folder != shown)
        {
            self.settle();
        }
        let slot = if top.is_empty() {
            &mut self.direct
        } else {
            &mut self.current
        };
        let total = slot.get_or_insert_with(|| FolderTotal {
            location: location.to_owned(),
            folder: shown,
            files: 0,
            bytes: 0,
        });
        total.files += files;
        total.bytes += bytes;
    }

    fn settle(&mut self) {
        self.largest.extend(self.current.take());
        if self.largest.len() >= 2 * FOLDERS_MAX {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        self.largest
            .sort_by_key(|total| std::cmp::Reverse((total.bytes, total.files)));
        self.largest.truncate(FOLDERS_MAX);
    }

    /// Ends a location.
    pub(crate) fn end_location(&mut self) {
        self.settle();
        self.largest.extend(self.direct.take());
    }

    /// The largest folders, the largest first.
    pub(crate) fn largest(mut self) -> Vec<FolderTotal> {
        self.end_location();
        self.shrink();
        self.largest
    }
}

/// Counts the names of hard-linked files, so that bytes are promised only when the last name goes, too.
#[derive(Default)]
pub(crate) struct Links(HashMap<Identity, u32>);

impl Links {
    /// What removing this name gives back, given the names seen before.
    pub(crate) fn gives_back(&mut self, stat: &Stat) -> u64 {
        if stat.links <= 1 {
            return stat.allocated;
        }
        if self.0.len() >= LINKS_MAX && !self.0.contains_key(&stat.identity) {
            return 0;
        }
        let seen = self.0.entry(stat.identity).or_insert(0);
        *seen += 1;
        if *seen >= stat.links {
            self.0.remove(&stat.identity);
            return stat.allocated;
        }
        0
    }
}
