//! What the window says while something that concerns everything is away, and that it recovers by itself.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use upkeep_testkit::{Durability, PostgresCluster, PostgresOptions};

use crate::support::installation::Installation;
use crate::support::webdriver::App;

/// Where screenshots of the failures go, when somebody wants to look at them.
const SHOTS: &str = "UPKEEP_TEST_SCREENSHOTS";

async fn shot(app: &App, name: &str) {
    let Some(folder) = std::env::var_os(SHOTS) else {
        return;
    };
    for theme in ["light", "dark"] {
        app.run(
            "document.documentElement.dataset.appearance = arguments[0]",
            vec![theme.into()],
        )
        .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.screenshot(&Path::new(&folder).join(format!("{name}-{theme}.png")))
            .await;
    }
}

/// The pages work: the operations are listed, and a check that is asked for here is performed.
async fn works(app: &App) {
    app.go("#/overview").await;
    app.click("run-health-check").await;
    app.css("[data-testid='last-run-health-check'][data-state='succeeded']")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_told_with_its_file_and_opened_again_once_it_is_moved_aside() {
    let installation = Installation::new();
    let file = installation.home().join("upkeep.db");
    std::fs::write(
        &file,
        "this is no database, and was never one. ".repeat(500),
    )
    .unwrap();
    let app = App::open(&installation).await;
    let told = app
        .wait_for_text("trouble-database-damaged", "is damaged")
        .await;
    assert!(told.contains(&file.display().to_string()), "{told}");
    for page in ["#/tasks", "#/workers", "#/settings", "#/audit", "#/health"] {
        app.go(page).await;
        app.find("trouble-database-damaged").await;
        assert!(!app.shows("error-tasks").await, "told once, not twice");
    }
    shot(&app, "failure-database-damaged").await;
    std::fs::rename(&file, installation.home().join("damaged.db")).unwrap();
    app.wait_until_gone("trouble-database-damaged").await;
    works(&app).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_upkeep_is_left_alone_until_another_is_there() {
    let installation = Installation::new();
    installation.queue().await.close().await;
    let mut database = upkeep_testkit::RawDatabase::connect(&installation.database_url())
        .await
        .unwrap();
    database
        .execute("INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, success, checksum, 0 FROM _sqlx_migrations LIMIT 1")
        .await
        .unwrap();
    let file = installation.home().join("upkeep.db");
    let app = App::open(&installation).await;
    let told = app
        .wait_for_text("trouble-database-newer", "newer Upkeep")
        .await;
    assert!(told.contains(&file.display().to_string()), "{told}");
    shot(&app, "failure-database-newer").await;
    database
        .execute("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await
        .unwrap();
    app.wait_until_gone("trouble-database-newer").await;
    works(&app).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_started_is_told_and_the_page_comes_to_life_with_it() {
    let mut cluster = PostgresCluster::start(PostgresOptions::new(Durability::Full));
    let url = cluster.over_tcp(&cluster.database().await, Ipv4Addr::LOCALHOST.into());
    cluster.kill();
    let installation = Installation::new();
    let app = App::open_on(&installation, Some(&url), &[]).await;
    app.wait_for_text("trouble-database-unavailable", "pg_isready")
        .await;
    app.wait_for_text("trouble-age", "trying again").await;
    shot(&app, "failure-database-away").await;
    cluster.restart();
    app.wait_until_gone("trouble-database-unavailable").await;
    works(&app).await;

    // lost while running: what was read stays, and says how old it is
    cluster.kill();
    app.wait_for_text("trouble-age", "may be old").await;
    app.find("card-health-check").await;
    shot(&app, "failure-database-lost").await;
    cluster.restart();
    app.wait_until_gone("trouble-database-unavailable").await;
    works(&app).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_where_nobody_listens_is_told_as_such() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("postgres://upkeep:secret@127.0.0.1:{port}/upkeep");
    let installation = Installation::new();
    let app = App::open_on(&installation, Some(&url), &[]).await;
    let told = app
        .wait_for_text("trouble-database-unavailable", "server runs")
        .await;
    assert!(!told.contains("secret"), "{told}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_replaced_while_it_is_open_is_let_go_and_the_new_one_opened() {
    let installation = Installation::new();
    let app = App::open(&installation).await;
    works(&app).await;
    let file = installation.home().join("upkeep.db");
    std::fs::rename(&file, installation.home().join("before.db")).unwrap();
    // a fresh history: the run that was shown is gone with its file
    app.css("[data-testid='last-run-health-check']:not([data-state])")
        .await;
    assert!(file.exists());
    works(&app).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_told_on_every_page_until_it_is_mended() {
    let installation = Installation::new();
    let config = installation.home().join("config.toml");
    let good = std::fs::read_to_string(&config).unwrap();
    let app = App::open(&installation).await;
    app.find("card-health-check").await;
    installation.configure(&format!("enabeld = true\n{good}"));
    app.go("#/tasks").await;
    let told = app.wait_for_text("trouble-configuration", "enabeld").await;
    assert!(told.contains("line 1"), "{told}");
    assert!(told.contains(&config.display().to_string()), "{told}");
    shot(&app, "failure-configuration").await;
    installation.configure(&good);
    app.wait_until_gone("trouble-configuration").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_living_worker_every_page_gives_the_command_and_one_that_starts_ends_it() {
    let installation = Installation::new();
    let config = installation.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    installation.configure(&text.replace("[worker]", "[worker]\nembedded = false"));
    let app = App::open(&installation).await;
    let told = app
        .wait_for_text("trouble-no-worker", "upkeep-worker run")
        .await;
    let home = installation.home().display().to_string();
    assert!(told.contains(&format!("UPKEEP_HOME='{home}'")), "{told}");
    shot(&app, "failure-no-worker").await;
    let mut worker = crate::support::process::Process::worker(&installation, &[]);
    worker.wait_for("the worker is ready");
    app.wait_until_gone("trouble-no-worker").await;
    works(&app).await;
    assert!(worker.terminate());
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_forgotten_once_there_is_room() {
    let installation = Installation::new();
    let home = installation.home();
    let mount = |arguments: &[&str]| {
        let status = std::process::Command::new("mount")
            .args(arguments)
            .arg(&home)
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !rustix::process::geteuid().is_root() || !mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs"]) {
        eprintln!("not shown: a full disk takes the right to mount one");
        return;
    }
    let _unmounted = Unmount(home.clone());
    installation.configure("[worker]\nlease_seconds = 2\n");
    let app = App::open(&installation).await;
    works(&app).await;
    let filler = home.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write(&mut file, &[0; 4096]).is_ok_and(|written| written > 0) {}
    let told = app.wait_for_text("trouble-disk-full", "df -h").await;
    assert!(told.contains(&home.display().to_string()), "{told}");
    app.find("card-health-check").await;
    shot(&app, "failure-disk-full").await;
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    app.wait_until_gone("trouble-disk-full").await;
    works(&app).await;
    app.close().await;
}

/// Takes the mount away however the test ends; the app is gone by then.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount")
            .arg("--lazy")
            .arg(&self.0)
            .status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_installation_leads_to_its_first_preview_in_three_clicks() {
    let installation = Installation::new();
    std::fs::remove_file(installation.home().join("config.toml")).unwrap();
    let temporary = installation.outside().join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    let old = temporary.join("left-behind");
    crate::support::files::file(&old, 48);
    let cache = installation.outside().join("cache");
    let app = App::open_with(
        &installation,
        &[
            ("TMPDIR", temporary.to_str().unwrap()),
            ("XDG_CACHE_HOME", cache.to_str().unwrap()),
        ],
    )
    .await;
    app.find("first-run").await;
    assert_eq!(app.text("first-amount-system-temporary").await, "");
    app.click("first-sizes").await;
    app.wait_for_text("first-amount-system-temporary", "file")
        .await;
    shot(&app, "first-run").await;

    let mark = "return getComputedStyle(document.querySelector(
        '[data-testid=first-choice-system-temporary] input'), '::before').visibility";
    assert_eq!(
        app.run(mark, vec![]).await,
        "hidden",
        "it looks as if it were chosen"
    );
    app.click("first-choice-system-temporary").await;
    assert_eq!(app.run(mark, vec![]).await, "visible");
    app.click("first-add").await;
    app.click("first-preview").await;
    app.wait_for_text("plan-dialog", "left-behind").await;
    assert!(old.exists(), "a preview removes nothing");
    let config = std::fs::read_to_string(installation.home().join("config.toml")).unwrap();
    assert!(config.contains(temporary.to_str().unwrap()), "{config}");
    app.click("plan-close").await;
    app.close().await;
}
