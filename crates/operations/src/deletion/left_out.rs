//! Entries of a plan that whoever confirmed it left out: they stay, and the report says so.
//!
//! Every entry named must be in the plan, which is found out before anything is removed: a name
//! that means nothing would otherwise let go what was to be kept. A directory left out stays with
//! everything the plan lists in it, since nobody who keeps a folder means the empty one.

use std::collections::{HashMap, HashSet};

use upkeep_contract::cleanup::{EntryKind, PlanEntryRef};

use super::name::{entry_name, escape, unescape};
use super::plan::{Files, Line, Numbered, Plan, refuse};
use crate::OperationError;
use crate::cleanup_runs::HISTORY;

/// What stays of a plan. The default leaves nothing out.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    /// One for each location or run store of the plan.
    places: Vec<Place>,
    /// Escaped.
    artifacts: HashSet<String>,
    tasks: HashSet<String>,
    workers: HashSet<String>,
}

#[derive(Debug, Default)]
struct Place {
    /// Escaped names by folder.
    files: HashMap<Vec<u8>, HashSet<String>>,
    directories: HashSet<Vec<u8>>,
    /// The longest path of a directory, so that no longer one is asked for.
    longest: usize,
    /// Escaped.
    runs: HashSet<String>,
}

/// What stays of one folder's files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InFolder<'a> {
    Nothing,
    These(&'a HashSet<String>),
    Everything,
}

impl InFolder<'_> {
    /// Whether the file of this escaped name stays.
    pub(crate) fn has(self, escaped: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::These(names) => names.contains(escaped),
            Self::Everything => true,
        }
    }
}

impl LeftOut {
    /// Finds these entries in the plan. One that is not there is an error: nothing was removed.
    pub(crate) fn of(
        plan: &Plan,
        entries: Option<&[PlanEntryRef]>,
    ) -> Result<Self, OperationError> {
        let entries = entries.unwrap_or_default();
        let mut left_out = Self::default();
        if entries.is_empty() {
            return Ok(left_out);
        }
        let locations = &plan.header.locations;
        left_out.places.resize_with(locations.len(), Place::default);
        for entry in entries {
            let at = locations.iter().position(|it| it.name == entry.location);
            left_out.take(at, entry);
        }
        let location = |at: usize| locations.get(at).map_or("", |it| it.name.as_str());
        let mut found = HashSet::new();
        let mut lines = plan.lines()?;
        while let Some(line) = lines.next()? {
            left_out.find(&line, location, &mut found);
        }
        match entries.iter().find(|entry| !found.contains(entry)) {
            None => Ok(left_out),
            Some(missing) => Err(refuse(
                &plan.header.id,
                &format!(
                    "does not list `{}` of `{}`, which is to be left out",
                    missing.name, missing.location
                ),
            )),
        }
    }

    fn take(&mut self, at: Option<usize>, entry: &PlanEntryRef) {
        let name = entry.name.clone();
        let place = at.and_then(|at| self.places.get_mut(at));
        match entry.kind {
            EntryKind::Artifacts => {
                self.artifacts.insert(name);
            }
            EntryKind::Task => {
                self.tasks.insert(name);
            }
            EntryKind::Worker => {
                self.workers.insert(name);
            }
            kind => {
                // what lies nowhere in the plan, or has no name, is not found there either
                let (Some(place), Some(path)) = (place, unescape(&name)) else {
                    return;
                };
                match kind {
                    EntryKind::Run => {
                        place.runs.insert(name);
                    }
                    EntryKind::Directory => {
                        place.longest = place.longest.max(path.len());
                        place.directories.insert(path);
                    }
                    _ => {
                        let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
                        let folder = unescape(folder).unwrap_or_default();
                        place
                            .files
                            .entry(folder)
                            .or_default()
                            .insert(file.to_owned());
                    }
                }
            }
        }
    }

    /// Adds what a line of the plan has of the entries that are left out.
    fn find<'a>(
        &self,
        Numbered { line, path, .. }: &Numbered,
        location: impl Fn(usize) -> &'a str,
        found: &mut HashSet<PlanEntryRef>,
    ) {
        let mut add = |kind, location: &str, name: String| {
            found.insert(PlanEntryRef {
                kind,
                location: location.to_owned(),
                name,
            });
        };
        match line {
            Line::Folder(Files { at, entries, .. }) => {
                let named = self.places.get(*at).and_then(|it| it.files.get(path));
                let Some(named) = named else { return };
                for entry in entries.iter().filter(|entry| named.contains(&entry.0)) {
                    let kind = if entry.1 {
                        EntryKind::SymbolicLink
                    } else {
                        EntryKind::File
                    };
                    let folder = escape(path);
                    let slash = if folder.is_empty() { "" } else { "/" };
                    add(kind, location(*at), format!("{folder}{slash}{}", entry.0));
                }
            }
            Line::Directory(directory) => {
                let place = self.places.get(directory.at);
                if place.is_some_and(|place| place.directories.contains(path)) {
                    let name = entry_name(path, b"");
                    add(EntryKind::Directory, location(directory.at), name);
                }
            }
            Line::Run(run) if self.run(run.at, &run.name) => {
                add(EntryKind::Run, location(run.at), run.name.clone());
            }
            Line::Artifacts(run) if self.artifacts(&run.name) => {
                add(EntryKind::Artifacts, HISTORY, run.name.clone());
            }
            Line::Task(task) if self.task(&task.id) => {
                add(EntryKind::Task, HISTORY, task.id.clone());
            }
            Line::Worker(worker) if self.worker(&worker.id) => {
                add(EntryKind::Worker, HISTORY, worker.id.clone());
            }
            _ => {}
        }
    }

    /// What stays of the files of a folder.
    pub(crate) fn in_folder(&self, at: usize, folder: &[u8]) -> InFolder<'_> {
        if self.directory(at, folder) {
            return InFolder::Everything;
        }
        let names = self.places.get(at).and_then(|it| it.files.get(folder));
        names.map_or(InFolder::Nothing, InFolder::These)
    }

    /// Whether a directory stays: it, or one it lies in, is left out.
    pub(crate) fn directory(&self, at: usize, path: &[u8]) -> bool {
        let Some(place) = self.places.get(at) else {
            return false;
        };
        if place.directories.is_empty() {
            return false;
        }
        let within = &path[..path.len().min(place.longest + 1)];
        let ends = within.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        place.directories.contains(path)
            || ends
                .map(|(end, _)| &path[..end])
                .any(|above| place.directories.contains(above))
    }

    /// Whether a run directory stays.
    pub(crate) fn run(&self, at: usize, escaped: &str) -> bool {
        let place = self.places.get(at);
        place.is_some_and(|place| place.runs.contains(escaped))
    }

    /// Whether an artifact folder without a task stays.
    pub(crate) fn artifacts(&self, escaped: &str) -> bool {
        self.artifacts.contains(escaped)
    }

    /// Whether a task of the history stays, with its artifacts.
    pub(crate) fn task(&self, id: &str) -> bool {
        self.tasks.contains(id)
    }

    /// Whether the row of a worker stays.
    pub(crate) fn worker(&self, id: &str) -> bool {
        self.workers.contains(id)
    }
}
