//! Removing the runs, tasks and artifact folders that a plan lists.
//!
//! A run goes as a whole or not at all: it is looked through again, and whatever changed since
//! the plan keeps it. Of a task the artifacts go first and its rows last, so that a task
//! interrupted between the two is found again.

use std::collections::HashSet;
use std::ffi::CString;

use upkeep_contract::cleanup::{CleanupReport, KeptReason};

use super::history::{Artifacts, History, PAGE};
use super::keep_newest::enough_left;
use super::store::Store;
use crate::deletion::cursor::Cursor;
use crate::deletion::left_out::LeftOut;
use crate::deletion::manifest::{Done, Earlier, Manifest, outcome};
use crate::deletion::name::unescape;
use crate::deletion::plan::{Line, Plan, Run, Task, Tree, Worker};
use crate::deletion::platform::Errno;
use crate::deletion::stat::{Identity, Stat};
use crate::deletion::tally;
use crate::deletion::tree::{Obstacle, Removal, remove_below, remove_directory, survey};
use crate::deletion::work::{Stop, Work};

/// What removing needs.
pub(super) struct Remove<'a> {
    pub(super) work: &'a Work,
    pub(super) plan: &'a Plan,
    pub(super) manifest: &'a Manifest,
    /// In the order of the plan's locations.
    pub(super) stores: &'a [Store],
    pub(super) history: Option<&'a History>,
    pub(super) artifacts: Option<&'a Artifacts>,
    /// Roots of all locations and stores as they are configured now.
    pub(super) others: &'a HashSet<Identity>,
    /// Entries of the plan that stay.
    pub(super) left_out: &'a LeftOut,
}

/// What became of a tree.
pub(super) struct Fate {
    pub(super) letter: u8,
    pub(super) done: Done,
    pub(super) added: Removal,
    /// Files of the plan that were gone before their turn.
    pub(super) gone: u64,
    pub(super) gone_bytes: u64,
}

impl Remove<'_> {
    /// Removes; the report carries on from the plan's.
    pub(super) fn run(&self, report: &mut CleanupReport) -> Result<(), Stop> {
        let total = report.runs_matched;
        let mut handled = 0;
        let mut tasks: Vec<(u64, Task)> = Vec::new();
        let mut workers: Vec<(u64, Worker)> = Vec::new();
        let mut cursors: Vec<Cursor> = Vec::new();
        let mut may_go = Vec::new();
        for (at, store) in self.stores.iter().enumerate() {
            cursors.push(store.cursor());
            let enough = enough_left(self.work, self.plan, self.left_out, at, store)?;
            if !enough {
                self.work.context.warn(format!(
                    "of the run store `{}` too few runs would be left: all were kept; preview again",
                    store.held.settings.name
                ));
            }
            may_go.push(enough);
        }
        let mut lines = self.plan.lines()?;
        while let Some(line) = lines.next()? {
            self.work.check_cancelled()?;
            match line.line {
                Line::Run(run) => {
                    handled += 1;
                    let Some(cursor) = cursors.get_mut(run.at) else {
                        continue;
                    };
                    let may_go = may_go.get(run.at) == Some(&true);
                    let left_out = self.left_out.run(run.at, &run.name);
                    let against = left_out
                        .then_some(KeptReason::LeftOut)
                        .or_else(|| (!may_go).then_some(KeptReason::Newest));
                    self.run_directory(line.number, &run, cursor, against, report)?;
                }
                Line::Artifacts(run) => {
                    if let Some(artifacts) = self.artifacts {
                        let mut cursor = artifacts.cursor();
                        let left_out = self.left_out.artifacts(&run.name);
                        let against = left_out.then_some(KeptReason::LeftOut);
                        self.run_directory(line.number, &run, &mut cursor, against, report)?;
                    }
                }
                Line::Task(task) => {
                    handled += 1;
                    tasks.push((line.number, task));
                    if tasks.len() >= PAGE as usize {
                        self.tasks(std::mem::take(&mut tasks), report)?;
                    }
                }
                Line::Worker(worker) => {
                    workers.push((line.number, worker));
                    if workers.len() >= PAGE as usize {
                        self.workers(std::mem::take(&mut workers), report)?;
                    }
                }
                _ => {}
            }
            self.work
                .progress(handled, Some(total), "runs", "removing runs");
        }
        self.tasks(tasks, report)?;
        self.workers(workers, report)
    }

    fn run_directory(
        &self,
        number: u64,
        run: &Run,
        cursor: &mut Cursor,
        against: Option<KeptReason>,
        report: &mut CleanupReport,
    ) -> Result<(), Stop> {
        let is_run = self.stores.len() > run.at;
        if let Some(Earlier::Ended(done)) = self.manifest.earlier(number)
            && done.outcomes.is_empty()
        {
            count(report, run.at, done, is_run);
            return Ok(());
        }
        self.manifest.begin(vec![number])?;
        let store = self.stores.get(run.at);
        let (mut fate, stopped) = self.tree(number, &run.name, &run.tree, cursor, (store, against));
        fate.done.location = match report.locations.get(run.at) {
            Some(total) => total.location.clone(),
            None => super::HISTORY.to_owned(),
        };
        let removed = fate.letter == outcome::REMOVED;
        settle(report, run.at, &fate, removed && is_run);
        if is_run && fate.letter == outcome::GONE {
            report.runs_matched = report.runs_matched.saturating_sub(1);
        }
        self.manifest.end(vec![fate.done])?;
        stopped
    }

    /// Removes a tree of the cursor's directory if it is still the one of the plan.
    pub(super) fn tree(
        &self,
        number: u64,
        escaped: &str,
        planned: &Tree,
        at: &mut Cursor,
        (store, against): (Option<&Store>, Option<KeptReason>),
    ) -> (Fate, Result<(), Stop>) {
        let before = match self.manifest.earlier(number) {
            Some(Earlier::Ended(before)) => Some(before),
            Some(Earlier::CutOff { before }) => before.as_ref(),
            None => None,
        };
        // once an attempt removed something of it, its times and counts are no longer the plan's
        let began = matches!(self.manifest.earlier(number), Some(Earlier::CutOff { .. }))
            || before.is_some_and(|before| before.files + before.directories > 0);
        let mut fate = Fate {
            letter: outcome::KEPT,
            done: Done {
                batch: number,
                folder: escaped.to_owned(),
                files: before.map_or(0, |before| before.files),
                directories: before.map_or(0, |before| before.directories),
                bytes: before.map_or(0, |before| before.bytes),
                ..Done::default()
            },
            added: Removal::default(),
            gone: 0,
            gone_bytes: 0,
        };
        let name = unescape(escaped).and_then(|name| CString::new(name).ok());
        let name = name.unwrap_or_default();
        let not_meant = store.is_some_and(|store| !store.takes(name.to_bytes()));
        let against = against.or(not_meant.then_some(KeptReason::NotIncluded));
        let ended = if let Some(reason) = against {
            keep_all(&mut fate, planned, reason, at.show(name.to_bytes()));
            Ok(())
        } else {
            self.remove_tree(&name, planned, (store, began), at, &mut fate)
        };
        let letter = char::from(fate.letter);
        if fate.letter == outcome::REMOVED {
            fate.done.removed.push(escaped.to_owned());
        } else {
            fate.done.outcomes = letter.to_string();
        }
        (fate, ended)
    }

    fn remove_tree(
        &self,
        name: &CString,
        planned: &Tree,
        (store, began): (Option<&Store>, bool),
        at: &mut Cursor,
        fate: &mut Fate,
    ) -> Result<(), Stop> {
        let shown = at.show(name.to_bytes());
        let stat = match at.enter(name) {
            Ok(stat) => stat,
            Err(Errno::NOENT) if began => {
                fate.done.files = planned.files;
                fate.done.directories = planned.directories;
                fate.done.bytes = planned.bytes;
                fate.letter = outcome::REMOVED;
                return Ok(());
            }
            Err(Errno::NOENT) => {
                fate.gone = planned.files;
                fate.gone_bytes = planned.bytes;
                fate.letter = outcome::GONE;
                return Ok(());
            }
            Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => {
                keep_all(fate, planned, KeptReason::Changed, shown);
                return Ok(());
            }
            Err(error) => {
                fail_all(fate, planned, shown, tally::explain(error));
                return Ok(());
            }
        };
        if stat.identity != planned.identity {
            at.leave();
            keep_all(fate, planned, KeptReason::Changed, shown);
            return Ok(());
        }
        let depth = at.depth();
        let ended = self.remove_entered(planned, (store, began), at, &stat, fate, &shown);
        while at.depth() >= depth {
            at.leave();
        }
        ended?;
        if fate.added.stays == 0 && fate.letter == outcome::REMOVED {
            match remove_directory(at, name, &stat) {
                Ok(true) => fate.done.directories += 1,
                Err(Errno::NOENT) => {}
                Ok(false) | Err(Errno::NOTEMPTY | Errno::EXIST) => {
                    fate.letter = outcome::KEPT;
                    fate.added.kept.push((KeptReason::Changed, shown));
                }
                Err(error) => {
                    fate.letter = outcome::FAILED;
                    fate.added.problems.push((shown, tally::explain(error)));
                }
            }
        }
        let left = fate.added.files_kept + fate.added.files_failed;
        let accounted = fate.done.files + left;
        fate.gone += planned.files.saturating_sub(accounted);
        // files that came after the plan and stay are not of the plan
        let surplus = accounted.saturating_sub(planned.files);
        fate.added.files_kept = fate.added.files_kept.saturating_sub(surplus);
        Ok(())
    }

    /// The cursor is in the tree.
    fn remove_entered(
        &self,
        planned: &Tree,
        (store, began): (Option<&Store>, bool),
        at: &mut Cursor,
        stat: &Stat,
        fate: &mut Fate,
        shown: &str,
    ) -> Result<(), Stop> {
        let now = survey(self.work, self.others, at, stat)?;
        // an attempt that was cut off before it removed anything left the tree as the plan saw it
        let whole = (now.tree.files, now.tree.directories) == (planned.files, planned.directories);
        let began = began && !whole;
        let changed = if began {
            now.tree.files > planned.files
                || now.tree.directories > planned.directories
                || now.newest_file_ns > planned.newest_ns
        } else {
            now.tree.newest_ns != planned.newest_ns || now.tree.files != planned.files
        };
        match now.obstacle {
            // removing changed the times of its directories
            Some(Obstacle::OddTime(_)) if began => {}
            Some(Obstacle::Problem(path, reason)) => {
                fail_all(fate, planned, path, reason);
                return Ok(());
            }
            Some(obstacle) => {
                if let Some((reason, example)) = obstacle.kept() {
                    keep_all(fate, planned, reason, example);
                }
                return Ok(());
            }
            None => {}
        }
        if changed {
            keep_all(fate, planned, KeptReason::Changed, shown.to_owned());
            return Ok(());
        }
        // what an earlier attempt began had ended; its marker may be gone with the rest
        if !began && store.is_some_and(|store| !store.has_ended(at)) {
            keep_all(fate, planned, KeptReason::Unfinished, shown.to_owned());
            return Ok(());
        }
        if began {
            let missing = planned.files.saturating_sub(now.tree.files);
            if missing > fate.done.files {
                fate.done.files = missing;
                fate.done.bytes = planned.bytes.saturating_sub(now.tree.bytes);
            }
            let missing = planned.directories.saturating_sub(now.tree.directories);
            fate.done.directories = fate.done.directories.max(missing);
        }
        let limits = (planned.newest_ns, now.began_ns);
        let last = store.map_or(&[][..], Store::markers);
        let added = &mut fate.added;
        let ended = remove_below(self.work, self.others, at, stat, limits, last, added);
        fate.done.files += added.files;
        fate.done.directories += added.directories;
        fate.done.bytes += added.bytes;
        fate.letter = match (&ended, added.stays, added.problems.len()) {
            (Err(_), _, _) => outcome::OPEN,
            (Ok(()), 0, _) => outcome::REMOVED,
            (Ok(()), _, 0) => outcome::KEPT,
            _ => outcome::FAILED,
        };
        ended
    }
}

fn keep_all(fate: &mut Fate, planned: &Tree, reason: KeptReason, shown: String) {
    fate.letter = outcome::KEPT;
    fate.added.stays += 1;
    fate.added.files_kept = planned.files.saturating_sub(fate.done.files);
    fate.added.kept.push((reason, shown));
}

fn fail_all(fate: &mut Fate, planned: &Tree, path: String, reason: String) {
    fate.letter = outcome::FAILED;
    fate.added.stays += 1;
    fate.added.files_failed = planned.files.saturating_sub(fate.done.files);
    fate.added.problems.push((path, reason));
}

/// Adds what all attempts together removed.
pub(super) fn count(report: &mut CleanupReport, at: usize, done: &Done, is_run: bool) {
    report.files_removed += done.files;
    report.directories_removed += done.directories;
    report.bytes_removed += done.bytes;
    report.runs_removed += u64::from(is_run);
    if let Some(total) = report.locations.get_mut(at) {
        total.files_removed += done.files;
        total.bytes_removed += done.bytes;
    }
}

pub(super) fn settle(report: &mut CleanupReport, at: usize, fate: &Fate, run_removed: bool) {
    count(report, at, &fate.done, run_removed);
    report.files_kept += fate.added.files_kept;
    report.files_failed += fate.added.files_failed;
    report.files_matched = report.files_matched.saturating_sub(fate.gone);
    report.bytes_matched = report.bytes_matched.saturating_sub(fate.gone_bytes);
    if let Some(total) = report.locations.get_mut(at) {
        total.files_matched = total.files_matched.saturating_sub(fate.gone);
        total.bytes_matched = total.bytes_matched.saturating_sub(fate.gone_bytes);
    }
    for (reason, example) in &fate.added.kept {
        tally::keep(report, *reason, 0, || example.clone());
    }
    for (path, reason) in &fate.added.problems {
        tally::problem(report, || path.clone(), reason.clone());
    }
}
