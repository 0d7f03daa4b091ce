//! The task history and the folder of artifacts, as blocking work sees them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;
use upkeep_contract::{TaskId, Timestamp, WorkerId};

use crate::OperationError;
use crate::deletion::cursor::Cursor;
use crate::deletion::platform::{Root, open_root};
use crate::history::{CleanableHistory, FinishedTask, GoneWorker, Room};

/// Tasks asked for or removed at once.
pub(super) const PAGE: u32 = 256;

/// The history, asked from a thread that may block.
pub(super) struct History {
    pub(super) source: Arc<dyn CleanableHistory>,
    pub(super) runtime: Handle,
}

impl History {
    pub(super) fn finished_before(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, TaskId)>,
    ) -> Result<Vec<FinishedTask>, OperationError> {
        self.runtime
            .block_on(self.source.finished_before(before, after, PAGE))
    }

    pub(super) fn remove_finished(
        &self,
        ids: &[TaskId],
        before: Timestamp,
    ) -> Result<Vec<TaskId>, OperationError> {
        self.runtime
            .block_on(self.source.remove_finished(ids, before))
    }

    pub(super) fn existing(&self, ids: &[TaskId]) -> Result<Vec<TaskId>, OperationError> {
        self.runtime.block_on(self.source.existing(ids))
    }

    pub(super) fn gone_workers(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, WorkerId)>,
    ) -> Result<Vec<GoneWorker>, OperationError> {
        self.runtime
            .block_on(self.source.gone_workers(before, after, PAGE))
    }

    pub(super) fn remove_gone_workers(
        &self,
        ids: &[WorkerId],
        before: Timestamp,
    ) -> Result<Vec<WorkerId>, OperationError> {
        self.runtime
            .block_on(self.source.remove_gone_workers(ids, before))
    }

    pub(super) fn room(&self) -> Result<Room, OperationError> {
        self.runtime.block_on(self.source.room())
    }

    pub(super) fn release_room(&self) -> Result<u64, OperationError> {
        self.runtime.block_on(self.source.release_room())
    }

    pub(super) fn settle_files(&self) -> Result<bool, OperationError> {
        self.runtime.block_on(self.source.settle_files())
    }

    pub(super) fn rewrite_file(&self) -> Result<bool, OperationError> {
        self.runtime.block_on(self.source.rewrite_file())
    }
}

/// The folder of artifacts, held open.
pub(super) struct Artifacts {
    pub(super) root: Arc<Root>,
    path: PathBuf,
}

impl Artifacts {
    /// Opens it; none when nothing was ever written. It is Upkeep's own, so links on the way to it are fine.
    pub(super) fn open(folder: &Path) -> Result<Option<Self>, OperationError> {
        let cannot = |error: std::io::Error| {
            OperationError::permanent(
                format!(
                    "the folder of artifacts {} cannot be opened: {error}; nothing was removed",
                    folder.display()
                ),
                "give the user who runs the worker permission to read and change it",
            )
        };
        let path = match folder.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(error)),
        };
        let root = open_root(&path).map_err(|error| cannot(error.into()))?;
        Ok(Some(Self {
            root: Arc::new(root),
            path,
        }))
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor::new(Arc::clone(&self.root), self.path.clone())
    }
}

/// Whether a folder's name is a task's id: a UUID as text. Anything else in the folder is not ours to judge.
pub(super) fn is_task_id(name: &[u8]) -> bool {
    name.len() == 36
        && name.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
        })
}
