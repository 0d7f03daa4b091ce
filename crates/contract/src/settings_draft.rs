//! Changes of the configuration that are looked at before they are saved.
//!
//! A draft is a list of changes in the order they were made. What was typed crosses as it was typed:
//! whoever reads the configuration judges it, and nobody else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ErrorReply;
use crate::settings::{LocationSettings, RunStoreSettings, SettingsView};

/// One change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SettingChange {
    /// Adds a location, or puts it in the place of another.
    SaveLocation {
        /// The one it takes the place of; none adds it.
        previous_name: Option<String>,
        /// What it is to be.
        location: LocationSettings,
    },
    /// Removes a location from the configuration; the folder stays.
    RemoveLocation {
        /// Its name.
        name: String,
    },
    /// Adds a run store, or puts it in the place of another.
    SaveRunStore {
        /// The one it takes the place of; none adds it.
        previous_name: Option<String>,
        /// What it is to be.
        run_store: RunStoreSettings,
    },
    /// Removes a run store from the configuration; the folder stays.
    RemoveRunStore {
        /// Its name.
        name: String,
    },
    /// Sets both thresholds of a check.
    Threshold {
        /// The check's key below `[health]`.
        key: String,
        /// What was typed; none goes back to the defaults.
        typed: Option<TypedThreshold>,
    },
    /// Sets a single value, such as `worker.concurrency`.
    Value {
        /// Its dotted key.
        key: String,
        /// What was typed or chosen; none goes back to the default.
        typed: Option<String>,
    },
}

/// Thresholds as they were typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TypedThreshold {
    /// At or above this the check warns.
    pub warning: String,
    /// At or above this it is critical.
    pub critical: String,
}

/// When a changed setting begins to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakesEffect {
    /// With the next task: each reads the configuration anew.
    NextTask,
    /// When a worker starts; those that run go on as they are.
    NextWorkerStart,
    /// When the app starts.
    NextAppStart,
}

/// What a single value may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ValueKind {
    /// `true` or `false`.
    Switch,
    /// One of some words.
    Choice {
        /// The words.
        choices: Vec<String>,
    },
    /// A whole number.
    Number {
        /// The least it may be.
        #[ts(type = "number")]
        least: u64,
        /// The most it may be.
        #[ts(type = "number")]
        most: u64,
        /// Its unit; none for a count.
        unit: Option<String>,
    },
}

/// A single value as Settings shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ValueSetting {
    /// Its dotted key.
    pub key: String,
    /// What it may be.
    pub kind: ValueKind,
    /// What holds now.
    pub value: String,
    /// What holds when the configuration says nothing.
    pub default: String,
    /// When a change of it begins to hold.
    pub takes_effect: TakesEffect,
}

/// One thing that would be different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SettingDifference {
    /// Its dotted key; an entry of a list stands there with its name, as in `locations.scratch.path`.
    pub key: String,
    /// What it is; none when it is not there.
    pub before: Option<String>,
    /// What it would be; none when it would be gone.
    pub after: Option<String>,
    /// When that begins to hold.
    pub takes_effect: TakesEffect,
}

/// A change of the draft that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SettingProblem {
    /// Its place in the draft.
    pub index: u32,
    /// What is wrong, and what to do.
    pub error: ErrorReply,
}

/// What became of a line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineFate {
    /// It stays.
    Kept,
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// Lines that stay were left out here.
    LeftOut,
}

/// A line of the file before or after the changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FileLine {
    /// What becomes of it.
    pub fate: LineFate,
    /// Its text, without its end.
    pub text: String,
}

/// A draft as it stands beside the file. Changes with a problem are left out of everything but the problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct SettingsReview {
    /// Which text of the file it was held against.
    pub base: String,
    /// The settings as they would be.
    pub view: SettingsView,
    /// What would be different.
    pub differences: Vec<SettingDifference>,
    /// The lines of the file that would change, with some around them.
    pub lines: Vec<FileLine>,
    /// What is wrong with the draft; nothing is saved while there is anything.
    pub problems: Vec<SettingProblem>,
}

/// What came of saving a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SaveSettingsOutcome {
    /// It is in the file.
    Saved {
        /// The settings as they are now.
        view: SettingsView,
    },
    /// Somebody changed the file since the draft was shown; nothing was written.
    ChangedElsewhere {
        /// The draft beside the file as it is now.
        review: SettingsReview,
    },
}
