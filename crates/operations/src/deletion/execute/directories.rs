//! Removing directories that became empty, after everything in them.

use std::ffi::{CStr, CString};

use upkeep_contract::cleanup::KeptReason;

use super::files::recorded;
use super::{Added, CLOCK_GRAIN_NS, Hand};
use crate::deletion::cursor::Cursor;
use crate::deletion::manifest::{Done, Earlier, outcome};
use crate::deletion::plan::{Directory, Numbered};
use crate::deletion::platform::{self, Errno};
use crate::deletion::stat::{Kind, Stat};
use crate::deletion::tally;

impl Hand<'_, '_> {
    pub(super) fn directory(
        &mut self,
        line: &Numbered,
        planned: &Directory,
        added: &mut Added,
    ) -> Done {
        added.at = planned.at;
        let mut done = Done {
            batch: line.number,
            folder: recorded(&line.path),
            outcomes: char::from(outcome::OPEN).to_string(),
            ..Done::default()
        };
        if self.must_stop() {
            return done;
        }
        let Some(mut at) = self.cursor(planned.at) else {
            return done;
        };
        if let Ok(held) = self.location(planned.at) {
            done.location.clone_from(&held.settings.name);
        }
        let cut = line.path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match cut {
            Some(cut) => (&line.path[..cut], &line.path[cut + 1..]),
            None => (&line.path[..0], &line.path[..]),
        };
        let name = CString::new(name).unwrap_or_default();
        let left_out = self.execute.left_out.directory(planned.at, &line.path);
        let removed = if left_out {
            Ok(Some(KeptReason::LeftOut))
        } else {
            at.go_to(parent)
                .and_then(|()| self.remove_directory(&mut at, parent, &name, planned))
        };
        let cut_off = matches!(
            self.execute.manifest.earlier(line.number),
            Some(Earlier::CutOff { .. })
        );
        let letter = match removed {
            Ok(None) => outcome::REMOVED,
            Ok(Some(reason)) => {
                let shown = at.show_below_root(&line.path);
                added.kept.push((reason, 0, shown));
                outcome::KEPT
            }
            Err(Errno::NOENT) if cut_off => outcome::REMOVED,
            Err(Errno::NOENT) => outcome::GONE,
            // something in it was kept, and said so, or it is in use again
            Err(Errno::NOTEMPTY | Errno::EXIST) => outcome::KEPT,
            Err(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => {
                added
                    .kept
                    .push((KeptReason::Changed, 0, at.show(name.to_bytes())));
                outcome::KEPT
            }
            Err(error) => {
                added
                    .problems
                    .push((at.show(name.to_bytes()), tally::explain(error)));
                outcome::FAILED
            }
        };
        self.cursors.insert(planned.at, at);
        if letter == outcome::REMOVED {
            done.directories = 1;
            done.outcomes = String::new();
        } else {
            done.outcomes = char::from(letter).to_string();
        }
        done
    }

    fn remove_directory(
        &mut self,
        at: &mut Cursor,
        folder: &[u8],
        name: &CStr,
        planned: &Directory,
    ) -> Result<Option<KeptReason>, Errno> {
        let mount = at.root().stat.mount;
        let here = at.current()?;
        let stat = Stat::of_entry(here, name)?;
        // removing its entries changed its time, but never before the removal began
        let began_ns = self
            .execute
            .manifest
            .began_ns
            .saturating_sub(CLOCK_GRAIN_NS);
        let by_us = planned.had_entries && stat.modified_ns >= began_ns;
        let same = stat.identity == planned.identity
            && stat.kind == Kind::Directory
            && (stat.modified_ns == planned.modified_ns || by_us);
        if !same {
            return Ok(Some(KeptReason::Changed));
        }
        if stat.mount != mount {
            return Ok(Some(KeptReason::OtherMount));
        }
        // what the location's settings have come to forbid since the preview
        let Some(held) = self.execute.locations.get(planned.at) else {
            return Ok(Some(KeptReason::Changed));
        };
        let (settings, chooser) = (&held.settings, &held.chooser);
        let name_bytes = name.to_bytes();
        let closed = chooser
            .closes_path(folder)
            .or_else(|| chooser.closes(folder, name_bytes, &mut self.buffer));
        if closed.is_some() {
            return Ok(closed);
        }
        if !planned.had_entries && !chooser.includes(folder, name_bytes, &mut self.buffer) {
            return Ok(Some(KeptReason::NotIncluded));
        }
        if settings.only_own_files && !stat.belongs_to(self.execute.work.user) {
            return Ok(Some(KeptReason::OtherOwner));
        }
        if !settings.remove_empty_directories {
            return Ok(Some(KeptReason::Changed));
        }
        if self.picture.uses(&stat) {
            return Ok(Some(KeptReason::InUse));
        }
        platform::remove_directory(here, name)?;
        Ok(None)
    }
}
