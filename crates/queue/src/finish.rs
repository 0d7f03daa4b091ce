//! Ending attempts: running → a final state, or back to the queue.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use upkeep_contract::event::Change;
use upkeep_contract::task::{AttemptOutcome, Progress, TaskError, TaskState};
use upkeep_contract::{AttemptNumber, Timestamp};

use crate::attempt::{Lease, NewLogLine, log_insertions};
use crate::changes::Meaning;
use crate::engine::{Parameter, Statement, WriteTransaction, list_of, sql};
use crate::rows::{small, state, to_json};
use crate::{Queue, QueueError};

/// How an attempt ended, as its worker says.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The work was done.
    Succeeded(Value),
    /// The work ended, some items could not be done.
    Partial(Value),
    /// Trying again cannot help.
    Permanent(TaskError),
    /// Trying again may help.
    Transient(TaskError),
    /// It took longer than allowed.
    TimedOut(TaskError),
    /// It stopped because an operator cancelled the task; with the report so far.
    Cancelled(Option<Value>),
    /// The worker stops in good order and hands the task back; the attempt is not charged.
    Released,
}

impl Ending {
    /// What the attempt's row says of it, and the error it names.
    fn outcome(&self) -> (AttemptOutcome, Option<&TaskError>) {
        match self {
            Self::Succeeded(_) => (AttemptOutcome::Succeeded, None),
            Self::Partial(_) => (AttemptOutcome::Partial, None),
            Self::Permanent(error) | Self::Transient(error) => {
                (AttemptOutcome::Failed, Some(error))
            }
            Self::TimedOut(error) => (AttemptOutcome::TimedOut, Some(error)),
            Self::Cancelled(_) => (AttemptOutcome::Cancelled, None),
            Self::Released => (AttemptOutcome::Released, None),
        }
    }
}

/// Whether the queue took the ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The task is in this state now; `queued` means it will be tried again.
    Accepted(TaskState),
    /// The lease was no longer this worker's. The ending is noted on the attempt; the task is not touched.
    Fenced,
}

/// What an attempt said since its last report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closing {
    /// How far it came.
    pub progress: Option<Progress>,
    /// What it logged.
    pub lines: Vec<NewLogLine>,
}

type Request = (Lease, Ending, Closing);

/// Who ended an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    Worker,
    Rescue,
    Operator,
}

impl EndedBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Rescue => "rescue",
            Self::Operator => "operator",
        }
    }
}

/// What the state table needs to know of a task to end one of its attempts.
#[derive(sqlx::FromRow)]
struct RunningRow {
    id: String,
    lease_token: String,
    attempt: i64,
    max_attempts: i64,
    cancel_requested_at: Option<i64>,
}

/// What ending an attempt does to the task.
#[derive(Clone, Debug)]
pub(crate) struct Transition {
    pub(crate) state: TaskState,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) error: Option<TaskError>,
    pub(crate) report: Option<Value>,
    /// Set when the task goes back to the queue.
    pub(crate) wait: Option<Duration>,
    /// Added to the allowed attempts: 1 when the attempt is not charged.
    pub(crate) more_attempts: i64,
    /// The last progress, when there is news of it.
    pub(crate) progress: Option<Progress>,
}

impl Transition {
    /// To this state, with nothing else to tell.
    pub(crate) fn to(state: TaskState, outcome: AttemptOutcome) -> Self {
        Self {
            state,
            outcome,
            error: None,
            report: None,
            wait: None,
            more_attempts: 0,
            progress: None,
        }
    }
}

impl Queue {
    /// Ends an attempt, by the rows "running to …" of the state table. Endings that arrive while
    /// another is being made durable share the next transaction.
    ///
    /// An ending that was accepted before (its answer got lost on the way) is answered as accepted again.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached; the attempt is still running then.
    pub async fn finish(&self, lease: &Lease, ending: Ending) -> Result<Finish, QueueError> {
        self.finish_with(lease, ending, Closing::default()).await
    }

    /// [`Queue::finish`] together with what the attempt said since its last report.
    ///
    /// # Errors
    /// As [`Queue::finish`]; nothing was written then.
    pub async fn finish_with(
        &self,
        lease: &Lease,
        ending: Ending,
        closing: Closing,
    ) -> Result<Finish, QueueError> {
        self.finishing
            .submit((lease.clone(), ending, closing), |requests| {
                let queue = self.clone();
                async move { queue.finish_together(requests).await }
            })
            .await
    }

    async fn finish_together(&self, requests: Vec<Request>) -> Vec<Result<Finish, QueueError>> {
        match self.finish_all(&requests).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) if requests.len() == 1 => vec![Err(error)],
            Err(_) => {
                let mut answers = Vec::with_capacity(requests.len());
                for request in requests {
                    let alone = self.finish_all(std::slice::from_ref(&request)).await;
                    answers.push(alone.map(|mut answers| answers.remove(0)));
                }
                answers
            }
        }
    }

    async fn finish_all(&self, requests: &[Request]) -> Result<Vec<Finish>, QueueError> {
        let mut tx = self.engine.write_with_first().await?;
        let now = self.now();
        let running = self.running(&mut tx, requests).await?;
        let mut accepted = Vec::with_capacity(requests.len());
        let mut ended: Vec<(&Lease, Transition)> = Vec::with_capacity(requests.len());
        let mut lines: Vec<(&Lease, &NewLogLine)> = Vec::new();
        let mut changes = Vec::with_capacity(requests.len());
        for (lease, ending, closing) in requests {
            let held = running.get(lease.task_id.as_str());
            let twice = ended.iter().any(|(other, _)| other.token == lease.token);
            let Some(row) = held.filter(|row| row.lease_token == lease.token.as_str() && !twice)
            else {
                accepted.push(None);
                continue;
            };
            let attempt: AttemptNumber = small("tasks", row.attempt)?;
            let last = row.attempt >= row.max_attempts;
            let wait = self.backoff.wait(attempt, rand::random());
            let transition = Transition {
                progress: closing.progress.clone(),
                ..transition(
                    ending.clone(),
                    last,
                    row.cancel_requested_at.is_some(),
                    wait,
                )
            };
            lines.extend(closing.lines.iter().map(|line| (lease, line)));
            accepted.push(Some(Finish::Accepted(transition.state)));
            changes.push(Change::Task {
                task_id: lease.task_id.clone(),
            });
            ended.push((lease, transition));
        }
        let mut statements = log_insertions(&mut tx, &lines).await?;
        statements.extend(endings(&ended, EndedBy::Worker, now)?);
        if accepted.iter().any(Option::is_none) {
            for statement in statements.drain(..) {
                statement.execute(&mut tx).await?;
            }
        }
        // after the others: an ending that is asked for twice may be among them
        let mut answers = Vec::with_capacity(requests.len());
        for ((lease, ending, _), accepted) in requests.iter().zip(accepted) {
            answers.push(match accepted {
                Some(answer) => answer,
                None => note_late(&mut tx, lease, ending, now).await?,
            });
        }
        self.commit_after(tx, statements, changes, Meaning::CLAIMABLE)
            .await?;
        Ok(answers)
    }

    /// The rows of these tasks that run, kept from changing until the transaction ends.
    async fn running(
        &self,
        tx: &mut WriteTransaction,
        requests: &[Request],
    ) -> Result<HashMap<String, RunningRow>, QueueError> {
        let mut running = HashMap::with_capacity(requests.len());
        for piece in list_of(requests) {
            let mut statement = sql(
                "SELECT id, lease_token, attempt, max_attempts, cancel_requested_at FROM tasks WHERE state = 'running' AND id IN ",
            );
            statement.push_list(piece.iter().map(|(lease, ..)| lease.task_id.as_str()));
            // in one order, so that two transactions never wait for each other
            statement.push(" ORDER BY id ");
            statement.push(self.engine.row_lock());
            let rows: Vec<RunningRow> = statement.fetch_all(tx).await?;
            running.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
        }
        Ok(running)
    }
}

fn transition(ending: Ending, last: bool, cancel_requested: bool, wait: Duration) -> Transition {
    let (outcome, _) = ending.outcome();
    let ended = |state, error, report| Transition {
        error,
        report,
        ..Transition::to(state, outcome)
    };
    let again = |error, wait| Transition {
        error,
        wait: Some(wait),
        ..Transition::to(TaskState::Queued, outcome)
    };
    match ending {
        Ending::Succeeded(report) => ended(TaskState::Succeeded, None, Some(report)),
        Ending::Partial(report) => ended(TaskState::Partial, None, Some(report)),
        Ending::Cancelled(report) => ended(TaskState::Cancelled, None, report),
        Ending::Permanent(error) => ended(TaskState::Failed, Some(error), None),
        // an operator who cancelled does not want another attempt
        Ending::Transient(error) | Ending::TimedOut(error) if cancel_requested => {
            ended(TaskState::Cancelled, Some(error), None)
        }
        Ending::Released if cancel_requested => Transition {
            outcome: AttemptOutcome::Cancelled,
            ..ended(TaskState::Cancelled, None, None)
        },
        Ending::Transient(error) | Ending::TimedOut(error) if last => {
            ended(TaskState::Failed, Some(error), None)
        }
        Ending::Transient(error) | Ending::TimedOut(error) => again(Some(error), wait),
        Ending::Released => Transition {
            more_attempts: 1,
            ..again(None, Duration::ZERO)
        },
    }
}

/// The statements that write transitions. The caller has checked the leases within the same
/// transaction; the token is named all the same.
pub(crate) fn endings(
    ended: &[(&Lease, Transition)],
    by: EndedBy,
    now: Timestamp,
) -> Result<Vec<Statement>, QueueError> {
    let mut statements = Vec::new();
    for piece in list_of(ended) {
        let mut attempts = sql("WITH ended (task_id, number, outcome, error) AS (VALUES ");
        let mut tasks = sql(
            "WITH ended (id, token, state, finished_at, run_after, error, report, progress, more) AS (VALUES ",
        );
        for (index, (lease, transition)) in piece.iter().enumerate() {
            let error = transition.error.as_ref().map(to_json).transpose()?;
            let comma = if index == 0 { "" } else { ", " };
            attempts.push(comma).push_list::<Parameter>([
                lease.task_id.as_str().into(),
                lease.attempt.into(),
                transition.outcome.as_str().into(),
                error.clone().into(),
            ]);
            tasks.push(comma).push_list::<Parameter>([
                lease.task_id.as_str().into(),
                lease.token.as_str().into(),
                transition.state.as_str().into(),
                transition.state.is_final().then_some(now).into(),
                now.plus(transition.wait.unwrap_or_default()).into(),
                error.into(),
                transition.report.as_ref().map(to_json).transpose()?.into(),
                transition
                    .progress
                    .as_ref()
                    .map(to_json)
                    .transpose()?
                    .into(),
                transition.more_attempts.into(),
            ]);
        }
        attempts
            .push(") UPDATE attempts SET ended_at = ")
            .push_bind(now);
        attempts.push(", ended_by = ").push_bind(by.as_str());
        attempts.push(
            ", outcome = ended.outcome, error = ended.error FROM ended \
             WHERE attempts.task_id = ended.task_id AND attempts.number = ended.number AND attempts.ended_at IS NULL",
        );
        statements.push(attempts);
        tasks.push(
            ") UPDATE tasks SET state = ended.state, lease_token = NULL, lease_until = NULL, lease_ms = NULL, \
             finished_at = ended.finished_at, run_after = ended.run_after, error = ended.error, report = ended.report, \
             progress = COALESCE(ended.progress, tasks.progress), \
             max_attempts = max_attempts + ended.more FROM ended \
             WHERE tasks.id = ended.id AND tasks.state = 'running' AND tasks.lease_token = ended.token",
        );
        statements.push(tasks);
    }
    Ok(statements)
}

/// An ending without a lease: accepted before, or too late. What is too late is noted on the
/// attempt, once, and changes nothing else.
async fn note_late(
    tx: &mut WriteTransaction,
    lease: &Lease,
    ending: &Ending,
    now: Timestamp,
) -> Result<Finish, QueueError> {
    let (outcome, error) = ending.outcome();
    // what is handed back although an operator cancelled it ends as cancelled
    let accepted_as = match ending {
        Ending::Released => AttemptOutcome::Cancelled,
        _ => outcome,
    };
    let accepted: Option<(String,)> = sql(
        "SELECT tasks.state FROM attempts JOIN tasks ON tasks.id = attempts.task_id \
         WHERE attempts.task_id = $1 AND attempts.number = $2 AND attempts.lease_token = $3 \
         AND attempts.ended_by = 'worker' AND attempts.outcome IN ($4, $5)",
    )
    .bind(lease.task_id.as_str())
    .bind(lease.attempt)
    .bind(lease.token.as_str())
    .bind(outcome.as_str())
    .bind(accepted_as.as_str())
    .fetch_optional(tx)
    .await?;
    if let Some((name,)) = accepted {
        return Ok(Finish::Accepted(state(&name)?));
    }
    sql(
        "UPDATE attempts SET late_at = $1, late_outcome = $2, late_error = $3 WHERE task_id = $4 AND number = $5 \
         AND lease_token = $6 AND ended_by <> 'worker' AND late_at IS NULL",
    )
    .bind(now)
    .bind(outcome.as_str())
    .bind(error.map(to_json).transpose()?)
    .bind(lease.task_id.as_str())
    .bind(lease.attempt)
    .bind(lease.token.as_str())
    .execute(tx)
    .await?;
    Ok(Finish::Fenced)
}
