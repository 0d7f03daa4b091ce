//! The event in the log is the report, whole, and nothing else is touched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tempfile::TempDir;
use upkeep_contract::operation::CLEANUP_RUNS;
use upkeep_contract::params::LogStatisticsParams;
use upkeep_contract::statistics::{Failures, QueueStatistics, StateCount, StatisticsReport};
use upkeep_contract::task::TaskState;
use upkeep_contract::{Clock, OperationId, TaskId, Timestamp};

use super::{LogStatistics, event_schema};
use crate::history::{FinishedTask, QueueHealth, TaskHistory};
use crate::settings::Settings;
use crate::{Context, Operation, OperationError};

/// A history that tells the range it was asked for, or is away.
struct History {
    away: bool,
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
        from: Timestamp,
        to: Timestamp,
    ) -> Result<QueueStatistics, OperationError> {
        if self.away {
            return Err(gone());
        }
        let count = StateCount {
            operation: OperationId::from(CLEANUP_RUNS),
            state: TaskState::Failed,
            count: 3,
        };
        Ok(QueueStatistics {
            from,
            to,
            counts: vec![count],
            success_rate: Some(0.75),
            duration: None,
            waiting: None,
            throughput: Vec::new(),
            queued_now: 2,
            running_now: 1,
            oldest_waiting_ms: Some(1234),
            host: None,
            operation: None,
            operations: Vec::new(),
            slowest: Vec::new(),
            failures: Failures::default(),
            method: "by hand".to_owned(),
        })
    }

    async fn health(&self) -> Result<QueueHealth, OperationError> {
        Err(gone())
    }
}

async fn log(
    file: &Path,
    history: Option<History>,
    hours: u32,
) -> Result<StatisticsReport, OperationError> {
    let settings = Settings {
        statistics_log: file.to_owned(),
        ..Settings::default()
    };
    let history = history.map(|history| Arc::new(history) as Arc<dyn TaskHistory>);
    let operation = LogStatistics::new(Arc::new(settings), history);
    let context = Context::silent(PathBuf::from("/nonexistent"));
    let finished = operation
        .run(LogStatisticsParams { range_hours: hours }, &context)
        .await?;
    Ok(finished.report().clone())
}

fn lines(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_logged_line_reads_back_as_the_report() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("data/logs/statistics.jsonl");
    let report = log(&file, Some(History { away: false }), 24).await.unwrap();
    let lines = lines(&file);
    assert_eq!(lines.len(), 1);
    assert_eq!(
        serde_json::from_str::<StatisticsReport>(&lines[0]).unwrap(),
        report
    );
    let event: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(event["event"], "statistics");
    assert_eq!(event["schema"], 2);
    let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(time.as_millisecond(), report.logged_at.as_millis());
    assert_eq!(report.log_file, file.display().to_string());
}

#[tokio::test]
async fn each_task_adds_one_line_and_keeps_the_earlier_ones() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("statistics.jsonl");
    log(&file, None, 1).await.unwrap();
    let first = lines(&file);
    log(&file, None, 1).await.unwrap();
    let both = lines(&file);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0], first[0]);
}

#[tokio::test]
async fn an_event_is_not_glued_to_one_that_was_cut_short() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("statistics.jsonl");
    std::fs::write(&file, "{\"event\":\"stat").unwrap();
    log(&file, None, 1).await.unwrap();
    let lines = lines(&file);
    assert_eq!(lines[0], "{\"event\":\"stat");
    assert!(serde_json::from_str::<StatisticsReport>(&lines[1]).is_ok());
}

#[tokio::test]
async fn the_queue_s_figures_cover_the_hours_asked_for() {
    let folder = TempDir::new().unwrap();
    let report = log(
        &folder.path().join("log"),
        Some(History { away: false }),
        48,
    )
    .await
    .unwrap();
    let queue = report.queue.unwrap();
    assert_eq!(queue.to, report.logged_at);
    assert_eq!(queue.to.since(queue.from).as_secs(), 48 * 3600);
    assert_eq!((queue.queued_now, queue.counts[0].count), (2, 3));
    let direct = log(&folder.path().join("log"), None, 48).await.unwrap();
    assert_eq!(direct.queue, None, "a direct call has no queue");
}

#[tokio::test]
async fn the_system_s_and_the_runtime_s_figures_are_real() {
    let folder = TempDir::new().unwrap();
    let before = upkeep_contract::SystemClock.now();
    let report = log(&folder.path().join("log"), None, 1).await.unwrap();
    assert!(report.logged_at >= before && report.system.at == report.logged_at);
    assert!(
        report.system.cpu_percent.is_some(),
        "two samples were taken"
    );
    assert!(report.system.memory_total_bytes > report.system.memory_available_bytes);
    assert!(report.runtime.worker_threads >= 1);
    assert!((0.0..=100.0).contains(&report.runtime.busy_percent));
}

#[tokio::test]
async fn a_history_that_is_away_is_tried_again_and_nothing_is_logged() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log");
    let result = log(&file, Some(History { away: true }), 1).await;
    assert!(
        matches!(result, Err(OperationError::Transient { .. })),
        "{result:?}"
    );
    assert!(!file.exists());
}

#[tokio::test]
async fn a_log_that_cannot_be_written_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    std::fs::write(path.join("file"), "mine").unwrap();
    let check = async |file: PathBuf, transient: bool, hint: &str| {
        let error = log(&file, None, 1).await.unwrap_err();
        assert_eq!(
            matches!(error, OperationError::Transient { .. }),
            transient,
            "{error:?}"
        );
        assert!(
            error.to_string().contains(&file.display().to_string()),
            "{error}"
        );
        assert!(error.hint().contains(hint), "{error:?}");
    };
    check(path.to_owned(), false, "move the folder away").await;
    check(
        path.join("file/statistics.jsonl"),
        false,
        "move the file away",
    )
    .await;
    #[cfg(target_os = "linux")]
    {
        let full = path.join("full.jsonl");
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        check(full, true, "make room").await;
    }
    assert_eq!(std::fs::read_to_string(path.join("file")).unwrap(), "mine");
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_and_its_folder_are_their_owner_s_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("logs/statistics.jsonl");
    log(&file, None, 1).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file.parent().unwrap()), mode(&file)), (0o700, 0o600));
}

#[tokio::test]
async fn cancelling_leaves_no_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log");
    let settings = Settings {
        statistics_log: file.clone(),
        ..Settings::default()
    };
    let context = Context::silent(PathBuf::from("/nonexistent"));
    context.cancellation.cancel();
    let operation = LogStatistics::new(Arc::new(settings), None);
    let result = operation
        .run(LogStatisticsParams::default(), &context)
        .await;
    assert!(
        matches!(result, Err(OperationError::Cancelled { .. })),
        "{result:?}"
    );
    assert!(!file.exists());
}

/// Where the form of the event is written down for whoever reads the log.
fn schema_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/statistics.schema.json")
}

#[test]
fn the_schema_that_is_written_down_is_the_event_s() {
    let now = serde_json::to_string_pretty(&event_schema()).unwrap() + "\n";
    if std::env::var_os("UPKEEP_UPDATE_GENERATED").is_some() {
        std::fs::write(schema_file(), &now).unwrap();
    }
    let written = std::fs::read_to_string(schema_file()).unwrap_or_default();
    assert!(
        written == now,
        "docs/statistics.schema.json is old: run `make types` and raise EVENT_SCHEMA if readers must know"
    );
}

#[tokio::test]
async fn an_event_is_valid_under_the_schema_and_a_wrong_one_is_not() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("statistics.jsonl");
    log(&file, Some(History { away: false }), 24).await.unwrap();
    log(&file, None, 1).await.unwrap();
    let schema = std::fs::read_to_string(schema_file()).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for line in lines(&file) {
        let event: Value = serde_json::from_str(&line).unwrap();
        let problems: Vec<String> = schema
            .iter_errors(&event)
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{problems:?}");
        for part in ["event", "schema", "time", "host", "runtime", "system"] {
            let mut without = event.clone();
            without.as_object_mut().unwrap().remove(part);
            assert!(!schema.is_valid(&without), "{part} may be missing");
        }
    }
}
