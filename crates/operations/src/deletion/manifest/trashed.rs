//! Reading what a task moved to the trash, by the manifests that it left.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use upkeep_contract::TaskId;

use super::{Line, Trashed};
use crate::deletion::work::Stop;
use crate::{Context, OperationError};

/// What a task moved to the trash. Read twice, so that memory does not grow with it.
pub(crate) struct TrashedFiles {
    manifests: Vec<PathBuf>,
    /// Moves that came to nothing, by a hash of their line, with how often.
    stayed: HashMap<u64, u32>,
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
            total: 0,
        };
        let (mut stayed, mut moved, mut of_task) = (HashMap::new(), 0_u64, false);
        found.lines(|line| {
            match line {
                Line::Manifest { task: of, .. } => of_task |= of == *task,
                Line::Trash(_) => moved += 1,
                Line::Stayed(file) => *stayed.entry(hash(&file)).or_insert(0) += 1,
                Line::Begin(_) | Line::End(_) => {}
            }
            check_cancelled(context)
        })?;
        found.total = moved.saturating_sub(stayed.values().copied().map(u64::from).sum());
        found.stayed = stayed;
        Ok(of_task.then_some(found))
    }

    /// Each file that moved, in the order it did.
    pub(crate) fn each(
        mut self,
        context: &Context,
        mut take: impl FnMut(Trashed) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut stayed = std::mem::take(&mut self.stayed);
        self.lines(|line| {
            let Line::Trash(file) = line else {
                return Ok(());
            };
            check_cancelled(context)?;
            match stayed.get_mut(&hash(&file)) {
                Some(times) if *times > 0 => {
                    *times -= 1;
                    Ok(())
                }
                _ => take(file),
            }
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

fn hash(file: &Trashed) -> u64 {
    let mut hasher = DefaultHasher::new();
    file.hash(&mut hasher);
    hasher.finish()
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
