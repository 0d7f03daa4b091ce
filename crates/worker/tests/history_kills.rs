//! Real workers that are killed in the middle of cleaning a long history and a run store, again and
//! again: artifacts always go before their rows, and the last report adds up to the row and the file.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says where it killed"
)]

use std::collections::BTreeSet;
use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use upkeep_contract::task::{TaskDetail, TaskState};
use upkeep_contract::{TaskId, Timestamp};
use upkeep_operations::host::host_name;
use upkeep_queue::{NewTask, Queue, WorkerMode};
use upkeep_testkit::{RawDatabase, fill_history, folder_in_memory, new_worker};

/// Of these 2,000 never began; all others have ended.
const TASKS: usize = 14_000;
const ENDED: usize = TASKS - 2_000;
/// Every so many tasks have an artifact folder, with this many files.
const WITH_ARTIFACTS: usize = 20;
const ARTIFACTS: usize = 3;
const WORKERS: usize = 300;
const RUNS: usize = 40;
const UNFINISHED: usize = 5;
/// Files of a run, with its marker.
const RUN_FILES: usize = 25;
const KILLS: usize = 7;
/// What a task takes in the manifest, roughly.
const LINE: usize = 165;
const AGE_HOURS: u64 = 24 * 90;
const AGE: Duration = Duration::from_hours(AGE_HOURS);

/// A worker process, killed when the test ends, however it ends.
struct Worker(Child);

impl Worker {
    fn start(home: &Path) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(home.join("worker.log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_upkeep-worker"))
            .args(["run", "--operations", "cleanup-runs"])
            .env("UPKEEP_HOME", home)
            .env_remove("UPKEEP_DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self(child.unwrap())
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// An installation with everything that goes and something of each kind that stays.
struct Ground {
    folder: TempDir,
    queue: Queue,
    raw: RawDatabase,
    /// Tasks with artifacts on this host.
    with_artifacts: Vec<String>,
    /// Tasks that stay.
    young: TaskId,
    waiting: TaskId,
}

fn age(path: &Path, time: Duration) {
    let time = SystemTime::now() - time;
    File::open(path)
        .unwrap()
        .set_times(FileTimes::new().set_modified(time).set_accessed(time))
        .unwrap();
}

/// A folder with so many old files.
fn old_folder(folder: &Path, files: usize, age_of_all: Duration) {
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..files {
        std::fs::write(folder.join(format!("file-{number}")), b"content").unwrap();
    }
    for number in 0..files {
        age(&folder.join(format!("file-{number}")), age_of_all);
    }
    age(folder, age_of_all);
}

fn text_of(row: &[Option<String>]) -> String {
    row[0].clone().unwrap()
}

impl Ground {
    async fn new() -> Self {
        let folder = folder_in_memory();
        let home = folder.path().join("home");
        let runs = folder.path().join("runs");
        std::fs::create_dir_all(&home).unwrap();
        for number in 0..RUNS {
            let run = runs.join(format!("run-{number:02}"));
            // the higher the number, the younger
            let old = Duration::from_hours(AGE_HOURS - number as u64);
            old_folder(&run, RUN_FILES - 1, old);
            if number >= UNFINISHED {
                std::fs::write(run.join("DONE"), b"").unwrap();
                age(&run.join("DONE"), old);
                age(&run, old);
            }
        }
        old_folder(&runs.join("shared"), 3, AGE);
        let config = format!(
            "[[run_stores]]\nname = \"runs\"\npath = \"{}\"\ninclude = [\"run-*\"]\nfinished_when = [\"DONE\"]\n\
             keep_newest = 2\n\n[worker]\nlease_seconds = 2\n",
            runs.display()
        );
        std::fs::write(home.join("config.toml"), config).unwrap();
        let url = format!("sqlite://{}", home.join("upkeep.db").display());
        let queue = Queue::open(&url).await.unwrap();
        fill_history(&url, TASKS).await;
        let mut raw = RawDatabase::connect(&url).await.unwrap();
        raw.execute("DELETE FROM tasks WHERE state IN ('queued', 'running')")
            .await
            .unwrap();
        raw.execute(&format!("UPDATE tasks SET worker_host = '{}'", host_name()))
            .await
            .unwrap();
        raw.execute(
            "INSERT INTO attempts (task_id, number, worker_id, host, pid, lease_token, started_at, outcome) \
             SELECT id, 1, worker_id, worker_host, 1, 'token', started_at, 'succeeded' FROM tasks",
        )
        .await
        .unwrap();
        raw.execute(
            "INSERT INTO task_log (task_id, sequence, attempt, at, level, message) \
             SELECT id, number, 1, started_at, 'info', 'a line of the log that says what it did' FROM tasks, \
             (SELECT 1 AS number UNION SELECT 2 UNION SELECT 3)",
        )
        .await
        .unwrap();
        for _ in 0..WORKERS {
            let worker = new_worker("another-host");
            queue.register_worker(&worker).await.unwrap();
            queue
                .set_worker_mode(&worker.id, WorkerMode::Stopped)
                .await
                .unwrap();
        }
        raw.execute("UPDATE workers SET started_at = 1000, heartbeat_at = 2000")
            .await
            .unwrap();
        let ids = raw.texts("SELECT CAST(id AS TEXT) FROM tasks ORDER BY id");
        let ids: Vec<String> = ids.await.unwrap().iter().map(|row| text_of(row)).collect();
        assert_eq!(ids.len(), ENDED);
        let with_artifacts: Vec<String> = ids.into_iter().step_by(WITH_ARTIFACTS).collect();
        for id in &with_artifacts {
            old_folder(&home.join("artifacts").join(id), ARTIFACTS, AGE);
        }
        let ask = async |operation: &str| {
            let task = NewTask::new(operation, json!({}), "tester");
            queue.enqueue(task).await.unwrap().id().clone()
        };
        let young = ask("health-check").await;
        queue.cancel(&young, "tester").await.unwrap();
        let waiting = ask("log-statistics").await;
        Self {
            folder,
            queue,
            raw,
            with_artifacts,
            young,
            waiting,
        }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn artifacts(&self, id: &str) -> PathBuf {
        self.home().join("artifacts").join(id)
    }

    fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    async fn tasks_left(&mut self) -> BTreeSet<String> {
        let rows = self.raw.texts("SELECT CAST(id AS TEXT) FROM tasks").await;
        rows.unwrap().iter().map(|row| text_of(row)).collect()
    }

    async fn count(&mut self, what: &str) -> usize {
        let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM {what}");
        text_of(&self.raw.texts(&sql).await.unwrap()[0])
            .parse()
            .unwrap()
    }

    async fn until(&self, id: &TaskId, met: impl Fn(&TaskDetail) -> bool) -> TaskDetail {
        let begun = Instant::now();
        loop {
            let detail = self.queue.task(id).await.unwrap();
            if met(&detail) {
                return detail;
            }
            let waited = begun.elapsed() < Duration::from_secs(300);
            assert!(waited, "never met: {detail:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What holds at every moment.
    async fn check(&mut self, id: &TaskId) {
        let left = self.tasks_left().await;
        for id in [id, &self.young, &self.waiting] {
            assert!(left.contains(id.as_str()), "{id} is gone");
        }
        for id in &self.with_artifacts {
            let rows_gone = !left.contains(id);
            let folder = self.artifacts(id).exists();
            assert!(!(rows_gone && folder), "{id}: rows went before artifacts");
        }
        // no row without its task
        for table in ["attempts", "task_log"] {
            let lost = format!("{table} WHERE task_id NOT IN (SELECT id FROM tasks)");
            assert_eq!(self.count(&lost).await, 0, "{table}");
        }
        for number in 0..UNFINISHED {
            let run = self.runs().join(format!("run-{number:02}"));
            assert_eq!(entries(&run), RUN_FILES - 1, "a run that has not ended");
        }
        for number in RUNS - 2..RUNS {
            let run = self.runs().join(format!("run-{number:02}"));
            assert_eq!(entries(&run), RUN_FILES, "one of the newest");
        }
        for number in UNFINISHED..RUNS - 2 {
            let run = self.runs().join(format!("run-{number:02}"));
            let partly = run.exists() && entries(&run) > 0;
            assert!(!partly || run.join("DONE").exists(), "marker not the last");
        }
        assert_eq!(entries(&self.runs().join("shared")), 3);
        // what the manifest names as removed is gone
        let manifest = self.artifacts(id.as_str()).join("manifest.jsonl");
        let manifest = std::fs::read_to_string(manifest).unwrap_or_default();
        let ends = manifest.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            line.get("end").cloned()
        });
        for end in ends.filter(|end| end["location"] == "history") {
            for name in end["removed"].as_array().unwrap() {
                assert!(!left.contains(name.as_str().unwrap()), "{name} is there");
            }
        }
    }
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_is_cleaned_to_the_end_however_often_the_worker_is_killed() {
    let mut ground = Ground::new().await;
    let audit = ground.count("audit").await;
    let request = NewTask {
        max_attempts: 40,
        ..NewTask::new("cleanup-runs", json!({"max_age_hours": 2}), "tester")
    };
    let id = ground.queue.enqueue(request).await.unwrap().id().clone();
    let manifest = ground.artifacts(id.as_str()).join("manifest.jsonl");
    let mut kills = 0;
    for kill in 0..KILLS {
        let worker = Worker::start(&ground.home());
        let attempt = u32::try_from(kill + 1).unwrap();
        ground
            .until(&id, |detail| {
                detail.task.attempt == attempt && detail.task.state == TaskState::Running
            })
            .await;
        // at once, among the runs, and then ever further on among the tasks
        let goal = match kill {
            0 => 0,
            1 => RUNS / 2 * LINE,
            _ => (kill - 1) * ENDED * LINE / (KILLS - 2),
        };
        let written = || manifest.metadata().map_or(0, |meta| meta.len());
        let begun = written();
        let goal = u64::try_from(goal).unwrap().max(begun + 1);
        let ended = loop {
            if written() >= goal {
                break false;
            }
            let state = ground.queue.task(&id).await.unwrap().task.state;
            if state != TaskState::Running {
                break true;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        worker.kill();
        if ended || ground.queue.task(&id).await.unwrap().task.state != TaskState::Running {
            println!("kill {kill} came too late");
            break;
        }
        kills += 1;
        let left = ground.tasks_left().await.len();
        println!(
            "killed with {left} tasks left, {} bytes of manifest",
            written()
        );
        ground.check(&id).await;
    }
    assert!(kills >= KILLS - 2, "only {kills} kills came in time");
    let _last = Worker::start(&ground.home());
    let detail = ground
        .until(&id, |detail| detail.task.state.is_final())
        .await;
    assert_eq!(detail.task.state, TaskState::Succeeded, "{detail:#?}");
    ground.check(&id).await;

    let report = detail.report.unwrap();
    let runs = RUNS - UNFINISHED - 2;
    let files = ground.with_artifacts.len() * ARTIFACTS + runs * RUN_FILES;
    for (figure, expect) in [
        ("runs_matched", ENDED + runs),
        ("runs_removed", ENDED + runs),
        ("files_matched", files),
        ("files_removed", files),
        ("files_kept", 0),
        ("files_failed", 0),
        ("directories_removed", ground.with_artifacts.len() + runs),
        ("problems_total", 0),
    ] {
        assert_eq!(report[figure], expect, "{figure} of {report:#}");
    }
    assert_eq!(report["bytes_removed"], report["bytes_matched"]);
    assert_eq!(report["workers"]["matched"], WORKERS);
    assert_eq!(report["workers"]["removed"], WORKERS);
    let database = &report["database"];
    assert_eq!(database["outcome"], "given_back", "{database}");
    let bytes = |key: &str| database[key].as_u64().unwrap();
    assert!(
        bytes("bytes_after") < bytes("bytes_before") / 3,
        "{database}"
    );
    assert_eq!(ground.tasks_left().await.len(), 3);
    assert_eq!(ground.count("workers WHERE heartbeat_at = 2000").await, 0);
    // its own record and what was written of it
    assert_eq!(detail.attempts.len(), kills + 1);
    assert_eq!(entries(&ground.home().join("artifacts")), 1);
    // the audit trail stays, and has the request besides
    assert_eq!(ground.count("audit").await, audit + 1);
    assert_eq!(
        ground.queue.workers(Timestamp(0)).await.unwrap().len(),
        kills + 1
    );
}
