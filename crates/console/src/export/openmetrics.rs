//! OpenMetrics text: figures by their labels, no rows; `# EOF` at the end.

#![expect(
    clippy::format_push_string,
    reason = "writing into a string gives a result that nobody needs"
)]

use std::collections::HashSet;
use std::io;

use super::about::About;
use super::cell::{Cell, Column};
use super::summary::{Family, Kind, Sample, Summary};
use super::{Form, Out};

pub(super) struct OpenMetrics;

impl Form for OpenMetrics {
    fn begin(&mut self, _: &mut Out, _: &About, _: &'static [Column]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &mut Out, _: &[Cell]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, out: &mut Out, about: &About, summary: &Summary) -> io::Result<()> {
        let mut text = String::new();
        push(&mut text, &report(about));
        for family in &summary.metrics {
            push(&mut text, family);
        }
        text.push_str("# EOF\n");
        out.write_all(text.as_bytes())
    }
}

/// What the report says of itself, as the labels of an info.
fn report(about: &About) -> Family {
    let mut labels = vec![("kind", about.kind.to_owned())];
    labels.extend(
        about
            .range
            .into_iter()
            .flat_map(|(from, to)| [("from", about.time(from)), ("to", about.time(to))]),
    );
    labels.push(("filter", about.filter_in_words()));
    labels.push(("time_zone", about.zone()));
    labels.push(("made_at", about.time(about.made_at)));
    labels.push(("made_on", about.made_on.clone()));
    labels.push(("method", about.method.clone()));
    Family {
        name: "upkeep_report",
        kind: Kind::Info,
        unit: "",
        help: "What this report is of.",
        samples: vec![Sample {
            suffix: "_info",
            labels,
            value: 1.0,
        }],
    }
}

fn push(text: &mut String, family: &Family) {
    let Family {
        name,
        kind,
        unit,
        help,
        samples,
    } = family;
    let kind = match kind {
        Kind::Gauge => "gauge",
        Kind::Summary => "summary",
        Kind::Info => "info",
    };
    text.push_str(&format!("# TYPE {name} {kind}\n"));
    if !unit.is_empty() {
        text.push_str(&format!("# UNIT {name} {unit}\n"));
    }
    text.push_str(&format!("# HELP {name} {}\n", escaped(help)));
    let mut seen = HashSet::new();
    for sample in samples {
        let mut line = format!("{name}{}", sample.suffix);
        for (index, (label, value)) in sample.labels.iter().enumerate() {
            line.push(if index == 0 { '{' } else { ',' });
            line.push_str(&format!("{label}=\"{}\"", escaped(value)));
        }
        if !sample.labels.is_empty() {
            line.push('}');
        }
        // two names may look the same once they are escaped; a parser takes each once
        if seen.insert(line.clone()) {
            line.push(' ');
            line.push_str(&sample.value.to_string());
            text.push_str(&line);
            text.push('\n');
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        // nothing else ends a line here, but some readers split at it
        .replace('\r', " ")
}
