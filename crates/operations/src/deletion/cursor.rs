//! A place in a tree: a stack of directories below a held root, with a bounded number of descriptors.
//!
//! Only the deepest few directories are held open. Going up past them opens the path anew from
//! the root, by the same rules, and checks that each directory is the one that was left there.
//! A held directory may be moved out of the tree meanwhile; [`Cursor::still_here`] tells.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::name;
use super::platform::{self, Directory, Errno, Root, look_at, open_below};
use super::stat::{Identity, Stat};

/// Directories held open at once, besides the root.
const WINDOW: usize = 32;
/// Paths longer than the kernel takes at once are walked in pieces.
const PIECE: usize = 3500;
/// Deeper trees are reported instead of walked; each level costs some bytes of memory.
pub(crate) const DEPTH_MAX: usize = 100_000;
/// What [`Cursor::still_here`] answers for a place that was moved: its path leads to no such directory.
pub(crate) const MOVED: Errno = Errno::NOTDIR;

struct Level {
    /// Where this directory's path ends in `path`.
    end: usize,
    identity: Identity,
}

/// A place in a tree.
pub(crate) struct Cursor {
    root: Arc<Root>,
    shown: Arc<Path>,
    path: Vec<u8>,
    levels: Vec<Level>,
    /// The deepest levels' descriptors, the deepest last.
    open: VecDeque<Directory>,
}

impl Cursor {
    /// At the root itself. `shown` is its path for messages.
    pub(crate) fn new(root: Arc<Root>, shown: PathBuf) -> Self {
        Self {
            root,
            shown: shown.into(),
            path: Vec::new(),
            levels: Vec::new(),
            open: VecDeque::new(),
        }
    }

    /// Another cursor, at the root of the same tree.
    pub(crate) fn at_root(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            shown: Arc::clone(&self.shown),
            path: Vec::new(),
            levels: Vec::new(),
            open: VecDeque::new(),
        }
    }

    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// The place relative to the root; empty at the root.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    pub(crate) fn depth(&self) -> usize {
        self.levels.len()
    }

    /// The directory's own name; empty at the root.
    pub(crate) fn own_name(&self) -> &[u8] {
        let start = match self.levels.len() {
            0 | 1 => 0,
            deep => self.levels[deep - 2].end + 1,
        };
        &self.path[start..]
    }

    /// An entry of this directory, for a person.
    pub(crate) fn show(&self, entry: &[u8]) -> String {
        let mut text = self.show_below_root(&self.path);
        if !entry.is_empty() {
            text.push('/');
            text.push_str(&name::display(entry));
        }
        text
    }

    /// An entry of a folder below the root, both escaped as in plans, for a person.
    pub(crate) fn show_entry(&self, folder: &str, entry: &str) -> String {
        let mut text = self.show_below_root(&name::unescape(folder).unwrap_or_default());
        text.push('/');
        text.push_str(&name::display(&name::unescape(entry).unwrap_or_default()));
        text
    }

    /// A path below the root, for a person.
    pub(crate) fn show_below_root(&self, path: &[u8]) -> String {
        let mut text = name::display(self.shown.as_os_str().as_encoded_bytes());
        if !path.is_empty() {
            let (end, is_cut) = name::end_of(path);
            text.push_str(if is_cut { "/…" } else { "/" });
            text.push_str(&name::display(end));
        }
        text
    }

    /// This directory's path as the system would take it; only for the trash.
    pub(crate) fn path_of(&self, entry: &[u8]) -> PathBuf {
        self.path_at_root(&self.path, entry)
    }

    /// The path of an entry of a folder below the root, wherever the cursor is; only for the trash.
    pub(crate) fn path_at_root(&self, folder: &[u8], entry: &[u8]) -> PathBuf {
        platform::path_below(&self.shown, folder, entry)
    }

    /// This directory's descriptor.
    pub(crate) fn current(&mut self) -> Result<&Directory, Errno> {
        if self.levels.is_empty() {
            return Ok(&self.root.descriptor);
        }
        if self.open.is_empty() {
            self.reopen()?;
        }
        self.open.back().ok_or(Errno::BADF)
    }

    /// Goes into a directory of this one. Nothing moves when it fails.
    pub(crate) fn enter(&mut self, entry: &CStr) -> Result<Stat, Errno> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let mount = self.root.stat.mount;
        let descriptor = open_below(self.current()?, entry)?;
        let stat = Stat::of_directory(&descriptor)?;
        if stat.mount != mount {
            return Err(Errno::XDEV);
        }
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(entry.to_bytes());
        self.levels.push(Level {
            end: self.path.len(),
            identity: stat.identity,
        });
        self.open.push_back(descriptor);
        if self.open.len() > WINDOW {
            self.open.pop_front();
        }
        Ok(stat)
    }

    /// Goes up to the directory that holds this one.
    pub(crate) fn leave(&mut self) {
        self.levels.pop();
        self.open.pop_back();
        let end = self.levels.last().map_or(0, |level| level.end);
        self.path.truncate(end);
    }

    /// Goes to a place given relative to the root, by way of what both places share.
    /// After an error the cursor is at the deepest directory that could be reached.
    pub(crate) fn go_to(&mut self, path: &[u8]) -> Result<(), Errno> {
        while !is_at_or_below(path, &self.path) {
            self.leave();
        }
        let rest = &path[self.path.len()..];
        for part in rest.split(|byte| *byte == b'/') {
            if !part.is_empty() {
                let part = CString::new(part).map_err(|_| Errno::INVAL)?;
                self.enter(&part)?;
            }
        }
        // what was shared with the place before may have been moved since it was opened
        self.still_here()
    }

    /// Whether the path still leads to the directory that is held, and the root's own path to the
    /// root. [`MOVED`] when not: a descriptor follows its directory wherever it is moved, and
    /// nothing may be removed there.
    pub(crate) fn still_here(&self) -> Result<(), Errno> {
        let moved = |error| match error {
            Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::XDEV => MOVED,
            other => other,
        };
        let root = look_at(&self.shown).map_err(moved)?;
        if root.identity != self.root.stat.identity {
            return Err(MOVED);
        }
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let reached = self.descend(level.end).map_err(moved)?;
        if Stat::of_directory(&reached)?.identity != level.identity {
            return Err(MOVED);
        }
        Ok(())
    }

    /// Opens the deepest levels again, from the root.
    fn reopen(&mut self) -> Result<(), Errno> {
        let first = self.levels.len().saturating_sub(WINDOW);
        let mut open: VecDeque<Directory> = VecDeque::new();
        let mut above: Option<Directory> = None;
        if first > 0 {
            above = Some(self.descend(self.levels[first - 1].end)?);
        }
        let mut start = if first > 0 {
            self.levels[first - 1].end + 1
        } else {
            0
        };
        for level in &self.levels[first..] {
            let part = CString::new(&self.path[start..level.end]).map_err(|_| Errno::INVAL)?;
            let parent = match open.back().or(above.as_ref()) {
                Some(parent) => parent,
                None => &self.root.descriptor,
            };
            let descriptor = open_below(parent, &part)?;
            if Stat::of_directory(&descriptor)?.identity != level.identity {
                return Err(Errno::STALE);
            }
            open.push_back(descriptor);
            start = level.end + 1;
        }
        self.open = open;
        Ok(())
    }

    /// Opens the path up to `end` in pieces that the kernel takes.
    fn descend(&self, end: usize) -> Result<Directory, Errno> {
        let mut reached: Option<Directory> = None;
        let mut start = 0;
        while start < end {
            let mut stop = end;
            if stop - start > PIECE {
                // a single name is at most 255 bytes, so there is a slash within the piece
                let piece = &self.path[start..start + PIECE];
                let slash = piece.iter().rposition(|byte| *byte == b'/');
                stop = start + slash.ok_or(Errno::NAMETOOLONG)?;
            }
            let piece = CString::new(&self.path[start..stop]).map_err(|_| Errno::INVAL)?;
            let parent = match &reached {
                Some(parent) => parent,
                None => &self.root.descriptor,
            };
            reached = Some(open_below(parent, &piece)?);
            start = stop + 1;
        }
        reached.ok_or(Errno::NOENT)
    }
}

fn is_at_or_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty()
        || (path.starts_with(folder) && path.get(folder.len()).is_none_or(|byte| *byte == b'/'))
}
