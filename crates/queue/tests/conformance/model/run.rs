//! Takes each step on a real queue and in the model, and compares the two.

use std::time::Duration;

use serde_json::{Value, json};
use upkeep_contract::task::{LogLevel, Progress, TaskError};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{TaskId, WorkerId};
use upkeep_queue::{
    Ending, Enqueued, Finish, Held, Lease, LeaseWatch, NewLogLine, NewTask, Queue, WorkerMode,
};
use upkeep_testkit::{TestQueue, new_worker};

use super::step::{How, LEASE_MS, OPERATIONS, Step, WATCHERS, WORKERS};
use super::world::{Finished, Offer, Registered, Task, World};
use crate::support::performs;

const LEASE: Duration = Duration::from_millis(LEASE_MS);

/// One worker as it sees itself.
struct Slot {
    id: WorkerId,
    alive: bool,
    held: Vec<Lease>,
}

/// A queue on which one list of steps after the other is taken.
pub(crate) struct Runner {
    pub(super) test: TestQueue,
    // the second half of the workers and watchers are another process
    queues: [Queue; 2],
}

pub(super) struct Case<'r> {
    pub(super) runner: &'r Runner,
    pub(super) world: World,
    slots: Vec<Slot>,
    leases: Vec<Lease>,
    watches: Vec<LeaseWatch>,
    pub(super) before: [Vec<Value>; 3],
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that a call reads as a sentence"
)]
pub(super) fn expect<T: std::fmt::Debug + PartialEq>(
    what: &str,
    real: T,
    model: T,
) -> Result<(), String> {
    if real == model {
        Ok(())
    } else {
        Err(format!(
            "{what}: the queue says {real:?}, the model {model:?}"
        ))
    }
}

impl Runner {
    pub(crate) async fn new(test: TestQueue) -> Self {
        let limits = |queue: Queue| {
            let limit = u32::try_from(super::step::LIMIT).unwrap();
            queue.with_host_limits([(OPERATIONS[0].into(), limit)].into())
        };
        let queues = [limits(test.queue.clone()), limits(test.another().await)];
        Self { test, queues }
    }

    /// Takes these steps on an empty queue; the first difference ends it.
    pub(crate) async fn run(&self, steps: &[Step]) -> Result<(), String> {
        let everything = "DELETE FROM tasks; DELETE FROM workers; DELETE FROM paused_operations; DELETE FROM audit";
        self.test.bare().await.execute(everything).await;
        let mut case = Case {
            runner: self,
            world: World::default(),
            slots: Vec::new(),
            leases: Vec::new(),
            watches: (0..WATCHERS).map(|_| LeaseWatch::default()).collect(),
            before: Default::default(),
        };
        let set = self.test.queue.now().as_millis();
        case.tick();
        for index in 0..WORKERS.len() {
            let id = case.register(index).await;
            case.slots.push(Slot {
                id,
                alive: true,
                held: Vec::new(),
            });
        }
        let mut result = Ok(());
        let mut jumped = 0;
        for (index, step) in steps.iter().enumerate() {
            if let Step::Jump { ms } = step {
                jumped += ms;
            }
            result = match case.take(step).await {
                Ok(()) => case.compare().await,
                error => error,
            };
            if let Err(why) = result {
                result = Err(format!(
                    "after step {index}, {step:?}, at {} ms: {why}",
                    case.world.now - set
                ));
                break;
            }
        }
        self.test.clock.jump(-jumped);
        result
    }
}

impl Case<'_> {
    pub(super) fn queue(&self, index: usize) -> &Queue {
        &self.runner.queues[index % 2]
    }

    /// Lets the model see the clocks.
    fn tick(&mut self) {
        let clock = self.runner.test.queue.clock();
        self.world.now = clock.now().as_millis();
        self.world.elapsed = u64::try_from(clock.elapsed().as_millis()).unwrap();
    }

    async fn register(&mut self, index: usize) -> WorkerId {
        let worker = new_worker(WORKERS[index]);
        self.queue(index).register_worker(&worker).await.unwrap();
        let registered = Registered {
            heartbeat_at: self.world.now,
            stopped: false,
        };
        self.world
            .registry
            .insert(worker.id.to_string(), registered);
        worker.id
    }

    pub(super) fn task_at(&self, index: usize) -> Option<TaskId> {
        let count = self.world.tasks.len();
        (count > 0).then(|| {
            self.world.tasks[count - 1 - index % count]
                .id
                .as_str()
                .into()
        })
    }

    fn lease_at(&self, index: usize) -> Option<Lease> {
        let count = self.leases.len();
        (count > 0).then(|| self.leases[count - 1 - index % count].clone())
    }

    async fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Enqueue { .. } => self.enqueue(step).await,
            Step::Claim {
                worker,
                up_to,
                strategy,
            } => self.claim(*worker, *up_to, *strategy).await,
            Step::Heartbeat { worker } => {
                for index in worker.map_or(0..WORKERS.len(), |worker| worker..worker + 1) {
                    self.heartbeat(index).await?;
                }
                Ok(())
            }
            Step::Progress { lease } => self.progress(*lease).await,
            Step::Finish { lease, how } => self.finish(*lease, *how).await,
            Step::Cancel { .. }
            | Step::CancelAll { .. }
            | Step::ForceClose { .. }
            | Step::SetPriority { .. }
            | Step::Pause { .. }
            | Step::Resume { .. } => self.take_operators(step).await,
            Step::Rescue { watcher } => {
                let queue = &self.runner.queues[*watcher % 2];
                let real = queue.rescue(&mut self.watches[*watcher]).await.unwrap();
                expect("rescued", real, self.world.rescue(*watcher))
            }
            Step::Die { worker } => {
                self.slots[*worker].alive = false;
                Ok(())
            }
            Step::Stop { worker } => {
                let id = self.slots[*worker].id.clone();
                self.slots[*worker].alive = false;
                self.queue(*worker)
                    .set_worker_mode(&id, WorkerMode::Stopped)
                    .await
                    .unwrap();
                let registered = self.world.registry.get_mut(id.as_str()).unwrap();
                *registered = Registered {
                    heartbeat_at: self.world.now,
                    stopped: true,
                };
                Ok(())
            }
            Step::Start { worker } => {
                let id = self.register(*worker).await;
                self.slots[*worker] = Slot {
                    id,
                    alive: true,
                    held: Vec::new(),
                };
                Ok(())
            }
            Step::Advance { ms } => {
                self.runner.test.clock.advance(Duration::from_millis(*ms));
                self.tick();
                Ok(())
            }
            Step::Jump { ms } => {
                self.runner.test.clock.jump(*ms);
                self.tick();
                Ok(())
            }
        }
    }

    async fn claim(
        &mut self,
        worker: usize,
        up_to: u32,
        strategy: ClaimStrategy,
    ) -> Result<(), String> {
        let host = WORKERS[worker];
        let slot = &self.slots[worker];
        if !slot.alive {
            return Ok(());
        }
        let filter = performs(&OPERATIONS, host, strategy);
        let queue = self.queue(worker);
        let claims = queue
            .claim(&slot.id, 1, &filter, LEASE, up_to)
            .await
            .unwrap();
        let ids: Vec<String> = claims
            .iter()
            .map(|claim| claim.task.id.to_string())
            .collect();
        match self.world.offer(host, strategy, up_to) {
            Offer::InOrder(offered) => expect("claimed", &ids, &offered)?,
            Offer::OneOf(offered) => {
                expect("claimed", ids.len(), offered.len().min(1))?;
                expect("offered", ids.iter().all(|id| offered.contains(id)), true)?;
            }
        }
        let worker_id = self.slots[worker].id.to_string();
        for claim in claims {
            let token = claim.lease.token.as_str();
            self.world
                .claimed(claim.task.id.as_str(), token, &worker_id, host);
            self.slots[worker].held.push(claim.lease.clone());
            self.leases.push(claim.lease);
        }
        Ok(())
    }

    async fn enqueue(&mut self, step: &Step) -> Result<(), String> {
        let Step::Enqueue {
            operation,
            key,
            target,
            priority,
            max_attempts,
            dry_run,
        } = step
        else {
            return Ok(());
        };
        let key = key.map(|key| format!("key {key}"));
        let target = target.map(|worker| WORKERS[worker]);
        let request = NewTask {
            dedup_key: key.clone(),
            target_host: target.map(str::to_owned),
            priority: *priority,
            max_attempts: *max_attempts,
            dry_run: *dry_run,
            ..NewTask::new(OPERATIONS[*operation], json!({}), "tester")
        };
        let real = self
            .queue(self.world.tasks.len())
            .enqueue(request)
            .await
            .unwrap();
        let holder = key.as_deref().and_then(|key| self.world.holder(key));
        match (&real, holder) {
            (Enqueued::Existing(id), Some(task)) => expect("existing", id.as_str(), &task.id),
            (Enqueued::New(id), None) => {
                let now = self.world.now;
                self.world.tasks.push(Task {
                    id: id.to_string(),
                    operation: OPERATIONS[*operation],
                    key,
                    target,
                    dry_run: *dry_run,
                    priority: *priority,
                    max_attempts: *max_attempts,
                    state: "queued",
                    enqueued_at: now,
                    run_after: (now, now),
                    started_at: None,
                    finished_at: None,
                    cancel: None,
                    lease: None,
                    worker: None,
                    progress: None,
                    error: None,
                    report: false,
                    attempts: Vec::new(),
                    lines: 0,
                });
                Ok(())
            }
            (_, holder) => Err(format!(
                "enqueue: the queue says {real:?}, the key is held by {holder:?}"
            )),
        }
    }

    async fn heartbeat(&mut self, worker: usize) -> Result<(), String> {
        if !self.slots[worker].alive {
            return Ok(());
        }
        let queue = self.queue(worker);
        let slot = &self.slots[worker];
        let drain = queue.worker_alive(&slot.id, None).await.unwrap();
        expect("drain", drain, false)?;
        let looked = queue.look(&slot.held).await.unwrap();
        let held = queue.extend(&slot.held, LEASE).await.unwrap();
        expect("a look and a heartbeat", &looked, &held)?;
        let registered = self.world.registry.get_mut(slot.id.as_str()).unwrap();
        registered.heartbeat_at = self.world.now;
        let mut still = Vec::new();
        for (lease, held) in self.slots[worker].held.iter().zip(held) {
            let task = self.world.task(lease.task_id.as_str());
            let mine = task
                .lease
                .as_mut()
                .filter(|mine| mine.token == lease.token.as_str());
            let model = match mine {
                Some(mine) => {
                    mine.extended += 1;
                    still.push(lease.clone());
                    Held::Kept {
                        cancel_requested: task.cancel.is_some(),
                    }
                }
                None => Held::Lost,
            };
            expect("held", held, model)?;
        }
        self.slots[worker].held = still;
        Ok(())
    }

    async fn progress(&mut self, lease: usize) -> Result<(), String> {
        let Some(lease) = self.lease_at(lease) else {
            return Ok(());
        };
        let done = self.world.elapsed;
        let progress = Progress {
            done,
            ..Progress::default()
        };
        let queue = self.queue(0);
        let line = NewLogLine {
            at: queue.now(),
            level: LogLevel::Info,
            message: String::new(),
        };
        let real = queue
            .report_progress(&lease, Some(&progress), &[line])
            .await
            .unwrap();
        let id = lease.task_id.as_str();
        let holds = self.world.holds(id, lease.token.as_str());
        if holds {
            let task = self.world.task(id);
            task.progress = Some(done);
            task.lines += 1;
        }
        expect("progress", real, holds)?;
        self.unchanged_unless(holds).await
    }

    async fn finish(&mut self, lease: usize, how: How) -> Result<(), String> {
        let Some(lease) = self.lease_at(lease) else {
            return Ok(());
        };
        let error = TaskError {
            kind: "said".to_owned(),
            message: String::new(),
            hint: String::new(),
        };
        let ending = match how {
            How::Succeeded => Ending::Succeeded(json!(1)),
            How::Partial => Ending::Partial(json!(2)),
            How::Permanent => Ending::Permanent(error),
            How::Transient => Ending::Transient(error),
            How::TimedOut => Ending::TimedOut(error),
            How::Cancelled => Ending::Cancelled(Some(json!(3))),
            How::Released => Ending::Released,
        };
        let real = match self
            .queue(self.leases.len())
            .finish(&lease, ending)
            .await
            .unwrap()
        {
            Finish::Accepted(state) => Finished::Accepted(state.as_str()),
            Finish::Fenced => Finished::Fenced,
        };
        let (id, token) = (lease.task_id.as_str(), lease.token.as_str());
        let holds = self.world.holds(id, token);
        let model = self.world.finish(id, lease.attempt, token, how);
        for slot in &mut self.slots {
            slot.held.retain(|held| *held != lease);
        }
        expect("finish", real, model)?;
        self.unchanged_unless(holds).await
    }
}
