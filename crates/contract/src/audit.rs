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
    /// `set_priority`, `pause`, `resume`, `drain`, `undrain`, `start_worker`, `stop_worker`,
    /// `forget_workers`, `change_settings`, `deny`.
    pub what: String,
    /// On what: a task's id, a location's name.
    pub subject: String,
    /// With which parameters; of a request `operation`, `params` and, when there are, `host`, `group`, `rerun_of`.
    pub parameters: Value,
}

/// Which lines of the audit trail are wanted. What is empty or none does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditFilter {
    /// One of these was done.
    pub what: Vec<String>,
    /// On exactly this: a task's id, a location's name.
    pub subject: Option<String>,
    /// Contained in who, what, the subject or the parameters; capitals of ASCII do not matter.
    pub text: String,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
}

/// A page of the audit trail, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AuditPage {
    /// The lines.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How far back was looked when the page came early: lines may follow that match.
    pub searched_to: Option<Timestamp>,
}
