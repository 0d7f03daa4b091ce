//! The installation of this machine, through its own database.

use std::path::Path;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use serde_json::Value;
use upkeep_config::Folders;
use upkeep_console::Console;
use upkeep_contract::audit::{AuditFilter, AuditPage};
use upkeep_contract::export::ExportRequest;
use upkeep_contract::group::{FanOutOutcome, TaskGroup};
use upkeep_contract::health::HealthHistory;
use upkeep_contract::operation::OperationDescription;
use upkeep_contract::statistics::{StatisticsQuery, StatisticsView};
use upkeep_contract::task::{
    CancelOutcome, LogLine, TaskCursor, TaskDetail, TaskFilter, TaskPage, TaskUpdate,
    TriggerOutcome,
};
use upkeep_contract::worker::Worker;
use upkeep_contract::{GroupId, OperationId, TaskId, Timestamp, WorkerId};

use super::{Connection, Exported, Reply, Told};
use crate::failure::Failure;

/// How tasks and the audit trail name this program.
const FRONT_DOOR: &str = "upkeepctl";

/// Of a host's health only the newest report is shown.
const HEALTH_POINTS: u32 = 1;

/// A console of this process's own; it starts no worker.
pub(super) struct Direct(Console);

impl Direct {
    pub(super) async fn open() -> Result<Self, Failure> {
        let folders = Folders::from_environment()?;
        let url = folders.database_url_from_environment()?;
        Ok(Self(Console::open(folders, &url, FRONT_DOOR).await?))
    }
}

#[async_trait]
impl Connection for Direct {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn operations(&self) -> Reply<Vec<OperationDescription>> {
        Ok(self.0.operations())
    }

    async fn trigger(
        &self,
        operation: &OperationId,
        params: Value,
        host: Option<String>,
    ) -> Reply<TriggerOutcome> {
        Ok(self.0.trigger(operation, params, host).await?)
    }

    async fn trigger_every_host(
        &self,
        operation: &OperationId,
        params: Value,
    ) -> Reply<FanOutOutcome> {
        Ok(self.0.trigger_every_host(operation, params).await?)
    }

    async fn execute_group(&self, group: &GroupId) -> Reply<FanOutOutcome> {
        Ok(self.0.execute_group(group).await?)
    }

    async fn group(&self, group: &GroupId) -> Reply<TaskGroup> {
        Ok(self.0.task_group(group).await?)
    }

    async fn run_again(&self, task: &TaskId) -> Reply<TriggerOutcome> {
        Ok(self.0.run_again(task).await?)
    }

    async fn cancel(&self, task: &TaskId) -> Reply<CancelOutcome> {
        Ok(self.0.cancel(task).await?)
    }

    async fn find_task(&self, beginning: &str) -> Reply<TaskId> {
        Ok(self.0.find_task(beginning).await?)
    }

    async fn task(&self, task: &TaskId) -> Reply<TaskDetail> {
        Ok(self.0.task(task).await?)
    }

    async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Reply<TaskPage> {
        Ok(self.0.tasks(filter, after, limit).await?)
    }

    async fn log(&self, task: &TaskId, after: Option<i64>, limit: u32) -> Reply<Vec<LogLine>> {
        Ok(self.0.task_log(task, after, limit).await?)
    }

    async fn watch(&self, task: &TaskId) -> Reply<BoxStream<'static, Reply<TaskUpdate>>> {
        let watch = self.0.watch_task(task).await?;
        let updates = unfold(watch, |mut watch| async move {
            watch.next().await.map(|update| (Ok(update), watch))
        });
        Ok(updates.boxed())
    }

    async fn workers(&self) -> Reply<Vec<Worker>> {
        Ok(self.0.workers().await?)
    }

    async fn drain(&self, worker: &WorkerId) -> Reply<()> {
        Ok(self.0.drain_worker(worker).await?)
    }

    async fn resume(&self, worker: &WorkerId) -> Reply<()> {
        Ok(self.0.resume_worker(worker).await?)
    }

    async fn health(&self, host: Option<String>) -> Reply<HealthHistory> {
        Ok(self.0.health_history(host, HEALTH_POINTS).await?)
    }

    async fn statistics(&self, query: &StatisticsQuery) -> Reply<StatisticsView> {
        Ok(self.0.statistics(query).await?)
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Reply<AuditPage> {
        Ok(self.0.audit(filter, after, limit).await?)
    }

    async fn export(
        &self,
        request: &ExportRequest,
        target: &Path,
        told: Told<'_>,
    ) -> Reply<Exported> {
        let done = self.0.export(request, target, told).await?;
        Ok(Exported {
            path: done.path,
            renamed: done.renamed,
            rows: Some(done.rows),
            bytes: done.bytes,
        })
    }

    async fn close(&self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::debug!(%error, "could not close in good order");
        }
    }
}
