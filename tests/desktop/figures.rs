//! Health and statistics as the page shows them, beside `/proc` and the queue.

use upkeep_contract::health::HealthReport;
use upkeep_contract::statistics::StatisticsReport;

use crate::support::installation::{Installation, all_tasks};
use crate::support::webdriver::App;

/// A line of `/proc/meminfo`, bytes.
fn meminfo(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{key}:")))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        * 1024.0
}

#[tokio::test(flavor = "multi_thread")]
async fn health_check_and_statistics_show_what_proc_and_the_queue_say() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.click("run-health-check").await;
    let last = app
        .css("[data-testid='last-run-health-check'][data-state='succeeded']")
        .await;
    let shown = last.text().await.unwrap();
    let queue = installation.queue().await;
    let task = all_tasks(&queue).await.remove(0);
    let report: HealthReport =
        serde_json::from_value(queue.task(&task.id).await.unwrap().report.unwrap()).unwrap();
    let used = 100.0 - meminfo("MemAvailable") / meminfo("MemTotal") * 100.0;
    let memory = report
        .checks
        .iter()
        .find(|check| check.id == "memory")
        .unwrap();
    assert!(
        (memory.observed.unwrap() - used).abs() < 10.0,
        "{memory:?} beside {used}"
    );
    for id in [
        "cpu", "swap", "load", "disk:/", "runtime", "queue", "workers", "database",
    ] {
        assert!(
            report.checks.iter().any(|check| check.id == id),
            "no check `{id}`: {report:#?}"
        );
    }
    let status = serde_json::to_value(report.status).unwrap();
    assert!(
        shown.to_lowercase().contains(status.as_str().unwrap()),
        "{shown}"
    );

    app.click("run-log-statistics").await;
    app.css("[data-testid='last-run-log-statistics'][data-state='succeeded']")
        .await;
    let task = all_tasks(&queue).await.remove(0);
    let report: StatisticsReport =
        serde_json::from_value(queue.task(&task.id).await.unwrap().report.unwrap()).unwrap();
    let figures = report.queue.unwrap();
    let counted: u64 = figures.counts.iter().map(|count| count.count).sum();
    assert_eq!(counted, 2, "the health check and itself");
    assert_eq!(figures.running_now, 1, "itself");
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(report.system.cpu_cores as usize, cores);
    #[expect(
        clippy::cast_precision_loss,
        reason = "memory sizes are far below 2^52"
    )]
    let total = report.system.memory_total_bytes as f64;
    assert!((total - meminfo("MemTotal")).abs() < 1.0);
    let log = std::fs::read_to_string(&report.log_file).unwrap();
    assert_eq!(log.lines().count(), 1);
    app.go(&format!("#/tasks/{}", task.id)).await;
    app.wait_for_text("task-report", "Log statistics").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_shows_the_worker_and_the_host() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.wait_for_text("vitals", "%").await;
    let workers = app.text("workers").await;
    assert!(workers.contains('1'), "{workers}");
    // the C locale must not break any page
    app.close().await;
    let app = App::open_with(&installation, &[("LANG", "C"), ("LC_ALL", "C")]).await;
    app.find("run-health-check").await;
    app.go("#/tasks").await;
    app.find("filter-text").await;
    app.go("#/settings").await;
    app.find("add-location").await;
    app.close().await;
}
