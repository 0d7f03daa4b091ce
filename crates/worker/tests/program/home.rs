//! An installation in a folder of its own, and the program started for it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use upkeep_contract::TaskId;
use upkeep_contract::task::TaskDetail;
use upkeep_queue::{Enqueued, NewTask, Queue};

/// The longest wait for anything here.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// The program, as this test run built it.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_upkeep-worker");

/// `UPKEEP_HOME`, with a folder `scratch` beside it that its one location names.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(home.path()).unwrap();
        std::fs::create_dir(home.scratch()).unwrap();
        home.configure(&format!(
            "[[locations]]\nname = \"scratch\"\npath = \"{}\"\n",
            home.scratch().display()
        ));
        home
    }

    /// The folder that holds the installation and what is cleaned.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `UPKEEP_HOME`.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("home")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder().join("scratch")
    }

    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.path().join("config.toml"), text).unwrap();
    }

    pub(crate) async fn queue(&self) -> Queue {
        let file = self.path().join("upkeep.db");
        Queue::open(&format!("sqlite://{}", file.display()))
            .await
            .unwrap()
    }

    /// The program for this installation, in an environment that says nothing else.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env_clear()
            .env("UPKEEP_HOME", self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Everything that lies here: kind, owner, size, content's and entry's change.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, [i64; 7]> {
        let mut tree = BTreeMap::new();
        let mut waiting = vec![self.folder().to_owned()];
        while let Some(path) = waiting.pop() {
            let found = path.symlink_metadata().unwrap();
            if found.is_dir() {
                waiting.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            }
            let size = i64::try_from(found.size()).unwrap();
            let facts = [
                i64::from(found.mode()),
                i64::from(found.uid()),
                size,
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            ];
            tree.insert(path, facts);
        }
        tree
    }
}

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end; the exit code, or none when a signal ended it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < LONGEST, "it never ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended by itself
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asks for an operation, as `tester`.
pub(crate) async fn ask(queue: &Queue, operation: &str, params: Value) -> TaskId {
    match queue
        .enqueue(NewTask::new(operation, params, "tester"))
        .await
        .unwrap()
    {
        Enqueued::New(id) => id,
        Enqueued::Existing(id) => panic!("{id} is there already"),
    }
}

/// A health check that takes this long, because it measures for that long.
pub(crate) async fn ask_for_seconds_of_work(queue: &Queue, seconds: u32) -> TaskId {
    ask(
        queue,
        "health-check",
        json!({"cpu_window_ms": seconds * 1000}),
    )
    .await
}

/// Waits on the change feed until the task satisfies the condition.
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
    tokio::time::timeout(LONGEST, wait).await.unwrap()
}
