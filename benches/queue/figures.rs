//! Figures as they are printed: a Markdown table for each part.

use std::path::Path;
use std::time::Duration;

use crate::machine::{file_system, print_load};

/// What the design asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    None,
    AtLeast(f64),
    Below(f64),
}

impl Bar {
    fn beside(self, figure: f64) -> String {
        let verdict = |met| if met { "met" } else { "missed" };
        match self {
            Self::None => "–".to_owned(),
            Self::AtLeast(bar) => format!("over {bar}: {}", verdict(figure > bar)),
            Self::Below(bar) => format!("under {bar}: {}", verdict(figure < bar)),
        }
    }
}

/// Begins a part.
pub(crate) fn heading(title: &str) {
    println!("\n## {title}\n");
    println!("| engine | what | how many | figure | spread | bar |");
    println!("| --- | --- | --- | --- | --- | --- |");
}

/// One figure with the smallest and the largest that were seen.
pub(crate) fn row(engine: &str, what: &str, count: &str, rounds: &[f64], unit: &str, bar: Bar) {
    let figure = median(rounds);
    println!(
        "| {engine} | {what} | {count} | **{}** {unit} | {} to {} | {} |",
        short(figure),
        short(quantile(rounds, 0.0)),
        short(quantile(rounds, 1.0)),
        bar.beside(figure)
    );
}

/// The p50, the p99 and the slowest of many times in milliseconds.
pub(crate) fn times(engine: &str, what: &str, samples: &[f64], p50: Bar, p99: Bar) {
    let (middle, high) = (quantile(samples, 0.5), quantile(samples, 0.99));
    let bars = match (p50, p99) {
        (Bar::None, p99) => p99.beside(high),
        (p50, p99) => format!("p50 {}, p99 {}", p50.beside(middle), p99.beside(high)),
    };
    println!(
        "| {engine} | {what} | {} | p50 **{}**, p99 **{}** ms | {} to {} | {bars} |",
        samples.len(),
        short(middle),
        short(high),
        short(quantile(samples, 0.0)),
        short(quantile(samples, 1.0)),
    );
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this share of the values lies.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into some thousands of samples"
    )]
    let index = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted[index]
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// So many in this time, by the second.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / time.as_secs_f64()
}

fn short(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// What the figures depend on.
pub(crate) fn print_machine(folder: &Path) {
    let cores = std::thread::available_parallelism().unwrap();
    println!("# Upkeep's queue, measured on {cores} cores\n");
    println!(
        "- databases in {}, on {}",
        folder.display(),
        file_system(folder)
    );
    println!(
        "- SQLite: write-ahead log, `synchronous=FULL`; PostgreSQL: its own settings (`fsync=on`, `synchronous_commit=on`), on the same disk"
    );
    print_load();
}
