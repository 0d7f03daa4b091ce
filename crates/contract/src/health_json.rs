//! A health report as `application/health+json` (draft-inadarei-api-health-check-06), for monitors that read it.
//!
//! `unknown` is told as `warn`: the draft has no fourth word, and what could not be looked at is not well.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::health::{CheckStatus, HealthCheck, HealthReport, HealthStatus};

/// The media type of this document.
pub const MEDIA_TYPE: &str = "application/health+json";

/// The version of this document's content: which components and measurements there are.
const CONTENT_VERSION: &str = "1";

/// The draft's three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Pass,
    /// It works, and somebody should look at it.
    Warn,
    /// It is in a critical state.
    Fail,
}

impl From<CheckStatus> for Status {
    fn from(status: CheckStatus) -> Self {
        match status {
            CheckStatus::Ok => Self::Pass,
            CheckStatus::Warning | CheckStatus::Unknown => Self::Warn,
            CheckStatus::Critical => Self::Fail,
        }
    }
}

impl From<HealthStatus> for Status {
    fn from(status: HealthStatus) -> Self {
        match status {
            HealthStatus::Healthy => Self::Pass,
            HealthStatus::Degraded | HealthStatus::Unknown => Self::Warn,
            HealthStatus::Critical => Self::Fail,
        }
    }
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthDocument {
    /// The whole: the worst wins.
    pub status: Status,
    /// The version of the content.
    pub version: String,
    /// The version of Upkeep.
    pub release_id: String,
    /// The host that was checked.
    pub service_id: String,
    /// What this is, for a person.
    pub description: String,
    /// The checks that are not well, in words; left out when all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// By `component:measurement`; several of one kind, such as file systems, stand in one list.
    pub checks: BTreeMap<String, Vec<CheckDetail>>,
}

/// One check. `warning`, `critical` and `action` go beyond the draft, which allows that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckDetail {
    /// Which of its kind: a mount point, a sensor, a resource; left out where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_id: Option<String>,
    /// `system`, `component` or `datastore`.
    pub component_type: String,
    /// What was observed; left out when the probe failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_value: Option<f64>,
    /// The unit of the value and of the thresholds.
    pub observed_unit: String,
    /// How it stands.
    pub status: Status,
    /// When it was observed, RFC 3339 in UTC.
    pub time: String,
    /// What is wrong; left out when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// At or above this it warns; left out when it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
    /// At or above this it fails; left out when it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<f64>,
    /// What the operator can do; left out when nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl From<&HealthReport> for HealthDocument {
    fn from(report: &HealthReport) -> Self {
        let time = rfc3339(report.checked_at);
        let mut checks: BTreeMap<String, Vec<CheckDetail>> = BTreeMap::new();
        for check in &report.checks {
            let (name, detail) = detail_of(check, &time);
            checks.entry(name).or_default().push(detail);
        }
        let wrong: Vec<String> = report
            .checks
            .iter()
            .filter(|check| check.status != CheckStatus::Ok)
            .map(|check| format!("{}: {}", check.id, check.message))
            .collect();
        Self {
            status: report.status.into(),
            version: CONTENT_VERSION.to_owned(),
            release_id: env!("CARGO_PKG_VERSION").to_owned(),
            service_id: report.host.clone(),
            description: format!("health of the host {}", report.host),
            output: (!wrong.is_empty()).then(|| wrong.join("; ")),
            checks,
        }
    }
}

fn detail_of(check: &HealthCheck, time: &str) -> (String, CheckDetail) {
    let (name, component_type, subject) = place_of(&check.id);
    let well = check.status == CheckStatus::Ok;
    let detail = CheckDetail {
        component_id: subject.map(str::to_owned),
        component_type: component_type.to_owned(),
        observed_value: check.observed,
        observed_unit: check.unit.clone(),
        status: check.status.into(),
        time: time.to_owned(),
        output: (!well).then(|| check.message.clone()),
        warning: check.warning,
        critical: check.critical,
        action: (!well && !check.action.is_empty()).then(|| check.action.clone()),
    };
    (name, detail)
}

/// `component:measurement`, the component's type, and which of its kind it is.
fn place_of(id: &str) -> (String, &'static str, Option<&str>) {
    let (kind, subject) = match id.split_once(':') {
        Some((kind, subject)) => (kind, Some(subject)),
        None => (id, None),
    };
    let (name, component_type) = match (kind, subject) {
        ("cpu" | "memory" | "swap" | "disk" | "inodes", _) => {
            return (format!("{kind}:utilization"), "system", subject);
        }
        ("load", _) => ("load:average", "system"),
        ("pressure", _) => return ("pressure:stalled".to_owned(), "system", subject),
        ("temperature", _) => return ("temperature:celsius".to_owned(), "system", subject),
        ("runtime", Some("queue")) => ("runtime:waitingTasks", "component"),
        ("runtime", _) => ("runtime:aliveTasks", "component"),
        ("queue", Some("failures")) => ("queue:failures", "component"),
        ("queue", _) => ("queue:oldestWaiting", "component"),
        ("workers", _) => ("workers:stale", "component"),
        ("database", _) => ("database:responseTime", "datastore"),
        _ => return (format!("{kind}:observed"), "component", subject),
    };
    (name.to_owned(), component_type, None)
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| at.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(id: &str, status: CheckStatus) -> HealthCheck {
        let known = status != CheckStatus::Unknown;
        HealthCheck {
            id: id.to_owned(),
            status,
            observed: known.then_some(93.5),
            unit: "percent".to_owned(),
            warning: known.then_some(90.0),
            critical: known.then_some(95.0),
            message: format!("{id} as it is"),
            action: if status == CheckStatus::Ok {
                String::new()
            } else {
                "do something".to_owned()
            },
            remedies: Vec::new(),
        }
    }

    fn document(checks: Vec<HealthCheck>) -> Value {
        let report = HealthReport {
            status: HealthStatus::worst_of(checks.iter().map(|check| check.status)),
            host: "web-02".to_owned(),
            checked_at: Timestamp(1_795_428_995_250),
            cpu_window_ms: 500,
            checks,
            duration_ms: 510,
        };
        serde_json::to_value(HealthDocument::from(&report)).unwrap()
    }

    #[test]
    fn a_host_that_is_well_passes_and_says_nothing_more() {
        assert_eq!(
            document(vec![check("cpu", CheckStatus::Ok)]),
            json!({
                "status": "pass",
                "version": "1",
                "releaseId": env!("CARGO_PKG_VERSION"),
                "serviceId": "web-02",
                "description": "health of the host web-02",
                "checks": {
                    "cpu:utilization": [{
                        "componentType": "system",
                        "observedValue": 93.5,
                        "observedUnit": "percent",
                        "status": "pass",
                        "time": "2026-11-23T10:16:35.25Z",
                        "warning": 90.0,
                        "critical": 95.0,
                    }]
                }
            })
        );
    }

    #[test]
    fn each_status_has_its_word_and_unknown_warns() {
        let words = |status: CheckStatus| {
            let document = document(vec![check("memory", status)]);
            let detail = &document["checks"]["memory:utilization"][0];
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            (
                word(&document["status"]),
                word(&detail["status"]),
                detail.get("output").is_some(),
                detail.get("observedValue").is_some(),
            )
        };
        let expect = |word: &str, output, observed| (word.into(), word.into(), output, observed);
        assert_eq!(words(CheckStatus::Ok), expect("pass", false, true));
        assert_eq!(words(CheckStatus::Warning), expect("warn", true, true));
        assert_eq!(words(CheckStatus::Critical), expect("fail", true, true));
        assert_eq!(words(CheckStatus::Unknown), expect("warn", true, false));
        // no checks at all: nothing was looked at, which is not well
        let nothing = document(Vec::new());
        assert_eq!(
            (&nothing["status"], &nothing["checks"]),
            (&json!("warn"), &json!({}))
        );
    }

    #[test]
    fn every_check_of_the_design_has_its_component_and_measurement() {
        let place = |id: &str, name: &str, component_type: &str, component: Option<&str>| {
            assert_eq!(place_of(id), (name.to_owned(), component_type, component));
        };
        place("cpu", "cpu:utilization", "system", None);
        place("memory", "memory:utilization", "system", None);
        place("swap", "swap:utilization", "system", None);
        place("disk:/", "disk:utilization", "system", Some("/"));
        place("disk:/a:b", "disk:utilization", "system", Some("/a:b"));
        place("inodes:/", "inodes:utilization", "system", Some("/"));
        place("load", "load:average", "system", None);
        place("pressure:io", "pressure:stalled", "system", Some("io"));
        place(
            "temperature:cpu 2",
            "temperature:celsius",
            "system",
            Some("cpu 2"),
        );
        place("runtime", "runtime:aliveTasks", "component", None);
        place("runtime:queue", "runtime:waitingTasks", "component", None);
        place("queue", "queue:oldestWaiting", "component", None);
        place("queue:failures", "queue:failures", "component", None);
        place("workers", "workers:stale", "component", None);
        place("database", "database:responseTime", "datastore", None);
        place("fan:1", "fan:observed", "component", Some("1"));
    }

    #[test]
    fn several_of_a_kind_stand_in_one_list_and_the_whole_names_what_is_wrong() {
        let document = document(vec![
            check("disk:/", CheckStatus::Ok),
            check("disk:/srv", CheckStatus::Critical),
        ]);
        let disks = document["checks"]["disk:utilization"].as_array().unwrap();
        let ids: Vec<&Value> = disks.iter().map(|disk| &disk["componentId"]).collect();
        assert_eq!(ids, [&json!("/"), &json!("/srv")]);
        assert_eq!(document["output"], "disk:/srv: disk:/srv as it is");
        assert_eq!(disks[1]["action"], "do something");
        assert_eq!(disks[0].get("action"), None);
    }

    #[test]
    fn it_reads_back() {
        let document = document(vec![check("cpu", CheckStatus::Unknown)]);
        let read: HealthDocument = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), document);
    }
}
