//! Rows of the database: finished tasks, whose artifacts go first, and workers that are gone.

use upkeep_contract::cleanup::{CleanupReport, KeptReason};
use upkeep_contract::{TaskId, WorkerId};

use super::remove::{Fate, Remove, count, settle};
use crate::deletion::manifest::{Done, Earlier, outcome};
use crate::deletion::plan::{Task, Worker};
use crate::deletion::tally;
use crate::deletion::tree::Removal;
use crate::deletion::work::Stop;

impl Remove<'_> {
    /// Removes the artifacts of these tasks, then the rows of those whose artifacts are gone.
    pub(super) fn tasks(
        &self,
        tasks: Vec<(u64, Task)>,
        report: &mut CleanupReport,
    ) -> Result<(), Stop> {
        let at = self.stores.len();
        let Some(history) = self.history else {
            return Ok(());
        };
        let mut open = Vec::with_capacity(tasks.len());
        for (number, task) in tasks {
            match self.manifest.earlier(number) {
                Some(Earlier::Ended(done)) if done.outcomes.is_empty() => {
                    count(report, at, done, true);
                }
                _ => open.push((number, task)),
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        self.manifest
            .begin(open.iter().map(|(number, _)| *number).collect())?;
        let mut fates = Vec::with_capacity(open.len());
        let mut stopped = Ok(());
        for (number, task) in &open {
            let fate = match (&task.artifacts, self.artifacts) {
                _ if self.left_out.task(&task.id) => left_out(*number, task),
                (Some(tree), Some(artifacts)) if stopped.is_ok() => {
                    let mut cursor = artifacts.cursor();
                    let (fate, ended) =
                        self.tree(*number, &task.id, tree, &mut cursor, (None, None));
                    stopped = ended;
                    fate
                }
                _ => without_artifacts(*number, task, stopped.is_ok()),
            };
            fates.push(fate);
        }
        let cleared = |fate: &Fate| matches!(fate.letter, outcome::REMOVED | outcome::GONE);
        let ids: Vec<TaskId> = fates
            .iter()
            .filter(|fate| cleared(fate))
            .map(|fate| TaskId(fate.done.folder.clone()))
            .collect();
        let gone = history.remove_finished(&ids, self.plan.header.cutoff);
        let (gone, failed) = match gone {
            Ok(gone) => (gone, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        for (fate, (_, task)) in fates.iter_mut().zip(&open) {
            super::HISTORY.clone_into(&mut fate.done.location);
            let rows_gone = gone.iter().any(|id| id.as_str() == task.id);
            if rows_gone {
                fate.done.bytes += task.bytes;
                fate.letter = outcome::REMOVED;
                fate.done.outcomes = String::new();
                fate.done.removed = vec![task.id.clone()];
            } else if cleared(fate) {
                fate.letter = outcome::OPEN;
                fate.done.outcomes = char::from(outcome::OPEN).to_string();
                if failed.is_none() {
                    fate.added.kept.push((KeptReason::Changed, task.id.clone()));
                }
            } else if fate.done.outcomes.is_empty() {
                fate.done.outcomes = char::from(fate.letter).to_string();
            }
            settle(report, at, fate, rows_gone);
        }
        self.manifest
            .end(fates.into_iter().map(|fate| fate.done).collect())?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        stopped
    }

    /// Removes the rows of these workers. One that came back since the plan stays.
    pub(super) fn workers(
        &self,
        workers: Vec<(u64, Worker)>,
        report: &mut CleanupReport,
    ) -> Result<(), Stop> {
        let at = self.stores.len();
        let Some(history) = self.history else {
            return Ok(());
        };
        let mut total = report.workers.unwrap_or_default();
        let mut open = Vec::with_capacity(workers.len());
        for (number, worker) in workers {
            match self.manifest.earlier(number) {
                Some(Earlier::Ended(done)) if done.outcomes.is_empty() => {
                    count(report, at, done, false);
                    total.removed += 1;
                }
                _ => open.push((number, worker)),
            }
        }
        report.workers = Some(total);
        if open.is_empty() {
            return Ok(());
        }
        self.manifest
            .begin(open.iter().map(|(number, _)| *number).collect())?;
        let ids: Vec<WorkerId> = open
            .iter()
            .filter(|(_, worker)| !self.left_out.worker(&worker.id))
            .map(|(_, worker)| WorkerId(worker.id.clone()))
            .collect();
        let gone = history.remove_gone_workers(&ids, self.plan.header.cutoff)?;
        let mut told = Vec::with_capacity(open.len());
        for (number, worker) in open {
            let is_gone = gone.iter().any(|id| id.as_str() == worker.id);
            let mut done = Done {
                batch: number,
                location: super::HISTORY.to_owned(),
                folder: worker.id.clone(),
                ..Done::default()
            };
            if is_gone {
                done.bytes = worker.bytes;
                done.removed = vec![worker.id];
                total.removed += 1;
                count(report, at, &done, false);
            } else {
                done.outcomes = char::from(outcome::KEPT).to_string();
                let reason = if self.left_out.worker(&worker.id) {
                    KeptReason::LeftOut
                } else {
                    KeptReason::Changed
                };
                tally::keep(report, reason, 0, || worker.id);
            }
            told.push(done);
        }
        report.workers = Some(total);
        self.manifest.end(told)?;
        Ok(())
    }
}

/// A task that stays with all it has.
fn left_out(number: u64, task: &Task) -> Fate {
    Fate {
        letter: outcome::KEPT,
        done: Done {
            batch: number,
            folder: task.id.clone(),
            ..Done::default()
        },
        added: Removal {
            files_kept: task.artifacts.map_or(0, |tree| tree.files),
            kept: vec![(KeptReason::LeftOut, task.id.clone())],
            ..Removal::default()
        },
        gone: 0,
        gone_bytes: 0,
    }
}

/// A task that has no artifacts here any more, or whose turn does not come.
fn without_artifacts(number: u64, task: &Task, its_turn: bool) -> Fate {
    let gone = task.artifacts.filter(|_| its_turn);
    Fate {
        letter: if its_turn {
            outcome::GONE
        } else {
            outcome::OPEN
        },
        done: Done {
            batch: number,
            folder: task.id.clone(),
            ..Done::default()
        },
        added: Removal::default(),
        gone: gone.map_or(0, |tree| tree.files),
        gone_bytes: gone.map_or(0, |tree| tree.bytes),
    }
}
