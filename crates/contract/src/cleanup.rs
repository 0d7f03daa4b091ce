//! What the two cleanups report: totals, what was kept and why, what could not be done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{PlanId, TaskId, Timestamp};

/// How many entries, problems and kept items a report carries at most; the rest is in the artifacts.
pub const REPORT_ENTRIES_MAX: usize = 1000;
/// How many of the largest entries a report carries.
pub const REPORT_LARGEST_MAX: usize = 100;
/// How many examples a report carries of what was kept for one reason.
pub const REPORT_EXAMPLES_MAX: usize = 50;

/// How a cleanup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CleanupOutcome {
    /// Everything that matched was done.
    Succeeded,
    /// Some items could not be done; see the problems.
    Partial,
    /// Stopped by an operator; the counts are what was done until then.
    Cancelled,
    /// Only looked: nothing was changed.
    Preview,
}

/// An item that could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Problem {
    /// The path, or the id of a task; bytes that are not UTF-8 are shown escaped as `\xNN`.
    pub path: String,
    /// Why it could not be done, and what to do.
    pub reason: String,
}

/// Why a matching entry was kept although nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// A process has it open, has mapped it, or it is locked.
    InUse,
    /// A socket, FIFO, device or unknown type.
    SpecialFile,
    /// Its time lies in the future or could not be read.
    OddTime,
    /// It changed between the plan and its removal.
    Changed,
    /// It lies on another mount.
    OtherMount,
    /// It belongs to another user and the location takes only the own ones.
    OtherOwner,
    /// Among the newest that are always kept.
    Newest,
    /// A run that is still being written or has no end.
    Unfinished,
    /// A configured location or run store lies in it, which is cleaned by its own settings.
    OtherLocation,
    /// It matches a pattern of what is left out.
    Excluded,
    /// It matches none of the patterns of what may be taken.
    NotIncluded,
    /// It has a protected name, with everything below it.
    Protected,
    /// It is smaller than what may be taken.
    TooSmall,
    /// It is old enough for the task, but not for its location.
    BelowMinAge,
    /// Whoever confirmed the plan left it out.
    LeftOut,
}

/// How many were kept for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct KeptCount {
    /// Why.
    pub reason: KeptReason,
    /// How many entries.
    #[ts(type = "number")]
    pub count: u64,
    /// Some of them, so that a person can look (the first fifty).
    pub examples: Vec<String>,
}

/// One thing that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RemovedEntry {
    /// Its path for a person; bytes that are not UTF-8 are shown escaped as `\xNN`.
    pub path: String,
    /// True when it lies in the trash and can be put back.
    pub trashed: bool,
}

/// What kind of thing an entry of a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A symbolic link; the link itself, never what it points to.
    SymbolicLink,
    /// A directory that became empty.
    Directory,
    /// A run directory with everything below it.
    Run,
    /// A finished task of the history with its log, attempts and artifacts.
    Task,
    /// An artifact folder whose task is gone from the history.
    Artifacts,
    /// The row of a worker that is gone, in the registry of workers.
    Worker,
}

/// One thing that would be, or was, removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct PlanEntry {
    /// What it is.
    pub kind: EntryKind,
    /// The location or run store it lies in; `history` for tasks and artifacts.
    pub location: String,
    /// Its path for a person (bytes that are not UTF-8 escaped as `\xNN`), or the task's id.
    pub path: String,
    /// Its path below the location as the plan names it: every name without loss, what is not UTF-8,
    /// control characters and `%` as `%XX`. Empty when it is too long to be named here.
    #[serde(default)]
    pub name: String,
    /// Files it stands for: one for a file or link, those inside for a run or a task's artifacts.
    #[serde(default)]
    #[ts(type = "number")]
    pub files: u64,
    /// What removing it gives back, bytes (allocated, not apparent, size).
    #[ts(type = "number")]
    pub bytes: u64,
    /// The time its age is judged by: modification, newest entry inside, or end of the task.
    pub modified_at: Timestamp,
}

/// Names one entry of a plan and no other: with these three an entry of a report can be found in its plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanEntryRef {
    /// What it is.
    pub kind: EntryKind,
    /// The location or run store it lies in; `history` for tasks, workers and artifacts.
    pub location: String,
    /// Its [`PlanEntry::name`].
    pub name: String,
}

/// Totals of one folder directly below a location (or the location itself).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FolderTotal {
    /// The location.
    pub location: String,
    /// The folder, relative to the location; `.` for files directly in it.
    pub folder: String,
    /// Matching entries in it.
    #[ts(type = "number")]
    pub files: u64,
    /// Their bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Totals of one range of ages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AgeTotal {
    /// The range, such as `1 to 7 days`.
    pub label: String,
    /// Matching entries in it.
    #[ts(type = "number")]
    pub files: u64,
    /// Their bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// What one location or run store contributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LocationTotal {
    /// Its configured name; `history` for the task history and artifacts.
    pub location: String,
    /// Its path on the host; empty for the history.
    pub path: String,
    /// Entries that matched.
    #[ts(type = "number")]
    pub files_matched: u64,
    /// Their bytes.
    #[ts(type = "number")]
    pub bytes_matched: u64,
    /// Files removed.
    #[ts(type = "number")]
    pub files_removed: u64,
    /// Bytes given back.
    #[ts(type = "number")]
    pub bytes_removed: u64,
}

/// Rows of workers that are gone, in the registry of workers (`cleanup-runs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct WorkersTotal {
    /// Workers that gave their last sign of life long enough ago and hold no task.
    #[ts(type = "number")]
    pub matched: u64,
    /// Of these, removed.
    #[ts(type = "number")]
    pub removed: u64,
}

/// What became of the room that removed rows took in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomOutcome {
    /// Only looked: nothing was removed yet.
    NotYet,
    /// Given back to the disk: the file is as small as it can be.
    GivenBack,
    /// Some of it is still in the files, because others were reading or writing all the time, or the
    /// work ended early. The next cleanup goes on.
    Partly,
    /// Kept in the file, which uses it again: a file of an older Upkeep shrinks only when it is written anew.
    NeedsRewriting,
    /// Kept in the file: writing it anew would make others wait for longer than a worker may be silent.
    TooLargeToRewrite,
    /// Left to the server, which uses it again (autovacuum on PostgreSQL).
    LeftToServer,
}

/// How large the database was and is (`cleanup-runs` with the history).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DatabaseRoom {
    /// What became of the room.
    pub outcome: RoomOutcome,
    /// Bytes of its files (on PostgreSQL of Upkeep's tables and indexes) before anything was removed.
    #[ts(type = "number")]
    pub bytes_before: u64,
    /// The same afterwards; none in a preview.
    #[ts(type = "number | null")]
    pub bytes_after: Option<u64>,
    /// Bytes in it that hold nothing and will be used again; none where only the server knows.
    #[ts(type = "number | null")]
    pub bytes_free: Option<u64>,
}

/// The report of `cleanup-temp-files` and `cleanup-runs`.
///
/// Files count regular files and symbolic links. `files_matched = files_removed + files_kept + files_failed`
/// once a cleanup has run to its end; a preview removes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CleanupReport {
    /// How it ended.
    pub outcome: CleanupOutcome,
    /// True when nothing was to be changed.
    pub dry_run: bool,
    /// The plan made by this preview, or the plan that was executed.
    pub plan: Option<PlanId>,
    /// The host whose disks were looked at.
    pub host: String,
    /// Files that age and rules choose (for `cleanup-runs`: those inside the matching runs and artifact folders).
    #[ts(type = "number")]
    pub files_matched: u64,
    /// Their bytes.
    #[ts(type = "number")]
    pub bytes_matched: u64,
    /// Files removed, all attempts together.
    #[ts(type = "number")]
    pub files_removed: u64,
    /// Of these, files moved to the trash; they can be put back.
    #[serde(default)]
    #[ts(type = "number")]
    pub files_trashed: u64,
    /// Directories removed because they became empty, or with their run.
    #[ts(type = "number")]
    pub directories_removed: u64,
    /// Bytes given back (allocated size; a hard link counts when its last name goes).
    #[ts(type = "number")]
    pub bytes_removed: u64,
    /// Files that matched and were kept for a reason.
    #[ts(type = "number")]
    pub files_kept: u64,
    /// Files that matched and could not be removed.
    #[ts(type = "number")]
    pub files_failed: u64,
    /// Runs old enough to be removed: finished tasks and run directories (`cleanup-runs`).
    #[ts(type = "number")]
    pub runs_matched: u64,
    /// Runs removed (`cleanup-runs`).
    #[ts(type = "number")]
    pub runs_removed: u64,
    /// Workers that are gone (`cleanup-runs` with the history).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub workers: Option<WorkersTotal>,
    /// How large the database was and is (`cleanup-runs` with the history).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub database: Option<DatabaseRoom>,
    /// Totals for each location.
    pub locations: Vec<LocationTotal>,
    /// Totals for each folder, the largest first (previews; the first hundred).
    pub folders: Vec<FolderTotal>,
    /// Totals by age (previews).
    pub ages: Vec<AgeTotal>,
    /// The largest entries, the largest first (previews; the first hundred).
    #[serde(default)]
    pub largest: Vec<PlanEntry>,
    /// The first entries of the plan.
    pub entries: Vec<PlanEntry>,
    /// True when the plan has more entries than are listed here.
    pub entries_truncated: bool,
    /// What was kept and why.
    pub kept: Vec<KeptCount>,
    /// Some of what this attempt removed (the first thousand); the manifest has all of it.
    #[serde(default)]
    pub removed: Vec<RemovedEntry>,
    /// What could not be done, each with its path and reason (the first thousand).
    pub problems: Vec<Problem>,
    /// All problems, also those not listed.
    #[ts(type = "number")]
    pub problems_total: u64,
    /// Milliseconds the work took.
    #[ts(type = "number")]
    pub duration_ms: u64,
}

/// The report of `restore-from-trash`.
///
/// `files_found = files_restored + files_failed` once it has run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RestoreReport {
    /// The cleanup whose files were put back.
    pub cleanup: TaskId,
    /// The host whose trash was looked into.
    pub host: String,
    /// Files that the cleanup's manifest says went to the trash.
    #[ts(type = "number")]
    pub files_found: u64,
    /// Files that are where they were, those that an attempt before had put back among them.
    #[ts(type = "number")]
    pub files_restored: u64,
    /// Files that could not be put back.
    #[ts(type = "number")]
    pub files_failed: u64,
    /// Folders made anew because the cleanup or somebody else had removed them.
    #[ts(type = "number")]
    pub directories_made: u64,
    /// Some of what was put back (the first thousand).
    pub restored: Vec<String>,
    /// What could not be put back, each with its path and reason (the first thousand).
    pub problems: Vec<Problem>,
    /// All problems, also those not listed.
    #[ts(type = "number")]
    pub problems_total: u64,
    /// Milliseconds the work took.
    #[ts(type = "number")]
    pub duration_ms: u64,
}
