//! Figures as they are printed: a Markdown table for each tree.

use std::path::Path;

use crate::machine::{file_system, print_load};
use crate::measure::Run;

const MEGABYTE: f64 = 1_000_000.0;

/// What the design asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bars {
    /// Wall compared with find's in the same run.
    pub(crate) ratio: Option<f64>,
    /// Peak memory in megabytes.
    pub(crate) peak: Option<f64>,
}

impl Bars {
    pub(crate) const NONE: Self = Self {
        ratio: None,
        peak: None,
    };
}

/// Begins a table.
pub(crate) fn heading(title: &str) {
    println!("\n## {title}\n");
    println!(
        "| who | rounds | wall s | min to max | user + system s | peak MB | × find, round by round | fastest × find's fastest | bar |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
}

/// One contender's rounds, beside find's of the same rounds.
pub(crate) fn row(who: &str, runs: &[Run], find: &[Run], bars: Bars, remark: &str) {
    let wall: Vec<f64> = runs.iter().map(|run| run.wall.as_secs_f64()).collect();
    let of = |take: fn(&Run) -> f64| median(&runs.iter().map(take).collect::<Vec<_>>());
    let ratios: Vec<f64> = runs
        .iter()
        .zip(find)
        .map(|(run, find)| run.wall.as_secs_f64() / find.wall.as_secs_f64())
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "bytes shown as megabytes")]
    let peak = runs.iter().map(|run| run.peak).max().unwrap_or(0) as f64 / MEGABYTE;
    let ratio = median(&ratios);
    let mut verdicts = Vec::new();
    if let Some(bar) = bars.ratio {
        verdicts.push(format!("at most {bar} × find: {}", verdict(ratio <= bar)));
    }
    if let Some(bar) = bars.peak {
        verdicts.push(format!("under {bar} MB: {}", verdict(peak < bar)));
    }
    if !remark.is_empty() {
        verdicts.push(remark.to_owned());
    }
    println!(
        "| {who} | {} | **{:.3}** | {:.3} to {:.3} | {:.2} + {:.2} | {peak:.1} | **{ratio:.2}** ({:.2} to {:.2}) | {:.2} | {} |",
        runs.len(),
        median(&wall),
        smallest(&wall),
        largest(&wall),
        of(|run| run.user.as_secs_f64()),
        of(|run| run.system.as_secs_f64()),
        smallest(&ratios),
        largest(&ratios),
        smallest(&wall)
            / smallest(
                &find
                    .iter()
                    .map(|run| run.wall.as_secs_f64())
                    .collect::<Vec<_>>()
            ),
        if verdicts.is_empty() {
            "–".to_owned()
        } else {
            verdicts.join("; ")
        },
    );
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return sorted[middle];
    }
    f64::midpoint(sorted[middle - 1], sorted[middle])
}

fn smallest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// What the figures depend on.
pub(crate) fn print_machine(folder: &Path) {
    let cores = std::thread::available_parallelism().unwrap();
    println!("# Upkeep's cleaning, measured on {cores} cores\n");
    println!(
        "- trees, plans and manifests in {}, on {}",
        folder.display(),
        file_system(folder)
    );
    println!(
        "- warm caches: each tree was made just before, and the disk had it before anybody began"
    );
    print_load();
}
