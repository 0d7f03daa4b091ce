//! The operator's levers: pause an operation, act on all tasks under a filter, change a priority,
//! close what a worker that is gone still holds.

use serde_json::json;
use upkeep_contract::bulk::{BulkCancelOutcome, BulkCount, BulkRunAgainOutcome};
use upkeep_contract::task::{
    ForceCloseOutcome, PriorityOutcome, TaskCursor, TaskFilter, TaskState,
};
use upkeep_contract::{ErrorReply, OperationId, TaskId, Timestamp};
use upkeep_queue::Enqueued;

use crate::trigger::Request;
use crate::{Console, ConsoleError};

/// Tasks run again in one transaction.
const PAGE: u32 = 500;

impl Console {
    /// Lets the tasks of an operation wait until somebody resumes it; those that run go on.
    ///
    /// # Errors
    /// [`ConsoleError::UnknownOperation`], or [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn pause_operation(&self, operation: &OperationId) -> Result<(), ConsoleError> {
        self.check_operation(operation)?;
        Ok(self.queue.pause(operation, &self.requester).await?)
    }

    /// Lets workers take the tasks of an operation again.
    ///
    /// # Errors
    /// As [`Console::pause_operation`].
    pub async fn resume_operation(&self, operation: &OperationId) -> Result<(), ConsoleError> {
        self.check_operation(operation)?;
        Ok(self.queue.resume(operation, &self.requester).await?)
    }

    /// Gives a task that waits another priority; lower runs first.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such task, or the database cannot be reached.
    pub async fn set_priority(
        &self,
        id: &TaskId,
        priority: i32,
    ) -> Result<PriorityOutcome, ConsoleError> {
        Ok(self
            .queue
            .set_priority(id, priority, &self.requester)
            .await?)
    }

    /// Ends a running task whose worker is gone.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such task, or the database cannot be reached.
    pub async fn force_close(&self, id: &TaskId) -> Result<ForceCloseOutcome, ConsoleError> {
        Ok(self.queue.force_close(id, &self.requester).await?)
    }

    /// How many tasks a filter matches: what an operator sees before acting on all of them.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn count_tasks(&self, filter: &TaskFilter) -> Result<BulkCount, ConsoleError> {
        Ok(self.queue.count_matching(filter).await?)
    }

    /// Cancels every task under a filter that was enqueued no later than `enqueued_by`.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached; those cancelled before stay cancelled.
    pub async fn cancel_matching(
        &self,
        filter: &TaskFilter,
        enqueued_by: Timestamp,
    ) -> Result<BulkCancelOutcome, ConsoleError> {
        Ok(self
            .queue
            .cancel_matching(filter, enqueued_by, &self.requester)
            .await?)
    }

    /// Runs again every task under a filter that has ended and was enqueued no later than
    /// `enqueued_by`. A request that is no longer acceptable is counted and left out.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached; what was enqueued before stays.
    pub async fn run_again_matching(
        &self,
        filter: &TaskFilter,
        enqueued_by: Timestamp,
    ) -> Result<BulkRunAgainOutcome, ConsoleError> {
        let mut outcome = BulkRunAgainOutcome::default();
        let Some(filter) = only_finished(filter) else {
            return Ok(outcome);
        };
        let parameters = json!({ "filter": &filter, "enqueued_by": enqueued_by });
        self.queue
            .record(&self.requester, "run_again_matching", "tasks", &parameters)
            .await?;
        // the list begins after its cursor: after this one comes what was enqueued then, or before
        let mut after = Some(TaskCursor {
            enqueued_at: Timestamp(enqueued_by.as_millis().saturating_add(1)),
            id: TaskId::from(""),
        });
        while let Some(cursor) = after {
            let page = self.queue.tasks(&filter, Some(&cursor), PAGE).await?;
            let mut accepted = Vec::with_capacity(page.tasks.len());
            for task in &page.tasks {
                match self.accept(Request::again(task)).await {
                    Ok(task) => accepted.push(task),
                    Err(ConsoleError::Queue(error)) => return Err(error.into()),
                    Err(refusal) => {
                        outcome.refused += 1;
                        outcome
                            .first_refusal
                            .get_or_insert_with(|| ErrorReply::from(refusal));
                    }
                }
            }
            for enqueued in self.enqueue_accepted(accepted).await? {
                match enqueued {
                    Enqueued::New(_) => outcome.queued += 1,
                    Enqueued::Existing(_) => outcome.already_queued += 1,
                }
            }
            after = page.next;
        }
        Ok(outcome)
    }
}

/// The filter with its final states only; none when it asks for others alone.
fn only_finished(filter: &TaskFilter) -> Option<TaskFilter> {
    let asked = if filter.states.is_empty() {
        TaskState::ALL.to_vec()
    } else {
        filter.states.clone()
    };
    let states: Vec<TaskState> = asked.into_iter().filter(|state| state.is_final()).collect();
    (!states.is_empty()).then(|| TaskFilter {
        states,
        ..filter.clone()
    })
}
