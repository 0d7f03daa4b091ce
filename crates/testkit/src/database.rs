//! A real database in a folder of its own, and builders that name only what matters.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};
use upkeep_contract::WorkerId;
use upkeep_contract::audit::{AuditEntry, AuditFilter};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Claim, ClaimFilter, Enqueued, LeaseWatch, NewTask, NewWorker, Queue};

use crate::{Bare, FakeClock, PostgresCluster};

/// A queue on a database of its own, with a clock that the test moves.
#[derive(Debug)]
pub struct TestQueue {
    /// The queue.
    pub queue: Queue,
    /// Its clock.
    pub clock: Arc<FakeClock>,
    watch: Mutex<LeaseWatch>,
    bare: OnceCell<Bare>,
    url: String,
    folder: TempDir,
}

impl TestQueue {
    /// A fresh queue on a SQLite file.
    pub async fn sqlite() -> Self {
        let folder = folder_in_memory();
        let url = format!("sqlite://{}", folder.path().join("upkeep.db").display());
        Self::at(url, folder).await
    }

    /// A fresh queue on the database at this URL.
    pub async fn on(url: String) -> Self {
        Self::at(url, folder_in_memory()).await
    }

    /// A fresh queue on a database of this process's PostgreSQL server.
    pub async fn postgres() -> Self {
        let url = PostgresCluster::shared().database().await;
        Self::at(url, folder_in_memory()).await
    }

    async fn at(url: String, folder: TempDir) -> Self {
        let clock = Arc::new(FakeClock::at_present());
        let queue = Queue::open_with_clock(&url, Arc::<FakeClock>::clone(&clock))
            .await
            .unwrap();
        Self {
            queue,
            clock,
            watch: Mutex::default(),
            bare: OnceCell::new(),
            url,
            folder,
        }
    }

    /// The queue with limits on how many tasks of an operation may run at once on one host.
    #[must_use]
    pub fn with_host_limit(mut self, operation: &str, limit: u32) -> Self {
        self.queue = self
            .queue
            .with_host_limits([(operation.into(), limit)].into());
        self
    }

    /// The database's URL, for opening it a second time.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The queue once more, with its own connections and the same clock, as another process has it.
    pub async fn another(&self) -> Queue {
        Queue::open_with_clock(&self.url, Arc::<FakeClock>::clone(&self.clock))
            .await
            .unwrap()
    }

    /// The database without the queue.
    pub async fn bare(&self) -> &Bare {
        self.bare.get_or_init(|| Bare::connect(&self.url)).await
    }

    /// A folder of this test's own; the SQLite file lies in it.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Looks after the leases, as a worker does again and again, and takes back what is dead.
    pub async fn rescue(&self) -> u64 {
        let mut watch = self.watch.lock().await;
        self.queue.rescue(&mut watch).await.unwrap()
    }

    /// Lets this time pass under the eyes of somebody who looks after the leases.
    pub async fn rescue_after(&self, time: Duration) -> u64 {
        let before = self.rescue().await;
        self.clock.advance(time);
        before + self.rescue().await
    }

    /// Enqueues a task that must be new.
    pub async fn enqueue(&self, task: NewTask) -> upkeep_contract::TaskId {
        match self.queue.enqueue(task).await.unwrap() {
            Enqueued::New(id) => id,
            Enqueued::Existing(id) => panic!("{id} is there already"),
        }
    }

    /// Claims the next task of `test-operation` as this worker, with a lease of ten seconds.
    pub async fn claim(&self, worker: &str) -> Option<Claim> {
        self.claim_with(worker, &claim_all("host-a"), 1).await.pop()
    }

    /// Claims tasks under a filter as this worker, with a lease of ten seconds.
    pub async fn claim_with(&self, worker: &str, filter: &ClaimFilter, up_to: u32) -> Vec<Claim> {
        self.queue
            .claim(
                &WorkerId::from(worker),
                4242,
                filter,
                Duration::from_secs(10),
                up_to,
            )
            .await
            .unwrap()
    }
}

/// A fresh folder, in memory where there is some: a test's database need not survive a power cut.
pub fn folder_in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// A filter of a worker on that host that performs `test-operation`, oldest first within a priority.
pub fn claim_all(host: &str) -> ClaimFilter {
    ClaimFilter {
        operations: vec!["test-operation".into()],
        host: host.to_owned(),
        strategy: ClaimStrategy::Priority,
    }
}

/// A request for `test-operation`, asked for by `tester`.
pub fn task() -> NewTask {
    NewTask::new("test-operation", json!({}), "tester")
}

/// A worker on that host.
pub fn new_worker(host: &str) -> NewWorker {
    NewWorker {
        id: WorkerId::generate(),
        host: host.to_owned(),
        pid: 4242,
        version: "0.0.0".to_owned(),
        embedded: false,
        operations: vec!["test-operation".into()],
        strategy: ClaimStrategy::Priority,
        concurrency: 1,
    }
}

/// Makes each of these `async fn(TestQueue)` two tests: `<name>::sqlite` and `<name>::postgres`.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name($crate::TestQueue::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name($crate::TestQueue::postgres().await).await;
            }
        }
    )*};
}

/// The newest entries of the audit trail, the newest first.
pub async fn newest_audit(queue: &Queue, limit: u32) -> Vec<AuditEntry> {
    let page = queue.audit(&AuditFilter::default(), None, limit).await;
    page.unwrap().entries
}
