//! Reading the audit trail: who did what when, with which parameters.

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
}
