//! `cleanup-runs`: removes old finished tasks from the history and old run directories from run stores.

use std::sync::Arc;

use async_trait::async_trait;
use upkeep_contract::cleanup::CleanupReport;
use upkeep_contract::operation::CLEANUP_RUNS;
use upkeep_contract::params::CleanupRunsParams;

use crate::history::TaskHistory;
use crate::settings::SettingsSource;
use crate::{Context, Finished, Operation, OperationError};

/// The operation.
pub struct CleanupRuns {
    settings: Arc<dyn SettingsSource>,
    history: Option<Arc<dyn TaskHistory>>,
}

impl CleanupRuns {
    /// The operation over these settings, read anew at the start of each task.
    pub fn new(settings: Arc<dyn SettingsSource>, history: Option<Arc<dyn TaskHistory>>) -> Self {
        Self { settings, history }
    }
}

#[async_trait]
impl Operation for CleanupRuns {
    type Params = CleanupRunsParams;
    type Report = CleanupReport;

    fn id(&self) -> &'static str {
        CLEANUP_RUNS
    }

    fn summary(&self) -> &'static str {
        "removes old finished tasks from the history and old run directories from run stores"
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn run(
        &self,
        _params: CleanupRunsParams,
        _context: &Context,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        self.settings.load()?;
        Err(OperationError::permanent(
            "this cleanup cannot run yet",
            "use a later version",
        ))
    }
}
