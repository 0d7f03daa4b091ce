//! Reports as files, read back by other programs: Python's csv, XML and JSON, Prometheus' parser.

mod saving;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use upkeep_console::export::{Exported, read_back};
use upkeep_contract::export::{ExportFormat, ExportRequest, ExportSubject};
use upkeep_contract::statistics::{StatisticsQuery, StatisticsRange};
use upkeep_contract::task::{Task, TaskError, TaskFilter, TaskState};
use upkeep_queue::{Ending, NewTask};
use upkeep_testkit::fill_history;

use crate::support::{Installation, installation};

const EVIL: [&str; 8] = [
    "=cmd|' /C calc'!A0",
    "</td></table><script>alert(1)</script>",
    "a \"quoted\", text;\r\nwith lines",
    "\t@SUM(A1:A9)",
    "'already with an apostrophe",
    "-2+3",
    "back\\slash \u{202e}gpj",
    "ünïcode 日本 \u{1}",
];

/// A history of some thousand tasks, and a few whose every text is hostile.
async fn with_history() -> Installation {
    let here = installation().await;
    fill_history(&here.test.url(), 3_000).await;
    for evil in EVIL {
        let task = NewTask {
            target_host: Some(evil.to_owned()),
            ..NewTask::new("cleanup-runs", json!({ "text": evil }), evil)
        };
        here.test.queue.enqueue(task).await.unwrap();
        let claim = here.claim(evil).await.unwrap();
        let error = TaskError {
            kind: "permanent".to_owned(),
            message: evil.to_owned(),
            hint: evil.to_owned(),
        };
        here.test
            .queue
            .finish(&claim.lease, Ending::Permanent(error))
            .await
            .unwrap();
    }
    // a range leaves its end out
    here.test.clock.advance(std::time::Duration::from_secs(1));
    here
}

fn tasks(filter: TaskFilter) -> ExportSubject {
    ExportSubject::Tasks { filter }
}

fn statistics() -> ExportSubject {
    let query = StatisticsQuery {
        range: StatisticsRange::All,
        ..StatisticsQuery::default()
    };
    ExportSubject::Statistics { query }
}

fn health() -> ExportSubject {
    ExportSubject::Health {
        range: StatisticsRange::Day,
        host: None,
    }
}

async fn export(here: &Installation, subject: ExportSubject, format: ExportFormat) -> Exported {
    let request = ExportRequest { subject, format };
    let file = here.scratch.join(here.console.export_name(&request));
    let mut told = Vec::new();
    let saved = here
        .console
        .export(&request, &file, |done, total| told.push((done, total)))
        .await
        .unwrap();
    assert!(
        told.is_sorted() && told.last().unwrap().0 == saved.rows,
        "{told:?}"
    );
    assert_eq!(std::fs::metadata(&saved.path).unwrap().len(), saved.bytes);
    saved
}

/// Runs Python, which must be content; what it printed, as JSON.
fn python(program: &str, file: &Path) -> Value {
    // the system's own, which has the package of Prometheus' parser
    let output = Command::new("/usr/bin/python3")
        .args(["-I", "-c", program])
        .arg(file)
        .env("PYTHONUTF8", "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

const CSV: &str = "import csv, json, sys
raw = open(sys.argv[1], 'rb').read()
rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))
json.dump({'rows': rows, 'bare': raw.replace(b'\\r\\n', b'').count(b'\\n')}, sys.stdout)";

const OPENMETRICS: &str = "import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
text = open(sys.argv[1], encoding='utf-8').read()
families = list(parse(text))
json.dump([[f.name, f.type, [[s.name, s.labels, s.value] for s in f.samples]] for f in families], sys.stdout)";

const XML: &str = "import json, sys
import xml.etree.ElementTree as tree
names, attributes, texts = {}, set(), []
for element in tree.parse(sys.argv[1]).iter():
    name = element.tag.split('}')[-1]
    names[name] = names.get(name, 0) + 1
    attributes.update(element.attrib)
    texts.append(''.join(element.itertext()) if name in ('td', 'dd', 'p', 'title') else '')
json.dump({'names': names, 'attributes': sorted(attributes), 'text': '\\n'.join(texts)}, sys.stdout)";

async fn all_tasks(here: &Installation, filter: &TaskFilter) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let page = here
            .test
            .queue
            .tasks(filter, after.as_ref(), 500)
            .await
            .unwrap();
        tasks.extend(page.tasks);
        after = page.next;
        if after.is_none() {
            return tasks;
        }
    }
}

fn millis(text: &str) -> Option<i64> {
    (!text.is_empty()).then(|| {
        let time: jiff::Timestamp = text.parse().unwrap();
        time.as_millisecond()
    })
}

#[tokio::test]
async fn a_list_of_tasks_as_csv_is_what_the_database_holds() {
    let here = with_history().await;
    for filter in [
        TaskFilter::default(),
        TaskFilter {
            states: vec![TaskState::Failed],
            ..TaskFilter::default()
        },
        TaskFilter {
            text: "quoted".to_owned(),
            ..TaskFilter::default()
        },
    ] {
        let expected = all_tasks(&here, &filter).await;
        let saved = export(&here, tasks(filter), ExportFormat::Csv).await;
        let read = python(CSV, &saved.path);
        let rows = read["rows"].as_array().unwrap();
        assert_eq!(rows.len(), expected.len());
        assert!(!expected.is_empty() && saved.rows == expected.len() as u64);
        for (row, task) in rows.iter().zip(&expected) {
            let raw = |name: &str| row[name].as_str().unwrap().to_owned();
            let cell = |name: &str| read_back(&raw(name)).to_owned();
            let maybe = |name: &str| Some(cell(name)).filter(|text| !text.is_empty());
            assert_eq!(cell("id"), task.id.as_str());
            assert_eq!(cell("operation"), task.operation.as_str());
            assert_eq!(cell("state"), task.state.as_str());
            assert_eq!(cell("dry_run"), task.dry_run.to_string());
            assert_eq!(maybe("host"), task.worker_host);
            assert_eq!(maybe("target_host"), task.target_host);
            assert_eq!(cell("requested_by"), task.requested_by);
            assert_eq!(
                maybe("group_id"),
                task.group_id.as_ref().map(ToString::to_string)
            );
            assert_eq!(millis(&raw("enqueued_at")), Some(task.enqueued_at.0));
            assert_eq!(millis(&raw("started_at")), task.started_at.map(|at| at.0));
            assert_eq!(millis(&raw("finished_at")), task.finished_at.map(|at| at.0));
            let worked = task
                .finished_at
                .zip(task.started_at)
                .map(|(end, begin)| end.0 - begin.0);
            assert_eq!(maybe("duration_ms"), worked.map(|ms| ms.to_string()));
            assert_eq!(raw("attempts"), task.attempt.to_string());
            assert_eq!(raw("priority"), task.priority.to_string());
            assert_eq!(
                serde_json::from_str::<Value>(&cell("params")).unwrap(),
                task.params
            );
            let error = task.error.as_ref();
            assert_eq!(
                maybe("error_message"),
                error.map(|error| error.message.clone())
            );
            assert_eq!(maybe("error_hint"), error.map(|error| error.hint.clone()));
            for (name, value) in row.as_object().unwrap() {
                let text = value.as_str().unwrap();
                let number = ["waiting_ms", "duration_ms", "priority"].contains(&name.as_str());
                assert!(
                    number || !text.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{name}: {text}"
                );
            }
        }
        let about = rows[0]["about"].as_str().unwrap();
        for part in ["Range", "Filter", "Time zone", "Method"] {
            assert!(about.contains(part), "{about}");
        }
    }
}

#[tokio::test]
async fn csv_ends_its_lines_as_rfc_4180_says_and_an_empty_list_still_says_what_it_is() {
    let here = installation().await;
    let saved = export(&here, tasks(TaskFilter::default()), ExportFormat::Csv).await;
    let read = python(CSV, &saved.path);
    assert_eq!((read["bare"].as_u64(), saved.rows), (Some(0), 0));
    let rows = read["rows"].as_array().unwrap();
    assert_eq!((rows.len(), rows[0]["id"].as_str()), (1, Some("")));
    assert!(rows[0]["about"].as_str().unwrap().contains("Upkeep: Tasks"));
}

#[tokio::test]
async fn a_list_of_tasks_as_json_holds_every_task_with_its_parameters() {
    let here = with_history().await;
    let expected = all_tasks(&here, &TaskFilter::default()).await;
    let saved = export(&here, tasks(TaskFilter::default()), ExportFormat::Json).await;
    let file: Value = serde_json::from_slice(&std::fs::read(&saved.path).unwrap()).unwrap();
    assert_eq!(file["count"], expected.len());
    assert!(
        file["report"]["method"]
            .as_str()
            .unwrap()
            .contains("newest first")
    );
    assert_eq!(file["report"]["filter"], json!({}));
    for (row, task) in file["rows"].as_array().unwrap().iter().zip(&expected) {
        assert_eq!(row["id"], json!(task.id));
        assert_eq!(row["params"], task.params);
        assert_eq!(
            row["error_message"],
            json!(task.error.as_ref().map(|error| &error.message))
        );
        assert_eq!(
            row["finished_at"].as_str().and_then(millis),
            task.finished_at.map(|at| at.0)
        );
    }
}

#[tokio::test]
async fn a_page_is_well_formed_without_scripts_and_hostile_names_stay_text() {
    let here = with_history().await;
    for subject in [tasks(TaskFilter::default()), statistics(), health()] {
        let saved = export(&here, subject.clone(), ExportFormat::Html).await;
        let page = python(XML, &saved.path);
        let names: BTreeMap<String, u64> = serde_json::from_value(page["names"].clone()).unwrap();
        for never in ["script", "img", "link", "iframe", "object", "a", "form"] {
            assert!(!names.contains_key(never), "<{never}> in {subject:?}");
        }
        for attribute in page["attributes"].as_array().unwrap() {
            let attribute = attribute.as_str().unwrap();
            assert!(
                !attribute.starts_with("on") && !["src", "href", "style"].contains(&attribute),
                "{attribute}"
            );
        }
        for part in ["Time zone", "Method", "Range"] {
            assert!(std::fs::read_to_string(&saved.path).unwrap().contains(part));
        }
        if !matches!(subject, ExportSubject::Health { .. }) {
            assert!(names["svg"] > 1, "charts and their keys");
        }
    }
    let page = export(&here, tasks(TaskFilter::default()), ExportFormat::Html).await;
    let text = python(XML, &page.path);
    assert!(
        text["text"].as_str().unwrap().contains(EVIL[1]),
        "shown as it is"
    );
    let rows = export(&here, tasks(TaskFilter::default()), ExportFormat::Html)
        .await
        .rows;
    assert_eq!(rows, 3_008);
}

/// The samples of a metric: labels and value.
fn samples(families: &Value, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
    families
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|family| family[2].as_array().unwrap())
        .filter(|sample| sample[0] == name)
        .map(|sample| {
            (
                serde_json::from_value(sample[1].clone()).unwrap(),
                sample[2].as_f64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn openmetrics_is_what_prometheus_parser_reads_and_adds_up() {
    let here = with_history().await;
    let saved = export(
        &here,
        tasks(TaskFilter::default()),
        ExportFormat::Openmetrics,
    )
    .await;
    assert!(
        std::fs::read_to_string(&saved.path)
            .unwrap()
            .ends_with("# EOF\n")
    );
    let families = python(OPENMETRICS, &saved.path);
    let tasks = samples(&families, "upkeep_tasks");
    let whole: f64 = tasks.iter().map(|(_, value)| value).sum();
    assert!((whole - 3_008.0).abs() < 0.5, "{whole}");
    for evil in EVIL {
        let named = tasks
            .iter()
            .filter(|(labels, _)| labels["host"] == evil.replace('\r', " "));
        assert!(named.count() > 0, "{evil}");
    }
    let info = samples(&families, "upkeep_report_info");
    assert!(info[0].0["method"].contains("newest first"));

    let saved = export(&here, statistics(), ExportFormat::Openmetrics).await;
    let families = python(OPENMETRICS, &saved.path);
    let failed: f64 = samples(&families, "upkeep_tasks")
        .iter()
        .filter(|(labels, _)| labels["state"] == "failed")
        .map(|(_, value)| value)
        .sum();
    let filter = TaskFilter {
        states: vec![TaskState::Failed],
        ..TaskFilter::default()
    };
    let count = u32::try_from(all_tasks(&here, &filter).await.len()).unwrap();
    assert!((failed - f64::from(count)).abs() < 0.5, "{failed} {count}");
    let quantiles = samples(&families, "upkeep_task_duration_seconds");
    assert!(
        quantiles
            .iter()
            .any(|(labels, value)| labels["quantile"] == "0.99" && *value > 0.0)
    );
}

#[tokio::test]
async fn statistics_as_csv_and_json_say_the_same_as_the_page() {
    let here = with_history().await;
    let ExportSubject::Statistics { query } = statistics() else {
        unreachable!()
    };
    let view = here.console.statistics(&query).await.unwrap();
    let saved = export(&here, statistics(), ExportFormat::Csv).await;
    let read = python(CSV, &saved.path);
    let rows = read["rows"].as_array().unwrap();
    let value = |section: &str, operation: &str, state: &str, measure: &str| {
        let found: Vec<&Value> = rows
            .iter()
            .filter(|row| {
                row["section"] == section
                    && row["operation"] == operation
                    && row["state"] == state
                    && row["measure"] == measure
            })
            .collect();
        assert_eq!(found.len(), 1, "{section} {operation} {state} {measure}");
        found[0]["value"].as_str().unwrap().parse::<f64>().unwrap()
    };
    for count in &view.queue.counts {
        let said = value(
            "counts",
            count.operation.as_str(),
            count.state.as_str(),
            "tasks",
        );
        assert!((said - f64::from(u32::try_from(count.count).unwrap())).abs() < 0.5);
    }
    let p95 = value("working", "", "", "p95");
    assert!(
        (p95 - f64::from(i32::try_from(view.queue.duration.unwrap().p95_ms).unwrap())).abs() < 0.5
    );
    assert!(
        (value("success", "", "", "success_rate") - view.queue.success_rate.unwrap()).abs() < 1e-12
    );

    let saved = export(&here, statistics(), ExportFormat::Json).await;
    let file: Value = serde_json::from_slice(&std::fs::read(&saved.path).unwrap()).unwrap();
    let queue = &file["statistics"]["queue"];
    assert_eq!(queue["duration"], json!(view.queue.duration));
    assert_eq!(
        millis(queue["from"].as_str().unwrap()),
        Some(view.queue.from.0)
    );
    assert_eq!(
        queue["slowest"].as_array().unwrap().len(),
        view.queue.slowest.len()
    );
    assert!(millis(queue["slowest"][0]["finished_at"].as_str().unwrap()).is_some());
}

#[tokio::test]
async fn the_history_of_health_has_a_row_for_each_check() {
    let here = installation().await;
    for (percent, status) in [(40.0, "ok"), (97.5, "critical")] {
        let report = json!({
            "status": if status == "ok" { "healthy" } else { "critical" },
            "host": "=web-1", "checked_at": here.test.queue.now().0, "cpu_window_ms": 500, "duration_ms": 3,
            "checks": [
                {"id": "cpu", "status": status, "observed": percent, "unit": "percent", "warning": 90.0, "critical": 95.0, "message": "busy", "action": ""},
                {"id": "disk:/", "status": "unknown", "observed": null, "unit": "percent", "warning": null, "critical": null, "message": "gone", "action": "look"},
            ],
        });
        here.finished(
            "health-check",
            json!({}),
            "host-a",
            Ending::Succeeded(report),
        )
        .await;
        here.test.clock.advance(std::time::Duration::from_secs(60));
    }
    let saved = export(&here, health(), ExportFormat::Csv).await;
    let read = python(CSV, &saved.path);
    let rows: Vec<[&str; 5]> = read["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            ["host", "whole", "check", "status", "observed"].map(|name| row[name].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        rows,
        [
            ["'=web-1", "critical", "cpu", "critical", "97.5"],
            ["'=web-1", "critical", "disk:/", "unknown", ""],
            ["'=web-1", "healthy", "cpu", "ok", "40"],
            ["'=web-1", "healthy", "disk:/", "unknown", ""],
        ]
    );
    let saved = export(&here, health(), ExportFormat::Openmetrics).await;
    let families = python(OPENMETRICS, &saved.path);
    let observed = samples(&families, "upkeep_health_check_observed");
    assert_eq!(observed.len(), 1);
    assert!((observed[0].1 - 97.5).abs() < 1e-9 && observed[0].0["host"] == "=web-1");
    let elsewhere = ExportSubject::Health {
        range: StatisticsRange::Day,
        host: Some("host-b".to_owned()),
    };
    assert_eq!(export(&here, elsewhere, ExportFormat::Json).await.rows, 0);
    let page = export(&here, health(), ExportFormat::Html).await;
    let page = python(XML, &page.path);
    assert!(page["names"]["polyline"].as_u64().unwrap() > 0);
}
