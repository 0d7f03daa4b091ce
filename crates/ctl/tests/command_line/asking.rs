//! Asking for operations: the queue gets one task, a worker performs it, the answer says how it went.

use serde_json::{Value, json};
use upkeep_testkit::newest_audit;

use crate::support::{Site, id, in_every_way, settled};

in_every_way!(
    a_task_is_asked_for_waited_for_and_found_again,
    what_was_previewed_is_removed_and_nothing_else,
    every_host_gets_its_task_and_its_own_plan,
);

async fn a_task_is_asked_for_waited_for_and_found_again(site: Site) {
    // nobody is there: it is asked for all the same, and said so
    let alone = site.ctl(&["trigger", "health-check"]);
    assert_eq!(alone.code, Some(0), "{alone:?}");
    assert!(alone.out.starts_with("queued "), "{alone:?}");
    assert!(alone.err.contains("nobody is there to do it"), "{alone:?}");
    assert!(
        alone
            .err
            .contains("hint: start a worker with `upkeep-worker run`"),
        "{alone:?}"
    );
    let first = id(alone.out.trim_start_matches("queued "));
    let queue = site.queue().await;
    let asked = &newest_audit(&queue, 10).await;
    assert_eq!(asked.len(), 1, "one request, one line of the audit trail");
    assert!(
        asked[0].who.ends_with(site.door()) && asked[0].who.contains('@'),
        "{asked:?}"
    );
    // the same once more is the same task
    let again = site.json(&["trigger", "health-check"]);
    assert_eq!(
        again,
        [json!({"status": "already_queued", "task_id": first})]
    );
    assert_eq!(id(&site.ok(&["trigger", "health-check", "--quiet"])), first);

    let late = site.ctl(&["trigger", "health-check", "--wait", "--timeout", "1"]);
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(
        late.err.contains(&format!(
            "error: task {first} has not ended within 1 s and goes on"
        )),
        "{late:?}"
    );
    assert!(
        late.err
            .contains(&format!("upkeepctl tasks cancel {first}")),
        "{late:?}"
    );
    assert_eq!(late.out, "", "stdout holds results only");

    let _worker = site.worker(&[]);
    let ended = site.json(&["trigger", "health-check", "--wait", "--timeout", "60"]);
    assert_eq!(ended.len(), 1);
    // the first may have ended by then, and this one be a new task
    assert_eq!(ended[0]["task"]["state"], "succeeded");
    assert!(ended[0]["report"]["checks"].as_array().unwrap().len() > 4);
    let plain = site.ctl(&[
        "trigger",
        "log-statistics",
        "--param",
        "range_hours=1",
        "--wait",
    ]);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert!(
        plain.out.starts_with("succeeded log-statistics on "),
        "{plain:?}"
    );
    assert!(
        plain.err.contains("info: attempt 1 succeeded"),
        "progress goes to stderr: {plain:?}"
    );

    let listed = site.json(&["tasks", "list", "--operation", "log-statistics"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["params"], json!({"range_hours": 1}));
    let found = listed[0]["id"].as_str().unwrap();
    // a beginning that only one has will do, in capitals, too
    let shown = site.json(&["tasks", "show", &found[..24].to_uppercase()]);
    assert_eq!(shown[0]["task"]["id"], found);
    let shown = site.ok(&["tasks", "show", found]);
    assert!(settled(&shown, &site).starts_with(
        "task       ID\noperation  log-statistics\nstate      succeeded\nparameters {\"range_hours\":1}\nasked for  DAY TIME by "
    ), "{shown}");
    let several = site.ctl(&["tasks", "show", &found[..4]]);
    assert_eq!(several.code, Some(2), "{several:?}");
    assert!(
        several.err.contains("begins the ids of several tasks"),
        "{several:?}"
    );
    for none in ["ffffffff", "01", "'; DROP TABLE tasks"] {
        let none = site.ctl(&["tasks", "show", none]);
        assert_eq!(none.code, Some(1), "{none:?}");
        assert!(none.err.contains("error: there is no task"), "{none:?}");
    }

    let retried = site.json(&["tasks", "retry", found, "--wait"]);
    assert_eq!(retried[0]["task"]["rerun_of"], found);
    assert_eq!(retried[0]["task"]["state"], "succeeded");
    let over = site.ok(&["tasks", "cancel", found]);
    assert_eq!(over, format!("already finished {found}\n"));
}

async fn what_was_previewed_is_removed_and_nothing_else(site: Site) {
    let old = [site.old_file("one"), site.old_file("two")];
    let young = site.scratch().join("young");
    std::fs::write(&young, "new").unwrap();
    let _worker = site.worker(&[]);
    let preview = site.ctl(&[
        "preview",
        "cleanup-temp-files",
        "--param",
        "max_age_hours=24",
        "--entries",
        "1",
    ]);
    assert_eq!(preview.code, Some(0), "{preview:?}");
    let lines: Vec<String> = settled(&preview.out, &site)
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(
        lines[0].starts_with("succeeded cleanup-temp-files on "),
        "{lines:#?}"
    );
    assert!(
        lines[1].starts_with("would remove: 2 files, "),
        "{lines:#?}"
    );
    assert!(
        lines[2].starts_with("  scratch (SITE/scratch): 2 files, "),
        "{lines:#?}"
    );
    assert!(
        lines[3].starts_with("SIZE") && lines[3].ends_with("PATH"),
        "{lines:#?}"
    );
    assert!(
        lines[4].contains("DAY TIME") && lines[4].contains("file  SITE/scratch/"),
        "{lines:#?}"
    );
    assert_eq!(lines[5], "  … and 1 more", "{lines:#?}");
    assert_eq!(lines[6], "plan ID", "{lines:#?}");
    assert_eq!(lines.len(), 7, "{lines:#?}");
    assert!(
        old.iter().all(|file| file.exists()),
        "a preview removes nothing"
    );
    let plan = id(preview
        .out
        .lines()
        .last()
        .unwrap()
        .trim_start_matches("plan "));
    assert!(
        preview.err.contains(&format!(
            "`upkeepctl trigger cleanup-temp-files --plan {plan}`"
        )),
        "{preview:?}"
    );

    // what became old after the preview stays
    let later = site.old_file("later");
    let done = site.json(&[
        "trigger",
        "cleanup-temp-files",
        "--plan",
        &plan[..24],
        "--wait",
    ]);
    assert_eq!(done[0]["report"]["files_removed"], 2);
    assert_eq!(done[0]["task"]["params"]["plan"], plan.as_str());
    assert_eq!(
        done[0]["task"]["params"]["max_age_hours"], 24.0,
        "the preview's parameters"
    );
    assert!(old.iter().all(|file| !file.exists()));
    assert!(later.exists() && young.exists());

    // a plan that is none, and one of another operation
    let health = id(&site.ok(&["trigger", "health-check", "--wait", "--quiet"]));
    let wrong = site.ctl(&["trigger", "cleanup-temp-files", "--plan", &health, "--json"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let error: Value = serde_json::from_str(&wrong.err).unwrap();
    assert_eq!(error["code"], "conflict", "{error}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("it is one of `health-check`"),
        "{error}"
    );
    assert!(later.exists());
}

async fn every_host_gets_its_task_and_its_own_plan(site: Site) {
    let nobody = site.ctl(&["trigger", "health-check", "--all-hosts", "--json"]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    let error: Value = serde_json::from_str(&nobody.err).unwrap();
    assert_eq!(error["code"], "no_live_host");

    let _workers = [
        site.worker(&["--host", "web-01"]),
        site.worker(&["--host", "web-02"]),
    ];
    let hosts = |tasks: &[Value]| -> Vec<String> {
        let host = |task: &Value| task["task"]["worker_host"].as_str().unwrap().to_owned();
        tasks.iter().map(host).collect()
    };
    let checked = site.json(&["trigger", "health-check", "--all-hosts", "--wait"]);
    assert_eq!(hosts(&checked), ["web-01", "web-02"]);
    let plain = site.ctl(&["trigger", "log-statistics", "--all-hosts"]);
    let lines: Vec<&str> = plain.out.lines().collect();
    assert!(
        lines[0].starts_with("queued ") && lines[0].ends_with(" on web-01"),
        "{plain:?}"
    );
    assert!(
        lines[1].ends_with(" on web-02") && lines[2].starts_with("group "),
        "{plain:?}"
    );
    let one = site.json(&["trigger", "health-check", "--host", "web-02", "--wait"]);
    assert_eq!(hosts(&one), ["web-02"]);
    let absent = site.ctl(&["trigger", "health-check", "--host", "web-03"]);
    assert!(
        absent.err.contains("no worker for it is alive on web-03"),
        "{absent:?}"
    );

    // both hosts see the same folder here, so the second finds it done
    let old = site.old_file("old");
    let previews = site.json(&["preview", "cleanup-temp-files", "--all-hosts"]);
    assert_eq!(hosts(&previews), ["web-01", "web-02"]);
    let group = previews[0]["task"]["group_id"].as_str().unwrap();
    let mistaken = site.ctl(&["trigger", "cleanup-runs", "--plans-of", group]);
    assert_eq!(mistaken.code, Some(2), "{mistaken:?}");
    assert!(old.exists());
    let removed = site.json(&[
        "trigger",
        "cleanup-temp-files",
        "--plans-of",
        group,
        "--wait",
    ]);
    let files: u64 = removed
        .iter()
        .map(|task| task["report"]["files_removed"].as_u64().unwrap())
        .sum();
    assert!(files >= 1 && !old.exists(), "{removed:#?}");
    for (preview, task) in previews.iter().zip(&removed) {
        assert_eq!(
            task["task"]["params"]["plan"], preview["task"]["id"],
            "each its own plan"
        );
    }
}
