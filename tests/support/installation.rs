//! An installation in a folder of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use upkeep_contract::task::{Task, TaskDetail, TaskFilter};
use upkeep_contract::{OperationId, TaskId};
use upkeep_queue::{Enqueued, NewTask, Queue};

/// An installation with `UPKEEP_HOME` in a folder of its own, and a folder beside it for what is cleaned.
pub(crate) struct Installation {
    folder: TempDir,
}

impl Installation {
    /// A fresh installation whose one location `scratch` is an empty folder. Leases are short, so
    /// that a killed worker's task is taken up soon.
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    /// The same in memory, where many files are quick to make; on disk where there is no such place.
    pub(crate) fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::within(folder.unwrap())
    }

    fn within(folder: TempDir) -> Self {
        let installation = Self { folder };
        std::fs::create_dir_all(installation.scratch()).unwrap();
        std::fs::create_dir_all(installation.home()).unwrap();
        installation.configure(&format!(
            "[[locations]]\nname = \"scratch\"\npath = \"{}\"\n\n[worker]\nlease_seconds = 2\n",
            installation.scratch().display()
        ));
        installation
    }

    /// `UPKEEP_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that the location `scratch` names.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// A folder that no location names.
    pub(crate) fn outside(&self) -> PathBuf {
        let outside = self.folder.path().join("outside");
        std::fs::create_dir_all(&outside).unwrap();
        outside
    }

    /// The whole folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes `config.toml`.
    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.home().join("config.toml"), text).unwrap();
    }

    /// The URL of its own database.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite://{}", self.home().join("upkeep.db").display())
    }

    /// Opens the queue, beside whatever process has it open.
    pub(crate) async fn queue(&self) -> Queue {
        Queue::open(&self.database_url()).await.unwrap()
    }
}

/// Every task of the history, the newest first.
pub(crate) async fn all_tasks(queue: &Queue) -> Vec<Task> {
    queue
        .tasks(&TaskFilter::default(), None, 500)
        .await
        .unwrap()
        .tasks
}

/// Asks for an operation by name, as `tester`.
pub(crate) async fn ask(queue: &Queue, operation: &str, params: serde_json::Value) -> TaskId {
    let dry_run = params["dry_run"] == true;
    let task = NewTask {
        dry_run,
        ..NewTask::new(OperationId::from(operation), params, "tester")
    };
    match queue.enqueue(task).await.unwrap() {
        Enqueued::New(id) => id,
        Enqueued::Existing(id) => panic!("{id} is there already"),
    }
}

/// Waits on the change feed until the task satisfies the condition, at most a minute.
pub(crate) async fn until(
    queue: &Queue,
    id: &TaskId,
    condition: impl Fn(&TaskDetail) -> bool,
) -> TaskDetail {
    let mut changes = queue.changes();
    let wait = async {
        loop {
            let detail = queue.task(id).await.unwrap();
            if condition(&detail) {
                return detail;
            }
            changes.next().await.unwrap();
        }
    };
    if let Ok(detail) = tokio::time::timeout(Duration::from_secs(60), wait).await {
        return detail;
    }
    panic!(
        "the condition was never met: {:#?}",
        queue.task(id).await.unwrap()
    )
}

/// Waits until the task has ended.
pub(crate) async fn until_final(queue: &Queue, id: &TaskId) -> TaskDetail {
    until(queue, id, |detail| detail.task.state.is_final()).await
}
