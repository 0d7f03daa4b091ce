//! The list of operations. Another one is added here.

use std::sync::Arc;

use upkeep_config::Folders;
use upkeep_operations::Registry;
use upkeep_operations::cleanup_runs::CleanupRuns;
use upkeep_operations::cleanup_temp_files::CleanupTempFiles;
use upkeep_operations::health_check::HealthCheckOperation;
use upkeep_operations::history::{CleanableHistory, TaskHistory};
use upkeep_operations::log_statistics::LogStatistics;
use upkeep_operations::restore_from_trash::RestoreFromTrash;
use upkeep_queue::Queue;

use crate::{FolderSettings, QueueHistory};

/// The operations of an installation. Without a queue (a direct call) what needs the history goes without.
pub fn registry(folders: &Folders, queue: Option<&Queue>) -> Registry {
    let settings = Arc::new(FolderSettings(folders.clone()));
    let history =
        || queue.map(|queue| Arc::new(QueueHistory(queue.clone())) as Arc<dyn TaskHistory>);
    Registry::empty()
        .with(CleanupRuns::new(
            Arc::<FolderSettings>::clone(&settings),
            queue.map(|queue| Arc::new(QueueHistory(queue.clone())) as Arc<dyn CleanableHistory>),
        ))
        .with(CleanupTempFiles::new(Arc::<FolderSettings>::clone(
            &settings,
        )))
        .with(HealthCheckOperation::new(
            Arc::<FolderSettings>::clone(&settings),
            history(),
        ))
        .with(LogStatistics::new(
            Arc::<FolderSettings>::clone(&settings),
            history(),
        ))
        .with(RestoreFromTrash::new(settings))
}
