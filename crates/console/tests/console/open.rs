//! Opening an installation, and the worker inside.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use upkeep_config::Folders;
use upkeep_console::Console;
use upkeep_contract::ErrorCode;
use upkeep_contract::audit::AuditFilter;
use upkeep_contract::task::{TaskFilter, TaskState, TriggerOutcome};
use upkeep_contract::worker::WorkerState;
use upkeep_testkit::TestQueue;

use crate::support::{changed, check_reply, reply, value};

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
    changed(&console, value("worker.embedded", "false"))
        .await
        .unwrap();
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

#[tokio::test]
async fn a_person_starts_and_stops_the_worker_inside_and_the_trail_says_so() {
    let place = TestQueue::sqlite().await;
    let console = open(&place.folder().join("home")).await;
    changed(&console, value("worker.embedded", "false"))
        .await
        .unwrap();
    assert!(!console.start_embedded_worker().await.unwrap());
    assert_eq!(console.embedded_worker().await.running, None);
    // a task that waits is performed, and nothing else begins
    let asked = console
        .trigger(&"health-check".into(), json!({}), None)
        .await
        .unwrap();
    let TriggerOutcome::Queued { task_id, .. } = asked else {
        panic!("{asked:?}");
    };

    let begun = console.begin_embedded_worker().await.unwrap();
    let id = begun.running.clone().unwrap();
    assert_eq!(begun.starts_with_app, Some(false));
    assert_eq!(console.begin_embedded_worker().await.unwrap(), begun);
    let mut watch = console.watch_task(&task_id).await.unwrap();
    let mut state = TaskState::Queued;
    while let Some(update) = watch.next().await {
        state = update.detail.task.state;
    }
    assert!(state.is_final(), "{state:?}");
    let ended = console.end_embedded_worker().await.unwrap();
    assert_eq!(ended.running, None);
    console.end_embedded_worker().await.unwrap();

    let page = console
        .audit(&AuditFilter::default(), None, 10)
        .await
        .unwrap();
    let told: Vec<(&str, &str)> = page
        .entries
        .iter()
        .filter(|entry| entry.what.ends_with("_worker"))
        .map(|entry| (entry.what.as_str(), entry.subject.as_str()))
        .collect();
    assert_eq!(
        told,
        [("stop_worker", id.as_str()), ("start_worker", id.as_str())]
    );

    let workers = console.workers().await.unwrap();
    assert_eq!(workers[0].state, WorkerState::Stopped);
    assert_eq!(console.forget_workers(&[id]).await.unwrap(), 1);
    assert_eq!(console.workers().await.unwrap(), []);
    let tasks = console
        .tasks(&TaskFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(
        tasks.tasks.len(),
        1,
        "starting, stopping and forgetting make no task"
    );
    console.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_room_of_the_history_is_counted_when_asked_for() {
    let place = TestQueue::sqlite().await;
    let console = open(&place.folder().join("home")).await;
    let empty = console.history_room().await.unwrap();
    console
        .trigger(&"health-check".into(), json!({}), None)
        .await
        .unwrap();
    let artifact = console.folders().artifacts().join("some-task");
    std::fs::create_dir_all(&artifact).unwrap();
    std::fs::write(artifact.join("plan.jsonl"), "x".repeat(1234)).unwrap();
    let room = console.history_room().await.unwrap();
    let table = |name: &str| room.tables.iter().find(|one| one.name == name).unwrap();
    assert_eq!(table("tasks").rows, 1);
    assert_eq!(table("audit").rows, 1);
    assert_eq!(table("task_log").rows, 0);
    assert!(table("tasks").bytes.unwrap() > 0, "{room:?}");
    assert!(room.database_bytes >= empty.database_bytes && empty.database_bytes > 0);
    assert_eq!((room.artifacts.files, room.artifacts.bytes), (1, 1234));
    assert!(room.artifacts.whole);
    console.shutdown().await.unwrap();
}
