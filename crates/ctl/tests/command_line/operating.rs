//! What `docs/operating.md` tells operators to do, done as it stands there.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;
use upkeep_testkit::{PostgresCluster, PostgresOptions};

use crate::support::{Done, PATIENCE, Site, done};

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operating.md");
    std::fs::read_to_string(path).unwrap()
}

/// The blocks of the document that are marked so.
fn blocks(kind: &str) -> Vec<String> {
    let text = document();
    let mut parts = text.split("```");
    let mut found = Vec::new();
    // text, block, text, block, …
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        if let Some(block) = block.strip_prefix(&format!("{kind}\n")) {
            found.push(block.to_owned());
        }
    }
    found
}

/// The one command of the document that begins so.
fn line(beginning: &str) -> String {
    let text = document();
    let mut lines = text.lines().filter(|line| line.starts_with(beginning));
    let found = lines.next().unwrap_or_else(|| panic!("no `{beginning}`"));
    assert_eq!(lines.next(), None);
    found.to_owned()
}

fn shell(script: &str, settings: &[(&str, &str)]) -> Done {
    let mut command = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
    command
        .args(["-euc", script])
        .envs(settings.iter().copied());
    done(command)
}

fn succeeds(script: &str, settings: &[(&str, &str)]) {
    let done = shell(script, settings);
    assert_eq!(done.code, Some(0), "{script}: {done:?}");
}

/// A PostgreSQL server as the document sets it up: roles, TLS, passwords.
struct Server {
    cluster: PostgresCluster,
    folder: TempDir,
}

impl Server {
    fn set_up() -> Self {
        let server = Self {
            cluster: PostgresCluster::start(PostgresOptions::default()),
            folder: tempfile::tempdir().unwrap(),
        };
        server.turn_on_tls();
        let [roles, grants] = &blocks("sql")[..] else {
            panic!("the document has other SQL than this test knows");
        };
        performs(&server.superuser("postgres"), roles);
        let owner = server.url("upkeep_owner", "upkeep");
        // the server takes its new settings up in its own time
        let begun = Instant::now();
        let site = Site::on(&owner);
        while let failed = site.ctl(&["tasks", "list"])
            && failed.code != Some(0)
        {
            assert!(begun.elapsed() < PATIENCE, "{failed:?}");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        performs(&owner, grants);
        server
    }

    /// An authority for this test alone, and a certificate of it for `localhost`.
    fn turn_on_tls(&self) {
        succeeds(
            "cd \"$FOLDER\"
            for name in ca other; do
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \\
                    -subj \"/CN=$name\" -keyout $name.key -out $name.pem 2>/dev/null
            done
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \\
                -keyout server.key -out server.csr 2>/dev/null
            echo 'subjectAltName=DNS:localhost' > names
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
                -extfile names -out server.crt 2>/dev/null",
            &[("FOLDER", self.folder.path().to_str().unwrap())],
        );
        let place = self.cluster.folder();
        let of = std::fs::metadata(place).unwrap();
        for name in ["server.key", "server.crt"] {
            let file = place.join(name);
            std::fs::copy(self.file(name), &file).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
            chown(&file, Some(of.uid()), Some(of.gid())).unwrap();
        }
        let said = "hostssl  upkeep  upkeep,upkeep_owner,upkeep_reader  10.0.0.0/8  scram-sha-256";
        assert!(document().contains(said));
        let allowed = format!(
            "host all postgres 127.0.0.1/32 trust\nhost all postgres ::1/128 trust\n{}\n{}\n",
            said.replace("10.0.0.0/8", "127.0.0.1/32"),
            said.replace("10.0.0.0/8", "::1/128")
                .replace("  upkeep  ", "  upkeep,upkeep_restored  "),
        ) + &said
            .replace("10.0.0.0/8", "127.0.0.1/32")
            .replace("  upkeep  ", "  upkeep_restored  ")
            + "\n";
        std::fs::write(place.join("data/pg_hba.conf"), allowed).unwrap();
        let set = format!(
            "ALTER SYSTEM SET ssl_cert_file = '{0}/server.crt';
            ALTER SYSTEM SET ssl_key_file = '{0}/server.key';
            ALTER SYSTEM SET ssl = on;
            SELECT pg_reload_conf();",
            place.display()
        );
        performs(&self.superuser("postgres"), &set);
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn superuser(&self, database: &str) -> String {
        let port = self.cluster.port();
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    /// The URL of a role, as the document has it.
    fn url(&self, role: &str, database: &str) -> String {
        let number = match role {
            "upkeep_owner" => 1,
            "upkeep" => 2,
            _ => 3,
        };
        format!(
            "postgres://{role}:change-me-{number}@localhost:{}/{database}?sslmode=verify-full&sslrootcert={}",
            self.cluster.port(),
            self.file("ca.pem").display()
        )
    }
}

fn performs(url: &str, sql: &str) {
    let done = psql(url, sql);
    assert_eq!(done.code, Some(0), "{sql}: {done:?}");
}

fn psql(url: &str, sql: &str) -> Done {
    let file = write_down(sql);
    shell(
        "psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -f \"$SQL\" \"$URL\"",
        &[("URL", url), ("SQL", file.path().to_str().unwrap())],
    )
}

fn write_down(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn said(done: &Done) -> Value {
    let last = done.err.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON error: {done:?}"))
}

/// Nobody else's certificate, no other name, nothing in the clear.
fn the_way_is_guarded(server: &Server, working: &str) {
    let ca = server.file("ca.pem").display().to_string();
    let other = server.file("other.pem").display().to_string();
    for wrong in [
        working.replace(&ca, &other),
        working.replace("@localhost", "@127.0.0.1"),
        working.replace("sslmode=verify-full", "sslmode=disable"),
        working.replace("change-me-2", "change-me-1"),
    ] {
        let refused = Site::on(&wrong).ctl(&["tasks", "list", "--json"]);
        assert_eq!(refused.code, Some(1), "{wrong}: {refused:?}");
        assert_eq!(
            said(&refused)["code"],
            "database_unavailable",
            "{refused:?}"
        );
        assert!(!refused.err.contains("change-me"), "{refused:?}");
    }
    Site::on(
        &working
            .replace("verify-full", "verify-ca")
            .replace("@localhost", "@127.0.0.1"),
    )
    .ok(&["tasks", "list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_of_the_document_can_do_their_work_over_verified_tls_and_no_more() {
    let server = Server::set_up();
    let site = Site::on(&server.url("upkeep", "upkeep"));
    site.old_file("old");
    let worker = site.worker(&["--host", "web-01"]);
    for operation in ["health-check", "log-statistics", "cleanup-temp-files"] {
        let ended = site.json(&["trigger", operation, "--wait", "--timeout", "60"]);
        assert_eq!(ended[0]["task"]["state"], "succeeded", "{ended:?}");
    }
    // what removes rows: tasks with their logs and attempts, and workers
    let cleaned = site.json(&[
        "trigger",
        "cleanup-runs",
        "--param",
        "max_age_hours=0",
        "--wait",
    ]);
    assert_eq!(cleaned[0]["task"]["state"], "succeeded", "{cleaned:?}");
    assert!(
        cleaned[0]["report"]["runs_removed"].as_u64() >= Some(3),
        "{cleaned:?}"
    );
    site.ok(&["workers", "drain", "web-01"]);
    site.ok(&["workers", "resume", "web-01"]);
    let waiting = site.json(&["trigger", "health-check", "--host", "web-02"]);
    site.ok(&["tasks", "cancel", waiting[0]["task_id"].as_str().unwrap()]);
    let trail = site.json(&["audit", "list"]);
    assert!(trail.len() >= 7, "{trail:?}");
    drop(worker);

    let working = server.url("upkeep", "upkeep");
    for sql in [
        "CREATE TABLE mine (a INT);",
        "DROP TABLE audit;",
        "DELETE FROM audit;",
        "UPDATE audit SET who = 'nobody';",
        "TRUNCATE tasks;",
        "UPDATE _sqlx_migrations SET success = false;",
        "DELETE FROM task_log;",
    ] {
        let refused = psql(&working, sql);
        assert_ne!(refused.code, Some(0), "{sql}");
        let why = ["permission denied", "must be owner"];
        assert!(
            why.iter().any(|why| refused.err.contains(why)),
            "{sql}: {refused:?}"
        );
    }

    let reader = Site::on(&server.url("upkeep_reader", "upkeep"));
    for look in [
        &["tasks", "list"][..],
        &["workers", "list"],
        &["audit", "list"],
        &["health"],
        &["statistics"],
        &["export", "tasks"],
    ] {
        reader.ok(look);
    }
    assert_eq!(reader.json(&["audit", "list"]), trail);
    let refused = reader.ctl(&["trigger", "health-check", "--json"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        said(&refused)["hint"]
            .as_str()
            .unwrap()
            .contains("docs/operating.md"),
        "{refused:?}"
    );
    assert_eq!(
        site.json(&["audit", "list"]),
        trail,
        "nothing was asked for"
    );

    the_way_is_guarded(&server, &working);

    // after an update the tables are the owner's to change
    let owner = server.url("upkeep_owner", "upkeep");
    let older =
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations);";
    performs(&owner, older);
    let refused = site.ctl(&["tasks", "list", "--json"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        said(&refused)["hint"]
            .as_str()
            .unwrap()
            .contains("the owner"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_the_server_s_database_is_the_same_history_with_the_same_rights() {
    let server = Server::set_up();
    let site = Site::on(&server.url("upkeep", "upkeep"));
    let worker = site.worker(&["--host", "web-01"]);
    site.ok(&["trigger", "health-check", "--wait", "--timeout", "60"]);
    site.ok(&["trigger", "health-check", "--host", "web-02"]);
    let port = server.cluster.port().to_string();
    let folder = server.folder.path().display();
    let address = "'postgres://upkeep_owner@db.example/upkeep?sslmode=verify-full'";
    let dump = line("pg_dump ").replace(
        address,
        &format!("'{}'", server.url("upkeep_owner", "upkeep")),
    );
    let settings = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &port),
        ("PGUSER", "postgres"),
    ];
    // while the worker runs
    succeeds(&format!("cd {folder}; {dump}"), &settings);
    let (tasks, trail) = (site.json(&["tasks", "list"]), site.json(&["audit", "list"]));
    drop(worker);
    let restore = format!(
        "cd {folder}\n{}\n{}",
        line("createdb "),
        line("pg_restore ")
    );
    succeeds(&restore, &settings);
    let roles = &blocks("sql")[0];
    let again: Vec<String> = roles
        .lines()
        .filter(|line| line.contains("ON DATABASE upkeep "))
        .map(|line| line.replace("ON DATABASE upkeep ", "ON DATABASE upkeep_restored "))
        .collect();
    assert_eq!(again.len(), 2, "{roles}");
    performs(&server.superuser("postgres"), &again.join("\n"));

    let restored = Site::on(&server.url("upkeep", "upkeep_restored"));
    assert_eq!(restored.json(&["tasks", "list"]), tasks);
    assert_eq!(restored.json(&["audit", "list"]), trail);
    // what waited when the copy was made waits again, and can be cancelled before a worker starts
    let listed = line("upkeepctl tasks list --state queued");
    let arguments: Vec<&str> = listed.split(' ').skip(1).collect();
    let waiting = restored.json(&arguments);
    assert_eq!(waiting.len(), 1);
    restored.ok(&["tasks", "cancel", waiting[0]["id"].as_str().unwrap()]);
    let working = server.url("upkeep", "upkeep_restored");
    let refused = psql(&working, "DELETE FROM audit;");
    assert!(refused.err.contains("permission denied"), "{refused:?}");
    let _worker = restored.worker(&["--host", "web-01"]);
    let ended = restored.json(&["trigger", "log-statistics", "--wait", "--timeout", "60"]);
    assert_eq!(ended[0]["task"]["state"], "succeeded");
}

/// A home whose database is this file.
fn restored(copy: &Path) -> Site {
    let site = Site::sqlite();
    std::fs::copy(copy, site.home().join("upkeep.db")).unwrap();
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_file_made_while_it_is_used_is_whole_and_works() {
    let site = Site::sqlite();
    let worker = site.worker(&["--host", "vm"]);
    site.ok(&["trigger", "health-check", "--wait", "--timeout", "60"]);
    site.ok(&["trigger", "health-check", "--host", "elsewhere"]);
    // somebody asks for one thing after the other meanwhile
    let mut busy = site.command("bash");
    busy.args([
        "-c",
        "while \"$CTL\" trigger log-statistics --quiet; do :; done",
    ])
    .env("CTL", crate::support::upkeepctl())
    .stdout(Stdio::null());
    let mut busy = busy.spawn().unwrap();
    let before = site.json(&["tasks", "list", "--all"]).len();
    while site.json(&["tasks", "list", "--all"]).len() < before + 3 {}
    let copies = tempfile::tempdir().unwrap();
    let script: Vec<String> = document()
        .lines()
        .filter(|line| line.starts_with("sqlite3 /"))
        .map(|line| {
            line.replace("/var/lib/upkeep", site.home().to_str().unwrap())
                .replace("/srv/backup", copies.path().to_str().unwrap())
        })
        .collect();
    assert_eq!(script.len(), 3, "{script:#?}");
    let copied = shell(&script.join("\n"), &[]);
    busy.kill().unwrap();
    busy.wait().unwrap();
    assert_eq!(
        (copied.code, copied.out.as_str()),
        (Some(0), "ok\n"),
        "{copied:?}"
    );
    drop(worker);

    let whole = site.json(&["tasks", "list", "--all"]);
    for name in ["upkeep.db", "upkeep-small.db"] {
        let copy = restored(&copies.path().join(name));
        let tasks = copy.json(&["tasks", "list", "--all"]);
        assert!(
            tasks.len() >= before + 3 && tasks.len() <= whole.len(),
            "{name}"
        );
        // what had ended by then stands there as it stands in the original
        let ended = |task: &&Value| task["finished_at"].is_number();
        let (old, new) = (tasks.iter().filter(ended), |id: &Value| {
            whole.iter().find(|task| task["id"] == *id).cloned()
        });
        for task in old {
            assert_eq!(new(&task["id"]).as_ref(), Some(task), "{name}");
        }
        let waiting = copy.json(&["tasks", "list", "--state", "queued", "--host", "elsewhere"]);
        assert_eq!(waiting.len(), 1, "{name}: what waited waits again");
        copy.ok(&["tasks", "cancel", waiting[0]["id"].as_str().unwrap()]);
        let _worker = copy.worker(&["--host", "vm"]);
        let ended = copy.json(&["trigger", "health-check", "--wait", "--timeout", "60"]);
        assert_eq!(ended[0]["task"]["state"], "succeeded", "{name}");
    }
}

#[test]
fn a_database_of_a_newer_upkeep_is_refused_and_left_as_it_is() {
    let site = Site::sqlite();
    site.ok(&["trigger", "health-check"]);
    let file = site.home().join("upkeep.db");
    let newer = format!(
        "sqlite3 {} \"INSERT INTO _sqlx_migrations SELECT 9999, 'of tomorrow', installed_on, success, checksum, execution_time \
         FROM _sqlx_migrations LIMIT 1; PRAGMA wal_checkpoint(TRUNCATE)\"",
        file.display()
    );
    succeeds(&newer, &[]);
    let before = std::fs::read(&file).unwrap();
    let refused = site.ctl(&["trigger", "health-check", "--json"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(said(&refused)["code"], json!("database_newer"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
