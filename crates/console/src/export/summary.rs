//! What a report says beside its rows, in terms that every form can write.

use serde_json::Value;

use super::cell::{Cell, Column};

/// The whole, once every row has been seen.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Single figures with their names, for a person.
    pub(super) figures: Vec<(String, String)>,
    pub(super) charts: Vec<Chart>,
    /// Tables of a few rows.
    pub(super) tables: Vec<Table>,
    /// How the rows are called, for a person; none when the tables say all.
    pub(super) rows_title: Option<&'static str>,
    pub(super) metrics: Vec<Family>,
    /// The whole as one JSON value, with its name.
    pub(super) value: Option<(&'static str, Value)>,
}

/// A small table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// What stands there when it has no rows.
    pub(super) empty: &'static str,
}

/// A picture of some figures.
#[derive(Debug)]
pub(super) enum Chart {
    /// Columns that grow upwards, piled up, along a line of time or names.
    Stacked {
        title: String,
        /// What it shows, in words, for those who do not see it.
        summary: String,
        series: Vec<(&'static str, Tone)>,
        /// A label for each column, and the figures of each series.
        columns: Vec<(String, Vec<u64>)>,
    },
    /// Lines over time; a missing value is a gap.
    Lines {
        title: String,
        summary: String,
        unit: &'static str,
        series: Vec<(String, Vec<Option<f64>>)>,
        /// A label for each place.
        labels: Vec<String>,
    },
}

/// How a series is drawn: by colour and by pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warn,
    Bad,
    Quiet,
    Faint,
    Info,
}

/// Metrics of one name.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) samples: Vec<Sample>,
}

/// What OpenMetrics calls the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Summary,
    Info,
}

/// One figure.
#[derive(Debug)]
pub(super) struct Sample {
    /// What follows the family's name, such as `_count`.
    pub(super) suffix: &'static str,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) value: f64,
}

impl Family {
    pub(super) fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Gauge,
            unit,
            help,
            samples: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, labels: Vec<(&'static str, String)>, value: f64) {
        self.samples.push(Sample {
            suffix: "",
            labels,
            value,
        });
    }

    /// A gauge with one figure and no labels.
    pub(super) fn single(
        name: &'static str,
        unit: &'static str,
        help: &'static str,
        value: f64,
    ) -> Self {
        let mut family = Self::gauge(name, unit, help);
        family.set(Vec::new(), value);
        family
    }
}

/// Counts of this program stay far below what a float holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "times far below 2^52 ms")]
pub(super) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
