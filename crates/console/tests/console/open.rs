//! Opening an installation, and the worker inside.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use upkeep_config::Folders;
use upkeep_console::Console;
use upkeep_contract::ErrorCode;
use upkeep_contract::task::TaskState;
use upkeep_contract::worker::WorkerState;
use upkeep_testkit::TestQueue;

use crate::support::{check_reply, reply};

async fn open(home: &Path) -> Console {
    let folders = Folders::at(home);
    let url = folders.database_url(None);
    Console::open(folders, &url, "test").await.unwrap()
}

#[tokio::test]
async fn a_first_start_makes_folders_a_configuration_and_a_database() {
    let place = TestQueue::sqlite().await;
    let home = place.folder().join("home");
    let console = open(&home).await;
    assert!(home.join("config.toml").is_file() && home.join("upkeep.db").is_file());
    let view = console.settings().await.unwrap();
    assert_eq!(view.error, None);
    assert_eq!(view.locations.len(), 1);
    assert_eq!(view.locations[0].problem, None);
    console.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_an_error_with_a_cure() {
    let place = TestQueue::sqlite().await;
    let folders = Folders::at(&place.folder().join("home"));
    let url = "sqlite:///proc/nowhere/upkeep.db";
    let opened = Console::open(folders.clone(), url, "test").await;
    check_reply(
        &reply(opened),
        ErrorCode::DatabaseUnavailable,
        "database",
        "folder of the database",
    );
    let opened = Console::open(folders, "mysql://host/upkeep", "test").await;
    check_reply(
        &reply(opened),
        ErrorCode::InvalidConfiguration,
        "mysql",
        "UPKEEP_DATABASE_URL",
    );
}

#[tokio::test]
async fn the_worker_inside_performs_what_was_asked_for() {
    let place = TestQueue::sqlite().await;
    let console = open(&place.folder().join("home")).await;
    assert!(console.start_embedded_worker().await.unwrap());
    assert!(
        console.start_embedded_worker().await.unwrap(),
        "a second start makes no second worker"
    );
    let overview = console.overview().await.unwrap();
    assert_eq!(overview.workers.len(), 1);
    assert!(overview.workers[0].embedded);
    assert_eq!(overview.workers[0].state, WorkerState::Active);

    let asked = console
        .trigger(&"health-check".into(), json!({}), None)
        .await
        .unwrap();
    let mut watch = console.watch_task(asked.task_id()).await.unwrap();
    let last = timeout(Duration::from_secs(30), async {
        let mut last = None;
        while let Some(update) = watch.next().await {
            last = Some(update.detail);
        }
        last.unwrap()
    });
    let last = last.await.unwrap();
    assert_eq!(
        last.task.state,
        TaskState::Succeeded,
        "{:?}",
        last.task.error
    );
    assert!(last.report.unwrap()["status"].is_string());

    console.stop_embedded_worker().await.unwrap();
    assert_eq!(console.overview().await.unwrap().workers, []);
    console.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_worker_inside_stays_out_when_the_configuration_says_so() {
    let place = TestQueue::sqlite().await;
    let console = open(&place.folder().join("home")).await;
    console.set_embedded_worker(false).await.unwrap();
    assert!(!console.start_embedded_worker().await.unwrap());
    assert_eq!(console.overview().await.unwrap().workers, []);
}

#[tokio::test]
async fn a_wrong_configuration_does_not_keep_the_worker_out() {
    let place = TestQueue::sqlite().await;
    let console = open(&place.folder().join("home")).await;
    std::fs::write(console.folders().config_file(), "x = 1").unwrap();
    assert!(console.start_embedded_worker().await.unwrap());
    let overview = console.overview().await.unwrap();
    assert_eq!(overview.workers.len(), 1);
    assert!(
        overview
            .configuration_error
            .unwrap()
            .message
            .contains("line 1")
    );
    console.shutdown().await.unwrap();
}
