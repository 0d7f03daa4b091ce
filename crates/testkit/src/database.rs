//! A real database in a folder of its own, and builders that name only what matters.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use upkeep_contract::WorkerId;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_queue::{Claim, ClaimFilter, Enqueued, NewTask, NewWorker, Queue};

use crate::FakeClock;

/// A queue on a SQLite file of its own, with a clock that the test moves.
#[derive(Debug)]
pub struct TestQueue {
    /// The queue.
    pub queue: Queue,
    /// Its clock.
    pub clock: Arc<FakeClock>,
    folder: TempDir,
}

impl TestQueue {
    /// A fresh queue.
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at_present());
        let url = format!("sqlite://{}", folder.path().join("upkeep.db").display());
        let queue = Queue::open_with_clock(&url, Arc::<FakeClock>::clone(&clock))
            .await
            .unwrap();
        Self {
            queue,
            clock,
            folder,
        }
    }

    /// The database's URL, for opening it a second time.
    pub fn url(&self) -> String {
        format!(
            "sqlite://{}",
            self.folder.path().join("upkeep.db").display()
        )
    }

    /// The folder the database lies in.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
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
        self.queue
            .claim(
                &WorkerId::from(worker),
                4242,
                &claim_all("host-a"),
                Duration::from_secs(10),
            )
            .await
            .unwrap()
    }
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
