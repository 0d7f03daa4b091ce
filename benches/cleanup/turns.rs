//! Taking turns: everybody in every round, beginning with another each time.

use crate::contenders::{Contender, Site, floor};
use crate::figures::{Bars, heading, row};
use crate::measure::Run;
use crate::shapes::{self, Shape};

const CLEANERS: [Contender; 5] = [
    Contender::Upkeep,
    Contender::Find,
    Contender::Rm,
    Contender::SystemdTmpfiles,
    Contender::Tmpreaper,
];
const LOOKERS: [Contender; 3] = [Contender::Upkeep, Contender::Find, Contender::Du];

/// Taking turns on one site.
pub(crate) struct Turns<'a> {
    pub(crate) site: &'a Site,
    pub(crate) rounds: usize,
    /// Whether others than find come along.
    pub(crate) peers: bool,
}

impl Turns<'_> {
    fn who(&self, all: &[Contender]) -> Vec<Contender> {
        let ours = [Contender::Upkeep, Contender::Find];
        all.iter()
            .copied()
            .filter(|it| it.is_here() && (self.peers || ours.contains(it)))
            .collect()
    }

    /// Looks at one tree, again and again; nobody changes it.
    pub(crate) fn preview(&self, shape: Shape, size: usize) {
        let who = self.who(&LOOKERS);
        shape.build(&self.site.new_tree(), size);
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); who.len()];
        // a tree just made is warm; a first round that does not count makes all programs so, too
        for round in 0..=self.rounds {
            for turn in 0..who.len() {
                let index = (round + turn) % who.len();
                let run = self.site.preview(who[index]);
                if who[index] == Contender::Upkeep {
                    assert_eq!(run.code, Some(0), "the preview failed");
                    let matched = self.site.reported("files_matched");
                    assert_eq!(matched, size as u64, "the preview did not see everything");
                }
                if round > 0 {
                    runs[index].push(run);
                }
                self.site.forget();
                shapes::settle(self.site.folder());
            }
        }
        assert_eq!(
            shapes::count(&self.site.tree()),
            size,
            "a look removed something"
        );
        self.site.clear();
        heading(&format!(
            "Preview: {}, {size} files ({})",
            shape.name(),
            shape.said()
        ));
        let bars = Bars {
            ratio: Some(0.6),
            peak: Some(40.0),
        };
        let remarks = vec![String::new(); who.len()];
        Self::print(&who, &runs, bars, &remarks);
    }

    /// Cleans a tree made anew for each.
    pub(crate) fn clean(&self, shape: Shape, size: usize) {
        let who = self.who(&CLEANERS);
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); who.len()];
        let mut remarks = vec![String::new(); who.len()];
        for round in 0..self.rounds {
            for turn in 0..who.len() {
                let index = (round + turn) % who.len();
                shape.build(&self.site.new_tree(), size);
                let run = self.site.clean(who[index]);
                if self.site.tree().exists() {
                    let left = shapes::count(&self.site.tree());
                    if left > 0 {
                        remarks[index] = format!("left {left} files");
                    }
                    self.site.clear();
                }
                if who[index] == Contender::Upkeep {
                    assert_eq!(run.code, Some(0), "the cleaning failed");
                    let removed = self.site.reported("files_removed");
                    assert_eq!(removed, size as u64, "not everything was removed");
                    assert_eq!(remarks[index], "", "the report says another number");
                }
                runs[index].push(run);
                self.site.forget();
                shapes::settle(self.site.folder());
            }
        }
        heading(&format!(
            "Cleaning: {}, {size} files ({})",
            shape.name(),
            shape.said()
        ));
        let bars = Bars {
            ratio: Some(0.75),
            peak: Some(40.0),
        };
        Self::print(&who, &runs, bars, &remarks);
    }

    fn print(who: &[Contender], runs: &[Vec<Run>], bars: Bars, remarks: &[String]) {
        let find = who.iter().position(|it| *it == Contender::Find);
        let find = &runs[find.expect("find is not installed")];
        for ((who, runs), remark) in who.iter().zip(runs).zip(remarks) {
            let bars = match who {
                Contender::Upkeep => bars,
                _ => Bars::NONE,
            };
            row(who.name(), runs, find, bars, remark);
        }
    }
}

/// Who is left out, and what memory counts from.
pub(crate) fn said() -> String {
    let missing: Vec<&str> = CLEANERS
        .into_iter()
        .chain(LOOKERS)
        .filter(|contender| !contender.is_here())
        .map(Contender::name)
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "bytes shown as megabytes")]
    let floor = floor().peak as f64 / 1e6;
    let left_out = if missing.is_empty() {
        "nobody is left out".to_owned()
    } else {
        format!("not installed here and left out: {}", missing.join(", "))
    };
    format!("peak memory counts from {floor:.1} MB, what `true` shows; {left_out}")
}
