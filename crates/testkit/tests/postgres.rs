//! The throw-away PostgreSQL server: that it starts, fails on command, and leaves nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use upkeep_testkit::{Durability, PostgresCluster, PostgresOptions, Stop};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn run(url: &str, sql: &str) {
    let mut connection = connect(url).await;
    let sql = AssertSqlSafe(sql.to_owned());
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

async fn text(url: &str, sql: &str) -> String {
    let mut connection = connect(url).await;
    let value = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    value
}

fn holds_within(seconds: u64, what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(Instant::now() < end, "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process works in that folder; one that has ended and waits for its parent does not.
fn works_in(pid: u32, folder: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_in_parallel_get_databases_of_their_own() {
    let cluster = PostgresCluster::shared();
    let urls = futures::future::join_all((0..8).map(|_| async {
        let url = cluster.database().await;
        run(&url, "create table own (n int)").await;
        url
    }))
    .await;

    assert_eq!(urls.iter().collect::<HashSet<_>>().len(), 8);
    for url in &urls {
        assert_eq!(text(url, "select count(*)::text from own").await, "0");
    }
}

#[tokio::test]
async fn the_url_means_the_socket_and_over_tcp_the_port() {
    let cluster = PostgresCluster::shared();
    let url = cluster.database().await;
    let peer = "select coalesce(inet_server_addr()::text, 'socket')";

    let options: PgConnectOptions = url.parse().unwrap();
    assert_eq!(options.get_socket().unwrap(), cluster.folder());
    assert_eq!(text(&url, peer).await, "socket");
    let over_tcp = cluster.over_tcp(&url, LOCALHOST);
    assert_eq!(text(&over_tcp, peer).await, "127.0.0.1/32");
    let name = "select current_database()::text";
    assert_eq!(text(&url, name).await, text(&over_tcp, name).await);
}

#[tokio::test]
async fn the_url_means_the_same_to_psql() {
    let url = PostgresCluster::shared().database().await;
    let output = Command::new("psql")
        .args(["-XAt", "-c", "select current_database()", &url])
        .output()
        .unwrap();
    let name = text(&url, "select current_database()::text").await;
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), name);
}

#[tokio::test]
async fn a_removed_database_is_gone_though_somebody_is_connected() {
    let cluster = PostgresCluster::shared();
    let url = cluster.database().await;
    let mut connected = connect(&url).await;

    cluster.remove_database(&url).await;

    assert!(connected.execute("select 1").await.is_err());
    assert!(PgConnection::connect(&url).await.is_err());
}

#[tokio::test]
async fn a_collation_orders_text_in_another_way_than_bytes() {
    let cluster = PostgresCluster::shared();
    let sorted = "select string_agg(name, ' ' order by name)
        from (values ('b'), ('Z'), ('a'), ('ä')) as names (name)";

    let plain = cluster.database().await;
    assert_eq!(text(&plain, sorted).await, "Z a b ä");
    let american = cluster.database_with_collation("en-US").await;
    assert_eq!(text(&american, sorted).await, "a ä b Z");
}

#[tokio::test]
async fn durability_is_what_was_asked_for() {
    let settings = "select string_agg(setting, ' ' order by name) from pg_settings
        where name in ('fsync', 'full_page_writes', 'synchronous_commit')";

    let fast = PostgresCluster::shared().database().await;
    assert_eq!(text(&fast, settings).await, "off off off");
    let cluster = PostgresCluster::start(PostgresOptions::new(Durability::Full));
    let full = cluster.database().await;
    assert_eq!(text(&full, settings).await, "on on on");
    assert!(!cluster.folder().starts_with("/dev/shm"));
}

#[tokio::test]
async fn a_server_listens_on_other_addresses_and_takes_settings() {
    let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 99));
    let options = PostgresOptions::new(Durability::Fast);
    let cluster = PostgresCluster::start(options.listen_on(other).setting("work_mem", "5MB"));
    let url = cluster.over_tcp(&cluster.database().await, other);

    let server = "select host(inet_server_addr())";
    assert_eq!(text(&url, server).await, other.to_string());
    let work_mem = "select current_setting('work_mem')";
    assert_eq!(text(&url, work_mem).await, "5MB");
    // the shared one does not listen there
    assert!(TcpStream::connect((other, PostgresCluster::shared().port())).is_err());
}

/// A committed row and the address of a server before and after that fault.
async fn survives(fault: impl Fn(&mut PostgresCluster)) -> String {
    let options = PostgresOptions::new(Durability::Fast).setting("synchronous_commit", "on");
    let mut cluster = PostgresCluster::start(options);
    let url = cluster.database().await;
    let over_tcp = cluster.over_tcp(&url, LOCALHOST);
    run(&url, "create table kept as select 'row'::text as value").await;
    let mut connected = connect(&url).await;
    let before = cluster.log().len();

    fault(&mut cluster);
    assert_eq!(cluster.pid(), None);
    assert!(connected.execute("select 1").await.is_err());
    assert!(PgConnection::connect(&url).await.is_err());
    assert!(TcpStream::connect((LOCALHOST, cluster.port())).is_err());

    cluster.restart();
    assert_eq!(text(&url, "select value from kept").await, "row");
    assert_eq!(text(&over_tcp, "select value from kept").await, "row");
    cluster.log().split_off(before)
}

#[tokio::test]
async fn a_server_stopped_fast_comes_back_without_recovery() {
    let log = survives(|cluster| cluster.stop(Stop::Fast)).await;
    assert!(!log.contains("automatic recovery"), "{log}");
}

#[tokio::test]
async fn a_server_stopped_at_once_comes_back_by_recovery() {
    let log = survives(|cluster| cluster.stop(Stop::Immediate)).await;
    assert!(log.contains("immediate shutdown request"), "{log}");
    assert!(log.contains("automatic recovery"), "{log}");
}

#[tokio::test]
async fn a_killed_server_comes_back_by_recovery() {
    let log = survives(PostgresCluster::kill).await;
    assert!(!log.contains("shutdown request"), "{log}");
    assert!(log.contains("automatic recovery"), "{log}");
}

#[tokio::test]
async fn a_dropped_server_leaves_no_process_and_no_folder() {
    for killed in [false, true] {
        let mut cluster = PostgresCluster::start(PostgresOptions::default());
        let (folder, pid) = (cluster.folder().to_owned(), cluster.pid().unwrap());
        let segment = memory_segment(&folder);
        assert!(works_in(pid, &folder) && memory_exists(&segment));
        if killed {
            cluster.kill();
        }

        drop(cluster);

        assert!(!works_in(pid, &folder));
        assert!(!folder.exists());
        assert!(!memory_exists(&segment), "killed: {killed}");
    }
}

#[test]
fn a_server_does_not_outlive_a_killed_test_process() {
    let mut test = Command::new(env!("CARGO_BIN_EXE_throwaway-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    let mut output = BufReader::new(test.stdout.take().unwrap());
    output.read_line(&mut url).unwrap();
    let options: PgConnectOptions = url.trim().parse().unwrap();
    let folder = options.get_socket().unwrap().clone();
    let pid = first_line(&folder.join("data/postmaster.pid"));
    let pid: u32 = pid.parse().unwrap();
    let segment = memory_segment(&folder);
    assert!(works_in(pid, &folder) && memory_exists(&segment));

    test.kill().unwrap();
    test.wait().unwrap();

    holds_within(5, "the server and its folder are gone", || {
        !works_in(pid, &folder) && !folder.exists()
    });
    assert!(!memory_exists(&segment));
}

fn first_line(path: &PathBuf) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().next().unwrap().to_owned()
}

/// The id of the shared memory that the server in this folder made.
fn memory_segment(folder: &Path) -> String {
    let status = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let key_and_id = status.lines().nth(6).unwrap();
    key_and_id.split_whitespace().nth(1).unwrap().to_owned()
}

fn memory_exists(segment: &str) -> bool {
    let all = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    all.lines()
        .any(|line| line.split_whitespace().nth(1) == Some(segment))
}
