//! One database of either engine with the hosts that share it.

use std::process::Command;

use upkeep_contract::worker::Worker;
use upkeep_contract::{Timestamp, WorkerId};
use upkeep_queue::Queue;
use upkeep_testkit::PostgresCluster;

use super::installation::Installation;
use super::process::{Process, worker_program};

/// A database of either engine, its queue opened by the test itself, and a first host.
pub(crate) struct Site {
    /// The folders of the host.
    pub(crate) installation: Installation,
    /// The database.
    pub(crate) url: String,
    /// The test's own look at it.
    pub(crate) queue: Queue,
}

impl Site {
    /// A fresh SQLite file.
    pub(crate) async fn sqlite() -> Self {
        Self::at_home(Installation::new()).await
    }

    /// The SQLite file of an installation.
    pub(crate) async fn at_home(installation: Installation) -> Self {
        let url = installation.database_url();
        Self::at(installation, url).await
    }

    /// A fresh database of the PostgreSQL server that the tests of this process share.
    pub(crate) async fn postgres() -> Self {
        let url = PostgresCluster::shared().database().await;
        Self::at(Installation::new(), url).await
    }

    /// A database that is there.
    pub(crate) async fn at(installation: Installation, url: String) -> Self {
        Self {
            installation,
            queue: Queue::open(&url).await.unwrap(),
            url,
        }
    }

    /// Starts `upkeep-worker run` on its database.
    pub(crate) fn worker(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(worker_program());
        command.arg("run").args(arguments);
        self.start(command)
    }

    /// Starts a command that performs tasks from its database.
    pub(crate) fn start(&self, command: Command) -> Process {
        Process::start_on(&self.installation, Some(&self.url), command, "worker")
    }

    /// Starts `upkeep-worker run` and waits until it claims.
    pub(crate) fn ready_worker(&self, arguments: &[&str]) -> Process {
        let mut worker = self.worker(arguments);
        worker.wait_for("the worker is ready");
        worker
    }

    /// What the registry says of a process.
    pub(crate) async fn registered(&self, process: &Process) -> Worker {
        let workers = self.queue.workers(Timestamp(0)).await.unwrap();
        workers
            .into_iter()
            .find(|worker| worker.pid == process.pid())
            .unwrap_or_else(|| panic!("process {} is in no registry", process.pid()))
    }

    /// The registry's id of a process.
    pub(crate) async fn id_of(&self, process: &Process) -> WorkerId {
        self.registered(process).await.id
    }
}

/// Makes each of these `async fn(Site)` two tests: `<name>::sqlite` and `<name>::postgres`.
#[allow(
    unused_macros,
    reason = "no test file uses everything that the tests share"
)]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name($crate::support::site::Site::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name($crate::support::site::Site::postgres().await).await;
            }
        }
    )*};
}

#[allow(
    unused_imports,
    reason = "no test file uses everything that the tests share"
)]
pub(crate) use on_both_engines;
