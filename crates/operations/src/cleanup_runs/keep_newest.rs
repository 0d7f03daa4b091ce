//! `keep_newest` holds when a plan is executed, too: between preview and execution runs may have vanished.

use std::ffi::{CStr, CString};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::deletion::cursor::Cursor;
use crate::deletion::execute::Held;
use crate::deletion::name::unescape;
use crate::deletion::plan::{Line, Plan};
use crate::deletion::stat::{Kind, Stat};
use crate::deletion::walk::{Step, Visitor, walk};
use crate::deletion::work::{Stop, Work};

/// Whether at least `keep` runs stay when everything the plan lists of this store goes.
pub(super) fn enough_left(
    work: &Work,
    plan: &Plan,
    at: usize,
    store: &Held,
    keep: u32,
) -> Result<bool, Stop> {
    if keep == 0 {
        return Ok(true);
    }
    let mut planned: u64 = 0;
    let mut lines = plan.lines()?;
    while let Some(line) = lines.next()? {
        work.check_cancelled()?;
        if let Line::Run(run) = line.line
            && run.at == at
            && let Some(name) = unescape(&run.name).and_then(|name| CString::new(name).ok())
            && Stat::of_entry(&store.root.descriptor, &name).is_ok()
        {
            planned += 1;
        }
    }
    if planned == 0 {
        return Ok(true);
    }
    let mut count = Count { work, runs: 0 };
    let mut cursor = Cursor::new(store.root.clone(), store.path.clone());
    walk(&mut cursor, store.root.stat, &mut count)?;
    Ok(count.runs >= planned.saturating_add(u64::from(keep)))
}

struct Count<'a> {
    work: &'a Work,
    runs: u64,
}

impl Visitor for Count<'_> {
    fn entry(&mut self, at: &mut Cursor, name: &CStr, _: FileType) -> Result<Step, Stop> {
        let stat = at.current().and_then(|here| Stat::of_entry(here, name));
        if stat.is_ok_and(|stat| stat.kind == Kind::Directory) {
            self.runs += 1;
        }
        Ok(Step::Over)
    }

    fn entered(&mut self, _: &mut Cursor, _: &Stat) -> Result<Step, Stop> {
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
