//! Whole trees: a run directory or an artifact folder is judged and removed as one thing.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use upkeep_contract::cleanup::KeptReason;

use super::cursor::{Cursor, MOVED};
use super::in_use::Picture;
use super::plan::Tree;
use super::platform::{self, Errno, FileType};
use super::stat::{Identity, Kind, Stat};
use super::tally::{self, Links};
use super::walk::{Step, Visitor, walk};
use super::work::{Stop, Work};

#[cfg(test)]
mod tests;

/// Why a tree may not be removed, with the entry that says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    Unfinished(String),
    OddTime(String),
    SpecialFile(String),
    OtherMount(String),
    /// A configured location or run store lies in it.
    OtherLocation(String),
    /// Something in it could not be looked at: path and reason.
    Problem(String, String),
}

impl Obstacle {
    /// Why it is kept and an example; none when it is a problem.
    pub(crate) fn kept(&self) -> Option<(KeptReason, String)> {
        let (reason, example) = match self {
            Self::Unfinished(example) => (KeptReason::Unfinished, example),
            Self::OddTime(example) => (KeptReason::OddTime, example),
            Self::SpecialFile(example) => (KeptReason::SpecialFile, example),
            Self::OtherMount(example) => (KeptReason::OtherMount, example),
            Self::OtherLocation(example) => (KeptReason::OtherLocation, example),
            Self::Problem(..) => return None,
        };
        Some((reason, example.clone()))
    }
}

/// What a tree holds and what stands against removing it.
pub(crate) struct Survey {
    pub(crate) tree: Tree,
    /// The newest of the files alone: removing changes the times of directories, but not of files.
    pub(crate) newest_file_ns: i64,
    /// When it began, by the machine's clock.
    pub(crate) began_ns: i64,
    pub(crate) obstacle: Option<Obstacle>,
}

/// Looks through the directory the cursor is at and everything below it. Changes nothing.
/// `others` are the roots of all configured locations and run stores.
pub(crate) fn survey(
    work: &Work,
    others: &HashSet<Identity>,
    at: &mut Cursor,
    stat: &Stat,
) -> Result<Survey, Stop> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut surveyor = Surveyor {
        work,
        others,
        picture: work.in_use.picture(),
        survey: Survey {
            tree: Tree {
                identity: stat.identity,
                newest_ns: i64::MIN,
                files: 0,
                directories: 0,
                bytes: 0,
            },
            newest_file_ns: i64::MIN,
            began_ns: i64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(i64::MAX),
            obstacle: None,
        },
        links: Links::default(),
        seen: 0,
    };
    surveyor.entered(at, stat)?;
    walk(at, *stat, &mut surveyor)?;
    Ok(surveyor.survey)
}

struct Surveyor<'a> {
    work: &'a Work,
    others: &'a HashSet<Identity>,
    picture: Arc<Picture>,
    survey: Survey,
    links: Links,
    seen: u64,
}

impl Surveyor<'_> {
    fn object(&mut self, obstacle: impl FnOnce() -> Obstacle) {
        if self.survey.obstacle.is_none() {
            self.survey.obstacle = Some(obstacle());
        }
    }

    fn judge(&mut self, at: &Cursor, name: &CStr, stat: &Stat) {
        let shown = || at.show(name.to_bytes());
        self.survey.tree.newest_ns = self.survey.tree.newest_ns.max(stat.modified_ns);
        if self.picture.uses(stat) {
            self.object(|| Obstacle::Unfinished(shown()));
        }
        if self.work.is_future(stat.modified_ns) {
            self.object(|| Obstacle::OddTime(shown()));
        }
    }
}

impl Visitor for Surveyor<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        self.seen += 1;
        if self.seen.is_multiple_of(32) {
            self.work.check_cancelled()?;
        }
        if hint == FileType::Directory {
            return Ok(Step::Into);
        }
        let stat = match at.current().and_then(|here| Stat::of_entry(here, name)) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Step::Over),
            Err(_) => {
                self.object(|| Obstacle::OddTime(at.show(name.to_bytes())));
                return Ok(Step::Over);
            }
        };
        if stat.kind == Kind::Directory {
            return Ok(Step::Into);
        }
        if stat.mount != at.root().stat.mount {
            self.object(|| Obstacle::OtherMount(at.show(name.to_bytes())));
        }
        if stat.kind == Kind::Special {
            self.object(|| Obstacle::SpecialFile(at.show(name.to_bytes())));
        }
        self.judge(at, name, &stat);
        self.survey.newest_file_ns = self.survey.newest_file_ns.max(stat.modified_ns);
        self.survey.tree.files += 1;
        self.survey.tree.bytes += self.links.gives_back(&stat);
        Ok(Step::Over)
    }

    fn entered(&mut self, at: &mut Cursor, stat: &Stat) -> Result<Step, Stop> {
        if self.others.contains(&stat.identity) {
            self.object(|| Obstacle::OtherLocation(at.show(b"")));
        }
        self.judge(at, c"", stat);
        self.survey.tree.directories += 1;
        Ok(Step::Into)
    }

    fn burst_ended(&mut self, _: &mut Cursor) -> Result<(), Stop> {
        self.work.check_cancelled()
    }

    fn blocked(&mut self, at: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop> {
        let shown = at.show(name.to_bytes());
        self.object(|| match error {
            Errno::XDEV => Obstacle::OtherMount(shown),
            error => Obstacle::Problem(shown, tally::explain(error)),
        });
        Ok(())
    }

    fn left(&mut self, _: &mut Cursor, _: &CStr, _: &Stat) -> Result<(), Stop> {
        Ok(())
    }
}

/// What removing a tree did.
#[derive(Debug, Default)]
pub(crate) struct Removal {
    pub(crate) files: u64,
    pub(crate) directories: u64,
    pub(crate) bytes: u64,
    pub(crate) files_kept: u64,
    pub(crate) files_failed: u64,
    pub(crate) kept: Vec<(KeptReason, String)>,
    pub(crate) problems: Vec<(String, String)>,
    /// Names of the removed files relative to the tree's root directory are not kept; this counts what stands in the way.
    pub(crate) stays: u64,
}

/// Removes everything below the directory the cursor is at, but nothing newer than `newest_ns`,
/// nothing that changed or was moved in after `surveyed_ns`, and nothing of `others`.
/// Files directly in it that are called as one of `last` go when nothing else is left.
/// What was done until an early end stands in `removal`.
pub(crate) fn remove_below(
    work: &Work,
    others: &HashSet<Identity>,
    at: &mut Cursor,
    stat: &Stat,
    (newest_ns, surveyed_ns): (i64, i64),
    last: &[CString],
    removal: &mut Removal,
) -> Result<(), Stop> {
    let mut remover = Remover {
        work,
        others,
        picture: work.in_use.picture(),
        newest_ns,
        surveyed_ns,
        moved: false,
        unlinked: HashSet::new(),
        last,
        depth: at.depth(),
        removal,
        seen: 0,
    };
    walk(at, *stat, &mut remover)?;
    let all_else_went = remover.removal.stays == 0;
    remover.last = &[];
    for name in last {
        if all_else_went {
            // a directory of that name is gone already
            remover.entry(at, name, FileType::Unknown)?;
            continue;
        }
        // what stands in the way has said why
        let stat = at.current().and_then(|here| Stat::of_entry(here, name));
        let stays = stat.is_ok_and(|stat| stat.kind != Kind::Directory);
        remover.removal.files_kept += u64::from(stays);
    }
    Ok(())
}

struct Remover<'a> {
    work: &'a Work,
    others: &'a HashSet<Identity>,
    picture: Arc<Picture>,
    newest_ns: i64,
    surveyed_ns: i64,
    /// The tree is no longer where the plan found it: nothing more of it is removed.
    moved: bool,
    /// Files with another name left: removing one name counts as a change of the others.
    unlinked: HashSet<Identity>,
    /// Not yet: files that go last, and how deep they lie.
    last: &'a [CString],
    depth: usize,
    removal: &'a mut Removal,
    seen: u64,
}

impl Remover<'_> {
    fn keep(&mut self, reason: KeptReason, shown: String) {
        self.removal.stays += 1;
        if !self.removal.kept.iter().any(|(kept, _)| *kept == reason) {
            self.removal.kept.push((reason, shown));
        }
    }

    fn changed(&self, stat: &Stat) -> bool {
        stat.modified_ns > self.newest_ns
            || (stat.changed_after(self.surveyed_ns) && !self.unlinked.contains(&stat.identity))
    }

    /// Keeps the whole rest when the tree was moved away, or that cannot be told.
    fn check_place(&mut self, at: &Cursor) {
        let Err(error) = at.still_here() else { return };
        self.moved = true;
        if error == MOVED {
            self.keep(KeptReason::Changed, at.show(b""));
        } else {
            self.fail(at.show(b""), error);
        }
    }

    fn fail(&mut self, shown: String, error: Errno) {
        self.removal.stays += 1;
        self.removal.problems.push((shown, tally::explain(error)));
    }
}

impl Visitor for Remover<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, hint: FileType) -> Result<Step, Stop> {
        if self.seen.is_multiple_of(16) && !self.moved {
            self.work.check_cancelled()?;
            // taking a picture takes its time, so the place comes after it
            self.picture = self.work.in_use.picture();
            self.check_place(at);
        }
        self.seen += 1;
        if self.moved {
            return Ok(Step::Over);
        }
        if hint == FileType::Directory {
            return Ok(Step::Into);
        }
        let mount = at.root().stat.mount;
        let shown = |at: &Cursor| at.show(name.to_bytes());
        let stat = match at.current().and_then(|here| Stat::of_entry(here, name)) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Step::Over),
            Err(error) => {
                self.removal.files_failed += 1;
                self.fail(shown(at), error);
                return Ok(Step::Over);
            }
        };
        let reason = match stat.kind {
            Kind::Directory => return Ok(Step::Into),
            _ if at.depth() == self.depth && self.last.iter().any(|it| **it == *name) => {
                return Ok(Step::Over);
            }
            _ if stat.mount != mount => Some(KeptReason::OtherMount),
            Kind::Special => Some(KeptReason::SpecialFile),
            _ if self.changed(&stat) => Some(KeptReason::Changed),
            _ if self.picture.uses(&stat) => Some(KeptReason::InUse),
            _ => None,
        };
        if let Some(reason) = reason {
            self.removal.files_kept += 1;
            self.keep(reason, shown(at));
            return Ok(Step::Over);
        }
        let removed = at
            .current()
            .and_then(|here| platform::remove_file(here, name));
        match removed {
            Ok(()) => {
                self.removal.files += 1;
                if stat.links <= 1 {
                    self.removal.bytes += stat.allocated;
                    self.unlinked.remove(&stat.identity);
                } else {
                    self.unlinked.insert(stat.identity);
                }
            }
            Err(Errno::NOENT) => {}
            Err(error) => {
                self.removal.files_failed += 1;
                self.fail(shown(at), error);
            }
        }
        Ok(Step::Over)
    }

    fn entered(&mut self, at: &mut Cursor, stat: &Stat) -> Result<Step, Stop> {
        if self.moved {
            return Ok(Step::Over);
        }
        if self.others.contains(&stat.identity) {
            self.keep(KeptReason::OtherLocation, at.show(b""));
            return Ok(Step::Over);
        }
        // nothing of it was removed yet, so it was somebody else who changed it or moved it here
        if stat.changed_after(self.surveyed_ns) {
            self.keep(KeptReason::Changed, at.show(b""));
            return Ok(Step::Over);
        }
        Ok(Step::Into)
    }

    fn burst_ended(&mut self, _: &mut Cursor) -> Result<(), Stop> {
        self.work.check_cancelled()
    }

    fn blocked(&mut self, at: &mut Cursor, name: &CStr, error: Errno) -> Result<(), Stop> {
        if self.moved {
            return Ok(());
        }
        let shown = at.show(name.to_bytes());
        match error {
            Errno::XDEV => self.keep(KeptReason::OtherMount, shown),
            Errno::LOOP | Errno::NOTDIR => self.keep(KeptReason::Changed, shown),
            error => self.fail(shown, error),
        }
        Ok(())
    }

    fn left(&mut self, at: &mut Cursor, name: &CStr, stat: &Stat) -> Result<(), Stop> {
        if self.moved {
            return Ok(());
        }
        match remove_directory(at, name, stat) {
            Ok(true) => self.removal.directories += 1,
            Ok(false) => self.keep(KeptReason::Changed, at.show(name.to_bytes())),
            Err(Errno::NOENT) => {}
            // what stays in it has said why, or came only now
            Err(Errno::NOTEMPTY | Errno::EXIST) => self.removal.stays += 1,
            Err(error) => self.fail(at.show(name.to_bytes()), error),
        }
        Ok(())
    }
}

/// Removes an empty directory of the cursor's; false when it is another one than before.
pub(crate) fn remove_directory(at: &mut Cursor, name: &CStr, stat: &Stat) -> Result<bool, Errno> {
    let here = at.current()?;
    if Stat::of_entry(here, name)?.identity != stat.identity {
        return Ok(false);
    }
    platform::remove_directory(here, name)?;
    Ok(true)
}
