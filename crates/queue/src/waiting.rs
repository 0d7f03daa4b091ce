//! Why queued tasks wait, and whether the worker of a running one is gone: derived from paused operations,
//! live workers and what runs, whenever tasks are read.

use std::collections::HashMap;

use upkeep_contract::task::{Task, TaskState};
use upkeep_contract::waiting::{PausedOperation, Waiting};
use upkeep_contract::{OperationId, Timestamp, WorkerId};

use crate::backoff::Due;
use crate::engine::{Connected, list_of, sql};
use crate::levers::paused;
use crate::rows::json;
use crate::workers::STALE_AFTER;
use crate::{Queue, QueueError};

/// Workers of one host that perform the same operations.
#[derive(Debug)]
struct Workers {
    host: String,
    operations: Vec<OperationId>,
    last_seen: Timestamp,
    alive: bool,
    claiming: bool,
}

/// What decides whether a queued task can be taken.
#[derive(Debug)]
pub(crate) struct Situation {
    due: Due,
    paused: Vec<PausedOperation>,
    workers: Vec<Workers>,
    /// By host and operation, previews left out.
    running: HashMap<(String, String), i64>,
}

impl Queue {
    /// Says of each queued task why it waits, and of each running one whether its worker is gone.
    pub(crate) async fn explain(
        &self,
        connection: &mut impl Connected,
        tasks: &mut [Task],
    ) -> Result<(), QueueError> {
        self.miss_workers(connection, tasks).await?;
        if tasks.iter().all(|task| task.state != TaskState::Queued) {
            return Ok(());
        }
        let situation = self.situation(connection).await?;
        for task in tasks {
            if task.state == TaskState::Queued {
                task.waiting = Some(situation.reason(task, &self.host_limits));
            }
        }
        Ok(())
    }

    /// A worker that stopped or fell silent performs nothing, whatever the lease still says.
    async fn miss_workers(
        &self,
        connection: &mut impl Connected,
        tasks: &mut [Task],
    ) -> Result<(), QueueError> {
        let runs = |task: &&mut Task| task.state == TaskState::Running;
        let mut holders: Vec<String> = tasks
            .iter_mut()
            .filter(runs)
            .filter_map(|task| task.worker.as_ref().map(|id| id.as_str().to_owned()))
            .collect();
        holders.sort_unstable();
        holders.dedup();
        let mut alive: Vec<String> = Vec::with_capacity(holders.len());
        for piece in list_of(&holders) {
            let mut statement =
                sql("SELECT id FROM workers WHERE state <> 'stopped' AND heartbeat_at >= ");
            statement.push_bind(self.now().minus(STALE_AFTER));
            statement.push(" AND id IN ");
            statement.push_list(piece.iter().map(String::as_str));
            let rows: Vec<(String,)> = statement.fetch_all(connection).await?;
            alive.extend(rows.into_iter().map(|(id,)| id));
        }
        for task in tasks.iter_mut().filter(runs) {
            let holder = task.worker.as_ref().map(WorkerId::as_str);
            task.lost = !alive.iter().any(|id| Some(id.as_str()) == holder);
        }
        Ok(())
    }

    /// The hosts of live workers that perform an operation, by name; and, when there are none, the
    /// last sign of life of such a worker.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn live_hosts(
        &self,
        operation: &OperationId,
    ) -> Result<(Vec<String>, Option<Timestamp>), QueueError> {
        let situation = self.situation(&mut self.engine.read().await?).await?;
        let able = || {
            situation
                .workers
                .iter()
                .filter(|workers| workers.operations.contains(operation))
        };
        let mut hosts: Vec<String> = able()
            .filter(|workers| workers.alive)
            .map(|workers| workers.host.clone())
            .collect();
        hosts.sort();
        hosts.dedup();
        Ok((hosts, able().map(|workers| workers.last_seen).max()))
    }

    async fn situation(&self, connection: &mut impl Connected) -> Result<Situation, QueueError> {
        let due = self.due();
        let rows: Vec<(String, String, i64, i64, i64)> = sql(
            "SELECT host, operations, MAX(heartbeat_at), \
             MAX(CASE WHEN state <> 'stopped' AND heartbeat_at >= $1 THEN CAST(1 AS BIGINT) ELSE 0 END), \
             MAX(CASE WHEN state = 'active' AND drain_requested_at IS NULL AND heartbeat_at >= $1 \
             THEN CAST(1 AS BIGINT) ELSE 0 END) FROM workers GROUP BY host, operations",
        )
        .bind(due.now.minus(STALE_AFTER))
        .fetch_all(connection)
        .await?;
        let mut workers = Vec::with_capacity(rows.len());
        for (host, operations, last_seen, alive, claiming) in rows {
            workers.push(Workers {
                host,
                operations: json("workers", &operations)?,
                last_seen: Timestamp(last_seen),
                alive: alive != 0,
                claiming: claiming != 0,
            });
        }
        let running = if self.host_limits.is_empty() {
            Vec::new()
        } else {
            sql("SELECT worker_host, operation, COUNT(*) FROM tasks WHERE state = 'running' AND dry_run = 0 \
                 GROUP BY worker_host, operation")
            .fetch_all::<(String, String, i64)>(connection)
            .await?
        };
        Ok(Situation {
            due,
            paused: paused(connection).await?,
            workers,
            running: running
                .into_iter()
                .map(|(host, operation, count)| ((host, operation), count))
                .collect(),
        })
    }
}

impl Situation {
    fn reason(&self, task: &Task, host_limits: &HashMap<OperationId, u32>) -> Waiting {
        if let Some(paused) = self.paused.iter().find(|p| p.operation == task.operation) {
            return Waiting::OperationPaused {
                by: paused.by.clone(),
                since: paused.since,
            };
        }
        let host = task.target_host.clone();
        let able: Vec<&Workers> = self
            .workers
            .iter()
            .filter(|workers| host.as_ref().is_none_or(|host| *host == workers.host))
            .filter(|workers| workers.operations.contains(&task.operation))
            .collect();
        if !able.iter().any(|workers| workers.alive) {
            let last_seen = able.iter().map(|workers| workers.last_seen).max();
            return Waiting::NoWorker { host, last_seen };
        }
        let claiming: Vec<&&Workers> = able.iter().filter(|workers| workers.claiming).collect();
        if claiming.is_empty() {
            return Waiting::WorkersDraining { host };
        }
        if !self.due.has_come(task.run_after) {
            return Waiting::BackOff {
                until: task.run_after,
            };
        }
        if let Some(limit) = host_limits.get(&task.operation)
            && !task.dry_run
        {
            let full = |workers: &&&Workers| {
                let key = (workers.host.clone(), task.operation.0.clone());
                self.running
                    .get(&key)
                    .is_some_and(|count| *count >= i64::from(*limit))
            };
            if claiming.iter().all(full) {
                let mut hosts: Vec<String> = claiming
                    .iter()
                    .map(|workers| workers.host.clone())
                    .collect();
                hosts.sort();
                hosts.dedup();
                return Waiting::LimitReached { hosts };
            }
        }
        Waiting::Turn
    }
}
