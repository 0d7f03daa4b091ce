//! Walking a tree without recursion: bounded descriptors, bounded memory, entries as they come.
//!
//! A directory is read in bursts; its sub-directories are visited between the bursts, so that on Linux
//! even a directory of a million sub-directories is never held in memory whole.

use std::ffi::{CStr, CString};

use super::cursor::Cursor;
use super::platform::{Buffer, Burst, Errno, FileType, Part};
use super::stat::Stat;
use super::work::Stop;

const BURST: usize = 32 * 1024;
/// With this many bytes of names waiting, bursts become small: a tree that is both very deep and very wide.
const WAITING_MAX: usize = 4 << 20;
const SMALL_BURST: usize = 1024;

/// What to do with an entry that was shown to a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing more.
    Over,
    /// It is a directory: go into it.
    Into,
}

/// Looks at what a walk comes by.
pub(crate) trait Visitor {
    /// An entry of the directory the cursor is at.
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop>;
    /// The cursor went into a directory. `Over` leaves it again at once, without `left`.
    fn entered(&mut self, at: &mut Cursor, stat: &Stat) -> Result<Step, Stop>;
    /// All entries of a burst have been shown.
    fn burst_ended(&mut self, at: &mut Cursor) -> Result<(), Stop>;
    /// A directory could not be entered or read to its end.
    fn blocked(&mut self, at: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop>;
    /// The cursor is back at the directory that holds `name`, which was read to its end.
    fn left(&mut self, at: &mut Cursor, name: &CStr, stat: &Stat) -> Result<(), Stop>;
}

struct Frame {
    stat: Stat,
    /// Names of sub-directories, each ended by a zero byte.
    waiting: Vec<u8>,
    next: usize,
    part: Part,
}

impl Frame {
    fn new(stat: Stat) -> Self {
        Self {
            stat,
            waiting: Vec::new(),
            next: 0,
            part: Part::default(),
        }
    }

    fn next_waiting(&mut self) -> Option<CString> {
        let name = CStr::from_bytes_until_nul(self.waiting.get(self.next..)?).ok()?;
        self.next += name.count_bytes() + 1;
        Some(name.to_owned())
    }
}

/// Walks everything below the directory the cursor is at; the cursor ends there again, unless stopped.
pub(crate) fn walk(at: &mut Cursor, stat: Stat, visitor: &mut impl Visitor) -> Result<(), Stop> {
    let mut buffer = Buffer::new(BURST);
    let mut frames = vec![Frame::new(stat)];
    let mut waiting_bytes = 0;
    while let Some(frame) = frames.last_mut() {
        if let Some(name) = frame.next_waiting() {
            match at.enter(&name) {
                Ok(stat) => match visitor.entered(at, &stat)? {
                    Step::Into => frames.push(Frame::new(stat)),
                    Step::Over => at.leave(),
                },
                // gone in the meantime: there is nothing to do
                Err(Errno::NOENT) => {}
                Err(error) => visitor.blocked(at, &name, error)?,
            }
        } else if !frame.part.is_whole {
            waiting_bytes -= frame.waiting.len();
            frame.waiting.clear();
            frame.next = 0;
            let size = if waiting_bytes > WAITING_MAX {
                SMALL_BURST
            } else {
                BURST
            };
            if let Err(error) = burst(at, frame, (&mut buffer, size), visitor)? {
                frame.part.is_whole = true;
                visitor.blocked(at, c"", error)?;
            }
            waiting_bytes += frame.waiting.len();
            visitor.burst_ended(at)?;
        } else {
            let stat = frame.stat;
            waiting_bytes -= frame.waiting.len();
            frames.pop();
            if !frames.is_empty() {
                let name = CString::new(at.own_name()).unwrap_or_default();
                at.leave();
                visitor.left(at, &name, &stat)?;
            }
        }
    }
    Ok(())
}

/// Reads once from a directory and shows each entry. The inner error is the directory's, the outer the visitor's.
fn burst(
    at: &mut Cursor,
    frame: &mut Frame,
    (buffer, size): (&mut Buffer, usize),
    visitor: &mut impl Visitor,
) -> Result<Result<(), Errno>, Stop> {
    let begun = at
        .current()
        .and_then(|directory| Burst::begin(directory, &mut frame.part, buffer, size));
    let mut entries = match begun {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(entry) = entries.next(&mut frame.part) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok(Err(error)),
        };
        let name = entry.file_name();
        if name != c"."
            && name != c".."
            && visitor.entry(at, name, entry.file_type())? == Step::Into
        {
            frame.waiting.extend_from_slice(name.to_bytes_with_nul());
        }
    }
    Ok(Ok(()))
}
