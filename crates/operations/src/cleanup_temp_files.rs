//! `cleanup-temp-files`: removes old files from configured locations.

use std::sync::Arc;

use async_trait::async_trait;
use upkeep_contract::cleanup::CleanupReport;
use upkeep_contract::operation::CLEANUP_TEMP_FILES;
use upkeep_contract::params::CleanupTempFilesParams;

use crate::settings::SettingsSource;
use crate::{Context, Finished, Operation, OperationError};

/// The operation.
pub struct CleanupTempFiles {
    settings: Arc<dyn SettingsSource>,
}

impl CleanupTempFiles {
    /// The operation over these settings, read anew at the start of each task.
    pub fn new(settings: Arc<dyn SettingsSource>) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Operation for CleanupTempFiles {
    type Params = CleanupTempFilesParams;
    type Report = CleanupReport;

    fn id(&self) -> &'static str {
        CLEANUP_TEMP_FILES
    }

    fn summary(&self) -> &'static str {
        "removes old files from configured locations"
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn run(
        &self,
        _params: CleanupTempFilesParams,
        _context: &Context,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        self.settings.load()?;
        Err(OperationError::permanent(
            "this cleanup cannot run yet",
            "use a later version",
        ))
    }
}
