//! Settings: what the configuration says, and what this host says of it.

use std::path::PathBuf;

use upkeep_config::{
    Configuration, DATABASE_VARIABLE, Folders, read_with_base, suggestions, value_settings,
    without_password,
};
use upkeep_contract::ErrorReply;
use upkeep_contract::settings::{
    LocationSettings, LocationView, RunStoreSettings, RunStoreView, SettingsView,
};
use upkeep_contract::thresholds::HealthSettingsView;
use upkeep_operations::deletion::check_location;
use upkeep_operations::host::host_name;
use upkeep_operations::settings::Settings;
use upkeep_worker::operation_settings;

use crate::{Console, ConsoleError};

/// What is asked of this host about one folder.
pub(crate) struct Folder {
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
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), ConsoleError> {
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
        read_into(self.bare_view(), self.folders.clone()).await
    }

    /// What is known without the configuration.
    pub(crate) fn bare_view(&self) -> SettingsView {
        bare_view(&self.folders, &self.database_url, &self.host)
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
    let view = bare_view(folders, database_url, &host_name());
    read_into(view, folders.clone()).await
}

fn bare_view(folders: &Folders, database_url: &str, host: &str) -> SettingsView {
    SettingsView {
        config_file: folders.config_file().display().to_string(),
        data_folder: folders.data().display().to_string(),
        base: String::new(),
        database: without_password(database_url),
        database_variable: (database_url != folders.database_url(None))
            .then(|| DATABASE_VARIABLE.to_owned()),
        host: host.to_owned(),
        locations: Vec::new(),
        run_stores: Vec::new(),
        own_temporary: folders.own_temporary().display().to_string(),
        suggestions: Vec::new(),
        values: Vec::new(),
        health: HealthSettingsView::default(),
        error: None,
    }
}

async fn read_into(view: SettingsView, folders: Folders) -> Result<SettingsView, ConsoleError> {
    // looking at a folder can take long: it may lie on a file server that is away
    blocking(move || {
        let read = || -> Result<_, ConsoleError> {
            let (configuration, base) = read_with_base(&folders.config_file())?;
            Ok((configuration, base, operation_settings(&folders)?))
        };
        Ok(match read() {
            Ok((configuration, base, settings)) => {
                let suggested = suggestions(&folders, &configuration);
                let view = SettingsView {
                    suggestions: suggested,
                    base,
                    ..view
                };
                filled(view, configuration, &settings)
            }
            Err(error) => SettingsView {
                error: Some(error.into()),
                ..view
            },
        })
    })
    .await
}

/// The view with what a configuration says, and what this host says of its folders.
pub(crate) fn filled(
    view: SettingsView,
    configuration: Configuration,
    settings: &Settings,
) -> SettingsView {
    SettingsView {
        values: value_settings(&configuration),
        health: HealthSettingsView::from(&configuration.health),
        locations: configuration
            .locations
            .into_iter()
            .map(|location| LocationView {
                problem: Folder::from(&location).problem(settings),
                settings: location,
            })
            .collect(),
        run_stores: configuration
            .run_stores
            .into_iter()
            .map(|store| RunStoreView {
                problem: Folder::from(&store).problem(settings),
                settings: store,
            })
            .collect(),
        ..view
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConsoleError> + Send + 'static,
) -> Result<T, ConsoleError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ConsoleError::Defect(format!("the settings broke down: {error}")))?
}
