//! Reports written to a file: what they are of, in which form, and how far they have come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ErrorReply;
use crate::statistics::{StatisticsQuery, StatisticsRange};
use crate::task::TaskFilter;

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// A table for programs and spreadsheets (RFC 4180).
    Csv,
    /// For programs.
    Json,
    /// One page with charts, for reading and printing.
    Html,
    /// Metrics for a monitoring system, as text.
    Openmetrics,
}

impl ExportFormat {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::Html, Self::Openmetrics];

    /// How the file's name ends.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
            Self::Openmetrics => "txt",
        }
    }
}

/// What a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "of", rename_all = "snake_case", deny_unknown_fields)]
pub enum ExportSubject {
    /// The figures of the page of statistics.
    Statistics {
        /// Which figures.
        query: StatisticsQuery,
    },
    /// What health checks found: a row for each check of each report.
    Health {
        /// Of checks that ended in this range.
        range: StatisticsRange,
        /// On this host only.
        host: Option<String>,
    },
    /// A list of tasks.
    Tasks {
        /// Which tasks.
        filter: TaskFilter,
    },
}

/// A report that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// Of what.
    pub subject: ExportSubject,
    /// In which form.
    pub format: ExportFormat,
}

/// How far a report has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ExportUpdate {
    /// The operator is asked where it shall lie.
    Choosing,
    /// It is being written.
    Writing {
        /// Rows so far.
        #[ts(type = "number")]
        done: u64,
        /// Rows in all, when known.
        #[ts(type = "number | null")]
        total: Option<u64>,
    },
    /// It lies there, whole.
    Saved {
        /// Where.
        path: String,
        /// True when the name that was chosen was taken: nothing is overwritten.
        renamed: bool,
        /// Rows of its table.
        #[ts(type = "number")]
        rows: u64,
        /// Its size.
        #[ts(type = "number")]
        bytes: u64,
    },
    /// The operator closed the dialog; nothing was written.
    Dismissed,
    /// It could not be written; nothing is left behind.
    Failed {
        /// Why, and what to do.
        error: ErrorReply,
    },
}
