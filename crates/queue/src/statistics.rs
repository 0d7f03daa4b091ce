//! Figures of the queue over a range, exact, on both engines, and quick at a million tasks.
//!
//! Nothing is kept beside the tasks: one index holds all that the figures need (`tasks_last_run`), and
//! what it says comes packed, one text for each stretch of the range ([`packed`]); percentiles are taken
//! from all values ([`percentiles`]). So cleaning the history needs to know nothing of statistics.

mod failures;
mod packed;
mod percentiles;
mod slowest;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use upkeep_contract::statistics::{
    OperationStatistics, Outcomes, Percentiles, QueueStatistics, StateCount, ThroughputBucket,
};
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, Timestamp};

use crate::engine::{Statement, sql};
use crate::rows::{count, state};
use crate::{Queue, QueueError};
use packed::{Part, Tally};

/// How the figures are made, for whoever reads them.
const METHOD: &str = "A task belongs to the range by when it ended; one that has not ended, by when it was asked for. \
     Success rate: succeeded among succeeded, partial and failed. Working time: from the first attempt's start to the end, \
     waits between attempts included; waiting time: from being asked for to the first attempt's start. Percentiles are exact \
     (nearest rank). Previews count like other tasks. Failing hosts and errors are counted among the newest 10,000 failures.";

/// What figures are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatisticsRequest {
    /// What ended at or after it counts.
    pub from: Timestamp,
    /// What ended at it or later does not.
    pub to: Timestamp,
    /// Where the range is cut for the throughput. What does not lie within it is left out.
    pub edges: Vec<Timestamp>,
    /// Only tasks that ran on this host, or must.
    pub host: Option<String>,
    /// Only tasks of this operation.
    pub operation: Option<OperationId>,
}

impl StatisticsRequest {
    /// All tasks of a range, in one stretch.
    pub fn between(from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            ..Self::default()
        }
    }

    /// The stretches between the edges, from the first moment to the last.
    fn stretches(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut edges: Vec<Timestamp> = self.edges.clone();
        edges.retain(|edge| *edge > self.from && *edge < self.to);
        edges.sort_unstable();
        edges.dedup();
        let begins = std::iter::once(self.from).chain(edges.iter().copied());
        let ends = edges.iter().copied().chain(std::iter::once(self.to));
        begins.zip(ends).filter(|(from, to)| from < to).collect()
    }

    /// Adds ` AND …` for host and operation.
    fn push_scope(&self, statement: &mut Statement) {
        if let Some(operation) = &self.operation {
            statement
                .push(" AND operation = ")
                .push_bind(operation.as_str());
        }
        self.push_host(statement);
    }

    /// Not the expression of the index of hosts: that one holds nothing else that is needed here.
    fn push_host(&self, statement: &mut Statement) {
        if let Some(host) = &self.host {
            statement
                .push(" AND COALESCE(worker_host, target_host, '') = ")
                .push_bind(host.as_str());
        }
    }
}

impl Queue {
    /// Figures of the tasks that ended at or after `from` and before `to`, and of those that have not
    /// ended and were asked for then.
    ///
    /// It reads over several connections: a task that ends while it reads may be in one figure and not
    /// yet in another.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn statistics(
        &self,
        request: &StatisticsRequest,
    ) -> Result<QueueStatistics, QueueError> {
        let stretches: Arc<[_]> = request.stretches().into();
        let parts = Arc::new(Mutex::new(self.parts(request, &stretches).await?));
        // two lanes, each with a connection and a thread of its own
        let lanes = [(); 2].map(|()| {
            let lane =
                self.clone()
                    .tallies(request.clone(), Arc::clone(&stretches), Arc::clone(&parts));
            AbortOnDropHandle::new(tokio::spawn(lane))
        });
        let failures = self.failures(request).await?;
        let [first, second] = lanes;
        let (first, second) = (joined(first.await)?, joined(second.await)?);
        let mut tallies: Vec<Tally> = first.into_iter().chain(second).collect();
        let slowest = self.slowest(request, &stretches, &mut tallies).await?;

        let mut counts = self.counts_of_unfinished(request).await?;
        let mut throughput: Vec<ThroughputBucket> = stretches
            .iter()
            .map(|&(from, to)| ThroughputBucket {
                from,
                to,
                outcomes: Outcomes::default(),
            })
            .collect();
        let mut whole = Outcomes::default();
        for tally in &tallies {
            for (bucket, outcomes) in throughput.iter_mut().zip(&tally.outcomes) {
                add(&mut bucket.outcomes, outcomes);
                add(&mut whole, outcomes);
            }
        }
        let (operations, duration, waiting) = summed_up(tallies).await?;
        for one in &operations {
            counts.extend(counts_of(&one.operation, &one.outcomes));
        }
        let place = |state| TaskState::ALL.iter().position(|one| *one == state);
        counts.sort_by(|a, b| (&a.operation, place(a.state)).cmp(&(&b.operation, place(b.state))));
        let (queued_now, running_now) = self.now_in(request).await?;
        Ok(QueueStatistics {
            from: request.from,
            to: request.to,
            host: request.host.clone(),
            operation: request.operation.clone(),
            counts,
            success_rate: whole.success_rate(),
            duration,
            waiting,
            operations,
            throughput,
            slowest,
            failures,
            queued_now,
            running_now,
            oldest_waiting_ms: self.oldest_waiting_in(request).await?,
            method: METHOD.to_owned(),
        })
    }

    /// When the oldest task of the history was asked for; none when there is none.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn oldest_task_at(&self) -> Result<Option<Timestamp>, QueueError> {
        let (oldest,): (Option<i64>,) = sql("SELECT MIN(enqueued_at) FROM tasks")
            .fetch_one(&mut self.engine.read().await?)
            .await?;
        Ok(oldest.map(Timestamp))
    }

    /// Age of the oldest task that waits and is due, milliseconds.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn oldest_waiting_ms(&self) -> Result<Option<i64>, QueueError> {
        self.oldest_waiting_in(&StatisticsRequest::default()).await
    }

    /// Tasks that ended as failed at or after `since`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn failed_since(&self, since: Timestamp) -> Result<u64, QueueError> {
        let (failed,): (i64,) =
            sql("SELECT COUNT(*) FROM tasks WHERE state = 'failed' AND finished_at >= $1")
                .bind(since)
                .fetch_one(&mut self.engine.read().await?)
                .await?;
        Ok(count(failed))
    }

    async fn oldest_waiting_in(
        &self,
        request: &StatisticsRequest,
    ) -> Result<Option<i64>, QueueError> {
        let now = self.now().as_millis();
        let mut statement =
            sql("SELECT MIN(enqueued_at) FROM tasks WHERE state = 'queued' AND run_after <= ");
        statement.push_bind(now);
        request.push_scope(&mut statement);
        let (oldest,): (Option<i64>,) = statement.fetch_one(&mut self.engine.read().await?).await?;
        Ok(oldest.map(|oldest| (now - oldest).max(0)))
    }

    /// How many wait and how many run, whatever the range.
    async fn now_in(&self, request: &StatisticsRequest) -> Result<(u64, u64), QueueError> {
        let mut connection = self.engine.read().await?;
        let mut numbers = [0, 0];
        for (number, state) in numbers
            .iter_mut()
            .zip([TaskState::Queued, TaskState::Running])
        {
            let mut statement = sql("SELECT COUNT(*) FROM tasks WHERE state = ");
            statement.push_bind(state.as_str());
            request.push_scope(&mut statement);
            let (found,): (i64,) = statement.fetch_one(&mut connection).await?;
            *number = count(found);
        }
        Ok(numbers.into())
    }

    async fn counts_of_unfinished(
        &self,
        request: &StatisticsRequest,
    ) -> Result<Vec<StateCount>, QueueError> {
        let mut statement = sql(
            "SELECT operation, state, COUNT(*) FROM tasks WHERE state IN ('queued', 'running')",
        );
        statement
            .push(" AND enqueued_at >= ")
            .push_bind(request.from)
            .push(" AND enqueued_at < ")
            .push_bind(request.to);
        request.push_scope(&mut statement);
        statement.push(" GROUP BY operation, state");
        let rows: Vec<(String, String, i64)> =
            statement.fetch_all(&mut self.engine.read().await?).await?;
        rows.into_iter()
            .map(|(operation, name, number)| {
                Ok(StateCount {
                    operation: OperationId(operation),
                    state: state(&name)?,
                    count: count(number),
                })
            })
            .collect()
    }

    /// What is to be read: each operation, previews and others, its older and its newer half.
    async fn parts(
        &self,
        request: &StatisticsRequest,
        stretches: &[(Timestamp, Timestamp)],
    ) -> Result<Vec<Part>, QueueError> {
        let operations = match &request.operation {
            Some(operation) => vec![operation.clone()],
            None => self.operations_that_ended().await?,
        };
        let half = stretches.len().div_ceil(2);
        Ok(operations
            .into_iter()
            .flat_map(|operation| {
                [false, true].into_iter().flat_map(move |dry_run| {
                    let operation = operation.clone();
                    [0..half, half..stretches.len()]
                        .into_iter()
                        .filter(|stretches| !stretches.is_empty())
                        .map(move |stretches| Part {
                            operation: operation.clone(),
                            dry_run,
                            stretches,
                        })
                })
            })
            .collect())
    }

    /// From one name to the next in the index: the rows between them are not looked at.
    async fn operations_that_ended(&self) -> Result<Vec<OperationId>, QueueError> {
        let rows: Vec<(Option<String>,)> = sql(
            "WITH RECURSIVE names(operation) AS ( \
             SELECT MIN(operation) FROM tasks WHERE finished_at IS NOT NULL \
             UNION ALL SELECT (SELECT MIN(operation) FROM tasks WHERE finished_at IS NOT NULL AND operation > names.operation) \
             FROM names WHERE names.operation IS NOT NULL) SELECT operation FROM names",
        )
        .fetch_all(&mut self.engine.read().await?)
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(name,)| name.map(OperationId))
            .collect())
    }

    /// Takes parts and tallies them until none is left.
    async fn tallies(
        self,
        request: StatisticsRequest,
        stretches: Arc<[(Timestamp, Timestamp)]>,
        parts: Arc<Mutex<Vec<Part>>>,
    ) -> Result<Vec<Tally>, QueueError> {
        let mut tallies = Vec::new();
        let mut connection = self.engine.read().await?;
        loop {
            let next = parts.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(part) = next else {
                return Ok(tallies);
            };
            tallies.push(packed::read(&mut connection, &request, &stretches, part).await?);
        }
    }
}

/// What a lane gave. One that broke down is a defect, which goes on to whoever asked.
fn joined<T>(result: Result<Result<T, QueueError>, JoinError>) -> Result<T, QueueError> {
    match result {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(sqlx::Error::WorkerCrashed.into()),
        },
    }
}

type SummedUp = (
    Vec<OperationStatistics>,
    Option<Percentiles>,
    Option<Percentiles>,
);

/// The operations, and the times of all of them together; away from the threads that others wait for.
async fn summed_up(tallies: Vec<Tally>) -> Result<SummedUp, QueueError> {
    let mut outcomes: BTreeMap<OperationId, Outcomes> = BTreeMap::new();
    let (mut durations, mut waits) = (Vec::new(), Vec::new());
    for tally in tallies {
        let all = outcomes.entry(tally.operation.clone()).or_default();
        tally.outcomes.iter().for_each(|more| add(all, more));
        durations.push((tally.operation.clone(), tally.durations));
        waits.push((tally.operation, tally.waits));
    }
    let (durations, waits) = tokio::join!(
        AbortOnDropHandle::new(tokio::task::spawn_blocking(move || {
            percentiles::by_operation(durations)
        })),
        AbortOnDropHandle::new(tokio::task::spawn_blocking(move || {
            percentiles::by_operation(waits)
        })),
    );
    let (mut durations, duration) = joined(durations.map(Ok))?;
    let (mut waits, waiting) = joined(waits.map(Ok))?;
    let operations = outcomes
        .into_iter()
        .filter(|(_, outcomes)| outcomes.ended() > 0)
        .map(|(operation, outcomes)| OperationStatistics {
            duration: durations.remove(&operation).flatten(),
            waiting: waits.remove(&operation).flatten(),
            success_rate: outcomes.success_rate(),
            operation,
            outcomes,
        });
    Ok((operations.collect(), duration, waiting))
}

fn add(to: &mut Outcomes, more: &Outcomes) {
    to.succeeded += more.succeeded;
    to.partial += more.partial;
    to.failed += more.failed;
    to.cancelled += more.cancelled;
}

fn counts_of(operation: &OperationId, outcomes: &Outcomes) -> impl Iterator<Item = StateCount> {
    [
        (TaskState::Succeeded, outcomes.succeeded),
        (TaskState::Partial, outcomes.partial),
        (TaskState::Failed, outcomes.failed),
        (TaskState::Cancelled, outcomes.cancelled),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(state, count)| StateCount {
        operation: operation.clone(),
        state,
        count,
    })
}
