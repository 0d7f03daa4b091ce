//! Long lists: paging, filters, readers who go away.

use serde_json::Value;
use upkeep_testkit::fill_history;

use crate::support::{Site, done, id, in_every_way, upkeepctl};

in_every_way!(
    lists_go_on_where_they_ended,
    filters_and_figures_see_the_whole_history,
);

/// Years of use.
async fn with_history(site: &Site) {
    // the tables first
    drop(site.queue().await);
    fill_history(&site.database_url(), 5000).await;
}

/// A moment as it is typed, in UTC.
fn typed(millisecond: i64) -> String {
    jiff::Timestamp::from_millisecond(millisecond)
        .unwrap()
        .to_string()
}

fn ids(tasks: &[Value]) -> Vec<String> {
    let id = |task: &Value| task["id"].as_str().unwrap().to_owned();
    tasks.iter().map(id).collect()
}

async fn lists_go_on_where_they_ended(site: Site) {
    with_history(&site).await;
    let all = ids(&site.json(&["tasks", "list", "--all"]));
    assert_eq!(all.len(), 5000);
    // in pages of an odd size, each after the last row of the one before
    let (mut paged, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec!["tasks", "list", "--limit", "1777"];
        if let Some(after) = &after {
            arguments.extend(["--after", after]);
        }
        let page = site.json(&arguments);
        let Some(last) = page.last() else { break };
        let id = last["id"].as_str().unwrap();
        after = Some(format!("{},{id}", last["enqueued_at"]));
        paged.extend(ids(&page));
    }
    assert_eq!(paged, all);
    let plain = site.ctl(&["tasks", "list", "--limit", "2"]);
    assert_eq!(
        plain.out.lines().count(),
        3,
        "a head and two rows: {plain:?}"
    );
    let said = plain.err.trim();
    let after = said.strip_prefix("there are more: --after ").unwrap();
    let third = site.ok(&["tasks", "list", "--limit", "1", "--quiet", "--after", after]);
    assert_eq!(id(&third), all[2]);

    // a reader who goes away ends the list, and nothing panics
    let mut shell = site.command("bash");
    let list = format!("{} tasks list --all", upkeepctl().display());
    let status = "echo \"${PIPESTATUS[0]}\"";
    shell.args([
        "-c",
        &format!("{list} | head -n 1; {status}; {list} --json | head -n 1 >/dev/null; {status}"),
    ]);
    let piped = done(shell);
    let lines: Vec<&str> = piped.out.lines().collect();
    assert!(lines[0].starts_with("ID "), "{piped:?}");
    assert_eq!((lines[1], lines[2]), ("0", "0"), "{piped:?}");
    assert_eq!(piped.err, "", "no complaint about the pipe");
}

async fn filters_and_figures_see_the_whole_history(site: Site) {
    with_history(&site).await;
    let whole = site.json(&["tasks", "list", "--all"]);
    let list = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        ids(&site.json(&[&["tasks", "list"], &words[..]].concat()))
    };
    let matching = |wanted: &dyn Fn(&Value) -> bool| {
        let matching: Vec<Value> = whole.iter().filter(|task| wanted(task)).cloned().collect();
        assert!(matching.len() > 10, "{}", matching.len());
        ids(&matching)
    };
    // only some rows of each page that is looked at match
    let failed = matching(&|task| {
        task["state"] == "failed" && task["params"].get("max_age_hours").is_some()
    });
    assert_eq!(
        list("--state failed --text max_age_hours --limit 4000"),
        failed
    );
    assert_eq!(
        list("--state failed --text max_age_hours --limit 7"),
        failed[..7]
    );
    let health = matching(&|task| {
        let host = if task["worker_host"].is_null() {
            &task["target_host"]
        } else {
            &task["worker_host"]
        };
        task["operation"] == "health-check" && host == "web-07"
    });
    assert_eq!(list("--host web-07 --operation health-check --all"), health);
    let at = |task: &Value| task["enqueued_at"].as_i64().unwrap();
    let (from, to) = (at(&whole[3000]), at(&whole[1000]));
    let who = whole[1000]["requested_by"].as_str().unwrap();
    let some = matching(&|task| {
        (from..to).contains(&at(task)) && task["requested_by"].as_str() == Some(who)
    });
    let line = format!(
        "--since {} --until {} --who {who} --all",
        typed(from),
        typed(to)
    );
    assert_eq!(list(&line), some);
    let failed = |lost: bool| {
        let of_kind = |task: &&Value| {
            task["state"] == "failed" && (task["error"]["kind"] == "lease_expired") == lost
        };
        ids(&whole.iter().filter(of_kind).cloned().collect::<Vec<_>>())
    };
    assert_eq!(list("--state failed --failed-as lost --all"), failed(true));
    assert_eq!(
        list("--state failed --failed-as error --all"),
        failed(false)
    );
    let none = site.ctl(&["tasks", "list", "--host", "nowhere"]);
    assert_eq!(
        (none.out.as_str(), none.err.as_str()),
        ("", "no task matches\n")
    );

    let figures = site.json(&["statistics", "--range", "all"]);
    let counts = figures[0]["queue"]["counts"].as_array().unwrap();
    let counted: u64 = counts
        .iter()
        .map(|count| count["count"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, 5000);
    let plain = site.ok(&[
        "statistics",
        "--range",
        "all",
        "--operation",
        "health-check",
    ]);
    assert!(plain.contains("operation  health-check\n"), "{plain}");
    assert!(plain.contains("\nhealth-check  "), "{plain}");
    assert!(!plain.contains("\ncleanup-runs"), "{plain}");
}
