//! Arguments that several commands share, and how their values are read.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use upkeep_contract::audit::AuditFilter;
use upkeep_contract::export::ExportFormat;
use upkeep_contract::statistics::StatisticsRange;
use upkeep_contract::task::{FailedAs, TaskCursor, TaskFilter, TaskState};
use upkeep_contract::{GroupId, OperationId, TaskId, Timestamp};

use crate::failure::Failure;
use crate::params;

/// What is asked for, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArguments {
    /// The operation, such as cleanup-temp-files
    pub(crate) operation: String,
    /// A parameter; the value is JSON when it can be read as JSON, else a text
    #[arg(long = "param", short, value_parser = params::parameter, value_name = "KEY=VALUE")]
    pub(crate) parameters: Vec<(String, Value)>,
    /// Parameters as a JSON object; single ones go over it
    #[arg(long = "params", value_name = "JSON")]
    pub(crate) object: Option<String>,
    /// The host it must run on; by default any worker may take it
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// One task for each host that has a live worker for it
    #[arg(long, conflicts_with = "host")]
    pub(crate) all_hosts: bool,
}

/// What was previewed and is to be done.
#[derive(Debug, clap::Args)]
#[group(id = "PlanSource", multiple = false)]
pub(crate) struct PlanSource {
    /// Remove exactly what this preview's plan lists, with the preview's parameters
    #[arg(long, value_name = "TASK", conflicts_with = "all_hosts")]
    pub(crate) plan: Option<String>,
    /// Remove what the previews of this fan-out list, each plan on the host that made it
    #[arg(long, value_name = "GROUP", conflicts_with_all = ["all_hosts", "host", "parameters", "object"])]
    pub(crate) plans_of: Option<String>,
}

/// Whether to wait for the end.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct WaitArguments {
    /// Wait for the end, show progress, print the report; the exit code says how it ended
    #[arg(long, short)]
    pub(crate) wait: bool,
    /// Wait no longer than this, such as 90 (seconds), 5m or 2h; the task goes on
    #[arg(long, requires = "wait", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
}

/// Which tasks.
#[derive(Debug, clap::Args)]
pub(crate) struct TaskFilterArguments {
    /// Only in this state; may be given again
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(TaskState::ALL.map(TaskState::as_str)))]
    state: Vec<String>,
    /// Only of this operation; may be given again
    #[arg(long, value_name = "OPERATION")]
    operation: Vec<String>,
    /// Only those that ran on this host, or must
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only those of this fan-out
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only those that somebody asked for whose name contains this, such as `anna` or `(desktop)`
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only those asked for at this moment or later: 2026-11-23, 2026-11-23T08:00 or with an offset
    #[arg(long, value_parser = moment, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only those asked for before this moment
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Of the failed ones only those whose worker was lost, or only those that ended with an error
    #[arg(long, value_enum, value_name = "WHY")]
    failed_as: Option<FailedBy>,
    /// Only those whose id, operation, requester, host, parameters or error contain this
    #[arg(long, default_value = "", hide_default_value = true)]
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailedBy {
    Lost,
    Error,
}

impl From<TaskFilterArguments> for TaskFilter {
    fn from(given: TaskFilterArguments) -> Self {
        Self {
            states: given
                .state
                .iter()
                .filter_map(|name| TaskState::parse(name))
                .collect(),
            operations: given.operation.into_iter().map(OperationId).collect(),
            host: given.host,
            group: given.group.map(GroupId),
            requested_by: given.who,
            since: given.since,
            until: given.until,
            failed_as: match given.failed_as {
                None => FailedAs::Any,
                Some(FailedBy::Lost) => FailedAs::Lost,
                Some(FailedBy::Error) => FailedAs::Error,
            },
            text: given.text,
        }
    }
}

/// Over which time.
#[derive(Debug, clap::Args)]
pub(crate) struct RangeArguments {
    /// The last hour, day, week or month, or the whole history
    #[arg(long, value_enum, default_value = "day", conflicts_with_all = ["from", "to"])]
    range: Range,
    /// From this moment on: 2026-11-23, 2026-11-23T08:00 or with an offset; needs --to
    #[arg(long, requires = "to", value_parser = moment, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Up to this moment, which no longer belongs to it; needs --from
    #[arg(long, requires = "from", value_parser = moment, value_name = "TIME")]
    to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Range {
    Hour,
    Day,
    Week,
    Month,
    All,
}

impl From<&RangeArguments> for StatisticsRange {
    fn from(given: &RangeArguments) -> Self {
        if let (Some(from), Some(to)) = (given.from, given.to) {
            return Self::Between { from, to };
        }
        match given.range {
            Range::Hour => Self::Hour,
            Range::Day => Self::Day,
            Range::Week => Self::Week,
            Range::Month => Self::Month,
            Range::All => Self::All,
        }
    }
}

/// Which lines of the audit trail.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditArguments {
    /// Only this, such as enqueue, cancel or `change_settings`; may be given again
    #[arg(long)]
    what: Vec<String>,
    /// Only on exactly this: a task's id, a location's name
    #[arg(long)]
    subject: Option<String>,
    /// Only lines whose who, what, subject or parameters contain this
    #[arg(long, default_value = "", hide_default_value = true)]
    text: String,
    /// Not before this moment: 2026-11-23, 2026-11-23T08:00 or with an offset
    #[arg(long, value_parser = moment, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Not after this moment
    #[arg(long, value_parser = moment, value_name = "TIME")]
    until: Option<Timestamp>,
    /// How many to list
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// List all of them
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Go on after the line of this id, as the end of a list names it
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
}

impl AuditArguments {
    pub(crate) fn filter(&self) -> AuditFilter {
        AuditFilter {
            what: self.what.clone(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            from: self.from,
            until: self.until,
        }
    }
}

/// Seconds, or a time with units.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "give seconds, such as 90, or a time such as 5m or 2h".to_owned();
    let read = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or_else(wrong)?,
    };
    // what nobody outlives; longer ones could not be added to a clock
    Ok(read.min(Duration::from_hours(24 * 365 * 100)))
}

/// A moment with an offset, or a day or time of this machine's zone.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp(moment.as_millisecond()));
    }
    text.parse::<DateTime>()
        .and_then(|local| local.to_zoned_datetime(TimeZone::system()))
        .map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
        .map_err(|_| "give a day such as 2026-11-23, a time such as 2026-11-23T08:00, or one with an offset such as 2026-11-23T08:00Z".to_owned())
}

/// Where a page of tasks begins.
pub(crate) fn cursor(text: &str) -> Result<TaskCursor, String> {
    let (at, id) = text.split_once(',').ok_or_else(|| {
        "give `enqueued_at` and `id` of the last row, with a comma between".to_owned()
    })?;
    let at = at
        .parse()
        .map_err(|_| "what stands before the comma is no number of milliseconds".to_owned())?;
    Ok(TaskCursor {
        enqueued_at: Timestamp(at),
        id: TaskId::from(id),
    })
}

/// The form of a report.
pub(crate) fn format(text: &str) -> Result<ExportFormat, String> {
    serde_json::from_value(Value::from(text))
        .map_err(|_| "use csv, json, html or openmetrics".to_owned())
}

impl AskArguments {
    /// The parameters as one object.
    pub(crate) fn merged(&self) -> Result<serde_json::Map<String, Value>, Failure> {
        params::merged(self.object.as_deref(), &self.parameters)
    }

    pub(crate) fn operation(&self) -> OperationId {
        OperationId::from(self.operation.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_to_wait_has_units_or_is_in_seconds() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(
                duration(text).ok().map(|read| read.as_secs()),
                expect,
                "{text}"
            );
        };
        check("90", Some(90));
        check("0", Some(0));
        check("5m", Some(300));
        check("1h 30m", Some(5400));
        check("-5m", None);
        check("soon", None);
        check("", None);
        check("18446744073709551615", Some(100 * 365 * 86_400));
    }

    #[test]
    fn a_moment_may_have_an_offset_or_is_local() {
        assert_eq!(
            moment("2026-11-23T08:00:00Z").unwrap().as_millis(),
            1_795_420_800_000
        );
        assert_eq!(
            moment("2026-11-23T10:00+02:00"),
            moment("2026-11-23T08:00:00Z")
        );
        let day = moment("2026-11-23").unwrap();
        assert_eq!(Ok(day), moment("2026-11-23T00:00"));
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-23T25:00"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            duration(&text).ok();
            moment(&text).ok();
            cursor(&text).ok();
            format(&text).ok();
        }

        #[test]
        fn a_cursor_comes_through(at in any::<i64>(), id in "[0-9a-f-]{36}") {
            let read = cursor(&format!("{at},{id}")).unwrap();
            prop_assert_eq!((read.enqueued_at.as_millis(), read.id.0), (at, id));
        }
    }
}
