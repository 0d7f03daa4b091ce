//! The tasks that took longest.
//!
//! Their times are known from the tallies, so only the stretches that hold them are looked at again.

use upkeep_contract::statistics::SlowTask;
use upkeep_contract::{OperationId, TaskId, Timestamp};

use super::StatisticsRequest;
use super::packed::Tally;
use crate::engine::sql;
use crate::filter::LOST;
use crate::rows::state;
use crate::{Queue, QueueError};

/// How many are told.
const MOST: usize = 10;

type SlowRow = (String, Option<String>, String, i64, i64, i64);

impl Queue {
    /// The longest first; of those that took equally long, the newest first.
    pub(super) async fn slowest(
        &self,
        request: &StatisticsRequest,
        stretches: &[(Timestamp, Timestamp)],
        tallies: &mut [Tally],
    ) -> Result<Vec<SlowTask>, QueueError> {
        let Some(border) = border(tallies) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        // the newest stretch first: of many equal ones its tasks are enough
        for stretch in (0..stretches.len()).rev() {
            let enough = found.len() >= MOST;
            for tally in &*tallies {
                let longest = tally.longest[stretch];
                if longest > Some(border) || (longest == Some(border) && !enough) {
                    let place = (stretches[stretch], &tally.operation, tally.dry_run);
                    self.slow_tasks(request, place, border, &mut found).await?;
                }
            }
        }
        found.sort_by(|a, b| {
            let key = |task: &SlowTask| (task.duration_ms, task.finished_at, task.task_id.clone());
            key(b).cmp(&key(a))
        });
        found.truncate(MOST);
        Ok(found)
    }

    async fn slow_tasks(
        &self,
        request: &StatisticsRequest,
        ((from, to), operation, dry_run): ((Timestamp, Timestamp), &OperationId, bool),
        border: i64,
        found: &mut Vec<SlowTask>,
    ) -> Result<(), QueueError> {
        let mut statement = sql("SELECT id, COALESCE(worker_host, target_host), state, ");
        statement
            .push("CASE WHEN state = 'failed' AND ")
            .push(LOST)
            .push(" THEN CAST(1 AS BIGINT) ELSE 0 END, finished_at, finished_at - started_at FROM tasks WHERE operation = ")
            .push_bind(operation.as_str())
            .push(" AND dry_run = ")
            .push_bind(dry_run)
            .push(" AND finished_at IS NOT NULL AND finished_at >= ")
            .push_bind(from)
            .push(" AND finished_at < ")
            .push_bind(to)
            .push(" AND finished_at - started_at >= ")
            .push_bind(border);
        request.push_host(&mut statement);
        statement
            .push(" ORDER BY finished_at - started_at DESC, finished_at DESC, id DESC LIMIT 10");
        let rows: Vec<SlowRow> = statement.fetch_all(&mut self.engine.read().await?).await?;
        for (id, host, name, lost, finished_at, duration_ms) in rows {
            found.push(SlowTask {
                task_id: TaskId(id),
                operation: operation.clone(),
                host,
                state: state(&name)?,
                lost: lost == 1,
                finished_at: Timestamp(finished_at),
                duration_ms,
            });
        }
        Ok(())
    }
}

/// The time that the last of the slowest took; none when nothing took any.
fn border(tallies: &mut [Tally]) -> Option<i64> {
    // the slowest of each are enough to find the slowest of all
    let mut slow = Vec::new();
    for tally in tallies {
        let durations = &mut tally.durations;
        let beyond = durations.len().saturating_sub(MOST);
        if beyond > 0 {
            durations.select_nth_unstable(beyond);
        }
        slow.extend_from_slice(&durations[beyond..]);
    }
    slow.sort_unstable();
    slow.get(slow.len().saturating_sub(MOST)).copied()
}
