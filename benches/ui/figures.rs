//! Figures as they are printed: a Markdown table for each part.

/// Begins a part.
pub(crate) fn heading(title: &str) {
    println!("\n## {title}\n");
    println!("| what | how many | Upkeep | a trivial app | bar |");
    println!("| --- | --- | --- | --- | --- |");
}

/// One line; what was not measured is a dash.
pub(crate) fn row(what: &str, count: &str, ours: &str, peer: Option<&str>, bar: &str) {
    println!(
        "| {what} | {count} | {ours} | {} | {bar} |",
        peer.unwrap_or("–")
    );
}

/// `met` or `missed` beside what is asked for.
pub(crate) fn verdict(bar: &str, met: bool) -> String {
    format!("{bar}: {}", if met { "met" } else { "missed" })
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

/// The middle of some values.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// `**0.31** (0.29–0.40) s`: the median, the smallest and the largest.
pub(crate) fn spread(values: &[f64], digits: usize, unit: &str) -> String {
    format!(
        "**{:.digits$}** ({:.digits$}–{:.digits$}) {unit}",
        median(values),
        quantile(values, 0.0),
        quantile(values, 1.0)
    )
}
