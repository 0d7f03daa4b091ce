//! The manifest: a true record of what was removed, batch by batch, as JSON Lines.
//!
//! Before a batch its numbers are written, after it what became of each entry. Each line is
//! one `write` to the file, so the record survives the death of the process (a power cut may
//! lose the last lines: there is no fsync for each batch). A batch that begins and does not
//! end was cut off: whatever of it is missing now was removed by that attempt. What goes to the
//! trash is named one by one before it moves, with its name there, so that it can be found again.

mod trashed;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use upkeep_contract::TaskId;

use super::plan::PlanMark;
use super::stat::Identity;
use crate::OperationError;

pub(crate) use trashed::TrashedFiles;

/// The file's name in the artifact folder of the task that removed.
pub(crate) const MANIFEST_FILE: &str = "manifest.jsonl";

/// What became of an entry, one letter for each in the order of the plan.
pub(crate) mod outcome {
    /// Removed by this task.
    pub(crate) const REMOVED: u8 = b'r';
    /// Gone before its turn came.
    pub(crate) const GONE: u8 = b'g';
    /// Kept for a reason.
    pub(crate) const KEPT: u8 = b'k';
    /// Could not be removed.
    pub(crate) const FAILED: u8 = b'f';
    /// Its turn never came.
    pub(crate) const OPEN: u8 = b'.';
}

/// What a batch did, all attempts together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The line of the plan.
    pub(crate) batch: u64,
    /// The location's name.
    pub(crate) location: String,
    /// The folder below the location, escaped; or the name of a run, the id of a task.
    pub(crate) folder: String,
    /// Names of the entries removed now, escaped.
    pub(crate) removed: Vec<String>,
    /// One letter for each entry; empty when all were removed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) outcomes: String,
    /// Files removed, all attempts together.
    pub(crate) files: u64,
    /// Of these, files moved to the trash.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) trashed: u64,
    /// Directories removed, all attempts together.
    #[serde(default)]
    pub(crate) directories: u64,
    /// Bytes given back, all attempts together.
    pub(crate) bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A file on its way to the trash: what it takes to put it back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Trashed {
    /// The location's name.
    pub(crate) location: String,
    /// The whole folder below the location, escaped.
    pub(crate) folder: String,
    /// Its name there, escaped.
    pub(crate) name: String,
    /// Its name in the trash, escaped.
    pub(crate) kept_as: String,
    /// Which file it is; moving it does not change that.
    #[serde(flatten)]
    pub(crate) identity: Identity,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Manifest {
        task: TaskId,
        plan: PlanMark,
        began_ns: i64,
    },
    Begin(Vec<u64>),
    /// Written just before the move.
    Trash(Trashed),
    /// The move came to nothing.
    Stayed(Trashed),
    End(Done),
}

/// What earlier attempts left of a batch.
#[derive(Clone, Debug)]
pub(crate) enum Earlier {
    /// It began and was cut off.
    CutOff {
        /// What the attempts before the one cut off had done.
        before: Option<Done>,
    },
    /// It ended.
    Ended(Done),
}

/// A manifest that is being written, with what earlier attempts wrote.
pub(crate) struct Manifest {
    path: PathBuf,
    file: Mutex<File>,
    /// When the first attempt began to remove, nanoseconds, by the machine's clock.
    pub(crate) began_ns: i64,
    earlier: HashMap<u64, Earlier>,
}

impl Manifest {
    /// Opens the task's manifest for this plan, or begins it.
    pub(crate) fn open(
        folder: &Path,
        task: &TaskId,
        plan: &PlanMark,
    ) -> Result<Self, OperationError> {
        let path = folder.join(MANIFEST_FILE);
        let fail = |error: std::io::Error| cannot_write(&path, &error);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let found = read(&path, plan).map_err(fail)?;
        if found.is_none() && path.exists() {
            // it belongs to another plan, perhaps an earlier one of the same id, whose lines have
            // other numbers: the record stays, under another name
            let aside = folder.join(format!("manifest-until-{}.jsonl", now_ns()));
            std::fs::rename(&path, aside).map_err(fail)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(fail)?;
        let is_new = found.is_none();
        let (began_ns, earlier) = found.unwrap_or_else(|| (now_ns(), HashMap::new()));
        let manifest = Self {
            path: path.clone(),
            file: Mutex::new(file),
            began_ns,
            earlier,
        };
        if is_new {
            manifest.write(&[Line::Manifest {
                task: task.clone(),
                plan: plan.clone(),
                began_ns,
            }])?;
        } else {
            // the attempt before may have died in the middle of a line
            let mut file = manifest.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(b"\n").map_err(fail)?;
        }
        Ok(manifest)
    }

    /// What earlier attempts left of a batch.
    pub(crate) fn earlier(&self, batch: u64) -> Option<&Earlier> {
        self.earlier.get(&batch)
    }

    /// Says that these batches begin. Nothing of them may be removed before this returns.
    pub(crate) fn begin(&self, batches: Vec<u64>) -> Result<(), OperationError> {
        self.write(&[Line::Begin(batches)])
    }

    /// Says what became of batches that began.
    pub(crate) fn end(&self, done: Vec<Done>) -> Result<(), OperationError> {
        let lines: Vec<Line> = done.into_iter().map(Line::End).collect();
        self.write(&lines)
    }

    /// Says that a file goes to the trash. It must not be moved before this returns.
    pub(crate) fn trash(&self, file: &Trashed) -> Result<(), OperationError> {
        self.write(&[Line::Trash(file.clone())])
    }

    /// Says that a file stayed where it was after all.
    pub(crate) fn stayed(&self, file: &Trashed) -> Result<(), OperationError> {
        self.write(&[Line::Stayed(file.clone())])
    }

    fn write(&self, lines: &[Line]) -> Result<(), OperationError> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)
                .map_err(|error| cannot_write(&self.path, &error.into()))?;
            text.push(b'\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text)
            .map_err(|error| cannot_write(&self.path, &error))
    }
}

type Found = (i64, HashMap<u64, Earlier>);

fn read(path: &Path, plan: &PlanMark) -> std::io::Result<Option<Found>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut found: Option<Found> = None;
    for line in BufReader::new(file).split(b'\n') {
        // a line that was cut off says nothing
        let Ok(line) = serde_json::from_slice(&line?) else {
            continue;
        };
        match (line, found.as_mut()) {
            (
                Line::Manifest {
                    plan: of, began_ns, ..
                },
                None,
            ) if of == *plan => found = Some((began_ns, HashMap::new())),
            (Line::Begin(batches), Some((_, earlier))) => {
                for batch in batches {
                    let before = match earlier.remove(&batch) {
                        Some(Earlier::Ended(done)) => Some(done),
                        Some(Earlier::CutOff { before }) => before,
                        None => None,
                    };
                    earlier.insert(batch, Earlier::CutOff { before });
                }
            }
            (Line::End(mut done), Some((_, earlier))) => {
                // only the figures are needed, not the names
                done.removed = Vec::new();
                done.location = String::new();
                done.folder = String::new();
                earlier.insert(done.batch, Earlier::Ended(done));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> OperationError {
    OperationError::transient(
        format!("cannot write the manifest {}: {error}", path.display()),
        "make room on the disk and check the permissions of Upkeep's artifact folder; without a record nothing is removed",
    )
}
