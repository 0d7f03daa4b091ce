//! How it ends: exit codes, signals, cancelling, following a log, readers who go away.

use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};
use upkeep_contract::TaskId;
use upkeep_contract::task::TaskState;

use crate::support::{Done, Site, done, id, in_every_way, upkeepctl};

in_every_way!(
    a_signal_ends_the_waiting_and_not_the_task,
    a_log_is_followed_to_its_end,
);

/// The error of a run with `--json`.
fn error_of(done: &Done) -> Value {
    let last = done.err.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON error: {done:?}"))
}

async fn a_signal_ends_the_waiting_and_not_the_task(site: Site) {
    let queue = site.queue().await;
    for (signal, operation) in [
        (Signal::INT, "health-check"),
        (Signal::TERM, "log-statistics"),
    ] {
        let waiting = site.start(&["trigger", operation, "--wait"]);
        waiting.until("waiting: nobody is there to do it");
        waiting.signal(signal);
        let done = waiting.end();
        assert_eq!(done.code, Some(130), "{done:?}");
        let task = site.json(&["tasks", "list", "--operation", operation])[0].clone();
        let task = task["id"].as_str().unwrap();
        assert!(
            done.err
                .contains(&format!("error: interrupted; task {task} goes on")),
            "{done:?}"
        );
        assert!(
            done.err
                .contains(&format!("`upkeepctl tasks cancel {task}` cancels it")),
            "{done:?}"
        );
        let detail = queue.task(&TaskId::from(task)).await.unwrap();
        assert_eq!(detail.task.state, TaskState::Queued, "it goes on");
        assert_eq!(detail.task.cancel_requested_at, None);
        // and what was said is how to end it
        assert_eq!(
            site.ok(&["tasks", "cancel", task]),
            format!("cancelled {task}\n")
        );
    }
    // whoever waits for what somebody cancels is told
    let waiting = site.start(&["trigger", "health-check", "--wait", "--json"]);
    let task = loop {
        let queued = site.json(&["tasks", "list", "--state", "queued"]);
        if let Some(task) = queued.first() {
            break task["id"].as_str().unwrap().to_owned();
        }
    };
    let cancelled = site.json(&["tasks", "cancel", &task]);
    assert_eq!(
        cancelled,
        [json!({"task_id": task, "outcome": "cancelled"})]
    );
    let done = waiting.end();
    assert_eq!(done.code, Some(1), "{done:?}");
    let error = error_of(&done);
    assert_eq!(error["code"], "cancelled", "{error}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains(" was cancelled by "),
        "{error}"
    );
    let shown: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(
        shown["task"]["state"], "cancelled",
        "the task stands on stdout all the same"
    );
}

async fn a_log_is_followed_to_its_end(site: Site) {
    let task = id(&site.ok(&[
        "trigger",
        "health-check",
        "--param",
        "cpu_window_ms=1500",
        "--quiet",
    ]));
    let following = site.start(&["tasks", "log", &task, "--follow"]);
    let json = site.start(&["tasks", "log", &task[..24], "--follow", "--json"]);
    let left = site.start(&["tasks", "log", &task, "--follow"]);
    let worker = site.worker(&[]);
    following.until(&format!("begins on {} (process {})", host(), worker.pid()));
    left.until("begins on");
    left.signal(Signal::INT);
    assert_eq!(left.end().code, Some(130));
    let done = following.end();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.err, format!("succeeded {task}\n"));
    // what was followed is what is kept
    assert_eq!(site.ok(&["tasks", "log", &task]), done.out);
    assert!(done.out.lines().count() >= 3, "{done:?}");
    let lines: Vec<Value> = json
        .end()
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, site.json(&["tasks", "log", &task]));
    let sequences: Vec<i64> = lines
        .iter()
        .map(|line| line["sequence"].as_i64().unwrap())
        .collect();
    assert!(
        sequences.windows(2).all(|two| two[0] < two[1]),
        "{sequences:?}"
    );
}

fn host() -> String {
    upkeep_contract::TaskId::from(
        std::fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap()
            .trim(),
    )
    .0
}

/// Runs it with `--json`: its exit code, and the code of its error when there is one.
fn ends_with(site: &Site, arguments: &[&str], code: i32, error: &str) -> Done {
    let done = site.ctl(&[arguments, &["--json"]].concat());
    assert_eq!(done.code, Some(code), "{arguments:?}: {done:?}");
    if error.is_empty() {
        assert_eq!(done.err, "", "{arguments:?}");
    } else {
        let said = error_of(&done);
        assert_eq!(said["code"], error, "{arguments:?}: {said}");
        assert_eq!(said.as_object().unwrap().len(), 3, "{said}");
        assert!(!said["message"].as_str().unwrap().is_empty(), "{said}");
    }
    done
}

#[tokio::test]
async fn how_a_task_ended_is_the_exit_code() {
    let site = Site::sqlite();
    let _worker = site.worker(&[]);
    ends_with(&site, &["trigger", "health-check", "--wait"], 0, "");
    let clean = ["trigger", "cleanup-temp-files", "--wait"];
    // partial: an entry that cannot be removed
    let stuck = Stuck::new(&site);
    let partial = ends_with(&site, &clean, 3, "");
    let partial: Value = serde_json::from_str(&partial.out).unwrap();
    assert_eq!(partial["report"]["problems_total"], 1, "{partial:#}");
    let plain = site.ctl(&clean);
    assert_eq!(plain.code, Some(3), "{plain:?}");
    assert!(plain.out.contains("1 problem:\n"), "{plain:?}");
    assert!(
        plain.out.contains("scratch/locked/f: not permitted"),
        "{plain:?}"
    );
    drop(stuck);
    // failed: the folder of the location is gone
    std::fs::rename(site.scratch(), site.path().join("away")).unwrap();
    let failed = ends_with(&site, &clean, 1, "task_failed");
    let failed: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!(failed["task"]["state"], "failed");
    let plain = site.ctl(&clean);
    assert_eq!(plain.code, Some(1), "{plain:?}");
    assert!(plain.err.contains("error: task "), "{plain:?}");
    assert!(
        plain
            .err
            .contains("does not exist; nothing was removed\nhint: "),
        "{plain:?}"
    );
}

/// Words of a command line, the exit code, and the code of the error.
const REFUSED: [(&str, i32, &str); 31] = [
    ("trigger no-such-operation", 2, "usage"),
    ("trigger", 2, "usage"),
    ("trigger health-check --dry-run", 2, "usage"),
    ("preview health-check", 2, "usage"),
    ("trigger health-check --param cpu_window_ms", 2, "usage"),
    ("trigger health-check --param =1", 2, "usage"),
    (
        "trigger health-check -p cpu_window_ms=300 -p cpu_window_ms=400",
        2,
        "usage",
    ),
    ("trigger health-check --params [1]", 2, "usage"),
    ("trigger health-check --params {", 2, "usage"),
    (
        "trigger health-check --param odd=1",
        2,
        "invalid_parameters",
    ),
    (
        "trigger health-check --param cpu_window_ms=1",
        2,
        "invalid_parameters",
    ),
    (
        "trigger health-check --param cpu_window_ms=soon",
        2,
        "invalid_parameters",
    ),
    (
        "trigger cleanup-temp-files --param locations=[\"nope\"]",
        2,
        "invalid_parameters",
    ),
    ("trigger health-check --host a --all-hosts", 2, "usage"),
    ("trigger health-check --timeout 5", 2, "usage"),
    ("trigger health-check --wait --timeout soon", 2, "usage"),
    ("trigger cleanup-temp-files --plan x --dry-run", 2, "usage"),
    ("trigger cleanup-temp-files --plan ffffffff", 1, "not_found"),
    (
        "trigger cleanup-temp-files --plans-of ffffffff",
        1,
        "not_found",
    ),
    ("tasks list --state odd", 2, "usage"),
    ("tasks list --after odd", 2, "usage"),
    ("tasks list --limit 0", 2, "usage"),
    ("tasks show ffffffff", 1, "not_found"),
    ("tasks cancel ffffffff", 1, "not_found"),
    ("tasks retry ffffffff", 1, "not_found"),
    ("tasks log ffffffff", 1, "not_found"),
    ("workers drain nobody", 1, "not_found"),
    ("statistics --from 2026-01-01", 2, "usage"),
    (
        "statistics --from 2026-02-01 --to 2026-01-01",
        2,
        "invalid_parameters",
    ),
    ("export tasks --output /proc/none/report.csv", 1, "io"),
    ("nonsense", 2, "usage"),
];

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_and_nothing_is_asked_for() {
    let site = Site::sqlite();
    for (line, code, error) in REFUSED {
        let words: Vec<&str> = line.split(' ').collect();
        ends_with(&site, &words, code, error);
        let plain = site.ctl(&words);
        assert_eq!(plain.code, Some(code), "{line}: {plain:?}");
        assert!(plain.err.starts_with("error: "), "{line}: {plain:?}");
        assert_eq!(plain.out, "", "{line}: stdout holds results only");
    }
    assert_eq!(site.json(&["tasks", "list", "--all"]), Vec::<Value>::new());
    assert_eq!(site.json(&["audit", "list", "--all"]), Vec::<Value>::new());
}

#[test]
fn an_installation_that_cannot_be_used_says_why() {
    let site = Site::sqlite();
    let check = |key: &str, value: &str, code: &str| {
        let mut command = site.command(upkeepctl());
        command.args(["tasks", "list", "--json"]).env(key, value);
        let done = done(command);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert_eq!(error_of(&done)["code"], code, "{done:?}");
        assert!(!done.err.contains("secret"), "{done:?}");
    };
    let url = "UPKEEP_DATABASE_URL";
    check(url, "mysql://u:secret@host/db", "invalid_configuration");
    check(
        url,
        "postgres://u:secret@127.0.0.1:1/db",
        "database_unavailable",
    );
    check("UPKEEP_HOME", "relative", "invalid_configuration");
}

/// A file that not even root may remove.
struct Stuck(std::path::PathBuf);

impl Stuck {
    fn new(site: &Site) -> Self {
        let folder = site.scratch().join("locked");
        std::fs::create_dir_all(&folder).unwrap();
        let file = site.old_file("locked/f");
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            chattr("+i", &file);
        } else {
            mode(&folder, 0o500);
        }
        Self(folder)
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        if rustix::process::geteuid().is_root() {
            chattr("-i", &self.0.join("f"));
        } else {
            mode(&self.0, 0o700);
        }
    }
}

fn chattr(how: &str, file: &std::path::Path) {
    let status = Command::new("chattr").arg(how).arg(file).status();
    assert!(status.unwrap().success(), "chattr {how} {}", file.display());
}

fn mode(folder: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
}
