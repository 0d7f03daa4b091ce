//! How a worker works.

use std::time::Duration;

use upkeep_config::{Configuration, WorkerSettings};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_operations::host::host_name;

/// How a worker works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// The host it says it lives on; tasks for another host are left alone.
    pub host: String,
    /// True when it lives inside the desktop app.
    pub embedded: bool,
    /// How many tasks it performs at once, at least 1.
    pub concurrency: u32,
    /// In which order it takes tasks.
    pub strategy: ClaimStrategy,
    /// After this long without a heartbeat its tasks go to another worker.
    pub lease: Duration,
    /// How long [`crate::RunningWorker::stop`] lets attempts end by themselves before it hands them back.
    pub grace: Duration,
}

impl WorkerOptions {
    /// The options that the configuration names, the others by default.
    pub fn from_configuration(configuration: &Configuration) -> Self {
        Self::from_settings(&configuration.worker)
    }

    fn from_settings(worker: &WorkerSettings) -> Self {
        Self {
            host: host_name(),
            embedded: false,
            concurrency: worker.concurrency,
            strategy: worker.strategy,
            lease: Duration::from_secs(worker.lease_seconds),
            grace: Duration::ZERO,
        }
    }

    /// Three heartbeats fit into a lease, so one that is late costs nothing; and however long the lease,
    /// the registry hears of the worker before it calls it stale.
    pub(crate) fn heartbeat(&self) -> Duration {
        (self.lease * 3 / 10).clamp(Duration::from_millis(50), Duration::from_secs(3))
    }

    /// How often leases that ran out are looked for: a tenth of a lease, so that a killed worker's
    /// task is taken up soon after its lease ended.
    pub(crate) fn rescue_look(&self) -> Duration {
        (self.lease / 10).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self::from_settings(&WorkerSettings::default())
    }
}
