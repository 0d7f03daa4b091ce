//! Many hosts: one request for each of them, the tasks of such a fan-out, and the workers.

use std::time::Duration;

use serde_json::{Value, json};
use upkeep_contract::group::{FanOutOutcome, FanOutTask, TaskGroup};
use upkeep_contract::task::TaskState;
use upkeep_contract::worker::Worker;
use upkeep_contract::{GroupId, OperationId, WorkerId};

use crate::trigger::Request;
use crate::{Console, ConsoleError};

/// Workers that stopped or fell silent longer ago are left out of the list.
const WORKERS_SINCE: Duration = Duration::from_hours(24);

impl Console {
    /// Asks for an operation on every host that has a live worker for it: one task for each.
    ///
    /// # Errors
    /// As [`Console::trigger`]; nothing was enqueued on any host.
    pub async fn trigger_every_host(
        &self,
        operation: &OperationId,
        params: Value,
    ) -> Result<FanOutOutcome, ConsoleError> {
        self.check_operation(operation)?;
        let (hosts, last_seen) = self.queue.live_hosts(operation).await?;
        if hosts.is_empty() {
            return Ok(FanOutOutcome::NoLiveHost { last_seen });
        }
        let requests = hosts.into_iter().map(|host| Request {
            operation: operation.clone(),
            params: params.clone(),
            host: Some(host),
            group_id: None,
            rerun_of: None,
        });
        self.fan_out(requests.collect()).await
    }

    /// The tasks of a fan-out.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such group, or the database cannot be reached.
    pub async fn task_group(&self, id: &GroupId) -> Result<TaskGroup, ConsoleError> {
        Ok(self.queue.group(id).await?)
    }

    /// Asks again on those hosts of a fan-out whose task failed, was cancelled or was never begun;
    /// one that still waits is withdrawn, so that no host does the work twice.
    ///
    /// # Errors
    /// As [`Console::trigger`]; tasks that were withdrawn before stay cancelled.
    pub async fn repeat_group(&self, id: &GroupId) -> Result<FanOutOutcome, ConsoleError> {
        let group = self.queue.group(id).await?;
        let mut requests = Vec::new();
        for task in &group.tasks {
            let again = match task.state {
                TaskState::Failed | TaskState::Cancelled => true,
                TaskState::Queued => self.queue.withdraw(&task.id, &self.requester).await?,
                TaskState::Running | TaskState::Succeeded | TaskState::Partial => false,
            };
            if again && task.target_host.is_some() {
                requests.push(Request::again(task));
            }
        }
        if requests.is_empty() {
            return Ok(FanOutOutcome::NothingToRepeat);
        }
        let hosts: Vec<&str> = requests
            .iter()
            .filter_map(|request| request.host.as_deref())
            .collect();
        let parameters = json!({ "operation": group.operation, "hosts": hosts });
        self.queue
            .record(&self.requester, "repeat_group", id.as_str(), &parameters)
            .await?;
        self.fan_out(requests).await
    }

    /// Executes what the previews of a fan-out list: each plan on the host that made it, and nothing
    /// that no preview has shown.
    ///
    /// # Errors
    /// As [`Console::trigger`]; nothing was enqueued on any host.
    pub async fn execute_group(&self, id: &GroupId) -> Result<FanOutOutcome, ConsoleError> {
        let group = self.queue.group(id).await?;
        let previews = group.tasks.iter().filter(|task| {
            task.dry_run && matches!(task.state, TaskState::Succeeded | TaskState::Partial)
        });
        let requests: Vec<Request> = previews
            .map(|preview| {
                let mut params = preview.params.clone();
                params["dry_run"] = Value::from(false);
                params["plan"] = Value::from(preview.id.as_str());
                Request {
                    operation: preview.operation.clone(),
                    params,
                    host: preview.worker_host.clone(),
                    group_id: None,
                    rerun_of: None,
                }
            })
            .collect();
        if requests.is_empty() {
            return Ok(FanOutOutcome::NothingToRepeat);
        }
        self.fan_out(requests).await
    }

    async fn fan_out(&self, requests: Vec<Request>) -> Result<FanOutOutcome, ConsoleError> {
        let group_id = GroupId::generate();
        let mut accepted = Vec::with_capacity(requests.len());
        for request in requests {
            let request = Request {
                group_id: Some(group_id.clone()),
                ..request
            };
            accepted.push(self.accept(request).await?);
        }
        let hosts: Vec<String> = accepted
            .iter()
            .map(|task| task.target_host.clone().unwrap_or_default())
            .collect();
        let enqueued = self.enqueue_accepted(accepted).await?;
        let mut tasks = Vec::with_capacity(hosts.len());
        for (host, enqueued) in hosts.into_iter().zip(enqueued) {
            tasks.push(FanOutTask {
                host,
                outcome: self.answer(enqueued).await,
            });
        }
        Ok(FanOutOutcome::Queued { group_id, tasks })
    }

    /// Every worker that is alive, or was within the last day, the newest first.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn workers(&self) -> Result<Vec<Worker>, ConsoleError> {
        let since = self.queue.now().minus(WORKERS_SINCE);
        Ok(self.queue.workers(since).await?)
    }

    /// Asks a worker to finish what it holds and claim nothing new.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such worker, or the database cannot be reached.
    pub async fn drain_worker(&self, id: &WorkerId) -> Result<(), ConsoleError> {
        Ok(self.queue.drain_worker(id, &self.requester).await?)
    }

    /// Forgets workers that are gone; one that lives, or still holds a task, stays. How many were forgotten.
    /// What they did stays in the history.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached; none was forgotten.
    pub async fn forget_workers(&self, ids: &[WorkerId]) -> Result<u32, ConsoleError> {
        Ok(self.queue.forget_workers(ids, &self.requester).await?)
    }

    /// Lets a worker that drains claim tasks again.
    ///
    /// # Errors
    /// As [`Console::drain_worker`].
    pub async fn resume_worker(&self, id: &WorkerId) -> Result<(), ConsoleError> {
        Ok(self.queue.undrain_worker(id, &self.requester).await?)
    }
}
