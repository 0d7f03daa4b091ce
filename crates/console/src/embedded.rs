//! The worker inside this process.

use upkeep_contract::event::Change;
use upkeep_worker::WorkerOptions;

use crate::{Console, ConsoleError};

impl Console {
    /// Starts a worker inside this process when the configuration asks for one; false when it does not.
    ///
    /// With a wrong configuration the worker starts with defaults: each task reads the configuration
    /// anew and fails with its line and cure, which tells the operator more than a queue nobody serves.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the worker cannot be added to the registry of workers.
    pub async fn start_embedded_worker(&self) -> Result<bool, ConsoleError> {
        let mut running = self.embedded.lock().await;
        if running.is_some() {
            return Ok(true);
        }
        let options = match self.configuration() {
            Ok(configuration) if !configuration.worker.embedded => return Ok(false),
            Ok(configuration) => WorkerOptions::from_configuration(&configuration),
            Err(error) => {
                tracing::warn!(%error, "the configuration cannot be used; the worker starts with defaults");
                WorkerOptions::default()
            }
        };
        let worker = upkeep_worker::start(
            self.queue.clone(),
            self.registry.clone(),
            self.folders.artifacts(),
            WorkerOptions {
                embedded: true,
                ..options
            },
        )
        .await?;
        *running = Some(worker);
        Ok(true)
    }

    /// Stops the worker inside this process; what it holds goes back to the queue.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when tasks could not be handed back; their leases run out then.
    pub async fn stop_embedded_worker(&self) -> Result<(), ConsoleError> {
        let Some(worker) = self.embedded.lock().await.take() else {
            return Ok(());
        };
        let worker_id = worker.id().clone();
        let stopped = worker.stop().await;
        self.queue.announce(Change::Worker { worker_id });
        Ok(stopped?)
    }
}
