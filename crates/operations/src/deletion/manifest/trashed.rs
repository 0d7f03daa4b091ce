//! Reading what a task moved to the trash, by the manifests that it left.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use upkeep_contract::TaskId;

use super::{Line, Trashed};
use crate::deletion::work::Stop;
use crate::{Context, OperationError};

/// What a task moved to the trash. Read twice, so that of each file only a few bytes are held, and those
/// only while it is looked through.
pub(crate) struct TrashedFiles {
    manifests: Vec<PathBuf>,
    /// Moves that came to nothing, by a hash of their line, with how often.
    stayed: HashMap<u64, u32>,
    /// Files announced more than once, by a hash of their place, with how often before the last time: an
    /// attempt was cut off between the word and the move, or the file stayed.
    before: HashMap<u64, u32>,
    /// How many files moved.
    pub(crate) total: u64,
}

impl TrashedFiles {
    /// Looks through the manifests of a task; none when this host has none.
    pub(crate) fn of(context: &Context, task: &TaskId) -> Result<Option<Self>, Stop> {
        let folder = context.artifacts.join(task.as_str());
        let manifests = manifests(&folder).map_err(|error| unreadable(&folder, &error))?;
        let mut found = Self {
            manifests,
            stayed: HashMap::new(),
            before: HashMap::new(),
            total: 0,
        };
        let (mut stayed, mut before) = (HashMap::new(), HashMap::new());
        let (mut places, mut of_task) = (HashSet::new(), false);
        found.lines(|line| {
            match line {
                Line::Manifest { task: of, .. } => of_task |= of == *task,
                Line::Trash(file) => {
                    if !places.insert(place(&file)) {
                        *before.entry(place(&file)).or_insert(0) += 1;
                    }
                }
                Line::Stayed(file) => {
                    *stayed.entry(hash(&file)).or_insert(0) += 1;
                    if !take_one(&mut before, place(&file)) {
                        places.remove(&place(&file));
                    }
                }
                Line::Begin(_) | Line::End(_) => {}
            }
            check_cancelled(context)
        })?;
        found.total = places.len() as u64;
        found.stayed = stayed;
        found.before = before;
        Ok(of_task.then_some(found))
    }

    /// Each file that moved, in the order it did.
    pub(crate) fn each(
        mut self,
        context: &Context,
        mut take: impl FnMut(Trashed) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut stayed = std::mem::take(&mut self.stayed);
        let mut before = std::mem::take(&mut self.before);
        self.lines(|line| {
            let Line::Trash(file) = line else {
                return Ok(());
            };
            check_cancelled(context)?;
            if take_one(&mut stayed, hash(&file)) || take_one(&mut before, place(&file)) {
                return Ok(());
            }
            take(file)
        })
    }

    fn lines(&self, mut take: impl FnMut(Line) -> Result<(), Stop>) -> Result<(), Stop> {
        for path in &self.manifests {
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            for line in BufReader::new(file).split(b'\n') {
                let line = line.map_err(|error| unreadable(path, &error))?;
                // a line that was cut off says nothing
                if let Ok(line) = serde_json::from_slice(&line) {
                    take(line)?;
                }
            }
        }
        Ok(())
    }
}

fn check_cancelled(context: &Context) -> Result<(), Stop> {
    if context.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    Ok(())
}

/// The manifest of a task, after those of plans it had before.
fn manifests(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("manifest") && name.ends_with(".jsonl") && entry.file_type()?.is_file()
        {
            found.push(entry.path());
        }
    }
    // `manifest-until-…` comes before `manifest.jsonl`
    found.sort();
    Ok(found)
}

/// Takes one of those that are left; false when there is none.
fn take_one(left: &mut HashMap<u64, u32>, of: u64) -> bool {
    match left.get_mut(&of) {
        Some(times) if *times > 0 => {
            *times -= 1;
            true
        }
        _ => false,
    }
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// Where the file was, whatever the trash calls it.
fn place(file: &Trashed) -> u64 {
    hash(&(&file.location, &file.folder, &file.name))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Stop {
    Stop::Failed(OperationError::transient(
        format!(
            "what went to the trash cannot be read from {}: {error}",
            path.display()
        ),
        "check the disk and the permissions of Upkeep's artifact folder",
    ))
}
