//! Who asked for what, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::Timestamp;

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditEntry {
    /// A UUIDv7, so that entries sort by time.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who, such as `anna@desk-7 (desktop)`.
    pub who: String,
    /// What was done: `enqueue`, `enqueue_duplicate`, `cancel`, `cancel_matching`, `force_close`,
    /// `set_priority`, `pause`, `resume`, `drain`, `undrain`, `change_settings`.
    pub what: String,
    /// On what: a task's id, a location's name.
    pub subject: String,
    /// With which parameters.
    pub parameters: Value,
}
