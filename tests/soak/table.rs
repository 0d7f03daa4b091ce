//! What a soak has shown, as a table.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use upkeep_contract::TaskId;

use crate::crowd::{Plan, Tally};

/// What a soak has shown.
pub(crate) struct Table {
    rows: Vec<(&'static str, String)>,
    title: String,
    pub(crate) accepted: usize,
    pub(crate) kills: usize,
    pub(crate) attempts_lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) lost: usize,
    pub(crate) unfinished: usize,
    pub(crate) old_files_left: usize,
    pub(crate) young_files_lost: usize,
    pub(crate) violations: Vec<String>,
}

impl Table {
    /// Adds up what the observer saw and what the workers were told (`told`: accepted ends by task).
    pub(crate) fn new(
        engine: &str,
        plan: Plan,
        tally: &Tally,
        told: &HashMap<String, usize>,
        took: Duration,
    ) -> Self {
        let record = &tally.record;
        let told_twice: BTreeSet<String> = told
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(id, _)| id.clone())
            .collect();
        let duplicates = record.ended_twice.union(&told_twice).count();
        let accepted: BTreeSet<&str> = tally.accepted.iter().map(TaskId::as_str).collect();
        let missing = |id: &&&str| !record.knows(id) || record.vanished.contains(**id);
        let lost = accepted.iter().filter(missing).count();
        let unfinished = accepted.iter().filter(|id| !record.has_ended(id)).count() - lost;
        let counts = record.counts();
        let states = record.states();
        let state = |name: &str| states.get(name).copied().unwrap_or(0).to_string();
        let mut violations: Vec<String> = record.violations.iter().cloned().collect();
        violations.extend(
            told_twice
                .iter()
                .map(|id| format!("two workers ended {id}")),
        );
        let rows = vec![
            ("tasks accepted", accepted.len().to_string()),
            ("kills (SIGKILL)", tally.kills.to_string()),
            (
                "stops in good order (SIGTERM)",
                tally.terminations.to_string(),
            ),
            (
                "freezes past the lease (SIGSTOP)",
                tally.freezes.to_string(),
            ),
            ("restarts", tally.restarts.to_string()),
            ("cancels asked", tally.cancels.to_string()),
            ("priorities changed", tally.priorities.to_string()),
            ("attempts", counts.attempts.to_string()),
            ("  rescued (lost by their worker)", counts.lost.to_string()),
            ("  released", counts.released.to_string()),
            ("  late results", counts.late.to_string()),
            ("ended: succeeded", state("succeeded")),
            ("ended: partial", state("partial")),
            ("ended: failed", state("failed")),
            ("ended: cancelled", state("cancelled")),
            ("ends that workers were told", told.len().to_string()),
            ("looks of the observer", record.looks.to_string()),
            (
                "old files made, left",
                format!("{}, {}", tally.old_files_made, tally.old_files_left),
            ),
            ("young files lost", tally.young_files_lost.to_string()),
            (
                "duplicates of accepted final states",
                duplicates.to_string(),
            ),
            ("lost", lost.to_string()),
            ("unfinished", unfinished.to_string()),
            ("seconds", format!("{:.1}", took.as_secs_f64())),
        ];
        Self {
            rows,
            title: format!("soak on {engine}, seed {}", plan.seed),
            accepted: accepted.len(),
            kills: tally.kills,
            attempts_lost: counts.lost,
            duplicates,
            lost,
            unfinished,
            old_files_left: tally.old_files_left,
            young_files_lost: tally.young_files_lost,
            violations,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "\n{}", self.title)?;
        for (name, figure) in &self.rows {
            writeln!(formatter, "  {name:<38} {figure:>10}")?;
        }
        Ok(())
    }
}
