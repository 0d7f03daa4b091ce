//! What one user of one installation prefers. Not part of the configuration: it changes nothing for others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Of which tasks the desktop tells when they end while no window is in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyOf {
    /// Of none.
    Off,
    /// Of those that failed or could not do everything.
    #[default]
    Problems,
    /// Of every one.
    All,
}

/// What is preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Preferences {
    /// Of which tasks the desktop tells.
    pub notify_of: NotifyOf,
}
