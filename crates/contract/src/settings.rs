//! The configuration as Settings shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ErrorReply;
use crate::choice::AgeBy;
use crate::settings_draft::ValueSetting;
use crate::thresholds::HealthSettingsView;

/// A named directory that cleaning may touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent switch of the configuration file"
)]
pub struct LocationSettings {
    /// Its name: lower-case letters, digits, `-` and `_`, at most 64.
    pub name: String,
    /// Its absolute path.
    pub path: String,
    /// Whether cleaning may touch it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether directories that became empty and are old enough go too.
    #[serde(default)]
    pub remove_empty_directories: bool,
    /// Whether only files of the user who runs the worker are taken.
    #[serde(default)]
    pub only_own_files: bool,
    /// Whether the path may be the root of a mount.
    #[serde(default)]
    pub allow_mount_root: bool,
    /// Whether files go to the desktop's trash instead of being removed.
    #[serde(default)]
    pub trash: bool,
    /// By which of its times a file is as old as it is.
    #[serde(default)]
    pub age_by: AgeBy,
    /// Patterns of the files that may be taken; none means all.
    #[serde(default)]
    pub include: Vec<String>,
    /// Patterns of what is never taken; a folder that matches stays with everything below it.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Names of files and folders that are never taken, nor what lies below such a folder.
    #[serde(default)]
    pub protect: Vec<String>,
    /// How many of the newest files that would be taken at any age always stay.
    #[serde(default)]
    pub keep_newest: u32,
    /// Nothing younger is taken, whatever a task asks for.
    #[serde(default)]
    pub min_age_hours: u32,
    /// Smaller files stay; the size is that of the content.
    #[serde(default)]
    #[ts(type = "number")]
    pub min_size_bytes: u64,
}

impl LocationSettings {
    /// A location that is turned on, with everything else as the configuration's defaults have it.
    pub fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            enabled: true,
            remove_empty_directories: false,
            only_own_files: false,
            allow_mount_root: false,
            trash: false,
            age_by: AgeBy::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            protect: Vec::new(),
            keep_newest: 0,
            min_age_hours: 0,
            min_size_bytes: 0,
        }
    }
}

/// A named directory whose direct children are runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunStoreSettings {
    /// Its name: lower-case letters, digits, `-` and `_`, at most 64.
    pub name: String,
    /// Its absolute path.
    pub path: String,
    /// Whether cleaning may touch it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Patterns of the names of runs; a folder that matches none is not a run. None means that every folder is one.
    #[serde(default)]
    pub include: Vec<String>,
    /// Names of files that say that a run has ended: without one of them directly in it, it stays. None means
    /// that only the age of its newest entry decides.
    #[serde(default)]
    pub finished_when: Vec<String>,
    /// How many of the newest runs are always kept.
    #[serde(default)]
    pub keep_newest: u32,
    /// Whether the path may be the root of a mount.
    #[serde(default)]
    pub allow_mount_root: bool,
}

impl RunStoreSettings {
    /// A run store that is turned on, with everything else as the configuration's defaults have it.
    pub fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            enabled: true,
            include: Vec::new(),
            finished_when: Vec::new(),
            keep_newest: 0,
            allow_mount_root: false,
        }
    }
}

fn yes() -> bool {
    true
}

/// A location with what this host says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LocationView {
    /// The location.
    pub settings: LocationSettings,
    /// Why it cannot be cleaned right now; none when it can.
    pub problem: Option<ErrorReply>,
}

/// A run store with what this host says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RunStoreView {
    /// The run store.
    pub settings: RunStoreSettings,
    /// Why it cannot be cleaned right now; none when it can.
    pub problem: Option<ErrorReply>,
}

/// A directory that would make a sensible location. It stays off until an operator adds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SuggestedLocation {
    /// What would be added.
    pub settings: LocationSettings,
    /// What lies there and why it may go.
    pub why: String,
}

/// What lies in a folder, as far as it was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FolderAmount {
    /// Files so far.
    #[ts(type = "number")]
    pub files: u64,
    /// Their bytes so far.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Folders that could not be read.
    #[ts(type = "number")]
    pub unreadable: u64,
    /// True for the last message.
    pub ended: bool,
    /// True when everything was counted; false while counting, or when the time was over.
    pub whole: bool,
}

/// The Settings page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SettingsView {
    /// The configuration file.
    pub config_file: String,
    /// The data folder.
    pub data_folder: String,
    /// Which text of the file this is; it changes with every change, by whomever.
    pub base: String,
    /// The database, without its password.
    pub database: String,
    /// The environment variable that names the database; none when it is the default file.
    pub database_variable: Option<String>,
    /// The single values of cleaning and of the worker.
    pub values: Vec<ValueSetting>,
    /// This host's name, as workers and tasks show it.
    pub host: String,
    /// Locations.
    pub locations: Vec<LocationView>,
    /// Run stores.
    pub run_stores: Vec<RunStoreView>,
    /// Upkeep's own temporary folder, the one location of a new installation.
    pub own_temporary: String,
    /// Suggestions not yet configured.
    pub suggestions: Vec<SuggestedLocation>,
    /// The thresholds of the health check.
    pub health: HealthSettingsView,
    /// Set when the file cannot be used; the lists are empty then, and nothing is cleaned.
    pub error: Option<ErrorReply>,
}
