//! What the configuration file says.

use serde::Deserialize;
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_contract::thresholds::Thresholds;
use upkeep_contract::worker::ClaimStrategy;

use crate::health::HealthTable;

/// The name of the one location that a new installation has.
pub const OWN_TEMPORARY_NAME: &str = "upkeep-temporary";

/// What the configuration file says. There is no default: a location exists only where a file names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Locations, also those turned off.
    pub locations: Vec<LocationSettings>,
    /// Run stores, also those turned off.
    pub run_stores: Vec<RunStoreSettings>,
    /// What holds for every cleanup.
    pub cleaning: CleaningSettings,
    /// How the worker of this installation works.
    pub worker: WorkerSettings,
    /// Thresholds of the health checks.
    pub health: Thresholds,
}

impl Configuration {
    /// What an empty file says.
    pub(crate) fn empty() -> Self {
        Self::from(ConfigurationTable::default())
    }
}

/// `[cleaning]`: what holds for every cleanup.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleaningSettings {
    /// A plan older than this many hours is no longer executed.
    pub plan_max_age_hours: u32,
}

impl CleaningSettings {
    /// At least the time it takes to read a preview; what was shown a month ago nobody remembers.
    pub(crate) const PLAN_MAX_AGE_HOURS: std::ops::RangeInclusive<u32> = 1..=720;
}

impl Default for CleaningSettings {
    fn default() -> Self {
        Self {
            plan_max_age_hours: 24,
        }
    }
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
    pub(crate) const CONCURRENCY: std::ops::RangeInclusive<u64> = 1..=256;
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
    cleaning: CleaningSettings,
    worker: WorkerSettings,
    health: HealthTable,
}

impl From<ConfigurationTable> for Configuration {
    fn from(table: ConfigurationTable) -> Self {
        Self {
            locations: table.locations,
            run_stores: table.run_stores,
            cleaning: table.cleaning,
            worker: table.worker,
            health: table.health.into(),
        }
    }
}
