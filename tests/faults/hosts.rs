//! Two hosts and one PostgreSQL server: targets, fan-outs, a host that dies, a host that is cut off.
//!
//! Each host is a network namespace with a cable of its own to the server, and a host name of its own.
//! Where this process may not make those, two names of one host stand for them, and the test says so.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde_json::json;
use upkeep_config::Folders;
use upkeep_console::Console;
use upkeep_contract::group::FanOutOutcome;
use upkeep_contract::task::{AttemptOutcome, TaskDetail, TaskState, TriggerOutcome};
use upkeep_contract::waiting::Waiting;
use upkeep_contract::{OperationId, TaskId};
use upkeep_testkit::{Durability, PostgresCluster, PostgresOptions};

use crate::support::installation::{Installation, until, until_final};
use crate::support::process::{Process, worker_program};
use crate::support::site::Site;
use crate::{ask_for_seconds, is_running, outcomes};

const NAMES: [&str; 2] = ["web-01", "web-02"];

/// How many machines this process has made: each has its own cable and addresses.
static MACHINES: AtomicU8 = AtomicU8::new(0);

/// A machine of its own, as far as its network and its name go; gone when this is dropped.
struct Machine {
    /// Keeps the namespaces alive.
    keeper: Process,
    /// The server's end of the cable.
    link: String,
    /// The server's address on this cable.
    server: IpAddr,
}

impl Machine {
    fn new(name: &str, installation: &Installation) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "--uts", "sh", "-ec"]);
        command.arg(r#"hostname "$0"; echo up; exec sleep 1000000"#);
        command.arg(name);
        let mut keeper = Process::start(installation, command, "machine");
        keeper.wait_for("up");
        // addresses that are set aside for tests of networks (RFC 2544)
        let (process, number) = (std::process::id(), MACHINES.fetch_add(1, Ordering::Relaxed));
        let net = [198, 18, process.to_le_bytes()[0], number * 4];
        let address = |last: u8| format!("{}.{}.{}.{}", net[0], net[1], net[2], net[3] + last);
        let link = format!("upk{}x{number}", process % 10_000_000);
        let pid = keeper.pid().to_string();
        run(&format!(
            "ip link add {link} type veth peer name cable netns {pid}"
        ));
        run(&format!("ip address add {}/30 dev {link}", address(1)));
        run(&format!("ip link set {link} up"));
        let inside = format!("nsenter --target {pid} --net ip");
        run(&format!("{inside} address add {}/30 dev cable", address(2)));
        run(&format!("{inside} link set cable up"));
        Self {
            keeper,
            link,
            server: IpAddr::V4(Ipv4Addr::new(net[0], net[1], net[2], net[3] + 1)),
        }
    }

    /// Pulls the cable: nothing goes through any more, and nobody is told.
    fn cut_off(&self) {
        run(&format!("ip link set {} down", self.link));
    }

    fn connect_again(&self) {
        run(&format!("ip link set {} up", self.link));
    }
}

fn run(command: &str) {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output();
    let output = output.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error}");
}

/// Two hosts, a server that both reach, and a console beside the server.
struct Fleet {
    installations: [Installation; 2],
    machines: Vec<Machine>,
    site: Site,
    cluster: PostgresCluster,
}

impl Fleet {
    async fn new() -> Self {
        let installations = [Installation::new(), Installation::new()];
        let may = Command::new("unshare")
            .args(["--net", "--uts", "true"])
            .output();
        let machines = if may.is_ok_and(|output| output.status.success()) {
            vec![
                Machine::new(NAMES[0], &installations[0]),
                Machine::new(NAMES[1], &installations[1]),
            ]
        } else {
            println!("NO NAMESPACES: two names of this one host stand for two hosts");
            Vec::new()
        };
        let options = PostgresOptions::new(Durability::Fast);
        let options = machines.iter().fold(options, |options, machine| {
            options.listen_on(machine.server)
        });
        let cluster = PostgresCluster::start(options);
        let url = cluster.database().await;
        let site = Site::at(Installation::new(), url).await;
        Self {
            installations,
            machines,
            site,
            cluster,
        }
    }

    /// Starts a worker on a host, which has its name and its way to the server from the host alone.
    fn worker(&self, host: usize) -> Process {
        let (mut command, url) = if let Some(machine) = self.machines.get(host) {
            let pid = machine.keeper.pid().to_string();
            let mut command = Command::new("nsenter");
            command.args(["--target", &pid, "--net", "--uts"]);
            command.arg(worker_program()).arg("run");
            let url = self.cluster.over_tcp(&self.site.url, machine.server);
            (command, url)
        } else {
            let mut command = Command::new(worker_program());
            command.args(["run", "--host", NAMES[host]]);
            (command, self.site.url.clone())
        };
        command.args(["--concurrency", "2"]);
        let installation = &self.installations[host];
        let mut worker = Process::start_on(installation, Some(&url), command, "worker");
        worker.wait_for("the worker is ready");
        worker
    }

    async fn console(&self) -> Console {
        let folders = Folders::at(&self.site.installation.home());
        Console::open(folders, &self.site.url, "test")
            .await
            .unwrap()
    }
}

/// The hosts and tasks of a fan-out.
fn tasks_of(outcome: FanOutOutcome) -> (upkeep_contract::GroupId, Vec<(String, TaskId)>) {
    let FanOutOutcome::Queued { group_id, tasks } = outcome else {
        panic!("{outcome:?}")
    };
    let tasks = tasks.into_iter();
    let tasks = tasks.map(|task| (task.host, task.outcome.task_id().clone()));
    (group_id, tasks.collect())
}

fn ran_on(detail: &TaskDetail) -> (TaskState, Vec<&str>) {
    let attempts = detail.attempts.iter();
    let hosts = attempts.map(|attempt| attempt.host.as_str());
    (detail.task.state, hosts.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_and_a_fan_out_reach_the_hosts_they_name_postgres() {
    let fleet = Fleet::new().await;
    let queue = &fleet.site.queue;
    let operation = OperationId::from("health-check");
    let console = fleet.console().await;
    let first = fleet.worker(0);
    let mut second = fleet.worker(1);
    for (worker, name) in [(&first, NAMES[0]), (&second, NAMES[1])] {
        assert_eq!(fleet.site.registered(worker).await.host, name);
    }

    // a target, more often than chance would have it
    for _ in 0..4 {
        let target = Some(NAMES[1].to_owned());
        let params = json!({ "cpu_window_ms": 200 });
        let asked = console.trigger(&operation, params, target).await;
        let detail = until_final(queue, asked.unwrap().task_id()).await;
        assert_eq!(ran_on(&detail), (TaskState::Succeeded, vec![NAMES[1]]));
        assert_eq!(detail.attempts[0].pid, second.pid());
    }

    // a fan-out: one task for each host, performed there
    let params = json!({ "cpu_window_ms": 200 });
    let outcome = console.trigger_every_host(&operation, params.clone()).await;
    let (group, tasks) = tasks_of(outcome.unwrap());
    let hosts: Vec<&str> = tasks.iter().map(|(host, _)| host.as_str()).collect();
    assert_eq!(hosts, NAMES);
    for (host, id) in &tasks {
        let detail = until_final(queue, id).await;
        assert_eq!(ran_on(&detail), (TaskState::Succeeded, vec![host.as_str()]));
    }
    let nothing = console.repeat_group(&group).await.unwrap();
    assert_eq!(nothing, FanOutOutcome::NothingToRepeat);

    // a host dies; nobody knows yet, so it is asked, too
    second.kill();
    let outcome = console.trigger_every_host(&operation, params.clone()).await;
    let (group, tasks) = tasks_of(outcome.unwrap());
    assert_eq!(tasks.len(), 2);
    until_final(queue, &tasks[0].1).await;
    let dead = until(queue, &tasks[1].1, |detail| {
        matches!(detail.task.waiting, Some(Waiting::NoWorker { .. }))
    });
    let said = dead.await.task.waiting.unwrap();
    let last_seen = fleet.site.registered(&second).await.heartbeat_at;
    let expect = Waiting::NoWorker {
        host: Some(NAMES[1].to_owned()),
        last_seen: Some(last_seen),
    };
    assert_eq!(said, expect);

    // who asks for it now is told at once, and a fan-out leaves it out
    let target = Some(NAMES[1].to_owned());
    let other = json!({ "cpu_window_ms": 201 });
    let asked = console
        .trigger(&operation, other.clone(), target)
        .await
        .unwrap();
    let TriggerOutcome::Queued { task_id, waiting } = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(waiting, expect);
    let (_, now) = tasks_of(console.trigger_every_host(&operation, other).await.unwrap());
    assert_eq!(now.len(), 1, "{now:?}");
    assert_eq!(now[0].0, NAMES[0]);

    // a repetition asks the host that never began, and it alone
    let outcome = console.repeat_group(&group).await.unwrap();
    let (_, again) = tasks_of(outcome);
    assert_eq!(again.len(), 1, "{again:?}");
    assert_eq!(again[0].0, NAMES[1]);
    assert_eq!(
        queue.task(&tasks[1].1).await.unwrap().task.state,
        TaskState::Cancelled,
        "withdrawn, so that no host does it twice"
    );
    let third = fleet.worker(1);
    for id in [&again[0].1, &task_id] {
        let detail = until_final(queue, id).await;
        assert_eq!(ran_on(&detail), (TaskState::Succeeded, vec![NAMES[1]]));
        assert_eq!(detail.attempts[0].pid, third.pid());
    }
    console.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_cut_off_abandons_and_comes_back_by_itself_postgres() {
    let fleet = Fleet::new().await;
    let Some(machine) = fleet.machines.first() else {
        println!("NO NAMESPACES: no host could be cut off");
        return;
    };
    let queue = &fleet.site.queue;
    let mut cut_off = fleet.worker(0);
    let id = ask_for_seconds(queue, 6.0).await;
    until(queue, &id, is_running).await;
    let _other = fleet.worker(1);
    machine.cut_off();
    let begun = std::time::Instant::now();
    cut_off.wait_for("abandoned");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "abandoned after {took:?}");
    let detail = until_final(queue, &id).await;
    assert_eq!(
        (ran_on(&detail).1, outcomes(&detail)),
        (
            NAMES.to_vec(),
            vec![AttemptOutcome::Lost, AttemptOutcome::Succeeded]
        )
    );
    machine.connect_again();
    let next = upkeep_queue::NewTask {
        target_host: Some(NAMES[0].to_owned()),
        ..crate::work(0.2)
    };
    let next = queue.enqueue(next).await.unwrap().id().clone();
    let detail = until_final(queue, &next).await;
    assert_eq!(
        (detail.task.state, detail.attempts[0].pid),
        (TaskState::Succeeded, cut_off.pid())
    );
    assert_eq!(
        queue.task(&id).await.unwrap().task.attempt,
        2,
        "nothing changed"
    );
}
