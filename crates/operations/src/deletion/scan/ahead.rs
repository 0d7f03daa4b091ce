//! The half of a scan that goes ahead: it walks, reads names, and tells the judge in the order of the walk.
//!
//! Looking at an entry costs more than everything else together. Whoever has less to do does it: the
//! one ahead, while the judge still has plenty, and otherwise the judge, by a descriptor that comes along.

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;

use upkeep_contract::cleanup::KeptReason;

use crate::deletion::choose::Chooser;
use crate::deletion::cursor::Cursor;
use crate::deletion::platform::{self, Directory, Errno, FileType};
use crate::deletion::stat::{Identity, Kind, Stat};
use crate::deletion::walk::{Step, Visitor};
use crate::deletion::work::{Stop, Work};

/// With so many names on their way, those that follow are looked at before they are sent.
const PLENTY: usize = 4096;
/// Fewer are looked at right away: handing over costs a descriptor.
const WORTH_HANDING_OVER: usize = 4;
/// So many descriptors are on their way at most; an ordinary limit for a process is 1024.
const DIRECTORIES_MAX: usize = 256;
/// So many parcels are on their way at most: what bounds the memory of a scan.
pub(super) const PARCELS_MAX: usize = 16;
/// A parcel is sent when it holds so many bytes of names or so many events.
const PARCEL_BYTES: usize = 16 * 1024;
const PARCEL_EVENTS: usize = 256;

/// What the walk came by. Names lie in the parcel, in the order of the events.
pub(super) enum Event {
    /// So many entries of the directory that are no folders.
    Entries { count: usize, looked: Looked },
    /// A folder of this directory, which is or will be gone into.
    Folder,
    /// A folder that the rules close; named.
    Closed(KeptReason),
    /// A folder that belongs to another location.
    OtherLocation,
    /// The walk went into a directory; named.
    Entered,
    /// The walk left a directory that it has seen whole.
    Left(Stat),
    /// A directory could not be entered, named, or not be read to its end, without a name.
    Blocked(Errno),
}

/// Who looks at entries.
pub(super) enum Looked {
    /// Done already.
    Ahead(Vec<Result<Stat, Errno>>),
    /// Still to be done, in this directory.
    Open(Directory),
}

/// Events with their names.
#[derive(Default)]
pub(super) struct Parcel {
    pub(super) events: Vec<Event>,
    /// Each ended by a zero byte.
    pub(super) names: Vec<u8>,
    /// Entries in it.
    pub(super) entries: usize,
    /// Directories in it that are still to be looked at.
    pub(super) directories: usize,
}

/// What was sent and not judged yet.
#[derive(Default)]
pub(super) struct OnTheirWay {
    entries: AtomicUsize,
    directories: AtomicUsize,
}

impl OnTheirWay {
    fn sent(&self, parcel: &Parcel) {
        self.entries.fetch_add(parcel.entries, Ordering::Relaxed);
        self.directories
            .fetch_add(parcel.directories, Ordering::Relaxed);
    }

    /// A parcel of so many entries and directories was judged.
    pub(super) fn arrived(&self, entries: usize, directories: usize) {
        self.entries.fetch_sub(entries, Ordering::Relaxed);
        self.directories.fetch_sub(directories, Ordering::Relaxed);
    }
}

/// The visitor that goes ahead.
pub(super) struct Ahead<'a> {
    work: &'a Work,
    chooser: &'a Chooser,
    others: &'a HashSet<Identity>,
    judge: SyncSender<Parcel>,
    on_their_way: &'a OnTheirWay,
    parcel: Parcel,
    /// Names of the burst's entries that are no folders, and how many they are.
    burst: Vec<u8>,
    entries: usize,
    seen: u64,
    /// For paths that patterns are matched against.
    buffer: Vec<u8>,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(
        work: &'a Work,
        chooser: &'a Chooser,
        others: &'a HashSet<Identity>,
        judge: SyncSender<Parcel>,
        on_their_way: &'a OnTheirWay,
    ) -> Self {
        Self {
            work,
            chooser,
            others,
            judge,
            on_their_way,
            parcel: Parcel::default(),
            burst: Vec::new(),
            entries: 0,
            seen: 0,
            buffer: Vec::new(),
        }
    }

    /// Sends what has not been sent yet.
    pub(super) fn finish(mut self) -> Result<(), Stop> {
        self.send()
    }

    fn tell(&mut self, name: &CStr, event: Event) {
        self.parcel
            .names
            .extend_from_slice(name.to_bytes_with_nul());
        self.parcel.events.push(event);
    }

    fn send(&mut self) -> Result<(), Stop> {
        let parcel = std::mem::take(&mut self.parcel);
        self.on_their_way.sent(&parcel);
        // a judge that is gone says itself why
        self.judge.send(parcel).map_err(|_| Stop::Cancelled)
    }

    /// Into a folder, unless the rules close it.
    fn folder(&mut self, at: &Cursor, name: &CStr) -> Step {
        let closed = self
            .chooser
            .closes(at.path(), name.to_bytes(), &mut self.buffer);
        if let Some(reason) = closed {
            self.tell(name, Event::Closed(reason));
            return Step::Over;
        }
        self.parcel.events.push(Event::Folder);
        Step::Into
    }

    /// Looks at the burst's entries, or hands over what the judge needs to do it.
    fn looked(&self, at: &mut Cursor) -> Result<Looked, Stop> {
        let there = self.on_their_way;
        let directories = self.parcel.directories + there.directories.load(Ordering::Relaxed);
        let has_room =
            there.entries.load(Ordering::Relaxed) < PLENTY && directories < DIRECTORIES_MAX;
        if has_room && self.entries >= WORTH_HANDING_OVER {
            let here = at.current();
            let directory = here.and_then(platform::again);
            // without a descriptor left it is done here
            if let Ok(directory) = directory {
                return Ok(Looked::Open(directory));
            }
        }
        self.look(at).map(Looked::Ahead)
    }

    /// Looks at the burst's entries.
    fn look(&self, at: &mut Cursor) -> Result<Vec<Result<Stat, Errno>>, Stop> {
        let mut looked = Vec::with_capacity(self.entries);
        let mut rest = self.burst.as_slice();
        while let Ok(name) = CStr::from_bytes_until_nul(rest) {
            if looked.len().is_multiple_of(32) {
                self.work.check_cancelled()?;
            }
            looked.push(at.current().and_then(|here| Stat::of_entry(here, name)));
            rest = &rest[name.count_bytes() + 1..];
        }
        Ok(looked)
    }
}

impl Visitor for Ahead<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        self.seen += 1;
        if self.seen.is_multiple_of(32) {
            self.work.check_cancelled()?;
        }
        let is_folder = match hint {
            FileType::Directory => true,
            // a file system that does not say; the judge looks at what is no folder once more
            FileType::Unknown => at
                .current()
                .and_then(|here| Stat::of_entry(here, name))
                .is_ok_and(|stat| stat.kind == Kind::Directory),
            _ => false,
        };
        if is_folder {
            return Ok(self.folder(at, name));
        }
        self.burst.extend_from_slice(name.to_bytes_with_nul());
        self.entries += 1;
        Ok(Step::Over)
    }

    fn entered(&mut self, at: &mut Cursor, stat: &Stat) -> Result<Step, Stop> {
        if self.others.contains(&stat.identity) {
            self.parcel.events.push(Event::OtherLocation);
            return Ok(Step::Over);
        }
        self.parcel.names.extend_from_slice(at.own_name());
        self.parcel.names.push(0);
        self.parcel.events.push(Event::Entered);
        Ok(Step::Into)
    }

    fn burst_ended(&mut self, at: &mut Cursor) -> Result<(), Stop> {
        self.work.check_cancelled()?;
        if self.entries > 0 {
            let looked = self.looked(at)?;
            let count = std::mem::take(&mut self.entries);
            self.parcel.names.append(&mut self.burst);
            self.parcel.entries += count;
            self.parcel.directories += usize::from(matches!(looked, Looked::Open(_)));
            self.parcel.events.push(Event::Entries { count, looked });
        }
        let is_full =
            self.parcel.names.len() >= PARCEL_BYTES || self.parcel.events.len() >= PARCEL_EVENTS;
        if is_full { self.send() } else { Ok(()) }
    }

    fn blocked(&mut self, _: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop> {
        self.tell(name, Event::Blocked(error));
        Ok(())
    }

    fn left(&mut self, _: &mut Cursor, _: &CStr, stat: &Stat) -> Result<(), Stop> {
        self.parcel.events.push(Event::Left(*stat));
        Ok(())
    }
}
