//! The room that the history takes: rows and bytes of the database, and the artifacts on this host.
//!
//! Read when somebody asks; nothing is counted by itself.

use std::time::Duration;

use upkeep_contract::history_room::{HistoryRoom, TableRoom};

use crate::amount::count;
use crate::{Console, ConsoleError};

/// How long the artifacts may be counted; more is told as "at least".
const ARTIFACTS_LIMIT: Duration = Duration::from_secs(3);

impl Console {
    /// How many rows and bytes the history, the audit trail and this host's artifacts take.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn history_room(&self) -> Result<HistoryRoom, ConsoleError> {
        let mut artifacts = count(self.folders.artifacts().into(), ARTIFACTS_LIMIT);
        let room = self.queue.room().await?;
        let tables = self.queue.table_rooms().await?;
        let mut counted = upkeep_contract::settings::FolderAmount::default();
        while let Some(amount) = artifacts.next().await {
            counted = amount;
        }
        Ok(HistoryRoom {
            at: self.queue.now(),
            tables: tables
                .into_iter()
                .map(|table| TableRoom {
                    name: table.name.to_owned(),
                    rows: table.rows,
                    bytes: table.bytes,
                })
                .collect(),
            database_bytes: room.bytes,
            database_free_bytes: room.free,
            artifacts_folder: self.folders.artifacts().display().to_string(),
            artifacts: counted,
            host: self.host.clone(),
        })
    }
}
