//! How deep the queue is right now.

use upkeep_contract::live::LiveQueue;

use crate::engine::sql;
use crate::rows::count;
use crate::{Queue, QueueError};

impl Queue {
    /// Tasks that wait and tasks in hand, and the age of the oldest one that waits and is due.
    ///
    /// One statement over the indexes of what is queued and running; finished tasks, however many, are not looked at.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`] when the database cannot be reached.
    pub async fn depth(&self) -> Result<LiveQueue, QueueError> {
        let now = self.now().as_millis();
        let (queued, running, oldest): (i64, i64, Option<i64>) = sql(
            "SELECT (SELECT COUNT(*) FROM tasks WHERE state = 'queued'), \
             (SELECT COUNT(*) FROM tasks WHERE state = 'running'), \
             (SELECT enqueued_at FROM tasks WHERE state = 'queued' AND run_after <= $1 \
             ORDER BY enqueued_at, id LIMIT 1)",
        )
        .bind(now)
        .fetch_one(&mut self.engine.read().await?)
        .await?;
        Ok(LiveQueue {
            queued: count(queued),
            running: count(running),
            oldest_waiting_ms: oldest.map(|oldest| (now - oldest).max(0)),
        })
    }
}
