//! Watching one task: its state, progress and log as they come, until its final state.
//!
//! Rule: a log line is sent once, in order; the newest state is sent, not each one in between.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use upkeep_contract::TaskId;
use upkeep_contract::event::Change;
use upkeep_contract::task::{LogLine, TaskUpdate};
use upkeep_queue::{ChangeStream, Queue, QueueError};

use crate::console::SCREEN_PAUSE;
use crate::{Console, ConsoleError};

/// Log lines in one message: a screen full many times over, and small enough to draw at once.
const LINES_MAX: u32 = 500;

/// The wait after a read that failed: the database may be away for long.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The stream of one watched task. Dropping it ends the watch.
#[derive(Debug)]
pub struct TaskWatch {
    updates: mpsc::Receiver<TaskUpdate>,
}

impl TaskWatch {
    /// The next update; `None` after the one with the final state, or once the task is removed.
    pub async fn next(&mut self) -> Option<TaskUpdate> {
        self.updates.recv().await
    }
}

impl Console {
    /// Watches a task: the first update comes at once with the newest log lines, then one on each
    /// change, at most ten a second.
    ///
    /// # Errors
    /// [`ConsoleError::Queue`]: there is no such task, or the database cannot be reached.
    pub async fn watch_task(&self, id: &TaskId) -> Result<TaskWatch, ConsoleError> {
        // listening begins before the first read, so that no change falls between
        let changes = self.queue.changes();
        let detail = self.queue.task(id).await?;
        let log = self.queue.log_tail(id, LINES_MAX).await?;
        let log_end = last_sequence(&log).unwrap_or(0);
        let first = TaskUpdate {
            detail,
            log,
            log_end,
        };
        // one update waits at most: a slow screen gets the newest state next, not a backlog
        let (sender, updates) = mpsc::channel(1);
        let follower = Follower {
            queue: self.queue.clone(),
            id: id.clone(),
            changes,
            sender,
        };
        tokio::spawn(follower.run(first));
        Ok(TaskWatch { updates })
    }
}

struct Follower {
    queue: Queue,
    id: TaskId,
    changes: ChangeStream,
    sender: mpsc::Sender<TaskUpdate>,
}

impl Follower {
    async fn run(mut self, first: TaskUpdate) {
        let mut seen = last_sequence(&first.log).unwrap_or(0);
        let mut last = first.detail.clone();
        if self.sender.send(first).await.is_err() {
            return;
        }
        let mut pace = Pace::begin(Instant::now());
        let mut more = false;
        while more || !last.task.state.is_final() {
            if !more && !self.changed().await {
                return;
            }
            if !unless_closed(&self.sender, sleep_until(pace.next_at)).await {
                return;
            }
            let Ok(permit) = self.sender.reserve().await else {
                return;
            };
            // what arrived until here is covered by the read that follows
            self.changes.skip_pending();
            match read(&self.queue, &self.id, seen).await {
                Ok(update) => {
                    more = update.log.len() >= LINES_MAX as usize;
                    if update.detail == last && update.log.is_empty() {
                        continue;
                    }
                    seen = last_sequence(&update.log).unwrap_or(seen);
                    last = update.detail.clone();
                    permit.send(update);
                    pace.sent(Instant::now());
                }
                Err(QueueError::NoSuchTask(_)) => return,
                Err(error) => {
                    drop(permit);
                    tracing::warn!(task_id = %self.id, %error, "cannot read the watched task; trying again");
                    more = true;
                    if !unless_closed(&self.sender, sleep(PAUSE_AFTER_ERROR)).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for a change that may concern the task; false when nobody watches any more.
    async fn changed(&mut self) -> bool {
        loop {
            let change = tokio::select! {
                change = self.changes.next() => change,
                () = self.sender.closed() => None,
            };
            match change {
                None => return false,
                Some(Change::All) => return true,
                Some(Change::Task { task_id }) if task_id == self.id => return true,
                Some(_) => {}
            }
        }
    }
}

/// Ten updates a second in the long run. One that was late may be followed early by the next: a task that
/// reports ten times a second would otherwise be shown as late as the latest update ever was.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// The next update waits until then: one pause before an even pace would send it.
    next_at: Instant,
}

impl Pace {
    /// The first update is sent now.
    fn begin(now: Instant) -> Self {
        Self { next_at: now }
    }

    fn sent(&mut self, now: Instant) {
        self.next_at = now.max(self.next_at + SCREEN_PAUSE);
    }
}

/// The state first, then the log: the lines of a final state are all there.
async fn read(queue: &Queue, id: &TaskId, after: i64) -> Result<TaskUpdate, QueueError> {
    let detail = queue.task(id).await?;
    let log = queue.log_after(id, after, LINES_MAX).await?;
    let log_end = if log.len() < LINES_MAX as usize {
        last_sequence(&log).unwrap_or(after)
    } else {
        queue.log_end(id).await?
    };
    Ok(TaskUpdate {
        detail,
        log,
        log_end,
    })
}

fn last_sequence(lines: &[LogLine]) -> Option<i64> {
    lines.last().map(|line| line.sequence)
}

/// Waits; false when nobody watches any more.
pub(crate) async fn unless_closed<T>(
    sender: &mpsc::Sender<T>,
    wait: impl Future<Output = ()>,
) -> bool {
    tokio::select! {
        () = wait => true,
        () = sender.closed() => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When updates are sent, in milliseconds, of what changes at these times.
    fn sent(changes: &[u64]) -> Vec<u64> {
        let begun = Instant::now();
        let mut pace = Pace::begin(begun);
        let mut times = vec![];
        for change in changes {
            let at = (begun + Duration::from_millis(*change)).max(pace.next_at);
            pace.sent(at);
            times.push(u64::try_from((at - begun).as_millis()).unwrap_or(u64::MAX));
        }
        times
    }

    #[test]
    fn a_late_update_makes_none_of_those_that_follow_late() {
        let late = [100, 200, 380, 400, 500, 600];
        assert_eq!(sent(&late), late);
    }

    #[test]
    fn what_changes_all_the_time_is_sent_ten_times_a_second() {
        let changes: Vec<u64> = (0..3000).collect();
        let times = sent(&changes);
        let within = |second: u64| times.iter().filter(|time| **time / 1000 == second).count();
        // the first and the one that may come early
        assert!((10..=11).contains(&within(0)), "{times:?}");
        assert_eq!(within(1), 10, "{times:?}");
    }
}
