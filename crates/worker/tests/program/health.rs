//! `exec health-check` alone, as its own report and as `application/health+json`.

use serde_json::{Value, json};

use crate::home::{Home, stderr, stdout};

const DOCUMENT: &[&str] = &[
    "exec",
    "health-check",
    "--params",
    "{\"cpu_window_ms\":200}",
    "--format",
    "health+json",
];

/// The document of a home with these thresholds for memory.
fn document(warning: f64, critical: f64) -> Value {
    let home = Home::new();
    home.configure(&format!(
        "[health]\nmemory = {{ warning = {warning}, critical = {critical} }}\n"
    ));
    let output = home.output(DOCUMENT);
    // whatever the health: the check itself succeeded
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        !home.path().join("upkeep.db").exists(),
        "no queue is opened"
    );
    serde_json::from_str(&stdout(&output)).unwrap()
}

#[test]
fn health_json_tells_pass_warn_and_fail_by_the_configured_thresholds() {
    let check = |warning, critical, expect: &str| {
        let document = document(warning, critical);
        let memory = &document["checks"]["memory:utilization"][0];
        assert_eq!(memory["status"], expect, "{document:#}");
        assert_eq!(memory["observedUnit"], "percent");
        assert!(memory["observedValue"].as_f64().unwrap() > 0.0);
        assert!(memory["time"].as_str().unwrap().ends_with('Z'));
        assert_eq!(memory.get("output").is_none(), expect == "pass");
        // the worst of all decides the whole
        let lists = document["checks"].as_object().unwrap().values();
        let all: Vec<&Value> = lists
            .flat_map(|list| list.as_array().unwrap())
            .map(|check| &check["status"])
            .collect();
        let worst = ["fail", "warn", "pass"]
            .into_iter()
            .find(|word| all.iter().any(|status| *status == word));
        assert_eq!(document["status"], json!(worst.unwrap()));
        assert_eq!(document["version"], "1");
        assert_eq!(document["releaseId"], env!("CARGO_PKG_VERSION"));
    };
    check(100.0, 100.0, "pass");
    check(0.001, 100.0, "warn");
    check(0.001, 0.002, "fail");
}

#[test]
fn the_format_is_for_health_alone_and_the_report_itself_is_the_default() {
    let home = Home::new();
    let check = |arguments: &[&str], said: &str| {
        let output = home.output(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    };
    check(
        &["exec", "log-statistics", "--format", "health+json"],
        "perform health-check",
    );
    check(&["exec", "health-check", "--format", "xml"], "health+json");
    let output = home.output(&["exec", "health-check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(report["checks"].is_array() && report["host"].is_string());
}

#[test]
fn thresholds_the_wrong_way_round_fail_with_line_key_and_unit() {
    let home = Home::new();
    home.configure("[health]\nload = { warning = 3, critical = 2 }\n");
    let output = home.output(DOCUMENT);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for part in ["line 2", "health.load", "per core", "lower the warning"] {
        assert!(said.contains(part), "{said}");
    }
}
