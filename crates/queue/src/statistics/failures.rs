//! Which hosts and which errors failed most.

use upkeep_contract::TaskId;
use upkeep_contract::statistics::{FailingError, FailingHost, Failures};
use upkeep_contract::task::TaskError;

use super::StatisticsRequest;
use crate::engine::{Statement, sql};
use crate::rows::{count, json};
use crate::{Queue, QueueError};

/// So many of the newest failures are looked at: an error's text lies in the task's row, and reading a
/// row takes a hundred times longer than reading an index.
const LOOKED_AT_MAX: u32 = 10_000;

/// How many hosts and how many errors are told.
const MOST: usize = 10;

impl Queue {
    /// Counted among the newest failures of the range.
    pub(super) async fn failures(
        &self,
        request: &StatisticsRequest,
    ) -> Result<Failures, QueueError> {
        let mut connection = self.engine.read().await?;
        let mut by_host = sql("SELECT host, COUNT(*) FROM (");
        newest(
            &mut by_host,
            request,
            "COALESCE(worker_host, target_host) AS host",
        );
        by_host.push(") AS newest GROUP BY host");
        let rows: Vec<(Option<String>, i64)> = by_host.fetch_all(&mut connection).await?;
        let mut hosts: Vec<FailingHost> = rows
            .into_iter()
            .map(|(host, failed)| FailingHost {
                host,
                failed: count(failed),
            })
            .collect();
        let looked_at = hosts.iter().map(|host| host.failed).sum();
        hosts.sort_by(|a, b| b.failed.cmp(&a.failed).then_with(|| a.host.cmp(&b.host)));
        hosts.truncate(MOST);

        let mut by_error = sql("SELECT error, COUNT(*), MAX(id) FROM (");
        newest(&mut by_error, request, "error, id");
        by_error.push(") AS newest GROUP BY error ORDER BY COUNT(*) DESC, MAX(id) DESC LIMIT 10");
        let rows: Vec<(Option<String>, i64, String)> = by_error.fetch_all(&mut connection).await?;
        let errors = rows
            .into_iter()
            .map(|(error, failed, newest)| {
                let error: Option<TaskError> = error
                    .as_deref()
                    .map(|text| json("tasks", text))
                    .transpose()?;
                let (kind, message) =
                    error.map_or_else(Default::default, |error| (error.kind, error.message));
                Ok(FailingError {
                    kind,
                    message,
                    failed: count(failed),
                    newest_task: TaskId(newest),
                })
            })
            .collect::<Result<_, QueueError>>()?;
        Ok(Failures {
            looked_at,
            hosts,
            errors,
        })
    }
}

fn newest(statement: &mut Statement, request: &StatisticsRequest, columns: &str) {
    statement
        .push(&format!(
            "SELECT {columns} FROM tasks WHERE state = 'failed' AND finished_at >= "
        ))
        .push_bind(request.from)
        .push(" AND finished_at < ")
        .push_bind(request.to);
    request.push_scope(statement);
    statement
        .push(" ORDER BY finished_at DESC, id DESC LIMIT ")
        .push_bind(LOOKED_AT_MAX);
}
