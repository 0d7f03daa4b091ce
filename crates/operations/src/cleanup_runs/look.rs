//! Finding old runs, old finished tasks and artifact folders without a task. Changes nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::ffi::{CStr, CString};

use upkeep_contract::cleanup::{CleanupReport, EntryKind, KeptReason, PlanEntry, WorkersTotal};
use upkeep_contract::{PlanId, TaskId, Timestamp};

use super::history::{Artifacts, History, PAGE, is_task_id};
use super::store::Store;
use crate::deletion::cursor::Cursor;
use crate::deletion::name::{entry_name, escape};
use crate::deletion::plan::{Line, PlanWriter, Run, Task, Tree, Worker};
use crate::deletion::platform::{Errno, FileType};
use crate::deletion::stat::{Identity, Kind, Stat, timestamp};
use crate::deletion::tally::{self, Folders};
use crate::deletion::tree::{Obstacle, survey};
use crate::deletion::walk::{Step, Visitor, walk};
use crate::deletion::work::{Stop, Work};
use crate::history::FinishedTask;

/// What looking needs.
pub(super) struct Look<'a> {
    pub(super) work: &'a Work,
    pub(super) plan: &'a mut PlanWriter,
    pub(super) report: &'a mut CleanupReport,
    pub(super) folders: &'a mut Folders,
    pub(super) cutoff: Timestamp,
    pub(super) cutoff_ns: i64,
    /// Roots of other locations and stores, which are cleaned by their own settings.
    pub(super) others: &'a HashSet<Identity>,
    /// Never removed: this task, and the task whose plan it executes.
    pub(super) spared: Vec<String>,
}

impl Look<'_> {
    /// Looks through a run store: its directories are runs, everything else in it is left alone.
    pub(super) fn store(&mut self, at: usize, store: &Store) -> Result<(), Stop> {
        let mut runs = Runs {
            at,
            store,
            newest: BinaryHeap::new(),
            look: self,
        };
        walk(&mut store.cursor(), store.held.root.stat, &mut runs)?;
        for Reverse(run) in std::mem::take(&mut runs.newest) {
            if run.newest_ns <= self.cutoff_ns {
                tally::keep(self.report, KeptReason::Newest, 0, || run.shown);
            }
        }
        self.folders.end_location();
        Ok(())
    }

    /// Looks through the history: finished tasks, and their artifacts when they lie here.
    pub(super) fn history(
        &mut self,
        at: usize,
        history: &History,
        artifacts: Option<&Artifacts>,
    ) -> Result<(), Stop> {
        let mut cursor = artifacts.map(Artifacts::cursor);
        let mut after = None;
        loop {
            self.work.check_cancelled()?;
            let page = history.finished_before(self.cutoff, after.take())?;
            let Some(last) = page.last() else { break };
            after = Some((last.finished_at, last.id.clone()));
            let full = page.len() >= PAGE as usize;
            for task in page {
                self.task(at, &task, cursor.as_mut())?;
            }
            if !full {
                break;
            }
        }
        if let Some(artifacts) = artifacts {
            let mut orphans = Orphans {
                at,
                history,
                names: Vec::new(),
                look: self,
            };
            walk(&mut artifacts.cursor(), artifacts.root.stat, &mut orphans)?;
        }
        Ok(())
    }

    /// Looks through the registry of workers. Their rows are of the history, and no runs.
    pub(super) fn workers(&mut self, at: usize, history: &History) -> Result<(), Stop> {
        let mut total = WorkersTotal::default();
        let mut after = None;
        loop {
            self.work.check_cancelled()?;
            let page = history.gone_workers(self.cutoff, after.take())?;
            let Some(last) = page.last() else { break };
            after = Some((last.heartbeat_at, last.id.clone()));
            let full = page.len() >= PAGE as usize;
            for worker in page {
                total.matched += 1;
                self.matched(at, 0, worker.bytes);
                tally::list(self.report, worker.bytes, || PlanEntry {
                    kind: EntryKind::Worker,
                    location: super::HISTORY.to_owned(),
                    path: worker.id.as_str().to_owned(),
                    name: worker.id.as_str().to_owned(),
                    files: 0,
                    bytes: worker.bytes,
                    modified_at: worker.heartbeat_at,
                });
                self.plan.entry(&Line::Worker(Worker {
                    id: worker.id.0,
                    heartbeat_at: worker.heartbeat_at,
                    bytes: worker.bytes,
                }))?;
            }
            if !full {
                break;
            }
        }
        self.report.workers = Some(total);
        Ok(())
    }

    fn task(
        &mut self,
        at: usize,
        task: &FinishedTask,
        cursor: Option<&mut Cursor>,
    ) -> Result<(), Stop> {
        if self.spared.iter().any(|id| id == task.id.as_str()) {
            return Ok(());
        }
        let here = task.host.as_deref() == Some(self.report.host.as_str());
        let artifacts = match cursor {
            Some(cursor) if here && is_task_id(task.id.as_str().as_bytes()) => {
                match self.artifacts_of(cursor, &task.id)? {
                    Ok(found) => found,
                    Err(Obstacle::Problem(path, reason)) => {
                        tally::problem(self.report, || path, reason);
                        return Ok(());
                    }
                    Err(obstacle) => {
                        if let Some((reason, example)) = obstacle.kept() {
                            tally::keep(self.report, reason, 0, || example);
                        }
                        return Ok(());
                    }
                }
            }
            _ => None,
        };
        let tree_bytes = artifacts.map_or(0, |tree| tree.bytes);
        let bytes = task.bytes.saturating_add(tree_bytes);
        let files = artifacts.map_or(0, |tree| tree.files);
        self.matched(at, files, bytes);
        self.report.runs_matched += 1;
        tally::list(self.report, bytes, || PlanEntry {
            kind: EntryKind::Task,
            location: super::HISTORY.to_owned(),
            path: task.id.as_str().to_owned(),
            name: task.id.as_str().to_owned(),
            files,
            bytes,
            modified_at: task.finished_at,
        });
        self.plan.entry(&Line::Task(Task {
            id: task.id.as_str().to_owned(),
            finished_at: task.finished_at,
            bytes: task.bytes,
            artifacts,
        }))?;
        Ok(())
    }

    /// A task's artifact folder, if there is one, or what stands against removing it.
    fn artifacts_of(
        &mut self,
        cursor: &mut Cursor,
        id: &TaskId,
    ) -> Result<Result<Option<Tree>, Obstacle>, Stop> {
        let name = CString::new(id.as_str()).unwrap_or_default();
        match cursor.enter(&name) {
            Ok(stat) => {
                let found = survey(self.work, self.others, cursor, &stat)?;
                cursor.leave();
                Ok(match found.obstacle {
                    // the task has ended, whatever the times of its files say
                    None | Some(Obstacle::OddTime(_)) => Ok(Some(found.tree)),
                    Some(obstacle) => Err(obstacle),
                })
            }
            Err(Errno::NOENT) => Ok(Ok(None)),
            Err(error) => Ok(Err(Obstacle::Problem(
                cursor.show(name.to_bytes()),
                tally::explain(error),
            ))),
        }
    }

    fn matched(&mut self, at: usize, files: u64, bytes: u64) {
        self.report.files_matched += files;
        self.report.bytes_matched += bytes;
        if let Some(total) = self.report.locations.get_mut(at) {
            total.files_matched += files;
            total.bytes_matched += bytes;
        }
    }

    /// Takes a tree into the plan when it is old enough and nothing stands against it.
    fn weigh(&mut self, at: usize, kind: EntryKind, found: Found) -> Result<(), Stop> {
        if let Some(Obstacle::Problem(path, reason)) = found.obstacle {
            tally::problem(self.report, || path, reason);
            return Ok(());
        }
        let kept = found.obstacle.as_ref().and_then(Obstacle::kept);
        let odd = matches!(kept, Some((KeptReason::OddTime, _)));
        if found.newest_ns > self.cutoff_ns && !odd {
            return Ok(());
        }
        if let Some((reason, example)) = kept {
            tally::keep(self.report, reason, 0, || example);
            return Ok(());
        }
        let tree = found.tree;
        self.matched(at, tree.files, tree.bytes);
        let location = match self.report.locations.get(at) {
            Some(total) => total.location.clone(),
            None => super::HISTORY.to_owned(),
        };
        if kind == EntryKind::Run {
            self.report.runs_matched += 1;
            self.folders
                .add(&location, &found.name, tree.files, tree.bytes);
        }
        let age_ns = self.work.now_ns.saturating_sub(found.newest_ns);
        tally::add_age(self.report, age_ns, tree.files, tree.bytes);
        let shown = found.shown;
        tally::list(self.report, tree.bytes, || PlanEntry {
            kind,
            location,
            path: shown,
            name: entry_name(b"", &found.name),
            files: tree.files,
            bytes: tree.bytes,
            modified_at: timestamp(tree.newest_ns),
        });
        let run = Run {
            at,
            name: escape(&found.name).into_owned(),
            tree,
        };
        let line = if kind == EntryKind::Run {
            Line::Run(run)
        } else {
            Line::Artifacts(run)
        };
        self.plan.entry(&line)?;
        Ok(())
    }
}

/// A tree that was looked through. Ordered by its newest entry, then by name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    newest_ns: i64,
    name: Vec<u8>,
    shown: String,
    obstacle: Option<Obstacle>,
    tree: Tree,
}

impl Found {
    fn look(look: &Look<'_>, at: &mut Cursor, stat: &Stat) -> Result<Self, Stop> {
        let found = survey(look.work, look.others, at, stat)?;
        Ok(Self {
            newest_ns: found.tree.newest_ns,
            name: at.own_name().to_vec(),
            shown: at.show(b""),
            obstacle: found.obstacle,
            tree: found.tree,
        })
    }
}

/// Whether an entry is a directory; asks the system when the listing does not say.
fn is_directory(at: &mut Cursor, name: &CStr, hint: FileType) -> bool {
    hint == FileType::Directory
        || (hint == FileType::Unknown
            && at
                .current()
                .and_then(|here| Stat::of_entry(here, name))
                .is_ok_and(|stat| stat.kind == Kind::Directory))
}

fn blocked(report: &mut CleanupReport, at: &Cursor, name: &CStr, error: Errno) {
    let shown = || at.show(name.to_bytes());
    match error {
        Errno::XDEV => tally::keep(report, KeptReason::OtherMount, 0, shown),
        Errno::LOOP | Errno::NOTDIR => tally::keep(report, KeptReason::Changed, 0, shown),
        error => tally::problem(report, shown, tally::explain(error)),
    }
}

/// The runs of a store. Of those seen so far, the newest stay in the heap and out of the plan.
struct Runs<'a, 'b> {
    at: usize,
    store: &'a Store,
    newest: BinaryHeap<Reverse<Found>>,
    look: &'a mut Look<'b>,
}

impl Visitor for Runs<'_, '_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        if !is_directory(at, name, hint) {
            return Ok(Step::Over);
        }
        if !self.store.takes(name.to_bytes()) {
            let shown = || at.show(name.to_bytes());
            tally::keep(self.look.report, KeptReason::NotIncluded, 0, shown);
            return Ok(Step::Over);
        }
        Ok(Step::Into)
    }

    fn entered(&mut self, at: &mut Cursor, stat: &Stat) -> Result<Step, Stop> {
        self.look.work.check_cancelled()?;
        if self.look.others.contains(&stat.identity) {
            return Ok(Step::Over);
        }
        if !self.store.has_ended(at) {
            // however old or young: it goes nowhere, and takes no place among the newest that stay
            let shown = || at.show(b"");
            tally::keep(self.look.report, KeptReason::Unfinished, 0, shown);
            return Ok(Step::Over);
        }
        let message = format!("looking through `{}`", self.store.held.settings.name);
        let seen = self.look.report.files_matched;
        self.look.work.progress(seen, None, "files", &message);
        let found = Found::look(self.look, at, stat)?;
        if matches!(found.obstacle, Some(Obstacle::OddTime(_))) {
            // a run from the future must not take the place of a real one among the newest
            self.look.weigh(self.at, EntryKind::Run, found)?;
            return Ok(Step::Over);
        }
        self.newest.push(Reverse(found));
        if self.newest.len() > self.store.keep_newest as usize
            && let Some(Reverse(oldest)) = self.newest.pop()
        {
            self.look.weigh(self.at, EntryKind::Run, oldest)?;
        }
        Ok(Step::Over)
    }

    fn burst_ended(&mut self, _: &mut Cursor) -> Result<(), Stop> {
        self.look.work.check_cancelled()
    }

    fn blocked(&mut self, at: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop> {
        blocked(self.look.report, at, name, error);
        Ok(())
    }

    fn left(&mut self, _: &mut Cursor, _: &CStr, _: &Stat) -> Result<(), Stop> {
        Ok(())
    }
}

/// Artifact folders whose task is gone from the history.
struct Orphans<'a, 'b> {
    at: usize,
    history: &'a History,
    names: Vec<TaskId>,
    look: &'a mut Look<'b>,
}

impl Visitor for Orphans<'_, '_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        if is_task_id(name.to_bytes()) && is_directory(at, name, hint) {
            let id = name.to_string_lossy().into_owned();
            if !self.look.spared.contains(&id) {
                self.names.push(TaskId(id));
            }
        }
        Ok(Step::Over)
    }

    fn entered(&mut self, _: &mut Cursor, _: &Stat) -> Result<Step, Stop> {
        Ok(Step::Over)
    }

    fn burst_ended(&mut self, at: &mut Cursor) -> Result<(), Stop> {
        let names = std::mem::take(&mut self.names);
        for page in names.chunks(PAGE as usize) {
            self.look.work.check_cancelled()?;
            let existing: HashSet<TaskId> = self.history.existing(page)?.into_iter().collect();
            for id in page.iter().filter(|id| !existing.contains(id)) {
                let name = CString::new(id.as_str()).unwrap_or_default();
                match at.enter(&name) {
                    Ok(stat) => {
                        let found = Found::look(self.look, at, &stat)?;
                        at.leave();
                        self.look.weigh(self.at, EntryKind::Artifacts, found)?;
                    }
                    Err(Errno::NOENT) => {}
                    Err(error) => blocked(self.look.report, at, &name, error),
                }
            }
        }
        Ok(())
    }

    fn blocked(&mut self, at: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop> {
        blocked(self.look.report, at, name, error);
        Ok(())
    }

    fn left(&mut self, _: &mut Cursor, _: &CStr, _: &Stat) -> Result<(), Stop> {
        Ok(())
    }
}

/// The ids that no cleanup of this task removes.
pub(super) fn spared(task: &TaskId, plan: Option<&PlanId>) -> Vec<String> {
    let plan = plan.map(|plan| plan.as_str().to_owned());
    std::iter::once(task.as_str().to_owned())
        .chain(plan)
        .collect()
}
