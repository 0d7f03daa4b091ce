//! Reading: the overview, the list of tasks, one task and its log.

use std::time::Duration;

use upkeep_contract::operation::OperationDescription;
use upkeep_contract::overview::{OperationOverview, Overview};
use upkeep_contract::task::{
    LogHits, LogLine, TaskCursor, TaskDetail, TaskFilter, TaskPage, TaskState,
};
use upkeep_contract::worker::WorkerState;
use upkeep_contract::{ErrorReply, TaskId};
use upkeep_queue::QueueError;

use crate::{Console, ConsoleError};

/// Tasks shown as current on an operation's card.
const CURRENT_MAX: u32 = 10;

/// A worker that gave no sign of life for this long is history, not something to look after.
const WORKERS_SINCE: Duration = Duration::from_hours(1);

/// Less of an id names nothing: it says in which decade a task was made.
const ID_BEGINNING_MIN: usize = 4;

/// Of several tasks whose ids begin alike, so many are named.
const ID_EXAMPLES_MAX: u32 = 3;

/// The largest page of a log.
const LOG_PAGE_MAX: u32 = 5000;

impl Console {
    /// What the Overview page shows.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn overview(&self) -> Result<Overview, ConsoleError> {
        let paused = self.queue.paused().await?;
        let mut operations = Vec::new();
        for operation in self.registry.describe() {
            let last_run = self.queue.last_run(&operation.id).await?;
            let last_success = match &last_run {
                None => None,
                Some(last) if last.state == TaskState::Succeeded => last.finished_at,
                Some(_) => self.queue.last_success(&operation.id).await?,
            };
            operations.push(OperationOverview {
                current: self.queue.current_tasks(&operation.id, CURRENT_MAX).await?,
                paused: paused
                    .iter()
                    .find(|paused| paused.operation == operation.id)
                    .cloned(),
                last_run,
                last_success,
                last_preview: if operation.deletes {
                    self.queue.last_preview(&operation.id).await?
                } else {
                    None
                },
                operation,
            });
        }
        let since = self.queue.now().minus(WORKERS_SINCE);
        let mut workers = self.queue.workers(since).await?;
        workers.retain(|worker| worker.state != WorkerState::Stopped);
        Ok(Overview {
            operations,
            workers,
            configuration_error: self.configuration().err().map(ErrorReply::from),
        })
    }

    /// The operations there are, with the JSON Schemas of their parameters.
    pub fn operations(&self) -> Vec<OperationDescription> {
        self.registry.describe()
    }

    /// The task of this id, or the only one whose id begins so.
    ///
    /// # Errors
    /// [`ConsoleError::AmbiguousTask`] when there are several; [`ConsoleError::Queue`]: there is none, or
    /// the database cannot be reached.
    pub async fn find_task(&self, beginning: &str) -> Result<TaskId, ConsoleError> {
        let beginning = beginning.trim().to_lowercase();
        let some = if beginning.len() < ID_BEGINNING_MIN {
            Vec::new()
        } else {
            let found = self.queue.ids_beginning_with(&beginning, ID_EXAMPLES_MAX);
            found.await?
        };
        match some.as_slice() {
            [] => Err(QueueError::NoSuchTask(TaskId(beginning)).into()),
            [id] => Ok(id.clone()),
            _ => Err(ConsoleError::AmbiguousTask { beginning, some }),
        }
    }

    /// A page of tasks, the newest first.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Result<TaskPage, ConsoleError> {
        Ok(self.queue.tasks(filter, after, limit).await?)
    }

    /// A task with its attempts and report.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such task, or the database cannot be reached.
    pub async fn task(&self, id: &TaskId) -> Result<TaskDetail, ConsoleError> {
        Ok(self.queue.task(id).await?)
    }

    /// Lines of a task's log after a sequence number, or from the first one, the oldest first.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn task_log(
        &self,
        id: &TaskId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LogLine>, ConsoleError> {
        let limit = limit.clamp(1, LOG_PAGE_MAX);
        Ok(self.queue.log_after(id, after.unwrap_or(0), limit).await?)
    }
    /// Looks for a text in a task's log after a line, as far as one look goes; the answer says how far
    /// that was, and the next look goes on there.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn search_task_log(
        &self,
        id: &TaskId,
        text: &str,
        after: i64,
    ) -> Result<LogHits, ConsoleError> {
        Ok(self.queue.search_log(id, text, after).await?)
    }
}
