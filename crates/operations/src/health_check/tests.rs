//! The whole check against what the system says of itself by other ways.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tempfile::TempDir;
use upkeep_contract::health::{CheckStatus, HealthCheck, HealthReport, HealthStatus};
use upkeep_contract::params::HealthCheckParams;
use upkeep_contract::statistics::QueueStatistics;
use upkeep_contract::worker::HostVitals;
use upkeep_contract::{TaskId, Timestamp};

use super::HealthCheckOperation;
use crate::history::{FinishedTask, QueueHealth, TaskHistory};
use crate::probes::temperature::Temperature;
use crate::settings::{Measure, Settings, SettingsSource, Threshold, Thresholds};
use crate::{Context, Finished, Operation, OperationError, Registry};

const QUICK: HealthCheckParams = HealthCheckParams { cpu_window_ms: 200 };
/// Nothing reaches this.
const NEVER: Threshold = Threshold::new(1e9, 1e9);
/// Everything reaches this.
const ALWAYS: Threshold = Threshold::new(-1.0, 1e9);
const ALWAYS_CRITICAL: Threshold = Threshold::new(-2.0, -1.0);

/// Thresholds that no host reaches, however busy it is while the tests run.
fn calm() -> Thresholds {
    Thresholds::all(NEVER)
}

/// What a history answers when it is asked for its health.
enum History {
    Well,
    Away,
    Hangs,
}

fn gone() -> OperationError {
    OperationError::transient("the database is away", "start it")
}

#[async_trait]
impl TaskHistory for History {
    async fn finished_before(
        &self,
        _: Timestamp,
        _: Option<(Timestamp, TaskId)>,
        _: u32,
    ) -> Result<Vec<FinishedTask>, OperationError> {
        Err(gone())
    }

    async fn remove_finished(
        &self,
        _: &[TaskId],
        _: Timestamp,
    ) -> Result<Vec<TaskId>, OperationError> {
        Err(gone())
    }

    async fn existing(&self, _: &[TaskId]) -> Result<Vec<TaskId>, OperationError> {
        Err(gone())
    }

    async fn statistics(
        &self,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<QueueStatistics, OperationError> {
        Err(gone())
    }

    async fn health(&self) -> Result<QueueHealth, OperationError> {
        match self {
            Self::Well => Ok(QueueHealth {
                workers_alive: 1,
                round_trip_ms: 0.5,
                ..QueueHealth::default()
            }),
            Self::Away => Err(gone()),
            Self::Hangs => std::future::pending().await,
        }
    }
}

async fn look(thresholds: Thresholds, history: Option<History>) -> HealthReport {
    let settings = Settings {
        thresholds,
        ..Settings::default()
    };
    let history = history.map(|history| Arc::new(history) as Arc<dyn TaskHistory>);
    let artifacts = TempDir::new().unwrap();
    let operation = HealthCheckOperation::new(Arc::new(settings), history);
    match operation
        .run(QUICK, &Context::silent(artifacts.path().to_owned()))
        .await
        .unwrap()
    {
        Finished::Succeeded(report) => report,
        Finished::Partial(report) => panic!("a health check is never partial: {report:?}"),
    }
}

fn find<'a>(report: &'a HealthReport, id: &str) -> &'a HealthCheck {
    let found = report.checks.iter().find(|check| check.id == id);
    found.unwrap_or_else(|| panic!("no check `{id}` in {report:#?}"))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn meminfo(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{key}:")))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[track_caller]
fn close(check: &HealthCheck, expect: f64, tolerance: f64) {
    let observed = check.observed.unwrap();
    assert!(
        (observed - expect).abs() <= tolerance,
        "expected {expect} ± {tolerance}: {check:?}"
    );
}

#[tokio::test]
async fn every_check_of_the_design_is_there_once_and_speaks_to_people() {
    let report = look(calm(), Some(History::Well)).await;
    for id in [
        "cpu",
        "memory",
        "swap",
        "load",
        "disk:/",
        "inodes:/",
        "runtime",
        "runtime:queue",
        "queue",
        "queue:failures",
        "workers",
        "database",
    ] {
        assert_eq!(
            report.checks.iter().filter(|check| check.id == id).count(),
            1,
            "{id}: {report:#?}"
        );
    }
    for check in &report.checks {
        assert!(
            !check.message.is_empty() && !check.unit.is_empty(),
            "{check:?}"
        );
        assert_eq!(
            check.action.is_empty(),
            check.status == CheckStatus::Ok,
            "{check:?}"
        );
        if check.unit == "percent" && check.status != CheckStatus::Unknown {
            assert!(
                (0.0..=100.0).contains(&check.observed.unwrap()),
                "{check:?}"
            );
        }
    }
    let statuses = report.checks.iter().map(|check| check.status);
    assert_eq!(report.status, HealthStatus::worst_of(statuses));
    assert_eq!(report.cpu_window_ms, 200);
    assert!(
        (200..10_000).contains(&report.duration_ms),
        "{}",
        report.duration_ms
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_and_swap_agree_with_meminfo() {
    let report = look(calm(), None).await;
    let used = 100.0 * (1.0 - meminfo("MemAvailable") / meminfo("MemTotal"));
    // other programs come and go between the two readings: five points of a hundred
    close(find(&report, "memory"), used, 5.0);
    let total = meminfo("SwapTotal");
    let used = if total > 0.0 {
        100.0 * (1.0 - meminfo("SwapFree") / total)
    } else {
        0.0
    };
    close(find(&report, "swap"), used, 5.0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn load_agrees_with_loadavg_and_nproc() {
    let report = look(calm(), None).await;
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    let one: f64 = text.split(' ').next().unwrap().parse().unwrap();
    let cores: f64 = output("nproc", &["--all"]).trim().parse().unwrap();
    // the kernel renews the average every five seconds; it cannot move far in between
    close(find(&report, "load"), one / cores, 0.5);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn disks_and_inodes_agree_with_df() {
    let report = look(calm(), None).await;
    let compared = |prefix: &str, arguments: &[&str]| {
        let mut compared = 0;
        for check in report
            .checks
            .iter()
            .filter(|check| check.id.starts_with(prefix))
        {
            let text = output("df", &[arguments, &[&check.id[prefix.len()..]]].concat());
            let share = text
                .lines()
                .nth(1)
                .unwrap()
                .split_whitespace()
                .find_map(|field| field.strip_suffix('%'));
            // df rounds up, and others write meanwhile: one point and a half
            close(check, share.unwrap().parse::<f64>().unwrap() - 0.5, 1.5);
            compared += 1;
        }
        compared
    };
    assert!(compared("disk:", &["-P", "--"]) > 0);
    assert!(compared("inodes:", &["-P", "-i", "--"]) > 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn cpu_use_agrees_with_the_kernel_s_counters_over_the_same_window() {
    /// All and idle jiffies (idle and waiting for a disk).
    fn counters() -> (f64, f64) {
        let text = std::fs::read_to_string("/proc/stat").unwrap();
        let fields = text
            .lines()
            .next()
            .unwrap()
            .split_whitespace()
            .skip(1)
            .take(8);
        let numbers: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        (numbers.iter().sum(), numbers[3] + numbers[4])
    }
    let settings = Settings {
        thresholds: calm(),
        ..Settings::default()
    };
    let operation = HealthCheckOperation::new(Arc::new(settings), None);
    let artifacts = TempDir::new().unwrap();
    let before = counters();
    let params = HealthCheckParams {
        cpu_window_ms: 1500,
    };
    let finished = operation
        .run(params, &Context::silent(artifacts.path().to_owned()))
        .await
        .unwrap();
    let after = counters();
    let busy = 100.0 * (1.0 - (after.1 - before.1) / (after.0 - before.0));
    // the two windows begin and end some milliseconds apart, and a jiffy is ten
    close(find(finished.report(), "cpu"), busy, 10.0);
}

#[tokio::test]
async fn lowered_thresholds_make_each_check_warn_or_critical() {
    let check = |report: &HealthReport, id: &str, expect: CheckStatus| {
        let check = find(report, id);
        assert_eq!(check.status, expect, "{check:?}");
        assert!(!check.action.is_empty(), "{check:?}");
    };
    let all = Thresholds::all;
    let ids = [
        "cpu",
        "memory",
        "swap",
        "disk:/",
        "inodes:/",
        "load",
        "runtime",
        "runtime:queue",
        "queue",
        "queue:failures",
        "workers",
        "database",
    ];
    let warned = look(all(ALWAYS), Some(History::Well)).await;
    let critical = look(all(ALWAYS_CRITICAL), Some(History::Well)).await;
    for id in ids {
        check(&warned, id, CheckStatus::Warning);
        check(&critical, id, CheckStatus::Critical);
    }
    assert_eq!(critical.status, HealthStatus::Critical);
}

#[tokio::test]
async fn one_check_alone_decides_the_whole() {
    let report = look(calm().with(Measure::Memory, ALWAYS_CRITICAL), None).await;
    assert_eq!(report.status, HealthStatus::Critical);
    assert_eq!(find(&report, "swap").status, CheckStatus::Ok);
}

#[tokio::test]
async fn a_database_that_is_away_or_hangs_makes_its_checks_unknown_and_the_task_succeeds() {
    for history in [History::Away, History::Hangs] {
        let started = Instant::now();
        let report = look(calm(), Some(history)).await;
        for id in ["queue", "queue:failures", "workers", "database"] {
            let check = find(&report, id);
            assert_eq!(
                (check.status, check.observed),
                (CheckStatus::Unknown, None),
                "{check:?}"
            );
            assert!(!check.message.is_empty() && !check.action.is_empty());
        }
        assert!(
            matches!(
                report.status,
                HealthStatus::Degraded | HealthStatus::Critical
            ),
            "{report:?}"
        );
        assert_eq!(find(&report, "memory").status, CheckStatus::Ok);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

/// An operation on a host of the test's own making.
fn made_up(sources: super::Sources) -> HealthCheckOperation {
    HealthCheckOperation {
        sources,
        ..HealthCheckOperation::new(Arc::new(Settings::default()), None)
    }
}

fn nothing_mounted() -> super::Sources {
    super::Sources {
        load: || Ok(63.0),
        mounts: || Ok(Vec::new()),
        temperatures: Vec::new,
        pressure: "/nowhere/pressure".into(),
    }
}

#[tokio::test]
async fn a_host_of_64_cores_without_swap_sensors_or_pressure_is_judged_by_what_it_has() {
    let vitals = HostVitals {
        at: Timestamp(0),
        cpu_percent: Some(1.0),
        cpu_cores: 64,
        memory_total_bytes: 1 << 40,
        memory_available_bytes: 1 << 39,
        swap_total_bytes: 0,
        swap_used_bytes: 0,
        load_average: [63.0; 3],
        disks: Vec::new(),
        uptime_seconds: 1,
    };
    let context = Context::silent("/nowhere".into());
    let settings = Arc::new(Settings::default());
    let check = async |sources, expect: &[(&str, CheckStatus, Option<f64>)]| {
        let checks = made_up(sources)
            .all_but_cpu(&vitals, &settings, &context)
            .await;
        let found: Vec<_> = checks
            .iter()
            .filter(|check| !check.id.starts_with("runtime"))
            .map(|check| (check.id.as_str(), check.status, check.observed))
            .collect();
        assert_eq!(found, expect);
    };
    let well = [
        ("memory", CheckStatus::Ok, Some(50.0)),
        ("swap", CheckStatus::Ok, Some(0.0)),
        ("load", CheckStatus::Ok, Some(0.98)),
    ];
    check(nothing_mounted(), &well).await;

    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("cpu"),
        "some avg10=0 avg60=1.5 avg300=0 total=0",
    )
    .unwrap();
    std::fs::write(folder.path().join("memory"), "odd").unwrap();
    let told = super::Sources {
        pressure: folder.path().into(),
        temperatures: || {
            vec![Temperature {
                sensor: "cpu".into(),
                celsius: 99.0,
                critical: None,
            }]
        },
        mounts: || Err(std::io::Error::other("gone")),
        load: || Err("gone".into()),
    };
    let expect = [
        ("memory", CheckStatus::Ok, Some(50.0)),
        ("swap", CheckStatus::Ok, Some(0.0)),
        ("load", CheckStatus::Unknown, None),
        ("disk:/", CheckStatus::Unknown, None),
        ("pressure:cpu", CheckStatus::Ok, Some(1.5)),
        ("pressure:memory", CheckStatus::Unknown, None),
        ("temperature:cpu", CheckStatus::Critical, Some(99.0)),
    ];
    check(told, &expect).await;
}

#[tokio::test]
async fn sensors_that_hang_make_one_check_unknown_and_the_rest_is_there_in_time() {
    let sources = super::Sources {
        temperatures: || loop {
            std::thread::park();
        },
        ..nothing_mounted()
    };
    let mut settings = Settings::default();
    settings.thresholds.probe_limit_ms = 100;
    let operation = HealthCheckOperation {
        sources,
        ..HealthCheckOperation::new(Arc::new(settings), None)
    };
    for _ in 0..3 {
        let started = Instant::now();
        let finished = operation
            .run(QUICK, &Context::silent("/nowhere".into()))
            .await
            .unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
        let report = finished.report();
        assert_eq!(
            find(report, "temperature:sensors").status,
            CheckStatus::Unknown
        );
        assert_ne!(find(report, "memory").status, CheckStatus::Unknown);
    }
    assert_eq!(operation.sensors.owed(), 1, "one thread, however often");
}

#[tokio::test]
async fn cancelling_stops_a_long_window_at_once() {
    let operation = HealthCheckOperation::new(Arc::new(Settings::default()), None);
    let artifacts = TempDir::new().unwrap();
    let context = Context::silent(artifacts.path().to_owned());
    let cancellation = context.cancellation.clone();
    let started = Instant::now();
    let params = HealthCheckParams {
        cpu_window_ms: 60_000,
    };
    let (result, ()) = tokio::join!(operation.run(params, &context), async {
        cancellation.cancel();
    });
    assert!(
        matches!(result, Err(OperationError::Cancelled { .. })),
        "{result:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_broken_configuration_is_an_error_not_the_default_thresholds() {
    struct Broken;
    impl SettingsSource for Broken {
        fn load(&self) -> Result<Settings, OperationError> {
            Err(OperationError::permanent(
                "config.toml, line 3: wrong",
                "correct it",
            ))
        }
    }
    let artifacts = TempDir::new().unwrap();
    let operation = HealthCheckOperation::new(Arc::new(Broken), None);
    let result = operation
        .run(QUICK, &Context::silent(artifacts.path().to_owned()))
        .await;
    assert!(
        matches!(result, Err(OperationError::Permanent { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn the_registry_runs_it_and_its_report_reads_back() {
    let registry = Registry::empty().with(HealthCheckOperation::new(
        Arc::new(Settings::default()),
        None,
    ));
    let artifacts = TempDir::new().unwrap();
    let params = serde_json::json!({ "cpu_window_ms": 200 });
    let context = Context::silent(artifacts.path().to_owned());
    let finished = registry
        .run(&"health-check".into(), params, &context)
        .await
        .unwrap();
    let report: HealthReport = serde_json::from_value(finished.report().clone()).unwrap();
    assert!(report.checks.len() >= 7);
    assert_eq!(
        artifacts.path().read_dir().unwrap().count(),
        0,
        "a look leaves nothing behind"
    );
}
