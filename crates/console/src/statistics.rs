//! What the page of statistics shows: figures of the queue over a range, the workers, their hosts.
//!
//! Nothing is measured for it: the hosts' vital signs are those of their workers' last heartbeats.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use upkeep_contract::Timestamp;
use upkeep_contract::params::InvalidParameter;
use upkeep_contract::statistics::{
    HostStatistics, StatisticsQuery, StatisticsRange, StatisticsView, WorkerLoad,
};
use upkeep_contract::task::{Task, TaskState};
use upkeep_contract::worker::{Worker, WorkerState};
use upkeep_operations::buckets;
use upkeep_operations::log_statistics::runtime_statistics;
use upkeep_queue::StatisticsRequest;

use crate::{Console, ConsoleError};

/// What an empty history shows.
const NOTHING_YET: Duration = Duration::from_hours(24);

impl Console {
    /// Figures over a range, as they are now.
    ///
    /// # Errors
    /// [`ConsoleError::InvalidParameter`] for a range that ends before it begins; [`ConsoleError::Queue`]
    /// when the database cannot be reached.
    pub async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<StatisticsView, ConsoleError> {
        let begun = Instant::now();
        let (from, to) = self.resolve(query.range).await?;
        let zone = TimeZone::system();
        let request = StatisticsRequest {
            from,
            to,
            edges: buckets::edges(from, to, &zone),
            host: query.host.clone().filter(|host| !host.is_empty()),
            operation: query.operation.clone(),
        };
        let queue = self.queue.statistics(&request).await?;
        let workers = self.workers().await?;
        Ok(StatisticsView {
            computed_on: self.host.clone(),
            computed_at: self.queue.now(),
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            zone: zone_name(&zone),
            queue,
            runtime: runtime_statistics(),
            workers: load(&workers),
            hosts: hosts(&workers),
        })
    }

    /// The present time, by the queue's clock.
    pub fn now(&self) -> Timestamp {
        self.queue.now()
    }

    /// Tasks that ended at or after this time in one of these states, the oldest end first; at most `limit`.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn ended_since(
        &self,
        since: Timestamp,
        states: &[TaskState],
        limit: u32,
    ) -> Result<Vec<Task>, ConsoleError> {
        Ok(self.queue.ended_since(since, states, limit).await?)
    }

    /// The first moment of a range, and the first one after it.
    pub(crate) async fn resolve(
        &self,
        range: StatisticsRange,
    ) -> Result<(Timestamp, Timestamp), ConsoleError> {
        let now = self.queue.now();
        let last = |hours| (now.minus(Duration::from_hours(hours)), now);
        Ok(match range {
            StatisticsRange::Hour => last(1),
            StatisticsRange::Day => last(24),
            StatisticsRange::Week => last(7 * 24),
            StatisticsRange::Month => last(30 * 24),
            StatisticsRange::All => {
                let oldest = self.queue.oldest_task_at().await?;
                let from = oldest.unwrap_or_else(|| now.minus(NOTHING_YET));
                // the oldest may just have been asked for
                (from.min(now.minus(Duration::from_millis(1))), now)
            }
            StatisticsRange::Between { from, to } if from < to => (from, to),
            StatisticsRange::Between { .. } => {
                return Err(InvalidParameter {
                    key: "range".to_owned(),
                    problem: "must end after it begins".to_owned(),
                }
                .into());
            }
        })
    }
}

/// What people call it, or what it adds to UTC.
pub(crate) fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().map_or_else(
        || zone.to_offset(jiff::Timestamp::now()).to_string(),
        str::to_owned,
    )
}

fn is_alive(worker: &Worker) -> bool {
    !matches!(worker.state, WorkerState::Stale | WorkerState::Stopped)
}

fn load(workers: &[Worker]) -> WorkerLoad {
    let mut load = WorkerLoad::default();
    for worker in workers.iter().filter(|worker| is_alive(worker)) {
        load.alive += 1;
        load.capacity += worker.concurrency;
        load.busy += u32::try_from(worker.current_tasks.len()).unwrap_or(u32::MAX);
    }
    load
}

/// Each host once, by name, with the newest that is known of it.
fn hosts(workers: &[Worker]) -> Vec<HostStatistics> {
    let mut hosts: Vec<HostStatistics> = Vec::new();
    for worker in workers.iter().filter(|worker| is_alive(worker)) {
        let Some(vitals) = &worker.vitals else {
            continue;
        };
        match hosts.iter_mut().find(|known| known.host == worker.host) {
            Some(known) if known.vitals.at < vitals.at => known.vitals = vitals.clone(),
            Some(_) => {}
            None => hosts.push(HostStatistics {
                host: worker.host.clone(),
                vitals: vitals.clone(),
            }),
        }
    }
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    hosts
}
