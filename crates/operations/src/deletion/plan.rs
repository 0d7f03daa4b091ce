//! The plan: what a cleanup would remove, frozen with sizes and identities, as JSON Lines.
//!
//! The first line says whose plan it is, the last one how it ended: a plan without its last
//! line was cut off and is refused. Between them stand folders with their files, directories,
//! runs, tasks. A folder repeats only the part of its path that differs from the line before.

mod writer;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use upkeep_contract::cleanup::CleanupReport;
use upkeep_contract::{OperationId, PlanId, Timestamp};

use super::name::unescape;
use super::platform::{ReadAgain, read_again};
use super::stat::Identity;
use crate::OperationError;

pub(crate) use writer::PlanWriter;

/// The file's name in the artifact folder of the task that made it.
pub(crate) const PLAN_FILE: &str = "plan.jsonl";
/// Files in one line, and at most in one batch of removals.
pub(crate) const BATCH: usize = 512;
const VERSION: u32 = 1;

/// Which plan it is: a task that is tried again may make another one under the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanMark {
    pub(crate) id: PlanId,
    /// Different for each plan that was ever made.
    #[serde(default)]
    pub(crate) nonce: String,
}

impl PlanMark {
    fn new(id: &PlanId) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // the standard library keys each of these at random
        let random = RandomState::new().hash_one(std::process::id());
        Self {
            id: id.clone(),
            nonce: format!("{:x}-{random:x}", since.unwrap_or_default().as_nanos()),
        }
    }
}

impl Deref for PlanMark {
    type Target = PlanId;

    fn deref(&self) -> &PlanId {
        &self.id
    }
}

/// Whose plan it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) version: u32,
    #[serde(flatten)]
    pub(crate) id: PlanMark,
    pub(crate) operation: OperationId,
    pub(crate) host: String,
    pub(crate) made_at: Timestamp,
    /// Nothing younger than this is in the plan.
    pub(crate) cutoff: Timestamp,
    /// Whether the history was looked at.
    #[serde(default)]
    pub(crate) history: bool,
    pub(crate) locations: Vec<PlannedLocation>,
}

/// A location or run store as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlannedLocation {
    pub(crate) name: String,
    pub(crate) path: String,
    #[serde(flatten)]
    pub(crate) identity: Identity,
}

/// A file or symbolic link: name, whether it is a link, inode, size, bytes given back, modification in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry(
    pub(crate) String,
    pub(crate) bool,
    pub(crate) u64,
    pub(crate) u64,
    pub(crate) u64,
    pub(crate) i64,
);

/// Files of one folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Files {
    /// Index of the location.
    pub(crate) at: usize,
    /// Bytes of the path of the folder before that this one shares.
    keep: usize,
    /// The rest of its path, escaped.
    add: String,
    #[serde(rename = "dev")]
    pub(crate) device: u64,
    #[serde(rename = "files")]
    pub(crate) entries: Vec<FileEntry>,
}

/// A directory that holds nothing but what the plan removes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Directory {
    pub(crate) at: usize,
    keep: usize,
    add: String,
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) modified_ns: i64,
    /// Whether it held anything when the plan was made.
    pub(crate) had_entries: bool,
}

/// What a whole tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Tree {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    pub(crate) newest_ns: i64,
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) bytes: u64,
}

/// A run directory, or an artifact folder without a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) at: usize,
    /// Escaped.
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) tree: Tree,
}

/// A finished task of the history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) finished_at: Timestamp,
    /// Bytes of its rows.
    pub(crate) bytes: u64,
    /// Its artifact folder, when it lies on this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifacts: Option<Tree>,
}

/// The row of a worker that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Worker {
    pub(crate) id: String,
    /// Its last sign of life.
    pub(crate) heartbeat_at: Timestamp,
    /// Bytes of its row.
    pub(crate) bytes: u64,
}

/// A line of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Plan(Header),
    Folder(Files),
    Directory(Directory),
    Run(Run),
    Task(Task),
    Artifacts(Run),
    Worker(Worker),
    End(Box<Footer>),
}

/// How the plan ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Footer {
    /// Where this line begins: nothing before it was lost or added.
    offset: u64,
    /// Lines between the first and this one.
    pub(crate) lines: u64,
    /// Whether there are directories to remove.
    pub(crate) directories: u64,
    /// The report of the preview, which the execution carries on.
    pub(crate) report: CleanupReport,
}

/// Why there is no plan to execute.
enum Unusable {
    /// There is none, or it is not a whole one.
    No(OperationError),
    /// It could not be read.
    Unread(std::io::Error),
}

impl From<OperationError> for Unusable {
    fn from(error: OperationError) -> Self {
        Self::No(error)
    }
}

/// A plan that is known to be whole.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Held, so that what was checked is what is read although another attempt may replace it.
    file: Arc<File>,
    pub(crate) header: Header,
    pub(crate) footer: Footer,
}

impl Plan {
    /// Opens the plan that a task made.
    pub(crate) fn open(artifacts: &Path, id: &PlanId) -> Result<Self, OperationError> {
        Self::look(artifacts, id).map_err(|unusable| match unusable {
            Unusable::No(error) => error,
            Unusable::Unread(error) => refuse(id, &format!("cannot be read: {error}")),
        })
    }

    /// The plan that an earlier attempt left; none when there is none or it is not whole.
    /// Whether there is one must be known, or another would be made beside it.
    pub(crate) fn open_earlier(
        artifacts: &Path,
        id: &PlanId,
    ) -> Result<Option<Self>, OperationError> {
        match Self::look(artifacts, id) {
            Ok(plan) => Ok(Some(plan)),
            Err(Unusable::No(_)) => Ok(None),
            Err(Unusable::Unread(error)) => Err(OperationError::transient(
                format!(
                    "the plan `{id}` of the attempt before cannot be read: {error}; this attempt removed nothing"
                ),
                "check the disk and the permissions of Upkeep's artifact folder",
            )),
        }
    }

    fn look(artifacts: &Path, id: &PlanId) -> Result<Self, Unusable> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.as_str().is_empty() || !id.as_str().bytes().all(plain) {
            return Err(refuse(id, "is not an id of a task").into());
        }
        let path = artifacts.join(id.as_str()).join(PLAN_FILE);
        let mut file = match File::open(&path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(refuse(id, "does not exist on this host").into());
            }
            Err(error) => return Err(Unusable::Unread(error)),
        };
        let mut first = Vec::new();
        file.read_until(b'\n', &mut first)
            .map_err(Unusable::Unread)?;
        let Ok(Line::Plan(header)) = serde_json::from_slice(&first) else {
            return Err(refuse(id, "does not begin as a plan does").into());
        };
        if header.version != VERSION || header.id.id != *id {
            return Err(refuse(id, "belongs to another task or another version").into());
        }
        let (offset, last) = last_line(file.get_mut()).map_err(Unusable::Unread)?;
        match serde_json::from_slice(&last) {
            Ok(Line::End(footer)) if last.ends_with(b"\n") && footer.offset == offset => Ok(Self {
                file: Arc::new(file.into_inner()),
                header,
                footer: *footer,
            }),
            _ => Err(refuse(id, "was cut off or changed").into()),
        }
    }

    /// Reads the lines between the first and the last.
    pub(crate) fn lines(&self) -> Result<PlanReader, OperationError> {
        // with a position of its own, but not by its name
        let mut file = read_again(&self.file)
            .map(BufReader::new)
            .map_err(|error| refuse(&self.header.id, &format!("cannot be opened: {error}")))?;
        file.read_until(b'\n', &mut Vec::new())
            .map_err(|error| refuse(&self.header.id, &format!("cannot be read: {error}")))?;
        Ok(PlanReader {
            id: self.header.id.id.clone(),
            file,
            buffer: Vec::new(),
            folder: Vec::new(),
            number: 0,
            locations: self.header.locations.len(),
            ended: false,
        })
    }
}

/// A new header.
pub(crate) fn header(
    id: &PlanId,
    operation: &str,
    made_at: Timestamp,
    cutoff: Timestamp,
    locations: Vec<PlannedLocation>,
) -> Header {
    Header {
        version: VERSION,
        id: PlanMark::new(id),
        operation: operation.into(),
        host: crate::host::host_name(),
        made_at,
        cutoff,
        history: false,
        locations,
    }
}

/// An error that sends the operator back to the preview.
pub(crate) fn refuse(id: &PlanId, what: &str) -> OperationError {
    OperationError::permanent(
        format!("the plan `{id}` {what}; nothing was removed"),
        "preview again and run what the new preview shows",
    )
}

fn last_line(file: &mut File) -> std::io::Result<(u64, Vec<u8>)> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut start = end;
    let mut tail: Vec<u8> = Vec::new();
    while start > 0 {
        let piece_start = start.saturating_sub(64 * 1024);
        let mut piece = vec![0; usize::try_from(start - piece_start).unwrap_or(0)];
        file.seek(SeekFrom::Start(piece_start))?;
        file.read_exact(&mut piece)?;
        piece.append(&mut tail);
        tail = piece;
        start = piece_start;
        // the line's own end does not count
        let body = &tail[..tail.len() - 1];
        if let Some(cut) = body.iter().rposition(|byte| *byte == b'\n') {
            return Ok((start + cut as u64 + 1, tail.split_off(cut + 1)));
        }
    }
    Ok((0, tail))
}

/// Reads a plan line by line.
pub(crate) struct PlanReader {
    id: PlanId,
    file: BufReader<ReadAgain>,
    buffer: Vec<u8>,
    folder: Vec<u8>,
    number: u64,
    locations: usize,
    ended: bool,
}

/// A line with its number and, for folders and directories, its path below the location.
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) path: Vec<u8>,
    pub(crate) line: Line,
}

impl PlanReader {
    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Numbered>, OperationError> {
        if self.ended {
            return Ok(None);
        }
        self.buffer.clear();
        self.file
            .read_until(b'\n', &mut self.buffer)
            .map_err(|error| self.broken(&error.to_string()))?;
        let line: Line = serde_json::from_slice(&self.buffer)
            .map_err(|error| self.broken(&error.to_string()))?;
        let at = match &line {
            Line::End(_) => {
                self.ended = true;
                return Ok(None);
            }
            Line::Folder(Files { at, keep, add, .. })
            | Line::Directory(Directory { at, keep, add, .. }) => {
                let rest = unescape(add).filter(|_| *keep <= self.folder.len());
                let rest = rest.ok_or_else(|| self.broken("a folder's path is wrong"))?;
                self.folder.truncate(*keep);
                self.folder.extend_from_slice(&rest);
                *at
            }
            Line::Run(run) => run.at,
            Line::Plan(_) => return Err(self.broken("it begins twice")),
            Line::Task(_) | Line::Artifacts(_) | Line::Worker(_) => 0,
        };
        if at != 0 && at >= self.locations {
            return Err(self.broken("it names a location it does not have"));
        }
        self.number += 1;
        Ok(Some(Numbered {
            number: self.number,
            path: self.folder.clone(),
            line,
        }))
    }

    fn broken(&self, why: &str) -> OperationError {
        OperationError::permanent(
            format!(
                "the plan `{}` is broken after line {}: {why}",
                self.id,
                self.number + 1
            ),
            "preview again and run what the new preview shows; what was removed until then stands in the manifest",
        )
    }
}
