//! How soon the task of a killed worker is taken up again with the default settings.

use std::time::Duration;

use upkeep_contract::task::AttemptOutcome;

use crate::support::installation::{Installation, until};
use crate::support::process::Process;
use crate::support::site::{Site, on_both_engines};
use crate::{ask_for_seconds, is_running, outcomes};

/// The bar (ARCHITECTURE.md, "Speed").
const BAR: Duration = Duration::from_secs(15);

on_both_engines!(with_default_settings_a_killed_workers_task_is_taken_up_again_within_15_s);

async fn with_default_settings_a_killed_workers_task_is_taken_up_again_within_15_s(site: Site) {
    // nothing is configured: a lease of 10 s
    site.installation.configure("");
    // a second database of the same engine, so that both cases take their time together
    let second = Installation::new();
    second.configure("");
    let second = if site.queue.engine_name() == "sqlite" {
        Site::at_home(second).await
    } else {
        let url = upkeep_testkit::PostgresCluster::shared().database().await;
        Site::at(second, url).await
    };
    let (beside, after) = tokio::join!(
        taken_up_after(&site, Helper::RunsAlready),
        taken_up_after(&second, Helper::StartsAfterwards)
    );
    println!(
        "taken up again after kill -9 on {}: {:.1} s by a worker that ran already, {:.1} s by one started right after",
        site.queue.engine_name(),
        beside.as_secs_f64(),
        after.as_secs_f64()
    );
    assert!(beside < BAR && after < BAR, "{beside:?}, {after:?}");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Helper {
    RunsAlready,
    StartsAfterwards,
}

async fn taken_up_after(site: &Site, helper: Helper) -> Duration {
    let mut worker = site.ready_worker(&[]);
    let id = ask_for_seconds(&site.queue, 60.0).await;
    until(&site.queue, &id, is_running).await;
    let mut helpers: Vec<Process> = Vec::new();
    if helper == Helper::RunsAlready {
        helpers.push(site.ready_worker(&[]));
    }
    worker.kill();
    let killed = site.queue.now();
    if helper == Helper::StartsAfterwards {
        helpers.push(site.worker(&[]));
    }
    let detail = until(&site.queue, &id, |detail| detail.task.attempt == 2).await;
    assert_eq!(
        outcomes(&detail),
        [AttemptOutcome::Lost, AttemptOutcome::Running]
    );
    detail.attempts[1].started_at.since(killed)
}
