//! What the operations need of the configuration, read anew at the start of each task.

use std::path::PathBuf;
use std::time::Duration;

use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
pub use upkeep_contract::thresholds::{Measure, Threshold, Thresholds};

use crate::OperationError;

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
