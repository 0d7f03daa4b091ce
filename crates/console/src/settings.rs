//! Settings: what the configuration says, what this host says of it, and changing it.
//!
//! Rule: a folder that may not be cleaned cannot be turned on here, and every change is audited.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upkeep_config::{Configuration, Folders, WorkerSettings, suggestions, without_password};
use upkeep_contract::ErrorReply;
use upkeep_contract::event::Change;
use upkeep_contract::settings::{
    LocationSettings, LocationView, RunStoreSettings, RunStoreView, SettingsView,
};
use upkeep_contract::thresholds::{HealthNumber, HealthSettingsView, Measure, Threshold};
use upkeep_operations::deletion::check_location;
use upkeep_operations::host::host_name;
use upkeep_operations::settings::Settings;
use upkeep_worker::operation_settings;

use crate::{Console, ConsoleError};

/// What is asked of this host about one folder.
struct Folder {
    name: String,
    path: PathBuf,
    enabled: bool,
    allow_mount_root: bool,
}

impl From<&LocationSettings> for Folder {
    fn from(location: &LocationSettings) -> Self {
        Self {
            name: location.name.clone(),
            path: PathBuf::from(&location.path),
            enabled: location.enabled,
            allow_mount_root: location.allow_mount_root,
        }
    }
}

impl From<&RunStoreSettings> for Folder {
    fn from(store: &RunStoreSettings) -> Self {
        Self {
            name: store.name.clone(),
            path: PathBuf::from(&store.path),
            enabled: store.enabled,
            allow_mount_root: store.allow_mount_root,
        }
    }
}

impl Folder {
    /// What is turned off is not cleaned, so nothing has to be said against it.
    fn check(&self, settings: &Settings) -> Result<(), ConsoleError> {
        if !self.enabled {
            return Ok(());
        }
        check_location(&self.path, self.allow_mount_root, settings).map_err(|refusal| {
            ConsoleError::Refused {
                name: self.name.clone(),
                refusal,
            }
        })
    }

    fn problem(&self, settings: &Settings) -> Option<ErrorReply> {
        self.check(settings).err().map(ErrorReply::from)
    }
}

impl Console {
    /// What the Settings page shows. A wrong configuration is part of the answer, not an error.
    ///
    /// # Errors
    /// [`ConsoleError::Defect`] only.
    pub async fn settings(&self) -> Result<SettingsView, ConsoleError> {
        settings_view(&self.folders, &self.database_url, &self.host).await
    }

    /// Adds a location, or puts it in the place of the one called `previous_name`.
    ///
    /// # Errors
    /// [`ConsoleError::Refused`] when it is turned on and may not be cleaned; [`ConsoleError::Config`]
    /// when its name or path cannot be used or the present file is wrong. The file is as it was then.
    pub async fn save_location(
        &self,
        previous_name: Option<String>,
        location: LocationSettings,
    ) -> Result<SettingsView, ConsoleError> {
        let parameters = json!({
            "change": "save_location", "previous_name": previous_name, "location": location,
        });
        let name = location.name.clone();
        self.checked(Folder::from(&location)).await?;
        self.change(&name, parameters, move |file| {
            upkeep_config::save_location(file, previous_name.as_deref(), &location)
        })
        .await
    }

    /// Removes a location from the configuration; the folder stays.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when there is none of that name or the present file is wrong.
    pub async fn remove_location(&self, name: String) -> Result<SettingsView, ConsoleError> {
        let parameters = json!({"change": "remove_location"});
        self.change(&name.clone(), parameters, move |file| {
            upkeep_config::remove_location(file, &name)
        })
        .await
    }

    /// Adds a run store, or puts it in the place of the one called `previous_name`.
    ///
    /// # Errors
    /// As [`Console::save_location`].
    pub async fn save_run_store(
        &self,
        previous_name: Option<String>,
        store: RunStoreSettings,
    ) -> Result<SettingsView, ConsoleError> {
        let parameters = json!({
            "change": "save_run_store", "previous_name": previous_name, "run_store": store,
        });
        let name = store.name.clone();
        self.checked(Folder::from(&store)).await?;
        self.change(&name, parameters, move |file| {
            upkeep_config::save_run_store(file, previous_name.as_deref(), &store)
        })
        .await
    }

    /// Removes a run store from the configuration; the folder stays.
    ///
    /// # Errors
    /// As [`Console::remove_location`].
    pub async fn remove_run_store(&self, name: String) -> Result<SettingsView, ConsoleError> {
        let parameters = json!({"change": "remove_run_store"});
        self.change(&name.clone(), parameters, move |file| {
            upkeep_config::remove_run_store(file, &name)
        })
        .await
    }

    /// Turns the worker inside the app on or off, from the app's next start.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when the present file is wrong or cannot be written.
    pub async fn set_embedded_worker(&self, enabled: bool) -> Result<SettingsView, ConsoleError> {
        let parameters = json!({"change": "set_embedded_worker", "enabled": enabled});
        self.change("worker.embedded", parameters, move |file| {
            upkeep_config::set_embedded_worker(file, enabled)
        })
        .await
    }

    /// Sets both thresholds of one check of the health check, or none to go back to the defaults.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when there is no such check, the thresholds are out of range or the wrong way
    /// round, or the present file is wrong. The file is as it was then.
    pub async fn save_threshold(
        &self,
        key: String,
        threshold: Option<Threshold>,
    ) -> Result<SettingsView, ConsoleError> {
        let measure = Measure::of_key(&key).ok_or_else(|| no_such_setting(&key))?;
        let parameters = json!({"change": "save_threshold", "threshold": threshold});
        self.change(&format!("health.{key}"), parameters, move |file| {
            upkeep_config::set_threshold(file, measure, threshold)
        })
        .await
    }

    /// Sets a number of the health check, or none to go back to the default.
    ///
    /// # Errors
    /// As [`Console::save_threshold`].
    pub async fn save_health_number(
        &self,
        key: String,
        value: Option<u64>,
    ) -> Result<SettingsView, ConsoleError> {
        let number = HealthNumber::of_key(&key).ok_or_else(|| no_such_setting(&key))?;
        let parameters = json!({"change": "save_health_number", "value": value});
        self.change(&format!("health.{key}"), parameters, move |file| {
            upkeep_config::set_health_number(file, number, value)
        })
        .await
    }

    async fn checked(&self, folder: Folder) -> Result<(), ConsoleError> {
        let (_, settings) = read_settings(&self.folders)?;
        blocking(move || folder.check(&settings)).await
    }

    /// Changes the file, records who did it, tells who listens, and returns what is so now.
    async fn change(
        &self,
        subject: &str,
        parameters: Value,
        edit: impl FnOnce(&Path) -> Result<(), upkeep_config::ConfigError> + Send + 'static,
    ) -> Result<SettingsView, ConsoleError> {
        let file = self.config_file();
        blocking(move || Ok(edit(&file)?)).await?;
        self.queue.announce(Change::Settings);
        self.queue
            .record(&self.requester, "change_settings", subject, &parameters)
            .await
            .map_err(ConsoleError::NotRecorded)?;
        self.settings().await
    }
}

/// What the Settings page shows of an installation, without its database: nothing is made, nothing opened.
/// A wrong or missing configuration is part of the answer, not an error.
///
/// # Errors
/// [`ConsoleError::Defect`] only.
pub async fn installation_settings(
    folders: &Folders,
    database_url: &str,
) -> Result<SettingsView, ConsoleError> {
    settings_view(folders, database_url, &host_name()).await
}

async fn settings_view(
    folders: &Folders,
    database_url: &str,
    host: &str,
) -> Result<SettingsView, ConsoleError> {
    let mut view = SettingsView {
        config_file: folders.config_file().display().to_string(),
        data_folder: folders.data().display().to_string(),
        database: without_password(database_url),
        embedded_worker: WorkerSettings::default().embedded,
        host: host.to_owned(),
        locations: Vec::new(),
        run_stores: Vec::new(),
        own_temporary: folders.own_temporary().display().to_string(),
        suggestions: Vec::new(),
        health: HealthSettingsView::default(),
        error: None,
    };
    let (configuration, settings) = match read_settings(folders) {
        Ok(both) => both,
        Err(error) => {
            view.error = Some(error.into());
            return Ok(view);
        }
    };
    let folders = folders.clone();
    // looking at a folder can take long: it may lie on a file server that is away
    blocking(move || {
        view.embedded_worker = configuration.worker.embedded;
        view.suggestions = suggestions(&folders, &configuration);
        view.health = HealthSettingsView::from(&configuration.health);
        view.locations = configuration
            .locations
            .into_iter()
            .map(|location| LocationView {
                problem: Folder::from(&location).problem(&settings),
                settings: location,
            })
            .collect();
        view.run_stores = configuration
            .run_stores
            .into_iter()
            .map(|store| RunStoreView {
                problem: Folder::from(&store).problem(&settings),
                settings: store,
            })
            .collect();
        Ok(view)
    })
    .await
}

fn read_settings(folders: &Folders) -> Result<(Configuration, Settings), ConsoleError> {
    let configuration = Configuration::read(&folders.config_file())?;
    Ok((configuration, operation_settings(folders)?))
}

fn no_such_setting(key: &str) -> ConsoleError {
    upkeep_config::ConfigError::Refused {
        key: format!("health.{key}"),
        fault: upkeep_config::Fault::NoSuchSetting,
    }
    .into()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConsoleError> + Send + 'static,
) -> Result<T, ConsoleError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ConsoleError::Defect(format!("the settings broke down: {error}")))?
}
