//! What the configuration file says.

use serde::Deserialize;
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::worker::ClaimStrategy;

use crate::health::{HealthSettings, HealthTable};

/// The name of the one location that a new installation has.
pub const OWN_TEMPORARY_NAME: &str = "upkeep-temporary";

/// What the configuration file says. There is no default: a location exists only where a file names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Locations, also those turned off.
    pub locations: Vec<LocationSettings>,
    /// Run stores, also those turned off.
    pub run_stores: Vec<RunStoreSettings>,
    /// How the worker of this installation works.
    pub worker: WorkerSettings,
    /// Thresholds of the health checks.
    pub health: HealthSettings,
}

/// `[worker]`: how the worker of this installation works.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerSettings {
    /// Whether the app runs a worker inside itself.
    pub embedded: bool,
    /// How many tasks it performs at once.
    pub concurrency: u32,
    /// In which order it takes the tasks that are due.
    pub strategy: ClaimStrategy,
    /// Seconds after which a worker that gives no sign of life loses its tasks to another.
    pub lease_seconds: u64,
}

impl WorkerSettings {
    /// How many tasks one worker may perform at once.
    pub(crate) const CONCURRENCY: std::ops::RangeInclusive<u64> = 1..=64;
    /// Below two seconds a busy disk looks like a dead worker; above an hour nobody waits.
    pub(crate) const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 2..=3600;
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            embedded: true,
            concurrency: 2,
            strategy: ClaimStrategy::default(),
            lease_seconds: 10,
        }
    }
}

/// The whole file as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConfigurationTable {
    locations: Vec<LocationSettings>,
    run_stores: Vec<RunStoreSettings>,
    worker: WorkerSettings,
    health: HealthTable,
}

impl From<ConfigurationTable> for Configuration {
    fn from(table: ConfigurationTable) -> Self {
        Self {
            locations: table.locations,
            run_stores: table.run_stores,
            worker: table.worker,
            health: table.health.into(),
        }
    }
}
