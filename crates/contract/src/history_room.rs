//! The room that the history takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Timestamp;
use crate::settings::FolderAmount;

/// One table of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct TableRoom {
    /// Its name: `tasks`, `attempts`, `task_log`, `workers` or `audit`.
    pub name: String,
    /// Its rows.
    #[ts(type = "number")]
    pub rows: u64,
    /// Bytes of it and its indexes; none where telling would mean reading a large file whole.
    #[ts(type = "number | null")]
    pub bytes: Option<u64>,
}

/// What the history takes in the database and on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HistoryRoom {
    /// When it was looked at.
    pub at: Timestamp,
    /// The tables.
    pub tables: Vec<TableRoom>,
    /// Bytes of the database.
    #[ts(type = "number")]
    pub database_bytes: u64,
    /// Bytes of it that hold nothing and are used again; none where only the server knows.
    #[ts(type = "number | null")]
    pub database_free_bytes: Option<u64>,
    /// Where plans and manifests of this host lie.
    pub artifacts_folder: String,
    /// What lies there.
    pub artifacts: FolderAmount,
    /// This host.
    pub host: String,
}
