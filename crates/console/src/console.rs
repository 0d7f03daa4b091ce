//! Opening and closing the console.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use upkeep_config::{Configuration, Folders};
use upkeep_operations::Registry;
use upkeep_operations::host::host_name;
use upkeep_queue::Queue;
use upkeep_worker::RunningWorker;

use crate::ConsoleError;
use crate::requester::requester;

/// At most ten messages a second reach a screen, whatever happens behind it.
pub(crate) const SCREEN_PAUSE: Duration = Duration::from_millis(100);

/// The use cases, for one front door.
#[derive(Debug)]
pub struct Console {
    pub(crate) folders: Folders,
    pub(crate) database_url: String,
    pub(crate) queue: Queue,
    pub(crate) registry: Registry,
    pub(crate) host: String,
    pub(crate) requester: String,
    // shared by every front door of this process
    pub(crate) embedded: Arc<Mutex<Option<RunningWorker>>>,
}

impl Console {
    /// Opens an installation: makes its folders and a first configuration when they are missing,
    /// and opens the queue. `front_door` says how the operator came in, such as `desktop`.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when the folders cannot be made, [`ConsoleError::Queue`] when the
    /// database cannot be opened. A wrong configuration file is no obstacle: it is shown.
    pub async fn open(
        folders: Folders,
        database_url: &str,
        front_door: &str,
    ) -> Result<Self, ConsoleError> {
        folders.create()?;
        upkeep_config::ensure_exists(&folders)?;
        let queue = Queue::open(database_url).await?;
        Ok(Self::over(folders, database_url, queue, front_door))
    }

    /// The console over a queue that is open already.
    pub fn over(folders: Folders, database_url: &str, queue: Queue, front_door: &str) -> Self {
        let host = host_name();
        let registry = upkeep_worker::registry(&folders, Some(&queue));
        Self {
            requester: requester(front_door, &host),
            database_url: database_url.to_owned(),
            embedded: Arc::default(),
            queue: queue.with_host_limits(registry.host_limits()),
            registry,
            folders,
            host,
        }
    }

    /// The same console for who comes in by another front door of this process: one queue, one worker
    /// inside, another name in tasks and the audit trail.
    #[must_use]
    pub fn through(&self, front_door: &str) -> Self {
        Self {
            folders: self.folders.clone(),
            database_url: self.database_url.clone(),
            queue: self.queue.clone(),
            registry: self.registry.clone(),
            host: self.host.clone(),
            requester: requester(front_door, &self.host),
            embedded: Arc::clone(&self.embedded),
        }
    }

    /// Who asks for what this console enqueues, such as `anna@desk-7 (desktop)`.
    pub fn requester(&self) -> &str {
        &self.requester
    }

    /// The folders of this installation.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Stops the worker inside this process, which hands back what it holds, and closes the queue.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when tasks could not be handed back; their leases run out then.
    pub async fn shutdown(&self) -> Result<(), ConsoleError> {
        let stopped = self.stop_embedded_worker().await;
        self.queue.close().await;
        stopped
    }

    /// The configuration as it is now: it is read anew each time, for it may be edited by hand.
    pub(crate) fn configuration(&self) -> Result<Configuration, ConsoleError> {
        Ok(Configuration::read(&self.folders.config_file())?)
    }
}
