//! Writing a plan, line by line; what the lines mean stands in the parent module.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use upkeep_contract::cleanup::CleanupReport;

use super::{Directory, FileEntry, Files, Footer, Header, Line, PLAN_FILE};
use crate::OperationError;
use crate::deletion::name::escape;
use crate::deletion::stat::Identity;

/// Writes a plan as it is found, under a name of its own: an attempt that was left behind and
/// still writes must not write into the plan of the attempt that follows it.
pub(crate) struct PlanWriter {
    /// Where the plan lies once it is whole.
    whole: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    buffer: Vec<u8>,
    offset: u64,
    lines: u64,
    directories: u64,
    folder: Vec<u8>,
}

impl PlanWriter {
    /// Begins a plan in a task's artifact folder, which is made if need be.
    pub(crate) fn create(folder: &Path, header: &Header) -> Result<Self, OperationError> {
        let path = folder.join(format!("plan-{}.tmp", header.id.nonce));
        let file = std::fs::create_dir_all(folder)
            .and_then(|()| File::create_new(&path))
            .map_err(|error| cannot_write(&path, &error))?;
        let mut writer = Self {
            whole: folder.join(PLAN_FILE),
            path,
            file: BufWriter::with_capacity(256 * 1024, file),
            buffer: Vec::new(),
            offset: 0,
            lines: 0,
            directories: 0,
            folder: Vec::new(),
        };
        writer.write(&Line::Plan(header.clone()))?;
        Ok(writer)
    }

    /// Adds files of one folder.
    pub(crate) fn files(
        &mut self,
        at: usize,
        folder: &[u8],
        device: u64,
        files: Vec<FileEntry>,
    ) -> Result<(), OperationError> {
        let (keep, add) = self.differ(folder);
        self.entry(&Line::Folder(Files {
            at,
            keep,
            add,
            device,
            entries: files,
        }))
    }

    /// Adds a directory after everything in it.
    pub(crate) fn directory(
        &mut self,
        at: usize,
        path: &[u8],
        identity: Identity,
        modified_ns: i64,
        had_entries: bool,
    ) -> Result<(), OperationError> {
        let (keep, add) = self.differ(path);
        self.directories += 1;
        self.entry(&Line::Directory(Directory {
            at,
            keep,
            add,
            identity,
            modified_ns,
            had_entries,
        }))
    }

    /// Adds a run, a task or an artifact folder.
    pub(crate) fn entry(&mut self, line: &Line) -> Result<(), OperationError> {
        self.lines += 1;
        self.write(line)
    }

    /// Ends the plan. Only now may it be executed.
    pub(crate) fn finish(mut self, report: &CleanupReport) -> Result<(), OperationError> {
        let footer = Footer {
            offset: self.offset,
            lines: self.lines,
            directories: self.directories,
            report: report.clone(),
        };
        self.write(&Line::End(Box::new(footer)))?;
        self.file
            .flush()
            .and_then(|()| std::fs::rename(&self.path, &self.whole))
            .map_err(|error| cannot_write(&self.whole, &error))
    }

    fn differ(&mut self, folder: &[u8]) -> (usize, String) {
        let shared = folder.iter().zip(&self.folder);
        let keep = shared.take_while(|(new, old)| new == old).count();
        let add = escape(&folder[keep..]).into_owned();
        self.folder.truncate(keep);
        self.folder.extend_from_slice(&folder[keep..]);
        (keep, add)
    }

    fn write(&mut self, line: &Line) -> Result<(), OperationError> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, line)
            .map_err(|error| cannot_write(&self.path, &error.into()))?;
        self.buffer.push(b'\n');
        self.offset += self.buffer.len() as u64;
        self.file
            .write_all(&self.buffer)
            .map_err(|error| cannot_write(&self.path, &error))
    }
}

impl Drop for PlanWriter {
    fn drop(&mut self) {
        // a plan that did not become whole is of no use; a whole one has another name by now
        let _removed = std::fs::remove_file(&self.path);
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> OperationError {
    OperationError::transient(
        format!("cannot write the plan {}: {error}", path.display()),
        "make room on the disk and check the permissions of Upkeep's artifact folder; nothing was removed",
    )
}
