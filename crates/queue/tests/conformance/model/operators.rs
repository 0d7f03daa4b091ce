//! What operators do, on the queue and in the model.

use upkeep_contract::task::{CancelOutcome, ForceCloseOutcome, PriorityOutcome, TaskFilter};

use super::run::{Case, expect};
use super::step::{OPERATIONS, Step};
use super::world::Closed;

impl Case<'_> {
    pub(super) async fn take_operators(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Cancel { task } => {
                let Some(id) = self.task_at(*task) else {
                    return Ok(());
                };
                let real = self.queue(*task).cancel(&id, "operator").await.unwrap();
                let model = match self.world.cancel(id.as_str()) {
                    None => CancelOutcome::AlreadyFinished,
                    Some(true) => CancelOutcome::Cancelled,
                    Some(false) => CancelOutcome::Requested,
                };
                expect("cancel", real, model)
            }
            Step::CancelAll { operation } => {
                let operation = OPERATIONS[*operation];
                let filter = TaskFilter {
                    operations: vec![operation.into()],
                    ..TaskFilter::default()
                };
                let queue = self.queue(0);
                let real = queue
                    .cancel_matching(&filter, queue.now(), "operator")
                    .await
                    .unwrap();
                expect(
                    "cancel all",
                    (real.cancelled, real.requested),
                    self.world.cancel_all(operation),
                )
            }
            Step::ForceClose { task } => {
                let Some(id) = self.task_at(*task) else {
                    return Ok(());
                };
                let real = match self
                    .queue(*task)
                    .force_close(&id, "operator")
                    .await
                    .unwrap()
                {
                    ForceCloseOutcome::Closed => Closed::Done,
                    ForceCloseOutcome::WorkerAlive { heartbeat_at } => {
                        Closed::WorkerAlive(heartbeat_at.as_millis())
                    }
                    ForceCloseOutcome::NotRunning => Closed::NotRunning,
                };
                expect("force close", real, self.world.force_close(id.as_str()))
            }
            Step::SetPriority { task, priority } => {
                let Some(id) = self.task_at(*task) else {
                    return Ok(());
                };
                let real = self
                    .queue(*task)
                    .set_priority(&id, *priority, "operator")
                    .await
                    .unwrap();
                let task = self.world.task(id.as_str());
                let waits = task.state == "queued";
                if waits {
                    task.priority = *priority;
                }
                let model = if waits {
                    PriorityOutcome::Changed
                } else {
                    PriorityOutcome::NotQueued
                };
                expect("priority", real, model)
            }
            Step::Pause { operation } => {
                let operation = OPERATIONS[*operation];
                self.queue(0)
                    .pause(&operation.into(), "operator")
                    .await
                    .unwrap();
                self.world.paused.insert(operation);
                Ok(())
            }
            Step::Resume { operation } => {
                let operation = OPERATIONS[*operation];
                self.queue(1)
                    .resume(&operation.into(), "operator")
                    .await
                    .unwrap();
                self.world.paused.remove(operation);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
