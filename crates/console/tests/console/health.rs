//! The health of a host, now and before.

use serde_json::{Value, json};
use upkeep_contract::ErrorCode;
use upkeep_contract::health::{CheckStatus, HealthStatus};
use upkeep_contract::settings_draft::{SettingChange, TypedThreshold};
use upkeep_contract::task::{TaskError, TaskState};
use upkeep_contract::thresholds::Threshold;
use upkeep_queue::Ending;
use upkeep_testkit::newest_audit;

use crate::support::{Installation, check_reply, installation, reply, value};

fn report(memory: f64, status: &str) -> Value {
    json!({
        "status": if status == "ok" { "healthy" } else { "degraded" },
        "host": "host-a", "checked_at": 1_795_428_995_250_i64, "cpu_window_ms": 200, "duration_ms": 210,
        "checks": [{
            "id": "memory", "status": status, "observed": memory, "unit": "percent",
            "warning": 80.0, "critical": 95.0, "message": "m", "action": "",
        }],
    })
}

async fn checked(here: &Installation, host: &str, ending: Ending) -> upkeep_contract::TaskId {
    here.test.clock.advance(std::time::Duration::from_secs(1));
    here.finished("health-check", json!({}), host, ending).await
}

#[tokio::test]
async fn the_newest_report_is_whole_and_those_before_are_points_newest_first() {
    let here = installation().await;
    checked(&here, "host-a", Ending::Succeeded(report(50.0, "ok"))).await;
    checked(&here, "host-b", Ending::Succeeded(report(10.0, "ok"))).await;
    let newest = checked(&here, "host-a", Ending::Succeeded(report(85.0, "warning"))).await;
    let history = here
        .console
        .health_history(Some("host-a".to_owned()), 100)
        .await
        .unwrap();
    assert_eq!(history.host, "host-a");
    let latest = history.latest.unwrap();
    assert_eq!(
        (&latest.task_id, latest.state),
        (&newest, TaskState::Succeeded)
    );
    assert_eq!(latest.status(), HealthStatus::Degraded);
    assert_eq!(history.last.unwrap().task_id, newest);
    let course: Vec<_> = history
        .points
        .iter()
        .map(|point| (point.checks[0].observed, point.checks[0].status))
        .collect();
    assert_eq!(
        course,
        [
            (Some(85.0), CheckStatus::Warning),
            (Some(50.0), CheckStatus::Ok)
        ]
    );
    assert!(
        history.hosts.contains(&"host-b".to_owned()),
        "{:?}",
        history.hosts
    );
    assert!(history.hosts.is_sorted());

    let one = here
        .console
        .health_history(Some("host-a".to_owned()), 1)
        .await
        .unwrap();
    assert_eq!(one.points.len(), 1);
}

#[tokio::test]
async fn a_check_that_failed_is_shown_as_the_last_and_the_report_before_stays_the_latest() {
    let here = installation().await;
    let good = checked(&here, "host-a", Ending::Succeeded(report(50.0, "ok"))).await;
    let error = TaskError {
        kind: "permanent".to_owned(),
        message: "config.toml, line 3: wrong".to_owned(),
        hint: "correct it".to_owned(),
    };
    let failed = checked(&here, "host-a", Ending::Permanent(error.clone())).await;
    let history = here
        .console
        .health_history(Some("host-a".to_owned()), 100)
        .await
        .unwrap();
    let last = history.last.unwrap();
    assert_eq!((&last.task_id, &last.error), (&failed, &Some(error)));
    assert_eq!(last.status(), HealthStatus::Unknown);
    assert_eq!(history.latest.unwrap().task_id, good);
    assert_eq!(history.points.len(), 1);
}

#[tokio::test]
async fn a_host_that_was_never_checked_has_nothing_and_this_host_is_the_default() {
    let here = installation().await;
    let history = here.console.health_history(None, 100).await.unwrap();
    assert!(history.hosts.contains(&history.host));
    assert!(history.last.is_none() && history.latest.is_none() && history.points.is_empty());
    assert_eq!(history.current, None);

    let operation = "health-check".into();
    let outcome = here
        .console
        .trigger(&operation, json!({}), Some(history.host.clone()))
        .await
        .unwrap();
    let upkeep_contract::task::TriggerOutcome::Queued { task_id, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let history = here.console.health_history(None, 100).await.unwrap();
    assert_eq!(history.current, Some(task_id));
}

fn threshold(key: &str, typed: Option<(&str, &str)>) -> SettingChange {
    SettingChange::Threshold {
        key: key.to_owned(),
        typed: typed.map(|(warning, critical)| TypedThreshold {
            warning: warning.to_owned(),
            critical: critical.to_owned(),
        }),
    }
}

#[tokio::test]
async fn thresholds_are_saved_audited_shown_and_taken_back() {
    let here = installation().await;
    let view = here
        .change(threshold("disk", Some(("70.0", "80.0"))))
        .await
        .unwrap();
    let disk = |view: &upkeep_contract::settings::SettingsView| {
        let found = view
            .health
            .thresholds
            .iter()
            .find(|each| each.key == "disk");
        found.unwrap().clone()
    };
    assert_eq!(disk(&view).threshold, Threshold::new(70.0, 80.0));
    assert_eq!(disk(&view).default, Threshold::new(90.0, 95.0));
    assert_eq!(view.health.thresholds.len(), 16);
    assert!(
        here.config_text()
            .contains("disk = { warning = 70, critical = 80 }")
    );
    assert!(here.config_text().starts_with("# kept\n"));
    let audit = newest_audit(&here.test.queue, 10).await;
    assert_eq!(
        (audit[0].what.as_str(), audit[0].subject.as_str()),
        ("change_settings", "health.disk")
    );

    let view = here.change(threshold("disk", None)).await.unwrap();
    assert_eq!(disk(&view).threshold, disk(&view).default);
    let view = here
        .change(value("health.probe_limit_ms", "500"))
        .await
        .unwrap();
    let limit = view
        .health
        .numbers
        .iter()
        .find(|each| each.key == "probe_limit_ms");
    assert_eq!(limit.unwrap().value, 500);
}

#[tokio::test]
async fn thresholds_that_cannot_be_used_are_refused_and_nothing_is_written() {
    let here = installation().await;
    let before = here.config_text();
    let result = here
        .change(threshold("memory", Some(("96.0", "95.0"))))
        .await;
    check_reply(
        &reply(result),
        ErrorCode::InvalidParameters,
        "above its critical threshold 95 (percent)",
        "lower the warning",
    );
    let result = here.change(threshold("disks", None)).await;
    check_reply(
        &reply(result),
        ErrorCode::NotFound,
        "health.disks",
        "docs/health.md",
    );
    let result = here.change(value("health.probe_limit_ms", "1")).await;
    check_reply(
        &reply(result),
        ErrorCode::InvalidParameters,
        "(ms)",
        "100 to 60000",
    );
    assert_eq!(here.config_text(), before);
    assert!(newest_audit(&here.test.queue, 10).await.is_empty());
}
