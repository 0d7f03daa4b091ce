//! What a report says of itself: of what, over which range, in which zone, by which method, by whom.

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use upkeep_contract::export::{ExportRequest, ExportSubject};
use upkeep_contract::statistics::{StatisticsRange, StatisticsView};
use upkeep_contract::task::{FailedAs, TaskFilter};
use upkeep_contract::{GroupId, OperationId, Timestamp};

use super::cell::rfc3339;
use crate::Console;
use crate::statistics::zone_name;

/// What a report says of itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) title: &'static str,
    /// `statistics`, `health` or `tasks`.
    pub(super) kind: &'static str,
    pub(super) zone: TimeZone,
    /// None for lists of tasks, which have a filter and no range.
    pub(super) range: Option<(Timestamp, Timestamp)>,
    /// What was left out, in words; empty when nothing was.
    pub(super) filter: Vec<(&'static str, String)>,
    pub(super) method: String,
    pub(super) made_at: Timestamp,
    pub(super) made_by: String,
    pub(super) made_on: String,
}

impl About {
    fn new(title: &'static str, kind: &'static str, console: &Console, zone: TimeZone) -> Self {
        Self {
            title,
            kind,
            zone,
            range: None,
            filter: Vec::new(),
            method: String::new(),
            made_at: console.now(),
            made_by: console.requester.clone(),
            made_on: console.host.clone(),
        }
    }

    pub(super) fn of_statistics(view: &StatisticsView, console: &Console, zone: TimeZone) -> Self {
        let mut about = Self::new("Statistics", "statistics", console, zone);
        about.range = Some((view.queue.from, view.queue.to));
        about.also("host", view.queue.host.as_deref());
        about.also(
            "operation",
            view.queue.operation.as_ref().map(OperationId::as_str),
        );
        about.method.clone_from(&view.queue.method);
        about
    }

    pub(super) fn of_health(
        range: (Timestamp, Timestamp),
        host: Option<&str>,
        console: &Console,
        zone: TimeZone,
    ) -> Self {
        let mut about = Self::new("Health history", "health", console, zone);
        about.range = Some(range);
        about.also("host", host);
        "The reports of the health-check tasks that ended in the range, the newest first: a row for each check of each report. \
         Reports that were removed with old runs are gone."
            .clone_into(&mut about.method);
        about
    }

    pub(super) fn of_tasks(filter: &TaskFilter, console: &Console, zone: TimeZone) -> Self {
        let mut about = Self::new("Tasks", "tasks", console, zone);
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let operations: Vec<&str> = filter.operations.iter().map(OperationId::as_str).collect();
        let listed = |list: Vec<&str>| (!list.is_empty()).then(|| list.join(", "));
        about.also("state", listed(states).as_deref());
        about.also("operation", listed(operations).as_deref());
        about.also("host", filter.host.as_deref());
        about.also("group", filter.group.as_ref().map(GroupId::as_str));
        let since = filter.since.map(|at| rfc3339(at, &about.zone));
        let until = filter.until.map(|at| rfc3339(at, &about.zone));
        about.also("asked for at or after", since.as_deref());
        about.also("asked for before", until.as_deref());
        let by = filter.requested_by.as_deref().map(str::trim);
        about.also("asked for by", by.filter(|by| !by.is_empty()));
        about.also(
            "failed",
            match filter.failed_as {
                FailedAs::Any => None,
                FailedAs::Lost => Some("only those whose worker was lost"),
                FailedAs::Error => Some("without those whose worker was lost"),
            },
        );
        about.also(
            "text",
            Some(filter.text.trim()).filter(|text| !text.is_empty()),
        );
        "The tasks of the history under the filter that were asked for before the report began, the newest first, each as it was \
         when its page of the list was read. Waiting: from being asked for to the first attempt's start; working: from there to the end."
            .clone_into(&mut about.method);
        about
    }

    fn also(&mut self, what: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.filter.push((what, value.to_owned()));
        }
    }

    pub(super) fn time(&self, at: Timestamp) -> String {
        rfc3339(at, &self.zone)
    }

    pub(super) fn zone(&self) -> String {
        zone_name(&self.zone)
    }

    pub(super) fn range_in_words(&self) -> String {
        match self.range {
            Some((from, to)) => {
                format!("{} to {}, the end left out", self.time(from), self.time(to))
            }
            None => format!("all that the history held at {}", self.time(self.made_at)),
        }
    }

    pub(super) fn filter_in_words(&self) -> String {
        if self.filter.is_empty() {
            return "none".to_owned();
        }
        let parts = self
            .filter
            .iter()
            .map(|(what, value)| format!("{what}: {value}"));
        parts.collect::<Vec<_>>().join("; ")
    }

    /// Everything that is said, with names.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Range", self.range_in_words()),
            ("Filter", self.filter_in_words()),
            ("Time zone", self.zone()),
            ("Method", self.method.clone()),
            ("Made", self.time(self.made_at)),
            ("By", self.made_by.clone()),
            ("On", self.made_on.clone()),
        ]
    }

    pub(super) fn in_one_line(&self) -> String {
        let mut parts = vec![format!("Upkeep: {}", self.title)];
        parts.extend(
            self.facts()
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        parts.join(" | ")
    }

    pub(super) fn json(&self) -> Value {
        let mut about = Map::new();
        let mut set = |name: &str, value: Value| about.insert(name.to_owned(), value);
        set("kind", self.kind.into());
        set("from", self.range.map(|(from, _)| self.time(from)).into());
        set("to", self.range.map(|(_, to)| self.time(to)).into());
        let filter: Map<String, Value> = self
            .filter
            .iter()
            .map(|(what, value)| ((*what).to_owned(), value.clone().into()))
            .collect();
        set("filter", filter.into());
        set("time_zone", self.zone().into());
        set("method", self.method.clone().into());
        set("made_at", self.time(self.made_at).into());
        set("made_by", self.made_by.clone().into());
        set("made_on", self.made_on.clone().into());
        about.into()
    }
}

/// The name to propose for a report that is asked for at this time:
/// `upkeep-<what>-<scope>-<time in UTC>.<ending>`, such as `upkeep-statistics-day-20261123T105635Z.csv`.
pub fn file_name(request: &ExportRequest, now: Timestamp) -> String {
    let range_name = |range: &StatisticsRange| match range {
        StatisticsRange::Hour => "hour",
        StatisticsRange::Day => "day",
        StatisticsRange::Week => "week",
        StatisticsRange::Month => "month",
        StatisticsRange::All => "all",
        StatisticsRange::Between { .. } => "range",
    };
    let mut parts = vec!["upkeep".to_owned()];
    match &request.subject {
        ExportSubject::Statistics { query } => {
            parts.push("statistics".to_owned());
            parts.push(range_name(&query.range).to_owned());
            parts.extend(query.operation.as_ref().map(|id| plain(id.as_str())));
            parts.extend(query.host.as_deref().map(plain));
        }
        ExportSubject::Health { range, host } => {
            parts.push("health".to_owned());
            parts.push(range_name(range).to_owned());
            parts.extend(host.as_deref().map(plain));
        }
        ExportSubject::Tasks { filter } => {
            parts.push("tasks".to_owned());
            let all = *filter == TaskFilter::default();
            parts.push(if all { "all" } else { "filtered" }.to_owned());
            parts.extend(filter.host.as_deref().map(plain));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.push(utc(now));
    format!("{}.{}", parts.join("-"), request.format.extension())
}

fn utc(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(
        |_| at.as_millis().to_string(),
        |time| time.strftime("%Y%m%dT%H%M%SZ").to_string(),
    )
}

/// What any file system takes: a host's name comes from elsewhere.
fn plain(name: &str) -> String {
    let kept = name.chars().map(|sign| match sign {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => sign,
        _ => '_',
    });
    kept.take(60)
        .collect::<String>()
        .trim_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use upkeep_contract::export::ExportFormat;
    use upkeep_contract::statistics::StatisticsQuery;

    use super::*;

    #[test]
    fn a_name_says_what_it_is_of_and_when_it_was_made() {
        let check = |subject: ExportSubject, format: ExportFormat, expect: &str| {
            let request = ExportRequest { subject, format };
            assert_eq!(file_name(&request, Timestamp(1_795_431_395_999)), expect);
        };
        let query = StatisticsQuery::default();
        check(
            ExportSubject::Statistics {
                query: query.clone(),
            },
            ExportFormat::Csv,
            "upkeep-statistics-day-20261123T105635Z.csv",
        );
        let query = StatisticsQuery {
            host: Some("../we b\n".to_owned()),
            operation: Some("health-check".into()),
            range: StatisticsRange::All,
        };
        check(
            ExportSubject::Statistics { query },
            ExportFormat::Openmetrics,
            "upkeep-statistics-all-health-check-_we_b_-20261123T105635Z.txt",
        );
        check(
            ExportSubject::Tasks {
                filter: TaskFilter::default(),
            },
            ExportFormat::Html,
            "upkeep-tasks-all-20261123T105635Z.html",
        );
        check(
            ExportSubject::Health {
                range: StatisticsRange::Week,
                host: None,
            },
            ExportFormat::Json,
            "upkeep-health-week-20261123T105635Z.json",
        );
    }
}
