//! The configuration file as the operations see it, read anew at the start of each task.

use std::time::Duration;

use upkeep_config::{ConfigError, Configuration, Folders};
use upkeep_operations::OperationError;
use upkeep_operations::settings::{Settings, SettingsSource};

/// Settings from an installation's configuration file.
#[derive(Clone, Debug)]
pub struct FolderSettings(pub Folders);

impl SettingsSource for FolderSettings {
    fn load(&self) -> Result<Settings, OperationError> {
        operation_settings(&self.0)
    }
}

/// What the operations need of an installation's configuration, as it is now.
///
/// # Errors
/// [`OperationError::Permanent`] when the file cannot be used; nothing may be cleaned then.
pub fn operation_settings(folders: &Folders) -> Result<Settings, OperationError> {
    let configuration =
        Configuration::read(&folders.config_file()).map_err(|error| unusable(&error))?;
    Ok(Settings {
        locations: configuration.locations,
        run_stores: configuration.run_stores,
        plan_max_age: Duration::from_hours(configuration.cleaning.plan_max_age_hours.into()),
        protected: folders.protected(),
        own_temporary: Some(folders.own_temporary().to_owned()),
        thresholds: configuration.health,
        statistics_log: folders.statistics_log(),
    })
}

fn unusable(error: &ConfigError) -> OperationError {
    OperationError::permanent(error.to_string(), error.hint())
}
