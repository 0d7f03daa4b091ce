//! What is asked for, as the query of an address.

use serde_json::Value;
use upkeep_contract::audit::AuditFilter;
use upkeep_contract::export::{ExportFormat, ExportSubject};
use upkeep_contract::statistics::{StatisticsQuery, StatisticsRange};
use upkeep_contract::task::{FailedAs, TaskFilter};
use upkeep_contract::{GroupId, OperationId, Timestamp};

/// Names and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    pub(super) fn pairs(&self) -> &[(&'static str, String)] {
        &self.0
    }

    /// What is there is said; what is not, is not.
    pub(super) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.0.extend(value.map(|value| (name, value.to_string())));
        self
    }

    fn at(self, name: &'static str, at: Option<Timestamp>) -> Self {
        self.with(name, at.map(Timestamp::as_millis))
    }

    fn list(self, name: &'static str, values: &[impl AsRef<str>]) -> Self {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        self.with(name, (!values.is_empty()).then(|| values.join(",")))
    }

    fn text(self, text: &str) -> Self {
        self.with("text", (!text.is_empty()).then_some(text))
    }

    fn range(self, range: &StatisticsRange) -> Self {
        let word = match range {
            StatisticsRange::Hour => "hour",
            StatisticsRange::Day => "day",
            StatisticsRange::Week => "week",
            StatisticsRange::Month => "month",
            StatisticsRange::All => "all",
            StatisticsRange::Between { from, to } => {
                return self.at("from", Some(*from)).at("to", Some(*to));
            }
        };
        self.with("range", Some(word))
    }
}

impl From<&TaskFilter> for Query {
    fn from(filter: &TaskFilter) -> Self {
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let operations: Vec<&str> = filter.operations.iter().map(OperationId::as_str).collect();
        let failed_as = match filter.failed_as {
            FailedAs::Any => None,
            FailedAs::Lost => Some("lost"),
            FailedAs::Error => Some("error"),
        };
        Self::default()
            .list("states", &states)
            .list("operations", &operations)
            .with("host", filter.host.as_ref())
            .with("group", filter.group.as_ref().map(GroupId::as_str))
            .with("requested_by", filter.requested_by.as_ref())
            .at("since", filter.since)
            .at("until", filter.until)
            .with("failed_as", failed_as)
            .text(&filter.text)
    }
}

impl From<&AuditFilter> for Query {
    fn from(filter: &AuditFilter) -> Self {
        Self::default()
            .list("what", &filter.what)
            .with("subject", filter.subject.as_ref())
            .text(&filter.text)
            .at("from", filter.from)
            .at("until", filter.until)
    }
}

impl From<&StatisticsQuery> for Query {
    fn from(query: &StatisticsQuery) -> Self {
        Self::default()
            .range(&query.range)
            .with("host", query.host.as_ref())
            .with("operation", query.operation.as_ref())
    }
}

/// The last part of a report's address, and its query.
pub(super) fn of_report(subject: &ExportSubject, format: ExportFormat) -> (&'static str, Query) {
    let (what, query) = match subject {
        ExportSubject::Statistics { query } => ("statistics", Query::from(query)),
        ExportSubject::Health { range, host } => {
            let query = Query::default().range(range).with("host", host.as_ref());
            ("health", query)
        }
        ExportSubject::Tasks { filter } => ("tasks", Query::from(filter)),
    };
    let format = serde_json::to_value(format).unwrap_or_default();
    (what, query.with("format", format.as_str()))
}

/// The body of a request for an operation.
pub(super) fn request(operation: &OperationId, params: &Value) -> Value {
    serde_json::json!({ "operation": operation, "params": params })
}

#[cfg(test)]
mod tests {
    use upkeep_contract::task::TaskState;

    use super::*;

    fn check(query: &Query, expect: &str) {
        let pairs = query.pairs().iter();
        let said: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(said.join("&"), expect);
    }

    #[test]
    fn a_filter_is_said_whole_and_nothing_else() {
        check(&Query::from(&TaskFilter::default()), "");
        let filter = TaskFilter {
            states: vec![TaskState::Failed, TaskState::Partial],
            operations: vec!["cleanup-runs".into()],
            host: Some("web-01".to_owned()),
            group: Some("g".into()),
            requested_by: Some("anna".to_owned()),
            since: Some(Timestamp(1)),
            until: Some(Timestamp(2)),
            failed_as: FailedAs::Lost,
            text: "disk".to_owned(),
        };
        check(
            &Query::from(&filter),
            "states=failed,partial&operations=cleanup-runs&host=web-01&group=g&requested_by=anna&since=1&until=2&failed_as=lost&text=disk",
        );
    }

    #[test]
    fn a_range_is_a_word_or_two_moments() {
        let query = StatisticsQuery::default();
        check(&Query::from(&query), "range=day");
        let query = StatisticsQuery {
            range: StatisticsRange::Between {
                from: Timestamp(1),
                to: Timestamp(2),
            },
            host: None,
            operation: Some("health-check".into()),
        };
        check(&Query::from(&query), "from=1&to=2&operation=health-check");
        let subject = ExportSubject::Statistics { query };
        let (what, query) = of_report(&subject, ExportFormat::Openmetrics);
        assert_eq!(what, "statistics");
        check(
            &query,
            "from=1&to=2&operation=health-check&format=openmetrics",
        );
    }

    #[test]
    fn the_trail_is_narrowed_by_what_was_given() {
        let filter = AuditFilter {
            what: vec!["cancel".to_owned(), "enqueue".to_owned()],
            ..AuditFilter::default()
        };
        check(&Query::from(&filter), "what=cancel,enqueue");
    }
}
