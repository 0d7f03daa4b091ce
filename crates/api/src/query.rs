//! What may stand in a query, as the types of the contract read it: lists are written with commas.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use upkeep_contract::audit::AuditFilter;
use upkeep_contract::export::ExportFormat;
use upkeep_contract::statistics::{StatisticsQuery, StatisticsRange};
use upkeep_contract::task::{FailedAs, TaskCursor, TaskFilter, TaskState};
use upkeep_contract::{GroupId, OperationId, TaskId, Timestamp};

use crate::call::Asked;
use crate::problem::{Problem, Reply};

/// Rows of a page when nobody says how many.
const PAGE: u32 = 100;

/// `a,b,c`; nothing between two commas is left out.
fn commas<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(|part| {
            serde_json::from_value(serde_json::Value::from(part)).map_err(serde::de::Error::custom)
        })
        .collect()
}

macro_rules! with_task_filter {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            /// Only these states, with commas between them.
            #[serde(deserialize_with = "commas")]
            states: Vec<TaskState>,
            /// Only these operations, with commas between them.
            #[serde(deserialize_with = "commas")]
            operations: Vec<OperationId>,
            /// Only tasks that ran on this host, or must.
            host: Option<String>,
            /// Only the tasks of this fan-out.
            group: Option<GroupId>,
            /// Only tasks that somebody asked for whose name contains this.
            requested_by: Option<String>,
            /// Only tasks enqueued at this time or later.
            since: Option<Timestamp>,
            /// Only tasks enqueued before this time.
            until: Option<Timestamp>,
            /// Which of the failed tasks.
            failed_as: FailedAs,
            /// Only tasks whose id, operation, requester, host, parameters or error contain this text.
            text: String,
            $($(#[$field_doc])* pub(crate) $field: $kind,)*
        }

        impl Asked for $name {}

        impl $name {
            /// Which tasks.
            pub(crate) fn filter(&self) -> TaskFilter {
                TaskFilter {
                    states: self.states.clone(),
                    operations: self.operations.clone(),
                    host: self.host.clone(),
                    group: self.group.clone(),
                    requested_by: self.requested_by.clone(),
                    since: self.since,
                    until: self.until,
                    failed_as: self.failed_as,
                    text: self.text.clone(),
                }
            }
        }
    };
}

with_task_filter!(
    /// Which tasks.
    TaskFilterQuery {}
);

with_task_filter!(
    /// Which tasks, and which page of them.
    TaskPageQuery {
        /// `enqueued_at` of the last row seen.
        after_enqueued_at: Option<Timestamp>,
        /// Id of the last row seen.
        after_id: Option<TaskId>,
        /// Rows of the page, 100 unless said otherwise.
        limit: Option<u32>,
    }
);

with_task_filter!(
    /// Which tasks, in which form.
    TaskExportQuery {
        /// The form, CSV unless said otherwise.
        format: Option<ExportFormat>,
    }
);

impl TaskPageQuery {
    /// Where the page begins.
    pub(crate) fn after(&self) -> Reply<Option<TaskCursor>> {
        match (self.after_enqueued_at, &self.after_id) {
            (None, None) => Ok(None),
            (Some(enqueued_at), Some(id)) => Ok(Some(TaskCursor {
                enqueued_at,
                id: id.clone(),
            })),
            _ => Err(Problem::invalid(
                "after_enqueued_at and after_id go together",
            )),
        }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE)
    }
}

/// Which task is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuery {
    /// The beginning of an id.
    pub(crate) beginning: String,
}

impl Asked for FindQuery {}

/// Which lines of a log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// The number of the last line seen.
    pub(crate) after: Option<i64>,
    /// At most so many lines.
    pub(crate) limit: Option<u32>,
}

impl Asked for LogQuery {}

impl LogQuery {
    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(1000)
    }
}

/// What is looked for in a log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSearchQuery {
    /// The text.
    pub(crate) text: String,
    /// The number of the last line that was looked at.
    #[serde(default)]
    pub(crate) after: i64,
}

impl Asked for LogSearchQuery {}

/// Which lines of the audit trail, and which page of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// One of these was done, with commas between them.
    #[serde(deserialize_with = "commas")]
    what: Vec<String>,
    /// On exactly this.
    subject: Option<String>,
    /// Contained in who, what, the subject or the parameters.
    text: String,
    /// Not before this.
    from: Option<Timestamp>,
    /// Not after this.
    until: Option<Timestamp>,
    /// Id of the last line seen.
    pub(crate) after: Option<String>,
    /// At most so many lines, 100 unless said otherwise.
    limit: Option<u32>,
}

impl Asked for AuditQuery {}

impl AuditQuery {
    pub(crate) fn filter(&self) -> AuditFilter {
        AuditFilter {
            what: self.what.clone(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            from: self.from,
            until: self.until,
        }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE)
    }
}

/// Which host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostQuery {
    /// The host; the server's own unless said otherwise.
    pub(crate) host: Option<String>,
}

impl Asked for HostQuery {}

/// Which host, and how far back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthHistoryQuery {
    /// The host; the server's own unless said otherwise.
    pub(crate) host: Option<String>,
    /// At most so many checks, 100 unless said otherwise.
    pub(crate) limit: Option<u32>,
}

impl Asked for HealthHistoryQuery {}

/// A range by a word.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RangeWord {
    Hour,
    Day,
    Week,
    Month,
    All,
    Between,
}

/// The range that a word, or two moments, name.
fn range(
    word: Option<RangeWord>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Reply<StatisticsRange> {
    match (word, from, to) {
        (None, None, None) => Ok(StatisticsRange::default()),
        (None | Some(RangeWord::Between), Some(from), Some(to)) => {
            Ok(StatisticsRange::Between { from, to })
        }
        (Some(RangeWord::Hour), None, None) => Ok(StatisticsRange::Hour),
        (Some(RangeWord::Day), None, None) => Ok(StatisticsRange::Day),
        (Some(RangeWord::Week), None, None) => Ok(StatisticsRange::Week),
        (Some(RangeWord::Month), None, None) => Ok(StatisticsRange::Month),
        (Some(RangeWord::All), None, None) => Ok(StatisticsRange::All),
        _ => Err(Problem::invalid("a range is one word, or both from and to")),
    }
}

/// Which figures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FiguresQuery {
    /// The range by a word; the last day unless said otherwise.
    range: Option<RangeWord>,
    /// With `to`: the beginning of the range.
    from: Option<Timestamp>,
    /// With `from`: the end of the range.
    to: Option<Timestamp>,
    /// Only tasks that ran on this host, or must.
    host: Option<String>,
    /// Only tasks of this operation.
    operation: Option<OperationId>,
}

impl Asked for FiguresQuery {}

impl FiguresQuery {
    pub(crate) fn query(self) -> Reply<StatisticsQuery> {
        Ok(StatisticsQuery {
            range: range(self.range, self.from, self.to)?,
            host: self.host,
            operation: self.operation,
        })
    }
}

/// Which figures, in which form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FiguresExportQuery {
    /// The range by a word; the last day unless said otherwise.
    range: Option<RangeWord>,
    /// With `to`: the beginning of the range.
    from: Option<Timestamp>,
    /// With `from`: the end of the range.
    to: Option<Timestamp>,
    /// Only tasks that ran on this host, or must.
    host: Option<String>,
    /// Only tasks of this operation.
    operation: Option<OperationId>,
    /// The form, CSV unless said otherwise.
    pub(crate) format: Option<ExportFormat>,
}

impl Asked for FiguresExportQuery {}

impl FiguresExportQuery {
    pub(crate) fn query(self) -> Reply<StatisticsQuery> {
        Ok(StatisticsQuery {
            range: range(self.range, self.from, self.to)?,
            host: self.host,
            operation: self.operation,
        })
    }
}

/// Which health checks, in which form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthExportQuery {
    /// The range by a word; the last day unless said otherwise.
    range: Option<RangeWord>,
    /// With `to`: the beginning of the range.
    from: Option<Timestamp>,
    /// With `from`: the end of the range.
    to: Option<Timestamp>,
    /// On this host only.
    pub(crate) host: Option<String>,
    /// The form, CSV unless said otherwise.
    pub(crate) format: Option<ExportFormat>,
}

impl Asked for HealthExportQuery {}

impl HealthExportQuery {
    pub(crate) fn range(&self) -> Reply<StatisticsRange> {
        range(self.range, self.from, self.to)
    }
}

/// Which folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderQuery {
    /// Its whole path; the home folder of the server's user unless said otherwise.
    pub(crate) path: Option<String>,
}

impl Asked for FolderQuery {}
