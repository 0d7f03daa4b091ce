//! Workers killed while they move files to the trash and while they put them back: every file is in one of
//! the two places, and in the end all are back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use upkeep_contract::TaskId;
use upkeep_contract::task::TaskState;
use upkeep_queue::Queue;

use crate::support::files;
use crate::support::installation::{Installation, ask, until, until_final};
use crate::support::process::{Process, worker_program};

const FILES: usize = 20_000;
/// How far an attempt has come when it is killed.
const KILLED_AT: [u64; 2] = [3000, 11_000];
/// As many entries of a location are at hand at once.
const REMOVING_THREADS: usize = 4;

struct Ground {
    installation: Installation,
    data: PathBuf,
    queue: Queue,
}

impl Ground {
    fn worker(&self) -> Process {
        let mut command = Command::new(worker_program());
        command.arg("run").env("XDG_DATA_HOME", &self.data);
        Process::start(&self.installation, command, "worker")
    }

    fn files(&self) -> BTreeMap<PathBuf, (u32, u64, i64, i64)> {
        let mut tree = files::tree(&self.installation.scratch());
        tree.retain(|_, (mode, ..)| *mode & 0o170_000 != 0o040_000);
        tree
    }

    fn in_trash(&self, part: &str) -> usize {
        files::count_files(&self.data.join("Trash").join(part))
    }

    /// Performs a task with a kill at each of these points; its report.
    async fn perform(&self, operation: &str, params: Value) -> (TaskId, Value) {
        let id = ask(&self.queue, operation, params).await;
        for (killed, at) in KILLED_AT.into_iter().enumerate() {
            let mut worker = self.worker();
            let attempt = u32::try_from(killed + 1).unwrap();
            until(&self.queue, &id, |detail| {
                let progress = detail.task.progress.as_ref();
                detail.task.attempt == attempt
                    && progress.is_some_and(|it| it.total.is_some() && it.done >= at)
            })
            .await;
            worker.kill();
            let here = self.files().len();
            assert_eq!(here + self.in_trash("files"), FILES, "none is lost");
        }
        let _worker = self.worker();
        let detail = until_final(&self.queue, &id).await;
        assert_eq!(
            detail.task.state,
            TaskState::Succeeded,
            "{:?}",
            detail.task.error
        );
        assert_eq!(detail.attempts.len(), KILLED_AT.len() + 1);
        (id, detail.report.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_killed_workers_moved_to_the_trash_goes_back_whole_although_they_are_killed_again() {
    let installation = Installation::in_memory();
    installation.configure(&format!(
        "[[locations]]\nname = \"scratch\"\npath = \"{}\"\ntrash = true\n\n[worker]\nlease_seconds = 2\n",
        installation.scratch().display()
    ));
    let data = installation.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let queue = installation.queue().await;
    let ground = Ground {
        installation,
        data,
        queue,
    };
    files::many_files(&ground.installation.scratch(), FILES, 48);
    let before = ground.files();

    let (cleanup, report) = ground.perform("cleanup-temp-files", json!({})).await;
    assert_eq!(
        (
            &report["files_matched"],
            &report["files_removed"],
            &report["files_trashed"]
        ),
        (&json!(FILES), &json!(FILES), &json!(FILES)),
        "all attempts together"
    );
    assert_eq!(report["bytes_removed"], 0);
    assert!(ground.files().is_empty());

    let params = json!({ "cleanup": cleanup });
    let (_, report) = ground.perform("restore-from-trash", params).await;
    assert_eq!(
        (&report["files_found"], &report["files_restored"]),
        (&json!(FILES), &json!(FILES))
    );
    assert!(ground.files() == before, "every file is back as it was");
    assert_eq!(ground.in_trash("files"), 0);
    // a thread killed between making a record and writing it leaves an empty one, which says nothing
    let records = std::fs::read_dir(ground.data.join("Trash/info")).unwrap();
    let left: Vec<PathBuf> = records.map(|it| it.unwrap().path()).collect();
    assert!(left.len() <= KILLED_AT.len() * REMOVING_THREADS, "{left:?}");
    for record in left {
        assert_eq!(std::fs::read_to_string(&record).unwrap(), "");
    }
}
