//! What the operations need of the configuration, read anew at the start of each task.

use std::path::PathBuf;
use std::time::Duration;

use upkeep_contract::settings::{LocationSettings, RunStoreSettings};

use crate::OperationError;

/// Warning and critical thresholds of one check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// At or above this the check warns.
    pub warning: f64,
    /// At or above this it is critical.
    pub critical: f64,
}

impl Threshold {
    /// Thresholds from two numbers of the check's unit.
    pub const fn new(warning: f64, critical: f64) -> Self {
        Self { warning, critical }
    }
}

/// Thresholds of all checks. The defaults are those of the example in README.md, "Configuration".
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// Percent of all cores, mean over the window.
    pub cpu: Threshold,
    /// Percent of memory not available.
    pub memory: Threshold,
    /// Percent of swap in use.
    pub swap: Threshold,
    /// Percent of each file system in use.
    pub disk: Threshold,
    /// Below this many bytes available a disk warns whatever its percentage, but only when it is larger than ten times this.
    pub disk_floor_bytes: u64,
    /// Percent of each file system's inodes in use.
    pub inodes: Threshold,
    /// One-minute load average per core.
    pub load: Threshold,
    /// Async tasks alive in the worker.
    pub runtime_alive_tasks: Threshold,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            cpu: Threshold::new(90.0, 98.0),
            memory: Threshold::new(80.0, 95.0),
            swap: Threshold::new(80.0, 95.0),
            disk: Threshold::new(90.0, 95.0),
            disk_floor_bytes: 1 << 30,
            inodes: Threshold::new(90.0, 95.0),
            load: Threshold::new(1.0, 2.0),
            runtime_alive_tasks: Threshold::new(100.0, 1000.0),
        }
    }
}

/// What the operations need of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Configured locations, also those turned off.
    pub locations: Vec<LocationSettings>,
    /// Configured run stores, also those turned off.
    pub run_stores: Vec<RunStoreSettings>,
    /// An older plan is no longer executed.
    pub plan_max_age: Duration,
    /// Folders and files of this installation: no location may hold, equal or lie inside one of them.
    pub protected: Vec<PathBuf>,
    /// The only folder inside `protected` that may itself be a location: Upkeep's own temporary folder.
    pub own_temporary: Option<PathBuf>,
    /// Thresholds of the health checks.
    pub thresholds: Thresholds,
    /// Where `log-statistics` appends its event.
    pub statistics_log: PathBuf,
}

impl Default for Settings {
    /// Nothing that may be cleaned.
    fn default() -> Self {
        Self {
            locations: Vec::new(),
            run_stores: Vec::new(),
            plan_max_age: Duration::from_hours(24),
            protected: Vec::new(),
            own_temporary: None,
            thresholds: Thresholds::default(),
            statistics_log: PathBuf::new(),
        }
    }
}

/// Where settings come from.
pub trait SettingsSource: Send + Sync + 'static {
    /// The settings as they are now.
    ///
    /// # Errors
    /// [`OperationError::Permanent`] when the configuration cannot be used; nothing may be cleaned then.
    fn load(&self) -> Result<Settings, OperationError>;
}

/// Settings that never change; for tests and direct calls.
impl SettingsSource for Settings {
    fn load(&self) -> Result<Settings, OperationError> {
        Ok(self.clone())
    }
}
