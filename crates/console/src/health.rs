//! The health of a host, now and before: read from the reports of its checks.

use std::time::Duration;

use upkeep_contract::health::{CheckPoint, HealthHistory, HealthPoint, HealthRecord, HealthReport};
use upkeep_contract::operation::HEALTH_CHECK;
use upkeep_contract::worker::WorkerState;
use upkeep_contract::{OperationId, TaskId};
use upkeep_queue::PastReport;

use crate::{Console, ConsoleError};

/// As many checks as a curve needs.
const POINTS_MAX: u32 = 100;

/// Workers that fell silent longer ago say nothing of which hosts there are.
const WORKERS_SINCE: Duration = Duration::from_hours(24);

/// Health checks that wait or run at once, on all hosts.
const CURRENT_MAX: u32 = 500;

impl Console {
    /// The last health checks of a host, by default of this one: the newest report whole, of those before as
    /// much as the course of each check needs. At most a hundred.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`] when the database cannot be reached.
    pub async fn health_history(
        &self,
        host: Option<String>,
        limit: u32,
    ) -> Result<HealthHistory, ConsoleError> {
        let host = host.unwrap_or_else(|| self.host.clone());
        let operation = OperationId::from(HEALTH_CHECK);
        let past = self
            .queue
            .past_reports(&operation, &host, None, limit.clamp(1, POINTS_MAX))
            .await?;
        let records: Vec<HealthRecord> = past.into_iter().map(record_of).collect();
        Ok(HealthHistory {
            hosts: self.health_hosts(&operation, &host).await?,
            current: self.current_check(&operation, &host).await?,
            last: records.first().cloned(),
            latest: records
                .iter()
                .find(|record| record.report.is_some())
                .cloned(),
            points: records.iter().filter_map(point_of).collect(),
            host,
        })
    }

    async fn health_hosts(
        &self,
        operation: &OperationId,
        shown: &str,
    ) -> Result<Vec<String>, ConsoleError> {
        let mut hosts = self.queue.hosts_of(operation).await?;
        let since = self.queue.now().minus(WORKERS_SINCE);
        let workers = self.queue.workers(since).await?.into_iter();
        hosts.extend(
            workers
                .filter(|worker| worker.state != WorkerState::Stopped)
                .map(|worker| worker.host),
        );
        hosts.extend([self.host.clone(), shown.to_owned()]);
        hosts.sort();
        hosts.dedup();
        Ok(hosts)
    }

    /// What runs on the host, else what waits for it.
    async fn current_check(
        &self,
        operation: &OperationId,
        host: &str,
    ) -> Result<Option<TaskId>, ConsoleError> {
        let current = self.queue.current_tasks(operation, CURRENT_MAX).await?;
        let there = |name: &Option<String>| name.as_deref() == Some(host);
        let running = current.iter().find(|task| there(&task.worker_host));
        let found = running.or_else(|| current.iter().find(|task| there(&task.target_host)));
        Ok(found.map(|task| task.id.clone()))
    }
}

fn record_of(past: PastReport) -> HealthRecord {
    HealthRecord {
        task_id: past.task_id,
        state: past.state,
        enqueued_at: past.enqueued_at,
        finished_at: past.finished_at,
        requested_by: past.requested_by,
        error: past.error,
        // a report that cannot be read is none: the task's own page shows it as it is
        report: past
            .report
            .and_then(|report| serde_json::from_value::<HealthReport>(report).ok()),
    }
}

fn point_of(record: &HealthRecord) -> Option<HealthPoint> {
    let report = record.report.as_ref()?;
    Some(HealthPoint {
        task_id: record.task_id.clone(),
        checked_at: report.checked_at,
        status: report.status,
        checks: report.checks.iter().map(CheckPoint::from).collect(),
    })
}
