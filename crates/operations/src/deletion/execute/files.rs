//! Removing the files of one folder: each is looked at again just before.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use upkeep_contract::cleanup::KeptReason;

use super::{Added, Hand};
use crate::deletion::cursor::Cursor;
use crate::deletion::in_use::Picture;
use crate::deletion::manifest::{Done, Earlier, outcome};
use crate::deletion::name::{end_of, escape, unescape};
use crate::deletion::plan::{FileEntry, Files, Numbered};
use crate::deletion::platform::{self, Errno};
use crate::deletion::stat::{Identity, Kind, Stat};
use crate::deletion::tally;
use crate::deletion::trash::{Record, move_to_trash};

/// So many entries of a folder are removed at most before it is asked whether the folder was moved.
const ENTRIES_UNSEEN: u32 = 64;
/// And so much time passes at most.
const TIME_UNSEEN: Duration = Duration::from_millis(50);

/// When the folder was last seen at its place.
struct Seen {
    at: Instant,
    entries: u32,
    picture: Arc<Picture>,
}

impl Seen {
    fn now(picture: &Arc<Picture>) -> Self {
        Self {
            at: Instant::now(),
            entries: 0,
            picture: Arc::clone(picture),
        }
    }

    /// Counts an entry; true when the folder must be looked for again before it.
    /// Taking a picture takes its time, so a new one is a reason, too.
    fn is_due(&mut self, picture: &Arc<Picture>) -> bool {
        self.entries += 1;
        let due = self.entries > ENTRIES_UNSEEN
            || self.at.elapsed() >= TIME_UNSEEN
            || !Arc::ptr_eq(&self.picture, picture);
        if due {
            *self = Self::now(picture);
        }
        due
    }
}

impl Hand<'_, '_> {
    pub(super) fn files(&mut self, line: &Numbered, files: &Files, added: &mut Added) -> Done {
        added.at = files.at;
        let mut done = Done {
            batch: line.number,
            folder: recorded(&line.path),
            ..Done::default()
        };
        let mut letters = vec![outcome::OPEN; files.entries.len()];
        // what the attempt before left: letters of an ended batch, or the mark that it was cut off
        let mut cut_off = false;
        let before = match self.execute.manifest.earlier(line.number) {
            Some(Earlier::Ended(before)) => Some(before),
            Some(Earlier::CutOff { before }) => {
                cut_off = true;
                before.as_ref()
            }
            None => None,
        };
        if let Some(before) = before {
            done.files = before.files;
            done.trashed = before.trashed;
            done.bytes = before.bytes;
            if before.outcomes.is_empty() {
                letters.fill(outcome::REMOVED);
            } else {
                for (letter, earlier) in letters.iter_mut().zip(before.outcomes.bytes()) {
                    *letter = earlier;
                }
            }
        }
        let Some(mut at) = self.cursor(files.at) else {
            return done;
        };
        if let Ok(held) = self.location(files.at) {
            done.location.clone_from(&held.settings.name);
        }
        let held = self.location(files.at).ok();
        let fate = match held {
            _ if !cut_off => Fate::Gone,
            Some(held) if held.settings.trash => Fate::Trashed,
            _ => Fate::Removed,
        };
        let closed = held.and_then(|held| held.chooser.closes_path(&line.path));
        let left_out = self.execute.left_out.in_folder(files.at, &line.path);
        let mut seen = Seen::now(&self.picture);
        let mut reached = at.go_to(&line.path);
        for (entry, letter) in files.entries.iter().zip(letters.iter_mut()) {
            if matches!(*letter, outcome::REMOVED | outcome::GONE) {
                if *letter == outcome::GONE {
                    added.gone += 1;
                    added.gone_bytes += entry.4;
                }
                self.count_file();
                continue;
            }
            if self.must_stop() {
                break;
            }
            self.count_file();
            if left_out.has(&entry.0) {
                // not even looked at
                let shown = at.show_entry(&escape(&line.path), &entry.0);
                added.kept.push((KeptReason::LeftOut, 1, shown));
                *letter = outcome::KEPT;
                continue;
            }
            if reached.is_ok() && seen.is_due(&self.picture) {
                reached = at.still_here();
            }
            *letter = match reached {
                Ok(()) => {
                    let known = Known { fate, closed };
                    self.file(&mut at, files, entry, known, &mut done, added)
                }
                // the folder is gone, and with it the file
                Err(Errno::NOENT) => gone(fate, entry, &mut done, added),
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    added.kept.push((KeptReason::Changed, 1, at.show(b"")));
                    outcome::KEPT
                }
                Err(Errno::XDEV) => {
                    added.kept.push((KeptReason::OtherMount, 1, at.show(b"")));
                    outcome::KEPT
                }
                Err(error) => {
                    added.failed_files += 1;
                    let reason = tally::explain(error);
                    added
                        .problems
                        .push((at.show_below_root(&line.path), reason));
                    outcome::FAILED
                }
            };
        }
        self.cursors.insert(files.at, at);
        if letters.iter().any(|letter| *letter != outcome::REMOVED) {
            done.outcomes = String::from_utf8(letters).unwrap_or_default();
        }
        done
    }

    /// Counts an entry; true when the work must stop before it.
    pub(super) fn must_stop(&mut self) -> bool {
        self.handled += 1;
        let work = self.execute.work;
        if self.handled.is_multiple_of(16) && !self.stopped {
            self.stopped = work.context.is_cancelled() || self.shared.stop.load(Ordering::Relaxed);
        }
        // the same picture again unless it is a second old
        if !self.stopped {
            self.picture = work.in_use.picture();
        }
        self.stopped
    }

    fn count_file(&self) {
        let done = self.shared.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(64) || done == self.shared.total {
            let total = Some(self.shared.total);
            self.execute
                .work
                .progress(done, total, "files", "removing files");
        }
    }

    fn file(
        &mut self,
        at: &mut Cursor,
        files: &Files,
        entry: &FileEntry,
        Known { fate, closed }: Known,
        done: &mut Done,
        added: &mut Added,
    ) -> u8 {
        let FileEntry(escaped, is_link, inode, size, _, modified_ns) = entry;
        let name = unescape(escaped).and_then(|name| CString::new(name).ok());
        let Some(name) = name else {
            added.failed_files += 1;
            let reason = "the plan's name for it cannot be read; preview again".to_owned();
            added.problems.push((at.show(escaped.as_bytes()), reason));
            return outcome::FAILED;
        };
        let stat = match at.current().and_then(|here| Stat::of_entry(here, &name)) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return gone(fate, entry, done, added),
            Err(error) => return failed(at, &name, tally::explain(error), added),
        };
        let kind = if *is_link {
            Kind::SymbolicLink
        } else {
            Kind::File
        };
        let same = stat.identity
            == (Identity {
                device: files.device,
                inode: *inode,
            })
            && stat.size == *size
            && stat.modified_ns == *modified_ns
            && stat.kind == kind;
        let settings = self.location(files.at).map(|held| &held.settings);
        let to_trash = settings.is_ok_and(|it| it.trash);
        let reason = if !same {
            Some(KeptReason::Changed)
        } else if stat.mount != at.root().stat.mount {
            Some(KeptReason::OtherMount)
        } else if self.picture.uses(&stat) {
            Some(KeptReason::InUse)
        } else {
            closed.or_else(|| self.forbidden(at.path(), files.at, &name, &stat))
        };
        if let Some(reason) = reason {
            added.kept.push((reason, 1, at.show(name.to_bytes())));
            return outcome::KEPT;
        }
        if to_trash {
            let record = Record::of(self.execute.manifest, &done.location, at.path());
            match move_to_trash(at, &name, &stat, &record) {
                Ok(true) => done.trashed += 1,
                Ok(false) => return gone(fate, entry, done, added),
                Err(reason) => return failed(at, &name, reason, added),
            }
        } else {
            let removed = at
                .current()
                .and_then(|here| platform::remove_file(here, &name));
            match removed {
                Ok(()) => {}
                Err(Errno::NOENT) => return gone(fate, entry, done, added),
                Err(error) => return failed(at, &name, tally::explain(error), added),
            }
            // the trash gives nothing back; a hard link only when its last name goes
            if stat.links <= 1 {
                done.bytes += stat.allocated;
            }
        }
        done.files += 1;
        done.removed.push(escaped.clone());
        outcome::REMOVED
    }
}

impl Hand<'_, '_> {
    /// What the location's settings have come to forbid since the preview, and what became younger.
    fn forbidden(
        &mut self,
        folder: &[u8],
        index: usize,
        name: &CStr,
        stat: &Stat,
    ) -> Option<KeptReason> {
        let execute = self.execute;
        let (Some(held), Some(limits)) =
            (execute.locations.get(index), self.shared.limits.get(index))
        else {
            return Some(KeptReason::Changed);
        };
        if held.settings.only_own_files && !stat.belongs_to(execute.work.user) {
            return Some(KeptReason::OtherOwner);
        }
        let chooser = &held.chooser;
        let chosen = chooser.leaves(folder, name.to_bytes(), stat, &mut self.buffer);
        if chosen.is_some() {
            return chosen;
        }
        let Some(time) = chooser.time_during_removal_ns(stat, limits.began_ns) else {
            return Some(KeptReason::OddTime);
        };
        // the time of modification is the plan's, which was asked before
        if time > limits.cutoff_ns && !chooser.is_by_modification() {
            return Some(KeptReason::Changed);
        }
        if time > limits.floor_ns {
            return Some(KeptReason::BelowMinAge);
        }
        (time >= limits.newest_ns).then_some(KeptReason::Newest)
    }
}

/// What became of an entry that is missing.
#[derive(Clone, Copy)]
enum Fate {
    /// Somebody else took it.
    Gone,
    /// An attempt before was cut off at its batch, and removed it.
    Removed,
    /// That attempt moved it to the trash.
    Trashed,
}

/// What is known of an entry before it is looked at.
#[derive(Clone, Copy)]
struct Known {
    /// What became of it, if it is missing.
    fate: Fate,
    /// Why nothing of its folder may go, when the rules have come to say so.
    closed: Option<KeptReason>,
}

/// A folder as the manifest records it.
pub(super) fn recorded(path: &[u8]) -> String {
    let (end, is_cut) = end_of(path);
    let end = escape(end);
    if is_cut {
        format!("…{end}")
    } else {
        end.into_owned()
    }
}

/// Gone before its turn; after an attempt that was cut off it was that attempt that removed it.
fn gone(fate: Fate, entry: &FileEntry, done: &mut Done, added: &mut Added) -> u8 {
    match fate {
        Fate::Gone => {
            added.gone += 1;
            added.gone_bytes += entry.4;
            return outcome::GONE;
        }
        Fate::Removed => done.bytes += entry.4,
        Fate::Trashed => done.trashed += 1,
    }
    done.files += 1;
    done.removed.push(entry.0.clone());
    outcome::REMOVED
}

fn failed(at: &Cursor, name: &CStr, reason: String, added: &mut Added) -> u8 {
    added.failed_files += 1;
    added.problems.push((at.show(name.to_bytes()), reason));
    outcome::FAILED
}
