//! A SQLite file that another program holds, and one whose disk is full.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use upkeep_contract::task::{AttemptOutcome, TaskState};
use upkeep_testkit::RawDatabase;

use crate::support::installation::{Installation, until, until_final};
use crate::support::observer::Observer;
use crate::support::site::Site;
use crate::{ask_for_seconds, is_running, outcomes, work};

/// Longer than a statement waits for a lock (10 s), and much longer than the lease.
const LOCKED_FOR: Duration = Duration::from_secs(13);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_holds_is_waited_for_and_nothing_is_lost_sqlite() {
    let site = Site::sqlite().await;
    let mut worker = site.ready_worker(&[]);
    let held = ask_for_seconds(&site.queue, 5.0).await;
    until(&site.queue, &held, is_running).await;
    let observer = Observer::start(&site.url).await;
    let mut other = RawDatabase::connect(&site.url).await.unwrap();
    other.lock_out_writers().await.unwrap();
    let locked = tokio::time::Instant::now();
    // an operator who asks meanwhile waits, and is then told
    let refused = site.queue.enqueue(work(0.2)).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    assert_eq!(
        refused.hint(),
        "another program holds the database; try again in a moment"
    );
    worker.wait_for("the database does not answer");
    worker.wait_for("the heartbeat failed: claiming nothing new until it gets through");
    worker.wait_for("abandoned");
    tokio::time::sleep_until(locked + LOCKED_FOR).await;
    other.let_go().await.unwrap();
    let next = ask_for_seconds(&site.queue, 0.2).await;
    let detail = until_final(&site.queue, &held).await;
    assert_eq!(
        (detail.task.state, outcomes(&detail)),
        (
            TaskState::Succeeded,
            vec![AttemptOutcome::Lost, AttemptOutcome::Succeeded]
        )
    );
    until_final(&site.queue, &next).await;
    assert!(worker.terminate(), "{}", worker.output());
    let record = observer.end().await;
    assert!(record.violations.is_empty(), "{:#?}", record.violations);
}

/// Set in a test process that has its mounts to itself.
const INSIDE: &str = "UPKEEP_TEST_HAS_ITS_OWN_MOUNTS";

/// Runs this very test once more in a process with mounts of its own, which go away with it. True in that
/// process, which does the work; in the other one the work is done then, or cannot be done, which is said.
fn has_its_own_mounts(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if !rustix::process::geteuid().is_root() {
        println!(
            "NOT ROOT: no disk could be filled; the limit on file sizes in tests/workers.rs stands for it"
        );
        return false;
    }
    let output = Command::new("unshare")
        .arg("-m")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).unwrap();
    for piece in [1 << 16, 1 << 12, 1] {
        let bytes = vec![0; piece];
        while file.write_all(&bytes).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_survived_and_nothing_accepted_is_lost_sqlite() {
    if !has_its_own_mounts(
        "sqlite::a_full_disk_is_said_and_survived_and_nothing_accepted_is_lost_sqlite",
    ) {
        return;
    }
    let installation = Installation::new();
    let config = std::fs::read_to_string(installation.home().join("config.toml")).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
        .arg(installation.home())
        .status();
    assert!(mounted.unwrap().success());
    installation.configure(&config);
    let site = Site::at_home(installation).await;
    let (queue, mut worker) = (&site.queue, site.ready_worker(&[]));

    let mut accepted = vec![ask_for_seconds(queue, 0.2).await];
    until_final(queue, &accepted[0]).await;
    let observer = Observer::start(&site.url).await;
    let filler = site.installation.home().join("filler");
    fill(&filler);
    // what lies in the log's file already can be used up first
    let refused = loop {
        match queue.enqueue(work(0.2)).await {
            Ok(enqueued) => accepted.push(enqueued.id().clone()),
            Err(error) => break error,
        }
        assert!(accepted.len() < 5000, "the disk is never full");
    };
    assert!(refused.to_string().contains("full"), "{refused}");
    assert_eq!(
        refused.hint(),
        "the disk is full; free some space and try again, nothing was lost"
    );
    worker.wait_for("database or disk is full");
    assert!(worker.is_running(), "{}", worker.output());
    std::fs::remove_file(&filler).unwrap();
    accepted.push(ask_for_seconds(queue, 0.2).await);
    for id in &accepted {
        let detail = until_final(queue, id).await;
        assert_eq!(detail.task.state, TaskState::Succeeded, "{detail:#?}");
    }
    let record = observer.end().await;
    assert!(record.violations.is_empty(), "{:#?}", record.violations);
    assert!(worker.terminate(), "{}", worker.output());
}
