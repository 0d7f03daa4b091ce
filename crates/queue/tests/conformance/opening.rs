//! Opening a database: fresh, older, damaged, away, or not ours.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use serde_json::json;
use sqlx::migrate::Migrator;
use upkeep_contract::task::{AttemptOutcome, TaskState};
use upkeep_contract::{ErrorCode, ErrorReply, TaskId};
use upkeep_queue::Queue;
use upkeep_testkit::{
    Bare, Durability, PostgresCluster, PostgresOptions, TestQueue, folder_in_memory, task,
};
use url::Url;

use crate::support::{LEASE, MILLISECOND, attempts, read, succeed};

/// The words in which a database that cannot be used is told; a password is in none of them.
async fn refusal(url: &str) -> (ErrorCode, String) {
    let error = Queue::open(url).await.unwrap_err();
    let reply = ErrorReply::from(&error);
    let text = format!("{}; {}", reply.message, reply.hint);
    for words in [text.clone(), format!("{error:?}")] {
        assert!(!words.contains("secret"), "{words}");
    }
    (reply.code, text)
}

#[tokio::test]
async fn programs_that_open_a_fresh_database_together_make_it_once() {
    for _ in 0..25 {
        let folder = folder_in_memory();
        let url = format!("sqlite://{}", folder.path().join("upkeep.db").display());
        let opened = tokio::join!(
            Queue::open(&url),
            Queue::open(&url),
            Queue::open(&url),
            Queue::open(&url)
        );
        for queue in [opened.0, opened.1, opened.2, opened.3] {
            queue.unwrap().enqueue(task()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_with_its_cure() {
    let folder = folder_in_memory();
    let damaged = folder.path().join("damaged.db");
    std::fs::write(
        &damaged,
        "this is no database, and long enough to be read as a header of one",
    )
    .unwrap();
    let check = async |url: String, expect: &str| {
        let (_, text) = refusal(&url).await;
        assert!(text.contains(expect), "{url}: {text}");
    };
    check(format!("sqlite://{}", damaged.display()), "damaged").await;
    check(
        "sqlite:///nowhere/at/all/upkeep.db".to_owned(),
        "check that the folder",
    )
    .await;
    check(
        "mysql://upkeep:secret@db/upkeep".to_owned(),
        "neither sqlite nor postgres",
    )
    .await;
    check("upkeep.db".to_owned(), "give sqlite:///").await;
    check(
        "postgres://upkeep:secret@db:port/upkeep".to_owned(),
        "it cannot be read",
    )
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_told_with_its_cure() {
    let cluster = PostgresCluster::shared();
    let fresh = cluster.database().await;
    let mut url = Url::parse(&cluster.over_tcp(&fresh, Ipv4Addr::LOCALHOST.into())).unwrap();
    url.set_password(Some("secret")).unwrap();
    let check = async |url: &Url, expect: &str| {
        let (code, text) = refusal(url.as_str()).await;
        assert_eq!(code, ErrorCode::DatabaseUnavailable);
        assert!(text.contains(expect), "{url}: {text}");
    };
    let mut closed = url.clone();
    // a port that was just free: nobody listens there
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    closed.set_port(Some(port)).unwrap();
    check(&closed, "check that the database server runs").await;

    let mut missing = url.clone();
    missing.set_path("nowhere");
    check(&missing, "make it with `createdb`").await;

    let mut stranger = url.clone();
    stranger.set_username("stranger").unwrap();
    check(&stranger, "refused the user or the password").await;

    let owner = Bare::connect(&fresh).await;
    owner.execute("CREATE ROLE guest LOGIN").await;
    let mut guest = url.clone();
    guest.set_username("guest").unwrap();
    check(&guest, "what others need stands in docs/operating.md").await;

    // the queue itself is content with the very same address
    Queue::open(url.as_str()).await.unwrap().close().await;
    check(&guest, "what others need stands in docs/operating.md").await;
}

#[tokio::test]
async fn a_server_that_went_away_is_told_and_comes_back_by_itself() {
    let mut cluster = PostgresCluster::start(PostgresOptions::new(Durability::Full));
    let url = cluster.database().await;
    let queue = Queue::open(&url).await.unwrap();
    let id = queue.enqueue(task()).await.unwrap();
    cluster.kill();
    let error = queue.enqueue(task()).await.unwrap_err();
    let reply = ErrorReply::from(&error);
    assert_eq!(reply.code, ErrorCode::DatabaseUnavailable);
    cluster.restart();
    // a connection that the server took with it may be found out once more
    let mut found = queue.task(id.id()).await;
    for _ in 0..20 {
        if found.is_err() {
            found = queue.task(id.id()).await;
        }
    }
    assert_eq!(found.unwrap().task.state, TaskState::Queued);
    queue.enqueue(task()).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_upkeep_or_of_another_program_is_left_alone() {
    let check = async |test: TestQueue| {
        test.bare()
            .await
            .execute("UPDATE _sqlx_migrations SET checksum = checksum || checksum")
            .await;
        let (code, text) = refusal(&test.url()).await;
        assert_eq!(code, ErrorCode::DatabaseNewer);
        assert!(text.contains("it may come from a newer Upkeep"), "{text}");
    };
    check(TestQueue::postgres().await).await;
    let test = TestQueue::sqlite().await;
    let bare = test.bare().await;
    bare.execute("INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, success, checksum, 0 FROM _sqlx_migrations LIMIT 1").await;
    let (_, text) = refusal(&test.url()).await;
    assert!(text.contains("it may come from a newer Upkeep"), "{text}");

    let folder = folder_in_memory();
    let url = format!("sqlite://{}", folder.path().join("other.db").display());
    std::fs::write(folder.path().join("other.db"), "").unwrap();
    Bare::connect(&url)
        .await
        .execute("CREATE TABLE tasks (whatever TEXT)")
        .await;
    let (_, text) = refusal(&url).await;
    assert!(text.contains("be no Upkeep database"), "{text}");
}

#[tokio::test]
async fn a_sqlite_database_of_the_first_version_is_upgraded_and_its_running_task_rescued() {
    let folder = folder_in_memory();
    let first = folder.path().join("migrations");
    std::fs::create_dir(&first).unwrap();
    let migration = "0001_initial.sql";
    let ours = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations/sqlite")
        .join(migration);
    std::fs::copy(ours, first.join(migration)).unwrap();
    let file = folder.path().join("upkeep.db");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}", file.display());
    let bare = Bare::connect(&url).await;
    let Bare::Sqlite(pool) = &bare else {
        panic!("{bare:?}")
    };
    Migrator::new(first).await.unwrap().run(pool).await.unwrap();
    bare.execute(
        "INSERT INTO tasks (id, operation, params, state, priority, requested_by, enqueued_at, run_after, attempt, \
         max_attempts, timeout_ms, lease_token, lease_until, worker_id, worker_host, started_at) VALUES \
         ('running', 'test-operation', '{}', 'running', 100, 'anna', 1, 1, 1, 3, 1000, 'token', 20, 'w', 'host-a', 2), \
         ('queued', 'test-operation', '{}', 'queued', 100, 'anna', 1, 1, 0, 3, 1000, NULL, NULL, NULL, NULL, NULL)",
    )
    .await;
    bare.execute(
        "INSERT INTO attempts (task_id, number, worker_id, host, pid, lease_token, started_at, outcome) \
         VALUES ('running', 1, 'w', 'host-a', 7, 'token', 2, 'running')",
    )
    .await;
    bare.execute(
        "INSERT INTO workers (id, host, pid, version, embedded, operations, strategy, concurrency, state, started_at, \
         heartbeat_at) VALUES ('w', 'host-a', 7, '0.0.1', 0, '[\"test-operation\"]', 'priority', 1, 'active', 1, 2)",
    )
    .await;

    let test = TestQueue::on(url).await;
    let running = TaskId::from("running");
    assert_eq!(read(&test, &running).await.state, TaskState::Running);
    assert_eq!(
        test.rescue_after(LEASE).await,
        0,
        "it had a lease of the default length"
    );
    assert_eq!(test.rescue_after(MILLISECOND).await, 1);
    assert_eq!(
        attempts(&test, &running).await[0].outcome,
        AttemptOutcome::Lost
    );
    for _ in 0..2 {
        let claim = test.claim("new").await.unwrap();
        succeed(&test, &claim.lease).await;
    }
    let task = read(&test, &running).await;
    assert_eq!(
        (task.state, task.attempt, task.params),
        (TaskState::Succeeded, 2, json!({}))
    );
    assert_eq!(
        test.queue
            .workers(upkeep_contract::Timestamp(0))
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn a_database_is_opened_again_with_all_that_was_in_it(test: TestQueue) {
    let id = test.enqueue(task()).await;
    let claim = test.claim("w").await.unwrap();
    let before = test.bare().await.tasks().await;
    test.queue.close().await;
    let again = test.another().await;
    assert_eq!(
        again.engine_name(),
        if test.url().starts_with("sqlite") {
            "sqlite"
        } else {
            "postgres"
        }
    );
    assert_eq!(test.bare().await.tasks().await, before);
    again
        .finish(&claim.lease, upkeep_queue::Ending::Succeeded(json!(1)))
        .await
        .unwrap();
    assert_eq!(again.task(&id).await.unwrap().report, Some(json!(1)));
}

upkeep_testkit::on_both_engines!(a_database_is_opened_again_with_all_that_was_in_it);
