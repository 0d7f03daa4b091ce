//! Figures of the queue, computed in SQL.

use upkeep_contract::statistics::{Percentiles, QueueStatistics, StateCount, ThroughputBucket};
use upkeep_contract::task::TaskState;
use upkeep_contract::{OperationId, Timestamp};

use crate::engine::sql;
use crate::rows::{count, state};
use crate::{Queue, QueueError};

/// Milliseconds of one bucket of the throughput.
const HOUR_MS: i64 = 3_600_000;

/// Count, p50, p95, p99 and maximum; all missing when there are no values.
type PercentileRow = (
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

impl Queue {
    /// Figures of the tasks enqueued at or after `from` and before `to`.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn statistics(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<QueueStatistics, QueueError> {
        let counts = self.counts(from, to).await?;
        let of = |state| {
            counts
                .iter()
                .filter(|count| count.state == state)
                .map(|count| count.count)
                .sum::<u64>()
        };
        let succeeded = of(TaskState::Succeeded);
        let judged = succeeded + of(TaskState::Partial) + of(TaskState::Failed);
        Ok(QueueStatistics {
            from,
            to,
            success_rate: (judged > 0).then(|| ratio(succeeded, judged)),
            duration: self
                .percentiles(
                    "finished_at - started_at",
                    "finished_at IS NOT NULL AND started_at IS NOT NULL",
                    from,
                    to,
                )
                .await?,
            waiting: self
                .percentiles(
                    "started_at - enqueued_at",
                    "started_at IS NOT NULL",
                    from,
                    to,
                )
                .await?,
            throughput: self.throughput(from, to).await?,
            queued_now: self.count(TaskState::Queued).await?,
            running_now: self.count(TaskState::Running).await?,
            oldest_waiting_ms: self.oldest_waiting_ms().await?,
            counts,
        })
    }

    /// Age of the oldest task that waits and is due, milliseconds.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn oldest_waiting_ms(&self) -> Result<Option<i64>, QueueError> {
        let now = self.now().as_millis();
        let (oldest,): (Option<i64>,) =
            sql("SELECT MIN(enqueued_at) FROM tasks WHERE state = 'queued' AND run_after <= $1")
                .bind(now)
                .fetch_one(&mut self.engine.read().await?)
                .await?;
        Ok(oldest.map(|oldest| (now - oldest).max(0)))
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

    async fn counts(&self, from: Timestamp, to: Timestamp) -> Result<Vec<StateCount>, QueueError> {
        let rows: Vec<(String, String, i64)> = sql(
            "SELECT operation, state, COUNT(*) FROM tasks WHERE enqueued_at >= $1 AND enqueued_at < $2 \
             GROUP BY operation, state ORDER BY operation, state",
        )
        .bind(from)
        .bind(to)
        .fetch_all(&mut self.engine.read().await?)
        .await?;
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

    /// Nearest-rank percentiles of an expression: the value at position ceil(p × n).
    async fn percentiles(
        &self,
        value: &str,
        condition: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<Percentiles>, QueueError> {
        let text = format!(
            "WITH ranked AS (SELECT {value} AS ms, ROW_NUMBER() OVER (ORDER BY {value}) AS position, \
             COUNT(*) OVER () AS total FROM tasks WHERE {condition} AND enqueued_at >= $1 AND enqueued_at < $2) \
             SELECT MAX(total), MIN(CASE WHEN position * 100 >= total * 50 THEN ms END), \
             MIN(CASE WHEN position * 100 >= total * 95 THEN ms END), \
             MIN(CASE WHEN position * 100 >= total * 99 THEN ms END), MAX(ms) FROM ranked"
        );
        let row: PercentileRow = sql(text)
            .bind(from)
            .bind(to)
            .fetch_one(&mut self.engine.read().await?)
            .await?;
        let (Some(total), Some(p50_ms), Some(p95_ms), Some(p99_ms), Some(max_ms)) = row else {
            return Ok(None);
        };
        Ok(Some(Percentiles {
            count: count(total),
            p50_ms,
            p95_ms,
            p99_ms,
            max_ms,
        }))
    }

    async fn throughput(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ThroughputBucket>, QueueError> {
        let rows: Vec<(i64, i64, i64)> = sql(
            "SELECT finished_at / $3 AS hour, COUNT(*), SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) FROM tasks \
             WHERE finished_at IS NOT NULL AND finished_at >= $1 AND finished_at < $2 GROUP BY hour ORDER BY hour",
        )
        .bind(from)
        .bind(to)
        .bind(HOUR_MS)
        .fetch_all(&mut self.engine.read().await?)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(hour, finished, failed)| ThroughputBucket {
                from: Timestamp(hour * HOUR_MS),
                finished: count(finished),
                failed: count(failed),
            })
            .collect())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of counts far below 2^52"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
