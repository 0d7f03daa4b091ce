//! Carries progress and log lines from an operation to the queue, at most ten times a second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use upkeep_contract::Clock;
use upkeep_contract::task::{LogLevel, Progress};
use upkeep_operations::context::Reporter;
use upkeep_queue::{Closing, Lease, NewLogLine, Queue, QueueError};

/// The pause after each write: at most ten progress changes a second for each task.
const THROTTLE: Duration = Duration::from_millis(100);

/// The pause before the first write of an attempt.
const FIRST_MOMENT: Duration = Duration::from_millis(20);

/// Lines kept while the queue cannot be written; later ones are counted and dropped.
const PENDING_LINES_MAX: usize = 10_000;

#[derive(Debug, Default)]
struct Pending {
    progress: Option<Progress>,
    /// What the operation last said of its progress, written or not.
    last: Progress,
    /// True once the attempt was told that an operator wants it to stop.
    stopping: bool,
    lines: Vec<NewLogLine>,
    dropped: u64,
}

/// Takes what one attempt says.
#[derive(Debug)]
pub(crate) struct AttemptReporter {
    pending: Mutex<Pending>,
    news: Notify,
    clock: Arc<dyn Clock>,
}

impl AttemptReporter {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            pending: Mutex::default(),
            news: Notify::new(),
            clock,
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came since the last write.
    pub(crate) fn take(&self) -> Closing {
        let mut pending = self.pending();
        let progress = pending.progress.take();
        let mut lines = std::mem::take(&mut pending.lines);
        let dropped = std::mem::take(&mut pending.dropped);
        drop(pending);
        if dropped > 0 {
            let message = format!("{dropped} log lines came too fast and were left out");
            lines.push(NewLogLine {
                at: self.clock.now(),
                level: LogLevel::Warning,
                message,
            });
        }
        Closing { progress, lines }
    }

    /// Keeps what could not be written for the next time.
    pub(crate) fn put_back(&self, unwritten: Closing) {
        let Closing {
            progress,
            mut lines,
        } = unwritten;
        let mut pending = self.pending();
        lines.append(&mut pending.lines);
        pending.lines = lines;
        pending.progress = pending.progress.take().or(progress);
    }

    /// Says that the wish to cancel has arrived: whoever asked sees it before the work has stopped.
    pub(crate) fn stopping(&self) {
        let mut pending = self.pending();
        pending.stopping = true;
        let progress = Progress {
            stopping: true,
            ..pending.last.clone()
        };
        pending.progress = Some(progress);
        drop(pending);
        self.log(
            LogLevel::Info,
            "an operator asked to stop; stopping".to_owned(),
        );
    }

    async fn flush(&self, queue: &Queue, lease: &Lease) -> Result<(), QueueError> {
        let words = self.take();
        if words.progress.is_none() && words.lines.is_empty() {
            return Ok(());
        }
        let written = queue
            .report_progress(lease, words.progress.as_ref(), &words.lines)
            .await;
        if let Err(error) = written {
            self.put_back(words);
            return Err(error);
        }
        Ok(())
    }

    /// Writes whenever there is something new, until `end`. A write is never cut off half-way:
    /// what it had taken would be lost.
    pub(crate) async fn keep_flushing(
        &self,
        queue: &Queue,
        lease: &Lease,
        end: &CancellationToken,
    ) {
        // what ends within a moment is written once, together with its end
        let moment = tokio::time::sleep(FIRST_MOMENT);
        if end.run_until_cancelled(moment).await.is_none() {
            return;
        }
        while end
            .run_until_cancelled(self.news.notified())
            .await
            .is_some()
        {
            if let Err(error) = self.flush(queue, lease).await {
                tracing::warn!(task_id = %lease.task_id, %error, "cannot write progress; will try again");
                self.news.notify_one();
            }
            if end
                .run_until_cancelled(tokio::time::sleep(THROTTLE))
                .await
                .is_none()
            {
                return;
            }
        }
    }
}

impl Reporter for AttemptReporter {
    fn progress(&self, progress: Progress) {
        let mut pending = self.pending();
        let progress = Progress {
            stopping: pending.stopping,
            ..progress
        };
        pending.last = progress.clone();
        pending.progress = Some(progress);
        drop(pending);
        self.news.notify_one();
    }

    fn log(&self, level: LogLevel, message: String) {
        let at = self.clock.now();
        let mut pending = self.pending();
        if pending.lines.len() < PENDING_LINES_MAX {
            pending.lines.push(NewLogLine { at, level, message });
        } else {
            pending.dropped += 1;
        }
        drop(pending);
        self.news.notify_one();
    }
}
