//! The queue as `docs/state_machine.md` tells it, in plain memory. Written from the document.

use std::collections::{BTreeMap, BTreeSet};

use upkeep_contract::worker::ClaimStrategy;

use super::step::{How, LEASE_MS, LIMIT, OPERATIONS};

#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) token: String,
    pub(crate) worker: String,
    pub(crate) outcome: &'static str,
    pub(crate) ended_by: Option<&'static str>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) error: Option<&'static str>,
    pub(crate) late: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) operation: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) target: Option<&'static str>,
    pub(crate) dry_run: bool,
    pub(crate) priority: i32,
    pub(crate) max_attempts: u32,
    pub(crate) state: &'static str,
    pub(crate) enqueued_at: i64,
    /// Between these: the wait after an error has a part of chance. Exact once it was seen.
    pub(crate) run_after: (i64, i64),
    pub(crate) started_at: Option<i64>,
    pub(crate) finished_at: Option<i64>,
    pub(crate) cancel: Option<i64>,
    pub(crate) lease: Option<LeaseOf>,
    pub(crate) worker: Option<(String, &'static str)>,
    pub(crate) progress: Option<u64>,
    pub(crate) error: Option<&'static str>,
    pub(crate) report: bool,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) lines: usize,
}

/// A lease in force: its token, and how often it was extended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaseOf {
    pub(crate) token: String,
    pub(crate) extended: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) heartbeat_at: i64,
    pub(crate) stopped: bool,
}

/// What a worker that claims now may get.
#[derive(Debug)]
pub(crate) enum Offer {
    InOrder(Vec<String>),
    OneOf(BTreeSet<String>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Accepted(&'static str),
    Fenced,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    Done,
    WorkerAlive(i64),
    NotRunning,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) elapsed: u64,
    pub(crate) tasks: Vec<Task>,
    pub(crate) paused: BTreeSet<&'static str>,
    pub(crate) registry: BTreeMap<String, Registered>,
    /// For each who looks after leases: the leases as they were seen, and since when.
    pub(crate) watchers: [BTreeMap<String, (LeaseOf, u64)>; super::step::WATCHERS],
}

/// The longest wait after an error.
const LONGEST_WAIT_MS: i64 = 300_000;

impl How {
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Permanent | Self::Transient => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
        }
    }

    fn error(self) -> Option<&'static str> {
        matches!(self, Self::Permanent | Self::Transient | Self::TimedOut).then_some("said")
    }
}

impl Task {
    /// Takes the attempt from its worker, whoever does so.
    fn end(
        &mut self,
        by: &'static str,
        outcome: &'static str,
        error: Option<&'static str>,
        now: i64,
    ) {
        let attempt = self.attempts.last_mut().unwrap();
        attempt.outcome = outcome;
        attempt.ended_by = Some(by);
        attempt.ended_at = Some(now);
        attempt.error = error;
        self.lease = None;
        self.error = error;
        self.report = false;
        self.run_after = (now, now);
    }

    fn settle(&mut self, state: &'static str, now: i64) {
        self.state = state;
        self.finished_at = Some(now);
    }

    fn want_cancelled(&mut self, now: i64) {
        self.cancel.get_or_insert(now);
        self.key = None;
    }

    pub(crate) fn is_final(&self) -> bool {
        self.finished_at.is_some()
    }

    fn last_attempt(&self) -> bool {
        self.attempts.len() >= self.max_attempts as usize
    }
}

impl World {
    pub(crate) fn task(&mut self, id: &str) -> &mut Task {
        self.tasks.iter_mut().find(|task| task.id == id).unwrap()
    }

    /// The task that is queued or running with this key.
    pub(crate) fn holder(&self, key: &str) -> Option<&Task> {
        self.tasks
            .iter()
            .find(|task| !task.is_final() && task.key.as_deref() == Some(key))
    }

    pub(crate) fn offer(&self, host: &str, strategy: ClaimStrategy, up_to: u32) -> Offer {
        let mut due: Vec<&Task> = self
            .tasks
            .iter()
            .filter(|task| task.state == "queued" && !self.paused.contains(task.operation))
            .filter(|task| task.target.is_none_or(|target| target == host))
            .filter(|task| {
                let (at, _) = task.run_after;
                at <= self.now || at > self.now + LONGEST_WAIT_MS
            })
            .collect();
        due.sort_by(|a, b| {
            let age = || (a.enqueued_at, &a.id).cmp(&(b.enqueued_at, &b.id));
            match strategy {
                ClaimStrategy::Priority | ClaimStrategy::WeightedRandom => {
                    a.priority.cmp(&b.priority).then_with(age)
                }
                ClaimStrategy::Fifo => age(),
                ClaimStrategy::Lifo => age().reverse(),
            }
        });
        let counts = |task: &Task| task.operation == OPERATIONS[0] && !task.dry_run;
        let running = self.tasks.iter().filter(|task| {
            let here = task.worker.as_ref().is_some_and(|(_, of)| *of == host);
            task.state == "running" && here && counts(task)
        });
        let mut room = LIMIT.saturating_sub(running.count());
        if strategy == ClaimStrategy::WeightedRandom {
            due.retain(|task| !counts(task) || room > 0);
            return Offer::OneOf(due.into_iter().map(|task| task.id.clone()).collect());
        }
        due.retain(|task| {
            let fits = !counts(task) || room > 0;
            if counts(task) && fits {
                room -= 1;
            }
            fits
        });
        due.truncate(up_to as usize);
        Offer::InOrder(due.into_iter().map(|task| task.id.clone()).collect())
    }

    pub(crate) fn claimed(&mut self, id: &str, token: &str, worker: &str, host: &'static str) {
        let now = self.now;
        let task = self.task(id);
        task.state = "running";
        task.started_at.get_or_insert(now);
        task.progress = None;
        task.worker = Some((worker.to_owned(), host));
        task.lease = Some(LeaseOf {
            token: token.to_owned(),
            extended: 0,
        });
        task.attempts.push(Attempt {
            token: token.to_owned(),
            worker: worker.to_owned(),
            outcome: "running",
            ended_by: None,
            ended_at: None,
            error: None,
            late: None,
        });
    }

    /// Whether this lease is in force.
    pub(crate) fn holds(&mut self, id: &str, token: &str) -> bool {
        let lease = &self.task(id).lease;
        lease.as_ref().is_some_and(|lease| lease.token == token)
    }

    pub(crate) fn finish(&mut self, id: &str, attempt: u32, token: &str, how: How) -> Finished {
        let now = self.now;
        let holds = self.holds(id, token);
        let task = self.task(id);
        if !holds {
            let (state, attempt) = (task.state, &mut task.attempts[attempt as usize - 1]);
            if attempt.ended_by == Some("worker") {
                let same = attempt.outcome == how.outcome()
                    || (how == How::Released && attempt.outcome == "cancelled");
                return if same {
                    Finished::Accepted(state)
                } else {
                    Finished::Fenced
                };
            }
            attempt.late.get_or_insert(how.outcome());
            return Finished::Fenced;
        }
        let (cancelled, last, number) = (
            task.cancel.is_some(),
            task.last_attempt(),
            task.attempts.len(),
        );
        let outcome = match how {
            How::Released if cancelled => "cancelled",
            how => how.outcome(),
        };
        task.end("worker", outcome, how.error(), now);
        task.report = matches!(how, How::Succeeded | How::Partial | How::Cancelled);
        match how {
            How::Succeeded => task.settle("succeeded", now),
            How::Partial => task.settle("partial", now),
            How::Permanent => task.settle("failed", now),
            How::Cancelled => task.settle("cancelled", now),
            How::Transient | How::TimedOut | How::Released if cancelled => {
                task.settle("cancelled", now);
            }
            How::Transient | How::TimedOut if last => task.settle("failed", now),
            How::Transient | How::TimedOut => {
                let full = (2_000 << (number - 1)).min(LONGEST_WAIT_MS);
                task.run_after = (now + full / 2, now + full);
                task.state = "queued";
            }
            How::Released => {
                task.max_attempts += 1;
                task.state = "queued";
            }
        }
        Finished::Accepted(task.state)
    }

    /// `None` when it had ended already, else whether it waited.
    pub(crate) fn cancel(&mut self, id: &str) -> Option<bool> {
        let now = self.now;
        let task = self.task(id);
        if task.is_final() {
            return None;
        }
        task.want_cancelled(now);
        let waited = task.state == "queued";
        if waited {
            task.settle("cancelled", now);
        }
        Some(waited)
    }

    /// How many waited, and how many run.
    pub(crate) fn cancel_all(&mut self, operation: &str) -> (u64, u64) {
        let now = self.now;
        let ids: Vec<String> = self
            .tasks
            .iter()
            .filter(|task| task.operation == operation && task.enqueued_at <= now)
            .filter(|task| !task.is_final() && task.cancel.is_none())
            .map(|task| task.id.clone())
            .collect();
        let waited = ids
            .iter()
            .filter(|id| self.cancel(id) == Some(true))
            .count();
        (waited as u64, (ids.len() - waited) as u64)
    }

    pub(crate) fn force_close(&mut self, id: &str) -> Closed {
        let now = self.now;
        let registry = self.registry.clone();
        let task = self.task(id);
        if task.state != "running" {
            return Closed::NotRunning;
        }
        let worker = task
            .worker
            .as_ref()
            .and_then(|(worker, _)| registry.get(worker));
        if let Some(worker) = worker
            && !worker.stopped
            && now - worker.heartbeat_at <= i64::try_from(LEASE_MS).unwrap()
        {
            return Closed::WorkerAlive(worker.heartbeat_at);
        }
        task.want_cancelled(now);
        task.end("operator", "lost", Some("force_closed"), now);
        task.settle("cancelled", now);
        Closed::Done
    }

    /// Who looks after leases looks; how many attempts are taken back.
    pub(crate) fn rescue(&mut self, watcher: usize) -> u64 {
        let (now, elapsed) = (self.now, self.elapsed);
        let before = std::mem::take(&mut self.watchers[watcher]);
        let mut rescued = 0;
        for task in &mut self.tasks {
            let Some(lease) = task.lease.clone() else {
                continue;
            };
            let same = before.get(&task.id).filter(|(seen, _)| *seen == lease);
            let since = same.map_or(elapsed, |(_, since)| *since);
            self.watchers[watcher].insert(task.id.clone(), (lease, since));
            if elapsed - since > LEASE_MS {
                rescued += 1;
                task.end("rescue", "lost", Some("lease_expired"), now);
                if task.cancel.is_some() {
                    task.settle("cancelled", now);
                } else if task.last_attempt() {
                    task.settle("failed", now);
                } else {
                    task.state = "queued";
                }
            }
        }
        rescued
    }
}
