//! Charts as SVG within a page: no script, no outside picture, a text for those who do not see it.
//! Series differ by colour and by pattern, for printers and for eyes that tell colours apart badly.

#![expect(
    clippy::format_push_string,
    reason = "writing into a string gives a result that nobody needs"
)]

use super::markup::escaped;
use super::summary::{Chart, Tone};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
const RIGHT: f64 = 12.0;
/// Labels below the line, at most.
const LABELS: usize = 6;

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
            Self::Faint => "faint",
            Self::Info => "info",
        }
    }
}

/// The colours and patterns of [`draw`], once for each page.
pub(super) const STYLE: &str = "
svg{width:100%;height:auto;max-width:60rem}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.axis{stroke:var(--line);stroke-width:1;fill:none}
.good{fill:var(--good);stroke:var(--good)} .warn{fill:var(--warn);stroke:var(--warn)} .bad{fill:var(--bad);stroke:var(--bad)}
.quiet{fill:var(--quiet);stroke:var(--quiet)} .info{fill:var(--info);stroke:var(--info)} .faint{fill:var(--line);stroke:var(--line)}
rect.good,rect.warn,rect.bad,rect.quiet,rect.faint,rect.info{stroke:none}
polyline{fill:none!important;stroke-width:1.5}
.l1{stroke-dasharray:6 3} .l2{stroke-dasharray:2 3} .l3{stroke-dasharray:8 3 2 3} .l4{stroke-width:2.5} .l5{stroke-dasharray:1 4;stroke-width:2.5}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.25rem 0;font-size:.85em}
.key svg{width:1.6rem;height:.8rem;flex:none}
";

/// The chart with its heading, its text and its key.
pub(super) fn draw(chart: &Chart, number: usize) -> String {
    let (title, summary, picture, key) = match chart {
        Chart::Stacked {
            title,
            summary,
            series,
            columns,
        } => (
            title,
            summary,
            stacked(series, columns),
            stacked_key(series),
        ),
        Chart::Lines {
            title,
            summary,
            unit,
            series,
            labels,
        } => (
            title,
            summary,
            lines(unit, series, labels),
            lines_key(series),
        ),
    };
    format!(
        "<figure>\n<figcaption><h3>{title}</h3><p>{summary}</p></figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart{number}\">\
         <title id=\"chart{number}\">{title}. {summary}</title>{picture}</svg>\n{key}</figure>\n",
        title = escaped(title),
        summary = escaped(summary),
    )
}

fn stacked(series: &[(&str, Tone)], columns: &[(String, Vec<u64>)]) -> String {
    let tallest = columns
        .iter()
        .map(|(_, values)| values.iter().sum::<u64>())
        .max()
        .unwrap_or(0);
    let top = nice(count(tallest).max(1.0));
    let mut svg = axes(top, "");
    let step = (WIDTH - LEFT - RIGHT) / float(columns.len().max(1));
    let width = (step * 0.82).max(0.5);
    for (place, (label, values)) in columns.iter().enumerate() {
        let x = LEFT + step * float(place) + (step - width) / 2.0;
        let mut below = 0.0;
        for ((name, tone), value) in series.iter().zip(values) {
            if *value == 0 {
                continue;
            }
            let height = count(*value) / top * (HEIGHT - TOP - BOTTOM);
            let y = HEIGHT - BOTTOM - below - height;
            svg.push_str(&format!(
                "<rect class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.2}\"><title>{}: {value} {}</title></rect>",
                tone.class(),
                escaped(label),
                escaped(name),
            ));
            below += height;
        }
    }
    let labels: Vec<&str> = columns.iter().map(|(label, _)| label.as_str()).collect();
    svg.push_str(&labels_below(&labels, |place| {
        LEFT + step * (float(place) + 0.5)
    }));
    svg
}

fn lines(unit: &str, series: &[(String, Vec<Option<f64>>)], labels: &[String]) -> String {
    let highest = series
        .iter()
        .flat_map(|(_, values)| values.iter().flatten())
        .copied()
        .fold(0.0, f64::max);
    let top = if unit == "%" {
        100.0_f64.max(nice(highest))
    } else {
        nice(highest.max(1e-9))
    };
    let mut svg = axes(top, unit);
    let step = (WIDTH - LEFT - RIGHT) / float(labels.len().saturating_sub(1).max(1));
    for (index, (_, values)) in series.iter().enumerate() {
        // a gap ends a line: what is not known is not drawn
        for run in values
            .iter()
            .enumerate()
            .collect::<Vec<_>>()
            .split(|(_, value)| value.is_none())
        {
            let mut points: Vec<String> = run
                .iter()
                .filter_map(|(place, value)| {
                    let y = HEIGHT - BOTTOM - (**value)? / top * (HEIGHT - TOP - BOTTOM);
                    Some(format!("{:.1},{y:.1}", LEFT + step * float(*place)))
                })
                .collect();
            // a lone point is a line to itself, so that it can be seen
            if let [only] = points.as_slice()
                && let Some((x, y)) = only.split_once(',')
                && let Ok(x) = x.parse::<f64>()
            {
                points.push(format!("{:.1},{y}", x + 3.0));
            }
            if !points.is_empty() {
                svg.push_str(&format!(
                    "<polyline class=\"{} l{}\" points=\"{}\"/>",
                    LINE_TONES[index % LINE_TONES.len()].class(),
                    index % 6,
                    points.join(" ")
                ));
            }
        }
    }
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    svg.push_str(&labels_below(&labels, |place| LEFT + step * float(place)));
    svg
}

const LINE_TONES: [Tone; 5] = [Tone::Info, Tone::Good, Tone::Warn, Tone::Bad, Tone::Quiet];

fn axes(top: f64, unit: &str) -> String {
    let mut svg = String::new();
    for part in 0..=4 {
        let value = top * f64::from(part) / 4.0;
        let y = HEIGHT - BOTTOM - f64::from(part) / 4.0 * (HEIGHT - TOP - BOTTOM);
        svg.push_str(&format!(
            "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            short(value),
            escaped(unit),
        ));
    }
    svg
}

/// Some of the labels: the first, the last, and what fits between them.
fn labels_below(labels: &[&str], x: impl Fn(usize) -> f64) -> String {
    let every = labels.len().div_ceil(LABELS).max(1);
    let mut svg = String::new();
    for (place, label) in labels.iter().enumerate().step_by(every) {
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"start\">{}</text>",
            x(place),
            HEIGHT - 8.0,
            escaped(label)
        ));
    }
    svg
}

fn stacked_key(series: &[(&str, Tone)]) -> String {
    let entries = series.iter().map(|(name, tone)| {
        format!(
            "<span><svg viewBox=\"0 0 16 8\" aria-hidden=\"true\"><rect class=\"{}\" width=\"16\" height=\"8\"/></svg> {}</span>",
            tone.class(),
            escaped(name)
        )
    });
    format!("<p class=\"key\">{}</p>\n", entries.collect::<String>())
}

fn lines_key(series: &[(String, Vec<Option<f64>>)]) -> String {
    let entries = series.iter().enumerate().map(|(index, (name, _))| {
        format!(
            "<span><svg viewBox=\"0 0 32 8\" aria-hidden=\"true\"><polyline class=\"{} l{}\" points=\"0,4 32,4\"/></svg> {}</span>",
            LINE_TONES[index % LINE_TONES.len()].class(),
            index % 6,
            escaped(name)
        )
    });
    format!("<p class=\"key\">{}</p>\n", entries.collect::<String>())
}

/// The next number of the kind 1, 2, 4, 5 or 10 times a power of ten: its quarters can be read.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= value)
        .unwrap_or(value)
}

/// `1.5k`, `2M`: what fits beside an axis.
fn short(value: f64) -> String {
    let (value, ending) = match value {
        _ if value >= 1e6 => (value / 1e6, "M"),
        _ if value >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{ending}")
}

fn float(index: usize) -> f64 {
    u32::try_from(index).map_or(f64::MAX, f64::from)
}

fn count(count: u64) -> f64 {
    super::summary::float(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_numbers_that_can_be_read() {
        let check = |value: f64, top: f64, text: &str| {
            assert!((nice(value) - top).abs() < 1e-9, "{value} {}", nice(value));
            assert_eq!(short(nice(value)), text);
        };
        check(1.0, 1.0, "1");
        check(3.0, 4.0, "4");
        check(17.0, 20.0, "20");
        check(99.0, 100.0, "100");
        check(1_234.0, 2_000.0, "2k");
        check(999_999.0, 1_000_000.0, "1M");
        check(0.03, 0.04, "0.04");
    }

    #[test]
    fn hostile_names_stay_text() {
        let evil = "</svg><script>x</script>".to_owned();
        let chart = Chart::Lines {
            title: evil.clone(),
            summary: evil.clone(),
            unit: "%",
            series: vec![(evil.clone(), vec![Some(1.0), None, Some(f64::MAX)])],
            labels: vec![evil.clone(), evil.clone(), evil],
        };
        let svg = draw(&chart, 0);
        assert!(!svg.contains("<script"), "{svg}");
        assert_eq!(
            svg.matches("</svg>").count(),
            2,
            "the picture's and the key's own"
        );
    }
}
