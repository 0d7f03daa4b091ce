//! `log-statistics`: figures of the queue, the runtime and the system, as one line of the statistics log.
//!
//! Rule: one task, one line of JSON, appended whole; what stands in the log already is never changed.
//! The line's form is written down in `docs/statistics.schema.json`.

mod log;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use upkeep_contract::Timestamp;
use upkeep_contract::operation::LOG_STATISTICS;
use upkeep_contract::params::LogStatisticsParams;
use upkeep_contract::statistics::{RuntimeStatistics, StatisticsReport};

use crate::history::TaskHistory;
use crate::host::host_name;
use crate::probes::runtime;
use crate::settings::SettingsSource;
use crate::vitals::SystemSampler;
use crate::{Context, Finished, Operation, OperationError};

/// The form of the event; a reader may rely on it until the number changes.
pub const EVENT_SCHEMA: u32 = 2;

const STEPS: u64 = 3;

/// The operation.
pub struct LogStatistics {
    settings: Arc<dyn SettingsSource>,
    history: Option<Arc<dyn TaskHistory>>,
}

impl LogStatistics {
    /// The operation over these settings, read anew at the start of each task.
    /// Without a history the report has no figures of the queue.
    pub fn new(settings: Arc<dyn SettingsSource>, history: Option<Arc<dyn TaskHistory>>) -> Self {
        Self { settings, history }
    }
}

/// The report as it stands in the log: one line of JSON for each `log-statistics`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Upkeep's statistics event")]
struct Event<'a> {
    /// Always `statistics`.
    #[serde(rename = "event")]
    kind: &'static str,
    /// The form of the event: a reader may rely on it until the number changes.
    schema: u32,
    /// RFC 3339 with the host's offset, for people; programs have `logged_at`.
    time: String,
    #[serde(flatten)]
    report: &'a StatisticsReport,
}

#[async_trait]
impl Operation for LogStatistics {
    type Params = LogStatisticsParams;
    type Report = StatisticsReport;

    fn id(&self) -> &'static str {
        LOG_STATISTICS
    }

    fn summary(&self) -> &'static str {
        "gathers figures of the queue, the runtime and the system, and logs them as one event"
    }

    fn deletes(&self) -> bool {
        false
    }

    async fn run(
        &self,
        params: LogStatisticsParams,
        context: &Context,
    ) -> Result<Finished<StatisticsReport>, OperationError> {
        let log_file = self.settings.load()?.statistics_log;
        context.progress(0, Some(STEPS), "steps", "measuring the system");
        let mut sampler = SystemSampler::new();
        sampler.sample_without_disks(context.clock.now());
        tokio::select! {
            () = tokio::time::sleep(SystemSampler::SHORTEST_CPU_WINDOW + Duration::from_millis(5)) => {}
            () = context.cancellation.cancelled() => return Err(OperationError::Cancelled { report: None }),
        }

        let logged_at = context.clock.now();
        context.progress(1, Some(STEPS), "steps", "reading the task history");
        let queue = match &self.history {
            Some(history) => {
                let range = Duration::from_secs(u64::from(params.range_hours) * 3600);
                Some(
                    history
                        .statistics(logged_at.minus(range), logged_at)
                        .await?,
                )
            }
            None => None,
        };
        let report = StatisticsReport {
            host: host_name(),
            logged_at,
            queue,
            runtime: runtime_statistics(),
            system: sampler.sample(logged_at),
            log_file: log_file.display().to_string(),
        };
        if context.is_cancelled() {
            return Err(OperationError::Cancelled { report: None });
        }

        context.progress(2, Some(STEPS), "steps", "writing the log");
        let line = line_of(&report)?;
        tracing::info!(target: "upkeep::statistics", event = %line.trim_end(), "statistics");
        tokio::task::spawn_blocking(move || log::append(&log_file, &line, log::ROTATION))
            .await
            .map_err(|error| {
                OperationError::transient(
                    format!("writing the statistics broke off: {error}"),
                    "run it again",
                )
            })??;
        context.progress(STEPS, Some(STEPS), "steps", "done");
        context.info(format!("wrote one event to {}", report.log_file));
        Ok(Finished::Succeeded(report))
    }
}

fn line_of(report: &StatisticsReport) -> Result<String, OperationError> {
    let event = Event {
        kind: "statistics",
        schema: EVENT_SCHEMA,
        time: rfc3339(report.logged_at),
        report,
    };
    let mut line = serde_json::to_string(&event).map_err(|error| {
        OperationError::permanent(
            format!("cannot write the statistics as JSON: {error}"),
            "report this as a defect",
        )
    })?;
    line.push('\n');
    Ok(line)
}

/// Figures of the async runtime that polls the caller.
pub fn runtime_statistics() -> RuntimeStatistics {
    runtime::statistics(runtime::process_age().unwrap_or_default())
}

/// The form of a line of the log as a JSON Schema.
pub fn event_schema() -> serde_json::Value {
    schemars::schema_for!(Event<'_>).to_value()
}

/// RFC 3339 with the host's offset; times that no calendar has become the nearest it has.
fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    let offset = jiff::tz::TimeZone::system().to_offset(time);
    time.display_with_offset(offset).to_string()
}

#[cfg(test)]
mod tests;
