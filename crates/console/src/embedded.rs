//! The worker inside this process: with the app, or when a person says so.
//!
//! Starting one makes no task: it performs what is queued, as every worker does.

use serde_json::json;
use upkeep_contract::WorkerId;
use upkeep_contract::event::Change;
use upkeep_contract::worker::EmbeddedWorker;
use upkeep_worker::{RunningWorker, WorkerOptions};

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
        if matches!(self.configuration(), Ok(configuration) if !configuration.worker.embedded) {
            return Ok(false);
        }
        *running = Some(self.worker_inside().await?);
        Ok(true)
    }

    /// Whether a worker lives inside this process, and whether one starts with it.
    pub async fn embedded_worker(&self) -> EmbeddedWorker {
        let running = self.embedded.lock().await;
        EmbeddedWorker {
            running: running.as_ref().map(|worker| worker.id().clone()),
            starts_with_app: self
                .configuration()
                .ok()
                .map(|configuration| configuration.worker.embedded),
        }
    }

    /// Starts a worker inside this process because a person asked for it, whatever the configuration
    /// says of the next start. One that runs already is the answer.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the worker cannot be added to the registry of workers;
    /// [`ConsoleError::NotRecorded`] when it runs and the audit trail could not be told.
    pub async fn begin_embedded_worker(&self) -> Result<EmbeddedWorker, ConsoleError> {
        {
            let mut running = self.embedded.lock().await;
            if running.is_none() {
                let worker = self.worker_inside().await?;
                let id = worker.id().clone();
                *running = Some(worker);
                self.record_worker("start_worker", &id).await?;
            }
        }
        Ok(self.embedded_worker().await)
    }

    /// Stops the worker inside this process because a person asked for it; what it holds goes back to
    /// the queue, and no attempt is charged.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when tasks could not be handed back; their leases run out then.
    pub async fn end_embedded_worker(&self) -> Result<EmbeddedWorker, ConsoleError> {
        let id = self.embedded_worker().await.running;
        self.stop_embedded_worker().await?;
        if let Some(id) = id {
            self.record_worker("stop_worker", &id).await?;
        }
        Ok(self.embedded_worker().await)
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

    async fn worker_inside(&self) -> Result<RunningWorker, ConsoleError> {
        let options = match self.configuration() {
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
        );
        Ok(worker.await?)
    }

    async fn record_worker(&self, what: &str, id: &WorkerId) -> Result<(), ConsoleError> {
        self.queue
            .record(
                &self.requester,
                what,
                id.as_str(),
                &json!({ "embedded": true, "host": self.host }),
            )
            .await
            .map_err(ConsoleError::NotRecorded)
    }
}
