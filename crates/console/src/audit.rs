//! Reading the audit trail: who did what when, with which parameters.

use serde_json::Value;
use upkeep_contract::audit::{AuditFilter, AuditPage};

use crate::{Console, ConsoleError};

impl Console {
    /// A page of the audit trail, the newest first, after the entry of that id.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<AuditPage, ConsoleError> {
        Ok(self.queue.audit(filter, after, limit).await?)
    }

    /// Records that a front door turned somebody away: why, and what is known of them. How often that is
    /// written is the front door's to limit.
    ///
    /// # Errors
    /// [`ConsoleError::NotRecorded`] when the database cannot be reached.
    pub async fn record_denial(&self, why: &str, details: &Value) -> Result<(), ConsoleError> {
        let recorded = self.queue.record(&self.requester, "deny", why, details);
        recorded.await.map_err(ConsoleError::NotRecorded)
    }
}
