//! A task as it changes, told by a server; a connection that is lost is made again.
//!
//! Rule: each line of the log is told once and in order, however often the connection was lost.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use upkeep_contract::TaskId;
use upkeep_contract::task::{LogLine, TaskUpdate};

use super::client::{Busy, Shared, is_busy, may_pass};
use super::events::Events;
use super::query::Query;
use crate::connection::Reply;

/// The first wait before a connection is made again; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Lines asked for at once.
const LINES: u32 = 500;

pub(super) struct Watch {
    client: Shared,
    task: TaskId,
    /// None while the connection is lost.
    events: Option<Events>,
    pause: Duration,
    /// The number of the last line that was told.
    seen: Option<i64>,
    over: bool,
}

impl Watch {
    /// Begins to watch; a task that is not there is an error here.
    pub(super) async fn begin(client: Shared, task: &TaskId) -> Reply<Self> {
        let mut watch = Self {
            client,
            task: task.clone(),
            events: None,
            pause: PAUSE,
            seen: None,
            over: false,
        };
        match watch.connect().await {
            // many tasks are watched at once: this one has its turn when another has ended
            Err(failure) if is_busy(&failure) => Ok(watch),
            connected => connected.map(|()| watch),
        }
    }

    pub(super) fn updates(self) -> BoxStream<'static, Reply<TaskUpdate>> {
        unfold(self, |mut watch| async move {
            watch.next().await.map(|update| (update, watch))
        })
        .boxed()
    }

    async fn connect(&mut self) -> Reply<()> {
        let path = ["tasks", self.task.as_str(), "events"];
        let query = Query::default();
        let accept = "text/event-stream";
        let pieces = self
            .client
            .stream(&path, &query, accept, Busy::Tell)
            .await?;
        self.events = Some(Events::new(pieces));
        Ok(())
    }

    /// The next update, or the error that ends the watch; none after the final state or the removal.
    async fn next(&mut self) -> Option<Reply<TaskUpdate>> {
        while !self.over {
            match self.step().await {
                Ok(Some(update)) => {
                    self.pause = PAUSE;
                    self.over = update.detail.task.state.is_final();
                    return Some(Ok(update));
                }
                Ok(None) => {}
                Err(failure) if may_pass(&failure) => {
                    if self.events.take().is_some() {
                        tracing::warn!(
                            "{}; trying again until it is back",
                            crate::output::clean(&failure.message)
                        );
                    }
                }
                // it was removed meanwhile
                Err(failure) if failure.code == "not_found" => self.over = true,
                Err(failure) => {
                    self.over = true;
                    return Some(Err(failure));
                }
            }
        }
        None
    }

    /// One event, or one attempt to get the connection back.
    async fn step(&mut self) -> Reply<Option<TaskUpdate>> {
        let Some(events) = &mut self.events else {
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            self.connect().await?;
            return Ok(None);
        };
        let Some(event) = events.next().await? else {
            // ended without saying so: the server stopped, or something between cut it off
            self.events = None;
            return Ok(None);
        };
        match event.name.as_str() {
            "" | "message" | "update" => {
                let update = self.client.read(&event.data)?;
                self.without_what_was_told(update).await.map(Some)
            }
            "error" => Err(self.client.told(&event.data)),
            "end" => {
                self.over = true;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// A stream that begins anew tells the newest lines again, and may leave out some before them.
    async fn without_what_was_told(&mut self, mut update: TaskUpdate) -> Reply<TaskUpdate> {
        if let Some(seen) = self.seen {
            update.log.retain(|line| line.sequence > seen);
            let first = update
                .log
                .first()
                .map_or(update.log_end + 1, |line| line.sequence);
            if first > seen + 1 {
                let mut lines = self.lines(seen, first).await?;
                lines.append(&mut update.log);
                update.log = lines;
            }
        }
        self.seen = Some(update.log_end.max(self.seen.unwrap_or(0)));
        Ok(update)
    }

    /// The lines between these two.
    async fn lines(&self, after: i64, before: i64) -> Reply<Vec<LogLine>> {
        let mut found: Vec<LogLine> = Vec::new();
        loop {
            let after = found.last().map_or(after, |line| line.sequence);
            let query = Query::default()
                .with("after", Some(after))
                .with("limit", Some(LINES));
            let path = ["tasks", self.task.as_str(), "log"];
            let lines: Vec<LogLine> = self.client.get(&path, &query).await?;
            let count = lines.len();
            found.extend(lines.into_iter().filter(|line| line.sequence < before));
            if count < LINES as usize || found.last().is_none_or(|line| line.sequence + 1 >= before)
            {
                return Ok(found);
            }
        }
    }
}
