//! An installation on this or another machine, through the HTTP front door of its `upkeepctl serve`.

mod address;
mod client;
mod events;
mod query;
#[cfg(test)]
mod tests;
mod watch;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::Deserialize;
use serde_json::Value;
use upkeep_console::ConsoleError;
use upkeep_console::export::Beside;
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

use super::{Connection, Exported, Reach, Reply, Told};
use crate::failure::Failure;
use client::{Busy, Client, Shared};
use query::Query;
use watch::Watch;

/// Of a host's health only the newest report is shown.
const HEALTH_POINTS: u32 = 1;

/// Between two pieces of a report the server may have to think.
const REPORT_SILENCE_MAX: Duration = Duration::from_secs(300);

/// So much of a report is handed to the disk at once.
const REPORT_PIECE: usize = 1 << 18;

/// The header that says how many rows a report has.
const ROWS_HEADER: &str = "upkeep-rows";

pub(super) struct Server(Shared);

impl Server {
    pub(super) fn at(server: &str, reach: &Reach) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Client::new(server, reach)?)))
    }
}

#[async_trait]
impl Connection for Server {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn operations(&self) -> Reply<Vec<OperationDescription>> {
        self.0.get(&["operations"], &Query::default()).await
    }

    async fn trigger(
        &self,
        operation: &OperationId,
        params: Value,
        host: Option<String>,
    ) -> Reply<TriggerOutcome> {
        let mut request = query::request(operation, &params);
        request["host"] = host.into();
        self.0.post(&["tasks"], Some(&request)).await
    }

    async fn trigger_every_host(
        &self,
        operation: &OperationId,
        params: Value,
    ) -> Reply<FanOutOutcome> {
        let request = query::request(operation, &params);
        self.0.post(&["groups"], Some(&request)).await
    }

    async fn execute_group(&self, group: &GroupId) -> Reply<FanOutOutcome> {
        let path = ["groups", group.as_str(), "execute"];
        self.0.post(&path, None).await
    }

    async fn group(&self, group: &GroupId) -> Reply<TaskGroup> {
        let path = ["groups", group.as_str()];
        self.0.get(&path, &Query::default()).await
    }

    async fn run_again(&self, task: &TaskId) -> Reply<TriggerOutcome> {
        let path = ["tasks", task.as_str(), "run-again"];
        self.0.post(&path, None).await
    }

    async fn cancel(&self, task: &TaskId) -> Reply<CancelOutcome> {
        let path = ["tasks", task.as_str(), "cancel"];
        self.0.post(&path, None).await
    }

    async fn find_task(&self, beginning: &str) -> Reply<TaskId> {
        #[derive(Deserialize)]
        struct Found {
            task_id: TaskId,
        }
        let query = Query::default().with("beginning", Some(beginning));
        let found: Found = self.0.get(&["tasks", "find"], &query).await?;
        Ok(found.task_id)
    }

    async fn task(&self, task: &TaskId) -> Reply<TaskDetail> {
        let path = ["tasks", task.as_str()];
        self.0.get(&path, &Query::default()).await
    }

    async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Reply<TaskPage> {
        let query = Query::from(filter)
            .with(
                "after_enqueued_at",
                after.map(|after| after.enqueued_at.as_millis()),
            )
            .with("after_id", after.map(|after| after.id.as_str()))
            .with("limit", Some(limit));
        self.0.get(&["tasks"], &query).await
    }

    async fn log(&self, task: &TaskId, after: Option<i64>, limit: u32) -> Reply<Vec<LogLine>> {
        let query = Query::default()
            .with("after", after)
            .with("limit", Some(limit));
        self.0.get(&["tasks", task.as_str(), "log"], &query).await
    }

    async fn watch(&self, task: &TaskId) -> Reply<BoxStream<'static, Reply<TaskUpdate>>> {
        Ok(Watch::begin(self.0.clone(), task).await?.updates())
    }

    async fn workers(&self) -> Reply<Vec<Worker>> {
        self.0.get(&["workers"], &Query::default()).await
    }

    async fn drain(&self, worker: &WorkerId) -> Reply<()> {
        self.0.command(&["workers", worker.as_str(), "drain"]).await
    }

    async fn resume(&self, worker: &WorkerId) -> Reply<()> {
        self.0
            .command(&["workers", worker.as_str(), "resume"])
            .await
    }

    async fn health(&self, host: Option<String>) -> Reply<HealthHistory> {
        let query = Query::default()
            .with("host", host)
            .with("limit", Some(HEALTH_POINTS));
        self.0.get(&["health", "history"], &query).await
    }

    async fn statistics(&self, query: &StatisticsQuery) -> Reply<StatisticsView> {
        self.0.get(&["statistics"], &Query::from(query)).await
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Reply<AuditPage> {
        let query = Query::from(filter)
            .with("after", after)
            .with("limit", Some(limit));
        self.0.get(&["audit"], &query).await
    }

    /// The server makes the report, this machine keeps it: whole or not at all, and over nothing.
    async fn export(
        &self,
        request: &ExportRequest,
        target: &Path,
        _told: Told<'_>,
    ) -> Reply<Exported> {
        // a place that cannot be written to is found out before the server works for nothing
        let place = target.to_owned();
        let mut file = on_disk(target, move || Beside::create(place)).await?;
        let (what, query) = query::of_report(&request.subject, request.format);
        let path = ["export", what];
        let mut report = self.0.stream(&path, &query, "*/*", Busy::AskAgain).await?;
        let rows = report.number(ROWS_HEADER);
        let mut gathered: Vec<u8> = Vec::new();
        loop {
            let piece = report.next(REPORT_SILENCE_MAX).await?;
            let ended = piece.is_none();
            gathered.extend(piece.unwrap_or_default());
            if ended || gathered.len() >= REPORT_PIECE {
                let bytes = std::mem::take(&mut gathered);
                file = on_disk(target, move || file.write_all(&bytes).map(|()| file)).await?;
            }
            if ended {
                break;
            }
        }
        let (path, renamed, bytes) = on_disk(target, move || file.put_in_place()).await?;
        Ok(Exported {
            path,
            renamed,
            rows,
            bytes,
        })
    }

    async fn close(&self) {}
}

/// A step of writing a file, away from whatever else waits in this program.
async fn on_disk<R: Send + 'static>(
    target: &Path,
    step: impl FnOnce() -> std::io::Result<R> + Send + 'static,
) -> Reply<R> {
    let done = tokio::task::spawn_blocking(step).await;
    let done = done.map_err(|error| Failure::failed(format!("writing broke down: {error}"), ""))?;
    done.map_err(|source| {
        let file = target.to_owned();
        ConsoleError::Write { file, source }.into()
    })
}
