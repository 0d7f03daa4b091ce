//! Figures as they are printed: a Markdown table for each part.

/// Begins a part.
pub(crate) fn heading(title: &str) {
    println!("\n## {title}\n");
    println!("| what | how many | ours | psutil | ratio | bar |");
    println!("| --- | --- | --- | --- | --- | --- |");
}

/// One line; what was not measured is a dash.
pub(crate) fn row(
    what: &str,
    count: &str,
    ours: &str,
    peer: Option<&str>,
    ratio: Option<f64>,
    bar: &str,
) {
    let peer = peer.unwrap_or("–");
    let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
    println!("| {what} | {count} | {ours} | {peer} | {ratio} | {bar} |");
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

/// `p50 **0.12**, p99 **0.30** ms` of milliseconds.
pub(crate) fn times(samples: &[f64]) -> String {
    format!(
        "min {:.3}, p50 **{:.3}**, p99 {:.3} ms",
        quantile(samples, 0.0),
        quantile(samples, 0.5),
        quantile(samples, 0.99)
    )
}

/// What the figures depend on.
pub(crate) fn print_machine() {
    let cores = std::thread::available_parallelism().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    });
    println!("# What looking at a host takes, measured on {cores} cores\n");
    println!("- processes: {}", processes.count());
    crate::machine::print_load();
}
