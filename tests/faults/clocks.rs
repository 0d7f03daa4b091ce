//! Workers whose clock is wrong, or is set while they work. Only the clock that people set is moved
//! (`CLOCK_REALTIME`): the monotonic one of a real machine cannot be set by anybody.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use upkeep_contract::TaskId;
use upkeep_contract::task::{AttemptOutcome, TaskState};

use crate::support::installation::{until, until_final};
use crate::support::process::{Process, worker_program};
use crate::support::site::{Site, on_both_engines};
use crate::{ask_for_seconds, is_running, outcomes};

/// Much longer than the lease of two seconds.
const SECONDS: f64 = 5.0;

/// Some heartbeats, and some looks for leases that ran out.
const SOME_BEATS: Duration = Duration::from_millis(1500);

on_both_engines!(
    workers_whose_clocks_are_years_wrong_keep_their_tasks_and_take_no_live_ones,
    a_clock_that_is_set_under_a_worker_changes_nothing,
);

/// The worker under libfaketime, as a process of that very id (the program `faketime` would stay its
/// parent). `clock` names where it finds the time.
fn under_faketime(site: &Site, clock: (&str, &str)) -> Process {
    let output = Command::new("faketime")
        .args(["-f", "+0", "sh", "-c", r#"printf %s "$LD_PRELOAD""#])
        .output()
        .unwrap();
    let library = String::from_utf8(output.stdout).unwrap();
    assert!(library.contains("faketime"), "{library}");
    let mut command = Command::new(worker_program());
    command
        .args(["run", "--concurrency", "1"])
        .env("LD_PRELOAD", library)
        .env(clock.0, clock.1)
        .env("FAKETIME_NO_CACHE", "1")
        // the name was another one in older versions
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let mut worker = site.start(command);
    worker.wait_for("the worker is ready");
    worker
}

async fn until_running(site: &Site, ids: &[TaskId]) {
    for id in ids {
        until(&site.queue, id, is_running).await;
    }
}

async fn workers_whose_clocks_are_years_wrong_keep_their_tasks_and_take_no_live_ones(site: Site) {
    let ahead = under_faketime(&site, ("FAKETIME", "+4y"));
    let mut behind = under_faketime(&site, ("FAKETIME", "-4y"));
    let right = site.ready_worker(&["--concurrency", "1"]);
    // the worker's own log shows that its clock is wrong
    let year = |worker: &Process| {
        worker
            .output()
            .trim_start()
            .chars()
            .take(4)
            .collect::<String>()
    };
    assert!(
        year(&behind) < year(&right) && year(&right) < year(&ahead),
        "{} {} {}",
        year(&behind),
        year(&right),
        year(&ahead)
    );
    let before = site.queue.now();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ask_for_seconds(&site.queue, SECONDS).await);
    }
    until_running(&site, &ids).await;
    let mut performed_by = Vec::new();
    for id in &ids {
        let detail = until_final(&site.queue, id).await;
        assert_eq!(
            (detail.task.state, outcomes(&detail)),
            (TaskState::Succeeded, vec![AttemptOutcome::Succeeded]),
            "{detail:#?}"
        );
        let attempt = &detail.attempts[0];
        performed_by.push(attempt.pid);
        if site.queue.engine_name() == "postgres" {
            let now = site.queue.now();
            let times = [
                attempt.started_at,
                attempt.ended_at.unwrap(),
                detail.task.finished_at.unwrap(),
            ];
            assert!(
                times.iter().all(|time| (before..=now).contains(time)),
                "the server's times, whoever writes them: {times:?}"
            );
        }
    }
    performed_by.sort_unstable();
    let mut all = [ahead.pid(), behind.pid(), right.pid()];
    all.sort_unstable();
    assert_eq!(performed_by, all, "each took one");

    // what such a worker leaves is taken up like any other's, and what such a worker takes back is no
    // worse for it
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ask_for_seconds(&site.queue, 1.0).await);
    }
    until_running(&site, &ids).await;
    behind.kill();
    let mut lost = 0;
    for id in &ids {
        let detail = until_final(&site.queue, id).await;
        assert_eq!(detail.task.state, TaskState::Succeeded);
        lost += detail.attempts.len() - 1;
        assert!(detail.attempts.last().unwrap().pid != behind.pid());
    }
    assert_eq!(lost, 1);
}

async fn a_clock_that_is_set_under_a_worker_changes_nothing(site: Site) {
    let file = site.installation.path().join("clock");
    let set = |to: &str| {
        let fresh = file.with_extension("fresh");
        std::fs::write(&fresh, to).unwrap();
        std::fs::rename(&fresh, &file).unwrap();
    };
    set("+0");
    let path: &Path = &file;
    let mut jumps = under_faketime(&site, ("FAKETIME_TIMESTAMP_FILE", path.to_str().unwrap()));
    let mut ids = vec![ask_for_seconds(&site.queue, SECONDS + 1.0).await];
    until_running(&site, &ids).await;
    let mut steady = site.ready_worker(&["--concurrency", "1"]);
    ids.push(ask_for_seconds(&site.queue, SECONDS).await);
    until_running(&site, &ids).await;
    for to in ["+4y", "-4y", "+0"] {
        set(to);
        tokio::time::sleep(SOME_BEATS).await;
    }
    for id in &ids {
        let detail = until_final(&site.queue, id).await;
        assert_eq!(
            (detail.task.state, outcomes(&detail)),
            (TaskState::Succeeded, vec![AttemptOutcome::Succeeded]),
            "{detail:#?}"
        );
    }
    assert!(jumps.output().contains(&"the worker is ready".to_owned()));
    assert!(jumps.terminate() && steady.terminate());
}
