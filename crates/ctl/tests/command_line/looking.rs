//! Looking at everything: what is printed, that nothing is started or made by it, and nothing overwritten.

use serde_json::{Value, json};
use upkeep_queue::Queue;

use crate::support::{Site, done, id, in_every_way, settled, upkeepctl, worker_program};

in_every_way!(
    workers_are_drained_and_resumed_by_host_or_id,
    health_is_what_the_last_check_found,
    looking_starts_nothing,
);

async fn workers_are_drained_and_resumed_by_host_or_id(site: Site) {
    let none = site.ctl(&["workers", "list"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""), "{none:?}");
    assert!(none.err.contains("no worker is alive"), "{none:?}");
    let workers = [
        site.worker(&["--host", "web-01"]),
        site.worker(&["--host", "web-02"]),
        site.worker(&["--host", "web-02", "--operations", "health-check"]),
    ];
    let listed = site.json(&["workers", "list"]);
    assert_eq!(listed.len(), 3);
    let of = |pid: u32| {
        listed.iter().find(|worker| worker["pid"] == pid).unwrap()["id"]
            .as_str()
            .unwrap()
    };
    let first = of(workers[0].pid());
    let plain = site.ok(&["workers", "list"]);
    let row = plain.lines().find(|line| line.starts_with(first)).unwrap();
    assert!(
        row.contains(" active ") && row.contains(" web-01 ") && row.contains(" program "),
        "{plain}"
    );

    assert_eq!(
        site.ok(&["workers", "drain", "web-01"]),
        format!("draining {first}\n")
    );
    let waiting = site.ctl(&["trigger", "health-check", "--host", "web-01"]);
    assert!(
        waiting
            .err
            .contains("every worker for it on web-01 is draining"),
        "{waiting:?}"
    );
    assert_eq!(
        site.ok(&["workers", "resume", &first[..30]]),
        format!("resumed {first}\n")
    );
    let task = id(waiting.out.trim_start_matches("queued "));
    let followed = site.ctl(&["tasks", "log", &task, "--follow"]);
    assert!(followed.err.contains("succeeded"), "{followed:?}");

    let several = site.ctl(&["workers", "drain", "web-02"]);
    assert_eq!(several.code, Some(2), "{several:?}");
    assert!(
        several.err.contains("`web-02` is several workers"),
        "{several:?}"
    );
    let third = of(workers[2].pid());
    let drained = site.json(&["workers", "drain", third]);
    assert_eq!(
        drained,
        [json!({"worker_id": third, "outcome": "draining"})]
    );
}

async fn health_is_what_the_last_check_found(site: Site) {
    let never = site.ctl(&["health"]);
    assert_eq!(never.code, Some(0), "{never:?}");
    assert!(
        never.out.starts_with("unknown ") && never.out.ends_with(": never checked\n"),
        "{never:?}"
    );
    assert_eq!(
        site.json(&["health"]),
        Vec::<Value>::new(),
        "no report of what was never looked at"
    );
    let _workers = [
        site.worker(&["--host", "web-01"]),
        site.worker(&["--host", "web-02"]),
    ];
    let ran = site.ok(&[
        "health",
        "--run",
        "--all-hosts",
        "--timeout",
        "80",
        "--verbose",
    ]);
    let heads: Vec<&str> = ran.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads.len(), 2, "{ran}");
    assert!(
        ran.contains(" memory: ") && ran.contains(" queue: "),
        "every check: {ran}"
    );
    let before = site.json(&["tasks", "list"]).len();
    let known = site.json(&["health", "--host", "web-02"]);
    assert_eq!(known.len(), 1);
    let document: Value =
        serde_json::from_str(&site.ok(&["health", "--host", "web-02", "--format", "health+json"]))
            .unwrap();
    assert!(!document["checks"].as_object().unwrap().is_empty());
    let word = match known[0]["status"].as_str().unwrap() {
        "healthy" => "pass",
        "critical" => "fail",
        _ => "warn",
    };
    assert_eq!(document["status"], word);
    let plain = site.ok(&["health"]);
    assert!(
        plain.contains(" ago, asked for by ") && plain.contains(site.door()),
        "{plain}"
    );
    assert_eq!(
        site.json(&["tasks", "list"]).len(),
        before,
        "without --run nothing is checked"
    );
}

/// Everything the queue holds and has noted: tasks and the audit trail.
async fn everything(queue: &Queue) -> (Vec<upkeep_contract::task::Task>, usize) {
    let tasks = queue
        .tasks(&upkeep_contract::task::TaskFilter::default(), None, 500)
        .await
        .unwrap()
        .tasks;
    (tasks, upkeep_testkit::newest_audit(queue, 500).await.len())
}

async fn looking_starts_nothing(site: Site) {
    let old = site.old_file("old");
    let task = id(&site.ok(&["trigger", "log-statistics", "--quiet"]));
    let _worker = site.worker(&[]);
    site.ok(&["tasks", "log", &task, "--follow"]);
    let queue = site.queue().await;
    let before = everything(&queue).await;
    assert_eq!((before.0.len(), before.1), (1, 1));
    for look in [
        &["tasks", "list"][..],
        &["tasks", "show", &task],
        &["tasks", "log", &task],
        &["workers", "list"],
        &["health"],
        &["statistics"],
        &["audit", "list"],
        &["config", "check"],
        &["config", "show"],
        &["config", "path"],
        &["export", "tasks"],
        &["export", "statistics"],
        &["export", "health"],
        &["completions", "bash"],
        &["man"],
    ] {
        for style in [&[][..], &["--json"], &["--quiet"]] {
            site.ok(&[look, style].concat());
        }
    }
    assert_eq!(everything(&queue).await, before);
    assert!(old.exists());
}

#[tokio::test]
async fn a_report_never_overwrites_anything() {
    let site = Site::sqlite();
    site.ok(&["trigger", "health-check"]);
    let target = site.path().join("report.json");
    std::fs::write(&target, "precious").unwrap();
    let written = site.ctl(&["export", "tasks", "--output", "report.json"]);
    assert_eq!(
        settled(&written.out, &site),
        "SITE/report-2.json\n",
        "{written:?}"
    );
    assert!(
        written
            .err
            .contains("the name was taken, and nothing is overwritten"),
        "{written:?}"
    );
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
    let report: Value =
        serde_json::from_slice(&std::fs::read(site.path().join("report-2.json")).unwrap()).unwrap();
    assert_eq!(report["count"], 1, "the name's ending chose the form");
    let said = site.json(&[
        "export",
        "tasks",
        "--format",
        "csv",
        "--output",
        "report.json",
    ]);
    assert_eq!(said[0]["renamed"], true);
    assert_eq!(said[0]["rows"], 1);
    let text = std::fs::read_to_string(said[0]["path"].as_str().unwrap()).unwrap();
    assert!(
        text.starts_with("id,") || text.starts_with("about,"),
        "{text}"
    );
    std::fs::create_dir(site.path().join("reports")).unwrap();
    let usual = site.ok(&[
        "export",
        "statistics",
        "--format",
        "openmetrics",
        "--output",
        "reports",
    ]);
    let usual = settled(&usual, &site);
    assert!(
        usual.starts_with("SITE/reports/upkeep-statistics-day-") && usual.ends_with(".txt\n"),
        "{usual}"
    );
}

#[tokio::test]
async fn the_configuration_is_looked_at_without_a_database() {
    let site = Site::sqlite();
    let with_password = |arguments: &[&str]| {
        let mut command = site.command(upkeepctl());
        command.args(arguments).env(
            "UPKEEP_DATABASE_URL",
            "postgres://anna:secret@127.0.0.1:1/upkeep",
        );
        done(command)
    };
    for arguments in [
        &["config", "show"][..],
        &["config", "show", "--json"],
        &["config", "check"],
    ] {
        let shown = with_password(arguments);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        assert!(!format!("{shown:?}").contains("secret"), "{shown:?}");
    }
    let shown = with_password(&["config", "show"]).out;
    assert!(
        shown.contains("# database: postgres://anna@127.0.0.1:1/upkeep\n"),
        "{shown}"
    );
    assert!(shown.ends_with("[worker]\nlease_seconds = 2\n"), "{shown}");
    let whole: Value =
        serde_json::from_str(&with_password(&["config", "show", "--json"]).out).unwrap();
    assert_eq!(whole["configuration"]["worker"]["lease_seconds"], 2);
    assert_eq!(
        whole["configuration"]["cleaning"]["plan_max_age_hours"], 24,
        "what the file leaves out, too"
    );
    assert_eq!(
        settled(&site.ok(&["config", "path"]), &site),
        "SITE/home/config.toml\n"
    );

    // a folder that may not be cleaned, and one that is away
    site.configure("[[locations]]\nname = \"etc\"\npath = \"/etc\"\n\n[[run_stores]]\nname = \"off\"\npath = \"/srv/nowhere\"\nenabled = false\n");
    let check = site.ctl(&["config", "check"]);
    assert_eq!(check.code, Some(1), "{check:?}");
    let lines: Vec<String> = settled(&check.out, &site)
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(lines[0], "ok       configuration SITE/home/config.toml");
    assert!(
        lines[1].starts_with("problem  location etc: `etc` cannot be cleaned: "),
        "{lines:?}"
    );
    assert!(lines[2].starts_with("         hint: "), "{lines:?}");
    assert_eq!(lines[3], "ok       run store off is turned off");
    assert!(check.err.starts_with("error: 1 problem\n"), "{check:?}");
    // a file that cannot be used is told with line, key and cure
    site.configure("[worker]\nconcurency = 3\n");
    let wrong = site.ctl(&["config", "check", "--json"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let wrong: Value = serde_json::from_str(&wrong.out).unwrap();
    let problem = &wrong["findings"][0]["problem"];
    assert!(
        problem["message"].as_str().unwrap().contains("line 2"),
        "{wrong}"
    );
    assert!(
        problem["hint"].as_str().unwrap().contains("concurrency"),
        "{wrong}"
    );
    let shown = site.ctl(&["config", "show"]);
    assert_eq!((shown.code, shown.out.as_str()), (Some(1), ""), "{shown:?}");
    assert!(shown.err.contains("concurency"), "{shown:?}");
    // none yet: nothing is made
    std::fs::remove_file(site.home().join("config.toml")).unwrap();
    let none = site.ok(&["config", "check"]);
    assert!(
        none.contains("is not there yet; the first start writes it"),
        "{none}"
    );
    assert_eq!(
        std::fs::read_dir(site.home()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[tokio::test]
async fn the_audit_trail_is_listed_and_filtered() {
    let site = Site::sqlite();
    let task = id(&site.ok(&["trigger", "health-check", "--quiet"]));
    site.ok(&["trigger", "log-statistics"]);
    site.ok(&["tasks", "cancel", &task]);
    let whats = |arguments: &[&str]| -> Vec<String> {
        let lines = site.json(&[&["audit", "list"], arguments].concat());
        lines
            .iter()
            .map(|line| line["what"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(whats(&[]), ["cancel", "enqueue", "enqueue"]);
    assert_eq!(whats(&["--what", "cancel"]), ["cancel"]);
    assert_eq!(whats(&["--subject", &task]), ["cancel", "enqueue"]);
    assert_eq!(whats(&["--text", "log-statistics"]), ["enqueue"]);
    assert_eq!(whats(&["--until", "2020-01-01"]), Vec::<String>::new());
    let first = site.ctl(&["audit", "list", "--limit", "1"]);
    let after = first
        .err
        .trim()
        .strip_prefix("there are more: --after ")
        .unwrap();
    assert_eq!(whats(&["--after", after]), ["enqueue", "enqueue"]);
    assert!(
        first.out.contains(" cancel ") && first.out.contains(&task),
        "{first:?}"
    );
}

#[test]
fn the_worker_s_program_lies_beside_it() {
    // the tests above start it; a build that leaves it out must say so here
    assert!(worker_program().is_file());
}
