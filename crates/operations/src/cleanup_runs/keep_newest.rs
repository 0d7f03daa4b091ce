//! `keep_newest` holds when a plan is executed, too: between preview and execution runs may have vanished.

use std::ffi::{CStr, CString};

use super::store::Store;
use crate::deletion::cursor::Cursor;
use crate::deletion::left_out::LeftOut;
use crate::deletion::name::unescape;
use crate::deletion::plan::{Line, Plan};
use crate::deletion::platform::{Errno, FileType};
use crate::deletion::stat::{Kind, Stat};
use crate::deletion::walk::{Step, Visitor, walk};
use crate::deletion::work::{Stop, Work};

/// Whether enough runs that have ended stay when everything the plan lists of this store goes.
pub(super) fn enough_left(
    work: &Work,
    plan: &Plan,
    left_out: &LeftOut,
    at: usize,
    store: &Store,
) -> Result<bool, Stop> {
    if store.keep_newest == 0 {
        return Ok(true);
    }
    let mut planned: u64 = 0;
    let mut cursor = store.cursor();
    let mut lines = plan.lines()?;
    while let Some(line) = lines.next()? {
        work.check_cancelled()?;
        if let Line::Run(run) = line.line
            && run.at == at
            && !left_out.run(at, &run.name)
            && let Some(name) = unescape(&run.name).and_then(|name| CString::new(name).ok())
            && store.takes(name.to_bytes())
            && store.holds_ended(&mut cursor, &name)
        {
            planned += 1;
        }
    }
    if planned == 0 {
        return Ok(true);
    }
    let mut count = Count {
        work,
        store,
        runs: 0,
    };
    walk(&mut cursor, store.held.root.stat, &mut count)?;
    Ok(count.runs >= planned.saturating_add(u64::from(store.keep_newest)))
}

struct Count<'a> {
    work: &'a Work,
    store: &'a Store,
    runs: u64,
}

impl Visitor for Count<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, _: FileType) -> Result<Step, Stop> {
        let stat = at.current().and_then(|here| Stat::of_entry(here, name));
        let is_run = stat.is_ok_and(|stat| stat.kind == Kind::Directory)
            && self.store.takes(name.to_bytes());
        if !is_run {
            return Ok(Step::Over);
        }
        if self.store.markers().is_empty() {
            self.runs += 1;
            return Ok(Step::Over);
        }
        Ok(Step::Into)
    }

    fn entered(&mut self, at: &mut Cursor, _: &Stat) -> Result<Step, Stop> {
        if self.store.has_ended(at) {
            self.runs += 1;
        }
        Ok(Step::Over)
    }

    fn burst_ended(&mut self, _: &mut Cursor) -> Result<(), Stop> {
        self.work.check_cancelled()
    }

    fn blocked(&mut self, _: &mut Cursor, _: &CStr, _: Errno) -> Result<(), Stop> {
        Ok(())
    }

    fn left(&mut self, _: &mut Cursor, _: &CStr, _: &Stat) -> Result<(), Stop> {
        Ok(())
    }
}
