//! `health-check`: looks at this host, the runtime, the queue and the workers, and judges what it sees.
//!
//! Rule: each probe stands alone. One that fails or hangs makes its own check unknown and
//! never the whole task fail; a host in a critical state is a check that succeeded.

mod host;
mod judge;
mod queue;
mod remedies;
mod storage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use upkeep_contract::health::{CheckStatus, HealthCheck, HealthReport, HealthStatus};
use upkeep_contract::operation::HEALTH_CHECK;
use upkeep_contract::params::HealthCheckParams;
use upkeep_contract::worker::HostVitals;

use crate::history::TaskHistory;
use crate::host::host_name;
use crate::probes::limit::Asker;
use crate::probes::mounts::{Mount, data_mounts};
use crate::probes::temperature::Temperature;
use crate::probes::{pressure, runtime, temperature};
use crate::settings::{Measure, Settings, SettingsSource};
use crate::vitals::{SystemSampler, load_of_last_minute};
use crate::{Context, Finished, Operation, OperationError};
use storage::Storage;

/// Where the figures come from; tests give a host of their own making.
struct Sources {
    load: fn() -> Result<f64, String>,
    mounts: fn() -> std::io::Result<Vec<Mount>>,
    temperatures: fn() -> Vec<Temperature>,
    pressure: PathBuf,
}

impl Default for Sources {
    /// This host.
    fn default() -> Self {
        Self {
            load: load_of_last_minute,
            mounts: data_mounts,
            temperatures: temperature::read,
            pressure: PathBuf::from(pressure::FOLDER),
        }
    }
}

/// The operation.
pub struct HealthCheckOperation {
    settings: Arc<dyn SettingsSource>,
    history: Option<Arc<dyn TaskHistory>>,
    sources: Sources,
    storage: Storage,
    sensors: Asker<Vec<Temperature>>,
}

impl HealthCheckOperation {
    /// The operation over these settings, read anew at the start of each task.
    /// Without a history the checks `queue`, `workers` and `database` are left out.
    pub fn new(settings: Arc<dyn SettingsSource>, history: Option<Arc<dyn TaskHistory>>) -> Self {
        Self {
            settings,
            history,
            sources: Sources::default(),
            storage: Storage::default(),
            sensors: Asker::default(),
        }
    }

    /// Every check but `cpu`, which needs the whole window. All that may hang is asked at once.
    async fn all_but_cpu(
        &self,
        vitals: &HostVitals,
        settings: &Arc<Settings>,
        context: &Context,
    ) -> Vec<HealthCheck> {
        let thresholds = &settings.thresholds;
        let limit = Duration::from_millis(thresholds.probe_limit_ms);
        // before anything here spawns a task of its own
        let age = runtime::process_age().unwrap_or_default();
        let runtime = host::runtime(&runtime::statistics(age), thresholds);
        let mut checks = vec![
            host::memory(vitals, thresholds.of(Measure::Memory)),
            host::swap(vitals, thresholds.of(Measure::Swap)),
            host::load(
                (self.sources.load)(),
                vitals.cpu_cores,
                thresholds.of(Measure::Load),
            ),
        ];
        context.progress(
            count(&checks),
            None,
            "checks",
            "looking at the file systems",
        );
        let (storage, temperatures, queue) = tokio::join!(
            self.storage.checks((self.sources.mounts)(), settings),
            self.sensors
                .ask(Path::new("sensors"), limit, self.sources.temperatures),
            queue::checks(self.history.as_deref(), thresholds, limit),
        );
        checks.extend(storage);
        let pressures = pressure::read_in(&self.sources.pressure);
        checks.extend(
            pressures
                .iter()
                .map(|found| host::pressure(found, thresholds)),
        );
        checks.extend(host::temperatures(
            temperatures,
            thresholds.of(Measure::Temperature),
        ));
        checks.extend(runtime);
        checks.extend(queue);
        context.progress(
            count(&checks),
            Some(count(&checks) + 1),
            "checks",
            "measuring the processor's use",
        );
        checks
    }
}

#[async_trait]
impl Operation for HealthCheckOperation {
    type Params = HealthCheckParams;
    type Report = HealthReport;

    fn id(&self) -> &'static str {
        HEALTH_CHECK
    }

    fn summary(&self) -> &'static str {
        "checks processor, memory, disks, load, the async runtime, the queue and the workers against thresholds"
    }

    fn deletes(&self) -> bool {
        false
    }

    async fn run(
        &self,
        params: HealthCheckParams,
        context: &Context,
    ) -> Result<Finished<HealthReport>, OperationError> {
        let started = Instant::now();
        let checked_at = context.clock.now();
        let settings = Arc::new(self.settings.load()?);
        let window = Duration::from_millis(u64::from(params.cpu_window_ms));

        let mut sampler = SystemSampler::new();
        let vitals = sampler.sample_without_disks(checked_at);
        let (others, ()) = tokio::select! {
            looked = async { tokio::join!(self.all_but_cpu(&vitals, &settings, context), tokio::time::sleep(window)) } => looked,
            () = context.cancellation.cancelled() => return Err(OperationError::Cancelled { report: None }),
        };
        let cpu = sampler
            .sample_without_disks(context.clock.now())
            .cpu_percent;

        let mut checks = vec![host::cpu(cpu, window, settings.thresholds.of(Measure::Cpu))];
        checks.extend(others);
        context.progress(count(&checks), Some(count(&checks)), "checks", "done");
        let report = HealthReport {
            status: HealthStatus::worst_of(checks.iter().map(|check| check.status)),
            host: host_name(),
            checked_at,
            cpu_window_ms: params.cpu_window_ms,
            checks,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        tell(&report, context);
        Ok(Finished::Succeeded(report))
    }
}

/// Logs what is not well.
fn tell(report: &HealthReport, context: &Context) {
    let troubled = report
        .checks
        .iter()
        .filter(|check| check.status != CheckStatus::Ok);
    for check in troubled {
        context.warn(format!("{}: {}", check.id, check.message));
    }
    context.info(format!(
        "{} checks, {}",
        report.checks.len(),
        word(report.status)
    ));
}

fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "healthy",
        HealthStatus::Degraded => "degraded",
        HealthStatus::Critical => "critical",
        HealthStatus::Unknown => "unknown",
    }
}

fn count(checks: &[HealthCheck]) -> u64 {
    checks.len() as u64
}

#[cfg(test)]
mod tests;
