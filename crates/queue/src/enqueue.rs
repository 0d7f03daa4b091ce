//! Accepting a request: – → queued.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use upkeep_contract::task::TaskState;
use upkeep_contract::{AttemptNumber, GroupId, OperationId, TaskId, Timestamp};

use crate::changes::{Meaning, task_changed};
use crate::engine::{Statement, list_of, rows_of, sql};
use crate::rows::to_json;
use crate::{Queue, QueueError};

/// Lower runs first; this leaves room on both sides.
pub const DEFAULT_PRIORITY: i32 = 100;
/// A first try and two more: enough for what passes, few enough to hear soon of what does not.
pub const DEFAULT_MAX_ATTEMPTS: AttemptNumber = 3;
/// Long enough for millions of files; an attempt that takes longer hangs.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_hours(6);

/// How often an insert is tried whose key is taken by a task that ends in the meantime.
const TRIES: usize = 3;

/// Longer keys are shortened.
const KEY_BYTES_MAX: usize = 400;

/// A request to perform an operation. Its parameters have been accepted by the operation's registry.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// What is to be done.
    pub operation: OperationId,
    /// With which parameters, complete with their defaults.
    pub params: Value,
    /// True when the parameters ask for a preview only.
    pub dry_run: bool,
    /// The host it must run on, or none for any.
    pub target_host: Option<String>,
    /// The fan-out it belongs to.
    pub group_id: Option<GroupId>,
    /// Lower runs first.
    pub priority: i32,
    /// Attempts allowed, at least 1.
    pub max_attempts: AttemptNumber,
    /// How long one attempt may take, at least a millisecond.
    pub timeout: Duration,
    /// While a task with the same key is queued or running, no second one is made.
    pub dedup_key: Option<String>,
    /// Who asks. Never empty.
    pub requested_by: String,
    /// The task this one runs again.
    pub rerun_of: Option<TaskId>,
}

impl NewTask {
    /// A request with the defaults for everything that need not be said.
    pub fn new(
        operation: impl Into<OperationId>,
        params: Value,
        requested_by: impl Into<String>,
    ) -> Self {
        Self {
            operation: operation.into(),
            params,
            dry_run: false,
            target_host: None,
            group_id: None,
            priority: DEFAULT_PRIORITY,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            timeout: DEFAULT_TIMEOUT,
            dedup_key: None,
            requested_by: requested_by.into(),
            rerun_of: None,
        }
    }
}

/// What became of a request. Both are answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// A new task waits.
    New(TaskId),
    /// The same request is already queued or running.
    Existing(TaskId),
}

impl Enqueued {
    /// The task that will do the work, new or not.
    pub fn id(&self) -> &TaskId {
        match self {
            Self::New(id) | Self::Existing(id) => id,
        }
    }
}

impl Queue {
    /// Accepts a request: once this returns, the task is durable. Requests that arrive while another
    /// is being made durable share the next transaction.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when it could not be made durable; then it was not accepted.
    pub async fn enqueue(&self, task: NewTask) -> Result<Enqueued, QueueError> {
        // drawn here, so that ids sort in the order of the requests
        let request = (TaskId::generate(), task);
        self.enqueuing
            .submit(request, |requests| {
                let queue = self.clone();
                async move { queue.enqueue_together(requests).await }
            })
            .await
    }

    /// Accepts many requests in one transaction: all of them, or none.
    ///
    /// # Errors
    /// As [`Queue::enqueue`].
    pub async fn enqueue_all(&self, tasks: Vec<NewTask>) -> Result<Vec<Enqueued>, QueueError> {
        let requests: Vec<_> = tasks
            .into_iter()
            .map(|task| (TaskId::generate(), task))
            .collect();
        self.insert_requests(&requests).await
    }

    async fn enqueue_together(
        &self,
        requests: Vec<(TaskId, NewTask)>,
    ) -> Vec<Result<Enqueued, QueueError>> {
        match self.insert_requests(&requests).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) if requests.len() == 1 => vec![Err(error)],
            // one of them may be at fault for all: each gets its own answer
            Err(_) => {
                let mut answers = Vec::with_capacity(requests.len());
                for request in requests {
                    let alone = self.insert_requests(std::slice::from_ref(&request)).await;
                    answers.push(alone.map(|mut answers| answers.remove(0)));
                }
                answers
            }
        }
    }

    async fn insert_requests(
        &self,
        requests: &[(TaskId, NewTask)],
    ) -> Result<Vec<Enqueued>, QueueError> {
        let keys: Vec<Option<String>> = requests
            .iter()
            .map(|(_, task)| task.dedup_key.as_deref().map(short_key))
            .collect();
        let mut tx = self.engine.write_with_first().await?;
        let now = self.now();
        let mut rows = Vec::with_capacity(requests.len());
        for ((id, task), key) in requests.iter().zip(&keys) {
            rows.push(Row {
                id,
                task,
                key: key.as_deref(),
                params: to_json(&task.params)?,
                audit_id: uuid::Uuid::now_v7().to_string(),
                asked: to_json(&asked(task))?,
            });
        }
        // two programs that enqueue the same requests in another order must not wait for each other
        rows.sort_by_key(|row| row.key);
        let mut answers = HashMap::with_capacity(rows.len());
        for _ in 0..TRIES {
            let pieces = list_of(&rows);
            for (index, piece) in pieces.iter().enumerate() {
                let statements = vec![insertion(piece, now), audit(piece, now)];
                let last = index + 1 == pieces.len();
                let answered: Vec<(String, String)> = tx.fetch_together(statements, last).await?;
                let mut answered: HashMap<String, String> = answered.into_iter().collect();
                answers.extend(piece.iter().filter_map(|row| {
                    let answer = answered.remove(row.audit_id.as_str())?;
                    Some((row.id, TaskId(answer)))
                }));
            }
            // what had the key may have ended between the two statements: then it is free now
            rows.retain(|row| !answers.contains_key(row.id));
            if rows.is_empty() {
                break;
            }
        }
        let answers = requests
            .iter()
            .map(|(id, _)| {
                let answer = answers.remove(id).ok_or_else(vanished)?;
                Ok(if answer == *id {
                    Enqueued::New(answer)
                } else {
                    Enqueued::Existing(answer)
                })
            })
            .collect::<Result<Vec<_>, QueueError>>()?;
        let changes = answers
            .iter()
            .filter(|answer| matches!(answer, Enqueued::New(_)))
            .map(|answer| task_changed(answer.id()))
            .collect();
        self.commit(tx, changes, Meaning::CLAIMABLE).await?;
        Ok(answers)
    }
}

/// A request as it is written.
struct Row<'a> {
    id: &'a TaskId,
    task: &'a NewTask,
    key: Option<&'a str>,
    params: String,
    audit_id: String,
    asked: String,
}

/// What the audit trail keeps of a request: the trail outlives the task, so it says all that was asked for.
fn asked(task: &NewTask) -> Value {
    let mut asked = json!({ "operation": task.operation, "params": task.params });
    if let Some(host) = &task.target_host {
        asked["host"] = json!(host);
    }
    if let Some(group) = &task.group_id {
        asked["group"] = json!(group);
    }
    if let Some(rerun_of) = &task.rerun_of {
        asked["rerun_of"] = json!(rerun_of);
    }
    asked
}

/// Inserts what no queued or running task has the key of.
fn insertion(rows: &[Row<'_>], now: Timestamp) -> Statement {
    let places = rows_of(rows.len(), 15);
    let mut statement = sql(format!(
        "INSERT INTO tasks (id, operation, params, dry_run, target_host, group_id, state, priority, dedup_key, \
         requested_by, enqueued_at, run_after, max_attempts, timeout_ms, rerun_of) \
         VALUES {places} ON CONFLICT DO NOTHING"
    ));
    for row in rows {
        let task = row.task;
        statement = statement
            .bind(row.id.as_str())
            .bind(task.operation.as_str())
            .bind(row.params.as_str())
            .bind(task.dry_run)
            .bind(task.target_host.as_deref())
            .bind(task.group_id.as_ref().map(GroupId::as_str))
            .bind(TaskState::Queued.as_str())
            .bind(task.priority)
            .bind(row.key)
            .bind(task.requested_by.as_str())
            .bind(now)
            .bind(now)
            .bind(task.max_attempts.max(1))
            .bind(
                i64::try_from(task.timeout.as_millis())
                    .unwrap_or(i64::MAX)
                    .max(1),
            )
            .bind(task.rerun_of.as_ref().map(TaskId::as_str));
    }
    statement
}

/// Tells of each request and of the task that will do its work: its own, or the one that has its key.
/// Gives the id of its entry and that task, and nothing for a request that has neither.
fn audit(rows: &[Row<'_>], now: Timestamp) -> Statement {
    let mut statement = sql(format!(
        "WITH requests (entry, id, dedup_key, who, parameters) AS (VALUES {}), \
         answered AS (SELECT requests.*, \
         (SELECT tasks.id FROM tasks WHERE tasks.id = requests.id) AS own, \
         (SELECT tasks.id FROM tasks WHERE tasks.dedup_key = requests.dedup_key AND tasks.state IN ('queued', 'running')) AS existing \
         FROM requests) \
         INSERT INTO audit (id, at, who, what, subject, parameters) SELECT entry, ",
        rows_of(rows.len(), 5)
    ));
    for row in rows {
        statement = statement
            .bind(row.audit_id.as_str())
            .bind(row.id.as_str())
            .bind(row.key)
            .bind(row.task.requested_by.as_str())
            .bind(row.asked.as_str());
    }
    statement.push_bind(now);
    statement.push(
        ", who, CASE WHEN own IS NULL THEN 'enqueue_duplicate' ELSE 'enqueue' END, COALESCE(own, existing), parameters \
         FROM answered WHERE COALESCE(own, existing) IS NOT NULL RETURNING id, subject",
    );
    statement
}

/// A key that fits into an index of either engine (PostgreSQL's takes 2.7 kB): the beginning of a
/// long one, and a hash of the whole.
fn short_key(key: &str) -> String {
    if key.len() <= KEY_BYTES_MAX {
        return key.to_owned();
    }
    let hash = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, key.as_bytes());
    let mut end = KEY_BYTES_MAX;
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} {hash}", &key[..end])
}

/// A key that is taken each time it is inserted and free each time it is looked for.
fn vanished() -> QueueError {
    sqlx::Error::RowNotFound.into()
}
