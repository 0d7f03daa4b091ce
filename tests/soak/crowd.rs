//! The people and the accidents of a soak: who asks for what, and which worker is hit when.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::time::Instant;
use upkeep_contract::TaskId;
use upkeep_queue::NewTask;

use crate::support::files;
use crate::support::installation::Installation;
use crate::support::observer::{Observer, Record};
use crate::support::process::{Process, worker_program};
use crate::support::site::Site;

/// Hosts, each with folders of its own, and workers on each.
const HOSTS: [&str; 2] = ["web-01", "web-02"];
const WORKERS_PER_HOST: usize = 2;
const STRATEGIES: [&str; 4] = ["priority", "fifo", "lifo", "weighted-random"];

/// The longest pause between two accidents; the shortest is none.
const LONGEST_PAUSE: Duration = Duration::from_millis(700);

/// Longer than the lease of two seconds: the worker's tasks are another's when it goes on.
const STOPPED_FOR: Duration = Duration::from_millis(3500);

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) tasks: usize,
    pub(crate) kills: usize,
    pub(crate) seed: u64,
}

impl Plan {
    pub(crate) fn from_environment() -> Self {
        Self {
            tasks: number("SOAK_TASKS", 60),
            kills: number("SOAK_KILLS", 15),
            seed: number("SOAK_SEED", 1),
        }
    }
}

fn number<N: std::str::FromStr>(name: &str, default: N) -> N {
    std::env::var(name).map_or(default, |text| {
        let read = text.parse();
        read.unwrap_or_else(|_| panic!("{name} is `{text}`; give a number"))
    })
}

/// What was done and seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) accepted: Vec<TaskId>,
    pub(crate) kills: usize,
    pub(crate) terminations: usize,
    pub(crate) freezes: usize,
    pub(crate) restarts: usize,
    pub(crate) cancels: usize,
    pub(crate) priorities: usize,
    pub(crate) logs: Vec<String>,
    pub(crate) record: Record,
    pub(crate) old_files_made: usize,
    pub(crate) old_files_left: usize,
    pub(crate) young_files_lost: usize,
}

/// One place for a worker, which is started anew whenever it has ended.
struct Place {
    host: usize,
    strategy: &'static str,
    process: Process,
    frozen_until: Option<Instant>,
}

/// The soak at work.
pub(crate) struct Crowd<'s> {
    site: &'s Site,
    hosts: Vec<Installation>,
    plan: Plan,
    dice: StdRng,
    places: Vec<Place>,
    observer: Observer,
    tally: Tally,
    young_files: usize,
}

impl<'s> Crowd<'s> {
    pub(crate) async fn new(site: &'s Site, plan: Plan) -> Self {
        let hosts: Vec<Installation> = HOSTS.iter().map(|_| Installation::new()).collect();
        let mut places = Vec::new();
        for index in 0..HOSTS.len() * WORKERS_PER_HOST {
            let (host, strategy) = (index % HOSTS.len(), STRATEGIES[index % STRATEGIES.len()]);
            places.push(Place {
                host,
                strategy,
                process: start(site, &hosts[host], HOSTS[host], strategy),
                frozen_until: None,
            });
        }
        for place in &mut places {
            place.process.wait_for("the worker is ready");
        }
        Self {
            observer: Observer::start(&site.url).await,
            site,
            hosts,
            plan,
            dice: StdRng::seed_from_u64(plan.seed),
            places,
            tally: Tally::default(),
            young_files: 0,
        }
    }

    pub(crate) fn accepted(&self) -> &[TaskId] {
        &self.tally.accepted
    }

    /// People ask and workers die, until there were enough of both. A last cleanup on each host closes it.
    pub(crate) async fn work(&mut self) {
        let last = HOSTS.len();
        let before_the_last = self.plan.tasks.saturating_sub(last);
        for accident in 1..=self.plan.kills {
            let asked = before_the_last * accident / self.plan.kills;
            while self.tally.accepted.len() < asked {
                self.ask().await;
            }
            // a random moment is the point here
            tokio::time::sleep(LONGEST_PAUSE.mul_f64(self.dice.random())).await;
            self.thaw(false);
            if accident % 8 == 0 {
                self.freeze();
            }
            if accident % 10 == 0 {
                self.terminate();
            }
            self.kill();
            if accident % 4 == 0 {
                self.cancel().await;
            }
            if accident % 3 == 0 {
                self.change_priority().await;
            }
        }
        self.thaw(true);
        for host in HOSTS {
            self.enqueue(NewTask {
                target_host: Some(host.to_owned()),
                // the last one must see all files, whatever is killed: it may be tried often
                max_attempts: 10,
                priority: 1000,
                ..NewTask::new("cleanup-temp-files", json!({}), "soak")
            })
            .await;
        }
    }

    /// Stops every worker in good order, and adds up.
    pub(crate) async fn stop(mut self) -> Tally {
        for place in &mut self.places {
            assert!(place.process.terminate(), "{}", place.process.output());
            self.tally.logs.push(place.process.output());
        }
        self.tally.record = self.observer.end().await;
        for host in &self.hosts {
            let tree = files::tree(&host.scratch());
            let named = |part: &str| {
                let names = tree.keys().filter_map(|path| path.file_name()?.to_str());
                names.filter(|name| name.starts_with(part)).count()
            };
            self.tally.old_files_left += named("old-");
            self.young_files -= named("young-");
        }
        self.tally.young_files_lost = self.young_files;
        self.tally
    }

    async fn enqueue(&mut self, task: NewTask) {
        let enqueued = self.site.queue.enqueue(task).await.unwrap();
        self.tally.accepted.push(enqueued.id().clone());
    }

    /// One of the operations, as people ask for them.
    async fn ask(&mut self) {
        let host = self.dice.random_range(0..HOSTS.len());
        let target = self.dice.random_bool(0.4).then(|| HOSTS[host].to_owned());
        let (operation, params) = match self.dice.random_range(0..10) {
            0..4 => {
                let window: u32 = self.dice.random_range(200..1500);
                ("health-check", json!({ "cpu_window_ms": window }))
            }
            4..6 => ("log-statistics", json!({ "range_hours": 24 })),
            6..9 => {
                self.litter(host);
                ("cleanup-temp-files", json!({ "max_age_hours": 24 }))
            }
            _ => ("cleanup-runs", json!({ "dry_run": true })),
        };
        let task = NewTask {
            dry_run: params["dry_run"] == true,
            target_host: target,
            priority: self.dice.random_range(0..200),
            ..NewTask::new(operation, params, "soak")
        };
        self.enqueue(task).await;
    }

    /// Some old files, and one that must stay.
    fn litter(&mut self, host: usize) {
        let scratch = self.hosts[host].scratch();
        let folder = scratch.join(format!("of-{}", self.tally.accepted.len()));
        for index in 0..self.dice.random_range(5..30) {
            files::file(&folder.join(format!("old-{index}")), 48);
            self.tally.old_files_made += 1;
        }
        files::file(&folder.join("young-0"), 1);
        self.young_files += 1;
    }

    /// A place whose worker is not frozen.
    fn any_place(&mut self) -> usize {
        loop {
            let place = self.dice.random_range(0..self.places.len());
            if self.places[place].frozen_until.is_none() {
                return place;
            }
        }
    }

    fn kill(&mut self) {
        let place = self.any_place();
        self.places[place].process.kill();
        self.tally.kills += 1;
        self.start_again(place);
    }

    fn terminate(&mut self) {
        let place = self.any_place();
        let process = &mut self.places[place].process;
        // it may be so young that it does not listen yet, and ends by the signal itself
        process.signal(Signal::TERM);
        process.wait_for_end();
        self.tally.terminations += 1;
        self.start_again(place);
    }

    fn freeze(&mut self) {
        if self.places.iter().any(|place| place.frozen_until.is_some()) {
            return;
        }
        let place = self.any_place();
        let place = &mut self.places[place];
        place.process.signal(Signal::STOP);
        let until = Instant::now() + STOPPED_FOR;
        // by itself: a worker that is frozen while it writes to a SQLite file keeps all others from
        // writing, also whoever would set it free. nobody kills it before, so the id is still its own
        let pid = Pid::from_raw(i32::try_from(place.process.pid()).unwrap()).unwrap();
        tokio::spawn(async move {
            tokio::time::sleep_until(until).await;
            kill_process(pid, Signal::CONT).ok();
        });
        place.frozen_until = Some(until + Duration::from_millis(200));
        self.tally.freezes += 1;
    }

    fn thaw(&mut self, at_once: bool) {
        for place in &mut self.places {
            if place
                .frozen_until
                .is_some_and(|until| at_once || until <= Instant::now())
            {
                place.process.signal(Signal::CONT);
                place.frozen_until = None;
            }
        }
    }

    fn start_again(&mut self, place: usize) {
        let place = &mut self.places[place];
        self.tally.logs.push(place.process.output());
        let host = &self.hosts[place.host];
        place.process = start(self.site, host, HOSTS[place.host], place.strategy);
        self.tally.restarts += 1;
    }

    fn any_task(&mut self) -> Option<TaskId> {
        // one of the newest: it may still wait or run
        let accepted = &self.tally.accepted;
        let newest = accepted.len().saturating_sub(12)..accepted.len();
        if newest.is_empty() {
            return None;
        }
        Some(accepted[self.dice.random_range(newest)].clone())
    }

    async fn cancel(&mut self) {
        if let Some(id) = self.any_task() {
            self.site.queue.cancel(&id, "soak").await.unwrap();
            self.tally.cancels += 1;
        }
    }

    async fn change_priority(&mut self) {
        if let Some(id) = self.any_task() {
            let priority = self.dice.random_range(0..200);
            let changed = self.site.queue.set_priority(&id, priority, "soak").await;
            changed.unwrap();
            self.tally.priorities += 1;
        }
    }
}

fn start(site: &Site, host: &Installation, name: &str, strategy: &str) -> Process {
    let program: &Path = &worker_program();
    let mut command = Command::new(program);
    command.args(["run", "--log-format", "json", "--concurrency", "2"]);
    command.args([
        "--grace-seconds",
        "0",
        "--host",
        name,
        "--strategy",
        strategy,
    ]);
    Process::start_on(host, Some(&site.url), command, "worker")
}
