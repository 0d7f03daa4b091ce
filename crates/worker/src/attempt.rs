//! One attempt: perform the operation, watch the time, tell the queue how it ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use upkeep_contract::task::{LogLevel, Task, TaskError};
use upkeep_operations::context::{Context, Reporter};
use upkeep_operations::{Finished, OperationError, Registry};
use upkeep_queue::{Claim, Ending, Finish, Lease, Queue};

use crate::leases::{Leases, StopReason, StopSignal};
use crate::reporter::AttemptReporter;

/// How long an operation that was told to stop may take before it is left behind. Operations
/// stop within 100 ms (ARCHITECTURE.md, "Deleting"); only a hung file system takes longer.
const STOPPING: Duration = Duration::from_secs(5);

/// The pause between tries to tell the queue how an attempt ended.
const FINISH_RETRY: Duration = Duration::from_millis(500);

/// What a worker performs attempts with.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) queue: Queue,
    pub(crate) registry: Registry,
    pub(crate) artifacts: PathBuf,
    pub(crate) leases: Leases,
    pub(crate) host: String,
}

type Outcome = Result<Finished<Value>, OperationError>;

impl Bench {
    /// Performs a claimed attempt to its end.
    pub(crate) async fn perform(&self, claim: Claim, stop: StopSignal) {
        let Claim { task, lease, .. } = claim;
        let begun = Instant::now();
        let reporter = Arc::new(AttemptReporter::new(self.queue.clock()));
        let pid = std::process::id();
        let of = task.max_attempts;
        let (attempt, host) = (task.attempt, &self.host);
        tracing::info!(task_id = %task.id, operation = %task.operation, attempt, "begins");
        reporter.log(
            LogLevel::Info,
            format!("attempt {attempt} of {of} begins on {host} (process {pid})"),
        );
        let end = CancellationToken::new();
        let flusher = tokio::spawn({
            let (reporter, queue) = (Arc::clone(&reporter), self.queue.clone());
            let (lease, end) = (lease.clone(), end.clone());
            async move { reporter.keep_flushing(&queue, &lease, &end).await }
        });
        let ending = self.run(&task, &stop, &reporter).await;
        end.cancel();
        if let Some(ending) = ending {
            if let Err(error) = flusher.await {
                tracing::error!(%error, "writing progress broke down");
            }
            let text = describe(&ending);
            let level = if matches!(ending, Ending::Succeeded(_)) {
                LogLevel::Info
            } else {
                LogLevel::Warning
            };
            reporter.log(
                level,
                format!(
                    "attempt {attempt} {text} after {:.1} s",
                    begun.elapsed().as_secs_f64()
                ),
            );
            self.tell(&reporter, &lease, ending).await;
        } else {
            // what it may still be writing is fenced out: nobody waits for a database that hangs
            tracing::warn!(task_id = %task.id, attempt, "abandoned: the lease is another worker's");
        }
        self.leases.remove(&lease);
    }

    /// Runs the operation; `None` when the lease was lost and nothing may be written.
    async fn run(
        &self,
        task: &Task,
        stop: &StopSignal,
        reporter: &Arc<AttemptReporter>,
    ) -> Option<Ending> {
        let context = Context {
            task_id: task.id.clone(),
            attempt: task.attempt,
            cancellation: stop.token.clone(),
            clock: self.queue.clock(),
            artifacts: self.artifacts.clone(),
            reporter: Arc::<AttemptReporter>::clone(reporter),
        };
        let registry = self.registry.clone();
        let (operation, params) = (task.operation.clone(), task.params.clone());
        // a task of its own, so that a panic of the operation ends the attempt and not the worker
        let mut work =
            tokio::spawn(async move { registry.run(&operation, params, &context).await });
        let timeout = Duration::from_millis(u64::try_from(task.timeout_ms).unwrap_or(1));
        let finished = tokio::select! {
            joined = &mut work => Some(outcome(joined)),
            () = stop.token.cancelled() => {
                if stop.reason() == Some(StopReason::Operator) {
                    reporter.stopping();
                }
                stopped(work).await
            }
            () = tokio::time::sleep(timeout) => {
                stop.stop(StopReason::Timeout);
                stopped(work).await
            }
        };
        ending(finished, stop.reason(), timeout)
    }

    /// Tells the queue, again and again while the lease is ours: work that was done must not be lost
    /// to a moment without the database.
    async fn tell(&self, reporter: &AttemptReporter, lease: &Lease, ending: Ending) {
        loop {
            let words = reporter.take();
            let told = self
                .queue
                .finish_with(lease, ending.clone(), words.clone())
                .await;
            if told.is_err() {
                reporter.put_back(words);
            }
            match told {
                Ok(Finish::Accepted(state)) => {
                    tracing::info!(task_id = %lease.task_id, state = state.as_str(), "ended");
                    return;
                }
                Ok(Finish::Fenced) => {
                    tracing::warn!(task_id = %lease.task_id, "the lease is another worker's; the result is dropped");
                    return;
                }
                Err(error) if self.leases.is_safe(lease) => {
                    tracing::warn!(task_id = %lease.task_id, %error, "cannot store the result; will try again");
                    tokio::time::sleep(FINISH_RETRY).await;
                }
                Err(error) => {
                    tracing::error!(task_id = %lease.task_id, %error, "the lease ran out before the result could be stored");
                    return;
                }
            }
        }
    }
}

/// Waits for an operation that was told to stop; `None` when it hangs and was left behind.
async fn stopped(mut work: JoinHandle<Outcome>) -> Option<Outcome> {
    if let Ok(joined) = tokio::time::timeout(STOPPING, &mut work).await {
        return Some(outcome(joined));
    }
    work.abort();
    None
}

fn outcome(joined: Result<Outcome, tokio::task::JoinError>) -> Outcome {
    joined.unwrap_or_else(|error| {
        Err(OperationError::permanent(
            format!("the operation broke down: {error}"),
            "this is a defect of Upkeep: report it with the worker's log",
        ))
    })
}

fn ending(
    finished: Option<Outcome>,
    reason: Option<StopReason>,
    timeout: Duration,
) -> Option<Ending> {
    if reason == Some(StopReason::LeaseLost) {
        return None;
    }
    let error = match finished {
        Some(Ok(Finished::Succeeded(report))) => return Some(Ending::Succeeded(report)),
        Some(Ok(Finished::Partial(report))) => return Some(Ending::Partial(report)),
        Some(Err(error)) => error,
        None => OperationError::Cancelled { report: None },
    };
    Some(match (error, reason) {
        (OperationError::Cancelled { .. }, Some(StopReason::Timeout)) => {
            Ending::TimedOut(TaskError {
                kind: "timeout".to_owned(),
                message: format!(
                    "the attempt took longer than the {} s it may take",
                    timeout.as_secs_f64()
                ),
                hint: "look for a slow or hung disk; what was done so far stays done".to_owned(),
            })
        }
        (OperationError::Cancelled { .. }, Some(StopReason::Shutdown)) => Ending::Released,
        (OperationError::Cancelled { report }, _) => Ending::Cancelled(report),
        (error @ OperationError::Transient { .. }, _) => {
            Ending::Transient(task_error("transient", &error))
        }
        (error, _) => Ending::Permanent(task_error("permanent", &error)),
    })
}

fn task_error(kind: &str, error: &OperationError) -> TaskError {
    TaskError {
        kind: kind.to_owned(),
        message: error.to_string(),
        hint: error.hint().to_owned(),
    }
}

fn describe(ending: &Ending) -> String {
    match ending {
        Ending::Succeeded(_) => "succeeded".to_owned(),
        Ending::Partial(_) => "ended, but some items could not be done,".to_owned(),
        Ending::Permanent(error) => format!("failed: {};", error.message),
        Ending::Transient(error) => format!("failed and may be tried again: {};", error.message),
        Ending::TimedOut(_) => "timed out".to_owned(),
        Ending::Cancelled(_) => "was cancelled".to_owned(),
        Ending::Released => "was handed back because the worker stops,".to_owned(),
    }
}
