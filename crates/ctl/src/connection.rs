//! What the commands ask of an Upkeep, however it is reached.

mod direct;
mod server;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::Value;
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

use crate::failure::Failure;

/// An answer, or what every front door shows in its place.
pub(crate) type Reply<T> = Result<T, Failure>;

/// Hears how many rows of a report are written, and of how many.
pub(crate) type Told<'a> = &'a mut (dyn FnMut(u64, Option<u64>) + Send);

/// A report that lies there.
#[derive(Debug)]
pub(crate) struct Exported {
    pub(crate) path: PathBuf,
    pub(crate) renamed: bool,
    /// None when the server did not say how many.
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: u64,
}

/// The use cases that a command line needs.
#[async_trait]
pub(crate) trait Connection: Send + Sync {
    /// The present time, by the clock that the tasks' times come from.
    fn now(&self) -> Timestamp;
    async fn operations(&self) -> Reply<Vec<OperationDescription>>;
    async fn trigger(
        &self,
        operation: &OperationId,
        params: Value,
        host: Option<String>,
    ) -> Reply<TriggerOutcome>;
    async fn trigger_every_host(
        &self,
        operation: &OperationId,
        params: Value,
    ) -> Reply<FanOutOutcome>;
    async fn execute_group(&self, group: &GroupId) -> Reply<FanOutOutcome>;
    async fn group(&self, group: &GroupId) -> Reply<TaskGroup>;
    async fn run_again(&self, task: &TaskId) -> Reply<TriggerOutcome>;
    async fn cancel(&self, task: &TaskId) -> Reply<CancelOutcome>;
    /// The task of this id, or the only one whose id begins so.
    async fn find_task(&self, beginning: &str) -> Reply<TaskId>;
    async fn task(&self, task: &TaskId) -> Reply<TaskDetail>;
    async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Reply<TaskPage>;
    async fn log(&self, task: &TaskId, after: Option<i64>, limit: u32) -> Reply<Vec<LogLine>>;
    /// The task as it changes, until its final state or its removal; an error is the last item.
    async fn watch(&self, task: &TaskId) -> Reply<BoxStream<'static, Reply<TaskUpdate>>>;
    async fn workers(&self) -> Reply<Vec<Worker>>;
    async fn drain(&self, worker: &WorkerId) -> Reply<()>;
    async fn resume(&self, worker: &WorkerId) -> Reply<()>;
    async fn health(&self, host: Option<String>) -> Reply<HealthHistory>;
    async fn statistics(&self, query: &StatisticsQuery) -> Reply<StatisticsView>;
    async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Reply<AuditPage>;
    async fn export(
        &self,
        request: &ExportRequest,
        target: &Path,
        told: Told<'_>,
    ) -> Reply<Exported>;
    async fn close(&self);
}

/// Reaches the installation that the environment names, or the server that was given.
pub(crate) async fn open(reach: &Reach) -> Result<Box<dyn Connection>, Failure> {
    Ok(match &reach.server {
        Some(server) => Box::new(server::Server::at(server, reach)?),
        None => Box::new(direct::Direct::open().await?),
    })
}

/// How an Upkeep is reached, as the command line says it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// The address of a server; none means this machine's own installation.
    pub(crate) server: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) tls_ca: Option<PathBuf>,
    pub(crate) allow_plain_http: bool,
}
