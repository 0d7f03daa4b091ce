//! Each route, and what it answers when something is wrong.

use serde_json::{Value, json};

use crate::support::{Site, on_both_engines};

on_both_engines!(
    the_maintenance_endpoints_queue_what_is_asked_for,
    the_list_of_tasks_goes_on_page_by_page,
    a_task_is_cancelled_and_run_again,
);

async fn the_maintenance_endpoints_queue_what_is_asked_for(site: Site) {
    let base = "/api/system/maintenance";
    for operation in [
        "cleanup-runs",
        "health-check",
        "cleanup-temp-files",
        "log-statistics",
    ] {
        let path = format!("{base}/{operation}");
        let queued = site.post(&path, &Value::Null).await.expect(202);
        assert_eq!(queued["status"], "queued", "{operation}");
        let again = site.post(&path, &json!({})).await.expect(202);
        assert_eq!(
            (&again["status"], &again["task_id"]),
            (&json!("already_queued"), &queued["task_id"])
        );
        let id = queued["task_id"].as_str().unwrap();
        let task = site.get(&format!("{base}/tasks/{id}")).await.expect(200);
        assert_eq!(task["task"]["operation"], operation);
        let who = task["task"]["requested_by"].as_str().unwrap();
        assert!(who.ends_with("(api)"), "{who}");
    }
    let path = format!("{base}/cleanup-temp-files?max_age_hours=48&dry_run=true&host=elsewhere");
    let queued = site.post(&path, &Value::Null).await.expect(202);
    let id = queued["task_id"].as_str().unwrap();
    let task = site.get(&format!("/api/tasks/{id}")).await.expect(200);
    assert_eq!(task["task"]["params"]["max_age_hours"], 48.0);
    assert_eq!(task["task"]["dry_run"], true);
    assert_eq!(task["task"]["target_host"], "elsewhere");
    let by_body = json!({ "max_age_hours": 72, "dry_run": true });
    let queued = site.post(&format!("{base}/cleanup-runs"), &by_body).await;
    queued.expect(202);
}

async fn the_list_of_tasks_goes_on_page_by_page(site: Site) {
    for hours in 1..=5 {
        let params = json!({ "operation": "cleanup-runs", "params": { "max_age_hours": hours } });
        site.post("/api/tasks", &params).await.expect(202);
    }
    let mut seen = Vec::new();
    let mut query = String::new();
    loop {
        let page = site
            .get(&format!("/api/tasks?limit=2{query}"))
            .await
            .expect(200);
        for task in page["tasks"].as_array().unwrap() {
            seen.push(task["params"]["max_age_hours"].as_f64().unwrap());
        }
        let next = &page["next"];
        if next.is_null() {
            break;
        }
        let (at, id) = (&next["enqueued_at"], next["id"].as_str().unwrap());
        query = format!("&after_enqueued_at={at}&after_id={id}");
    }
    assert_eq!(seen, [5.0, 4.0, 3.0, 2.0, 1.0]);
    let count = async |filter: &str| {
        let counted = site
            .get(&format!("/api/tasks/count?{filter}"))
            .await
            .expect(200);
        counted["queued"].as_u64().unwrap()
    };
    assert_eq!(count("").await, 5);
    assert_eq!(
        count("states=queued,running&operations=cleanup-runs").await,
        5
    );
    assert_eq!(count("states=failed").await, 0);
    assert_eq!(count("operations=health-check").await, 0);
    assert_eq!(count("requested_by=%28api%29").await, 5);
    assert_eq!(count("text=no+such+text").await, 0);
    let counted = site.get("/api/tasks/count").await.expect(200);
    let all = json!({ "filter": {}, "enqueued_by": counted["at"] });
    // a list is no filter, least of all the one that takes everything
    for wrong in [
        json!({ "filter": [], "enqueued_by": counted["at"] }),
        json!([{}, counted["at"]]),
        json!([]),
    ] {
        let refused = site.post("/api/tasks/cancel", &wrong).await;
        assert_eq!(refused.fault(), (422, "invalid_parameters".to_owned()));
    }
    let cancelled = site.post("/api/tasks/cancel", &all).await.expect(200);
    assert_eq!(cancelled["cancelled"], 5);
    let again = site.post("/api/tasks/run-again", &all).await.expect(202);
    assert_eq!(again["queued"], 5);
}

async fn a_task_is_cancelled_and_run_again(site: Site) {
    let asked = json!({ "operation": "health-check" });
    let queued = site.post("/api/tasks", &asked).await.expect(202);
    let id = queued["task_id"].as_str().unwrap().to_owned();
    let at = |rest: &str| format!("/api/tasks/{id}{rest}");
    let early = site.post(&at("/run-again"), &Value::Null).await;
    assert_eq!(early.fault(), (409, "conflict".to_owned()));
    let set = json!({ "priority": 7 });
    let set = site.send("PUT", &at("/priority"), &set).await.expect(200);
    assert_eq!(set, "changed");
    let closed = site
        .post(&at("/force-close"), &Value::Null)
        .await
        .expect(200);
    assert_eq!(closed["status"], "not_running");
    let cancelled = site.post(&at("/cancel"), &Value::Null).await.expect(200);
    assert_eq!(cancelled, "cancelled");
    let cancelled = site.post(&at("/cancel"), &Value::Null).await.expect(200);
    assert_eq!(cancelled, "already_finished");
    let again = site.post(&at("/run-again"), &Value::Null).await.expect(202);
    assert_eq!(again["status"], "queued");
    assert_eq!(site.get(&at("/log")).await.expect(200), json!([]));
    site.get(&at("/log/search?text=a")).await.expect(200);
    site.get(&at("/earlier-runs")).await.expect(200);
    let report = site.get(&at("/report")).await;
    assert_eq!(report.fault(), (404, "not_found".to_owned()));
    let found = site
        .get(&format!("/api/tasks/find?beginning={id}"))
        .await
        .expect(200);
    assert_eq!(found["task_id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_there_is_to_look_at_is_answered() {
    let site = Site::new().await;
    for path in [
        "/livez",
        "/readyz",
        "/api/session",
        "/api/condition",
        "/api/overview",
        "/api/operations",
        "/api/tasks",
        "/api/workers",
        "/api/embedded-worker",
        "/api/audit",
        "/api/audit?what=enqueue,cancel&text=a&limit=5",
        "/api/health/history",
        "/api/statistics",
        "/api/statistics?range=week&host=vm&operation=health-check",
        "/api/statistics?from=1&to=1000",
        "/api/settings",
        "/api/history-room",
        "/api/folders?path=/",
    ] {
        site.get(path).await.expect(200);
    }
    let audit = site.get("/api/audit").await.expect(200);
    assert_eq!(audit["entries"], json!([]), "looking leaves no trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_there_is_to_do_is_done() {
    let site = Site::new().await;
    let nothing = Value::Null;
    for path in [
        "/api/operations/health-check/pause",
        "/api/operations/health-check/resume",
    ] {
        site.post(path, &nothing).await.expect(204);
    }
    let everywhere = json!({ "operation": "health-check", "params": {} });
    let outcome = site.post("/api/groups", &everywhere).await.expect(202);
    assert_eq!(outcome["status"], "no_live_host");
    let started = site.post("/api/embedded-worker/start", &nothing).await;
    let worker = started.expect(200)["running"].as_str().unwrap().to_owned();
    site.post(&format!("/api/workers/{worker}/drain"), &nothing)
        .await
        .expect(204);
    site.post(&format!("/api/workers/{worker}/resume"), &nothing)
        .await
        .expect(204);
    let group = site.post("/api/groups", &everywhere).await.expect(202);
    let group = group["group_id"].as_str().unwrap().to_owned();
    let shown = site.get(&format!("/api/groups/{group}")).await.expect(200);
    assert_eq!(shown["tasks"].as_array().unwrap().len(), 1);
    site.post(&format!("/api/groups/{group}/repeat"), &nothing)
        .await
        .expect(202);
    let stopped = site.post("/api/embedded-worker/stop", &nothing).await;
    assert_eq!(stopped.expect(200)["running"], Value::Null);
    let forget = json!({ "worker_ids": [worker] });
    site.post("/api/workers/forget", &forget).await.expect(200);
    let changes = json!([{ "kind": "value", "key": "worker.concurrency", "typed": "3" }]);
    let draft = json!({ "changes": changes });
    site.post("/api/settings/review", &draft).await.expect(200);
    let saved = site.send("PUT", "/api/settings", &draft).await.expect(200);
    assert_eq!(saved["outcome"], "saved", "{saved}");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one wrong request after the other")]
async fn what_is_wrong_is_said_with_status_and_code() {
    let site = Site::new().await;
    let unknown = "/api/tasks/01900000-0000-7000-8000-000000000000";
    let check = async |method: &str, path: &str, body: Value, expect: (u16, &str)| {
        let answer = site.send(method, path, &body).await;
        assert_eq!(
            answer.fault(),
            (expect.0, expect.1.to_owned()),
            "{method} {path}"
        );
    };
    let nothing = Value::Null;
    let not_found = (404, "not_found");
    let invalid = (422, "invalid_parameters");
    check("GET", unknown, nothing.clone(), not_found).await;
    check(
        "GET",
        &format!("{unknown}/report"),
        nothing.clone(),
        not_found,
    )
    .await;
    check("GET", "/api/nothing", nothing.clone(), not_found).await;
    check("GET", "/api", nothing.clone(), not_found).await;
    check("GET", "/api/health", nothing.clone(), not_found).await;
    check("GET", "/api/groups/none", nothing.clone(), not_found).await;
    check("GET", "/api/tasks/a%00b", nothing.clone(), not_found).await;
    check(
        "GET",
        "/api/folders?path=/no/such",
        nothing.clone(),
        not_found,
    )
    .await;
    check(
        "GET",
        "/api/folders?path=relative",
        nothing.clone(),
        invalid,
    )
    .await;
    check(
        "POST",
        "/api/operations/nothing/pause",
        nothing.clone(),
        not_found,
    )
    .await;
    check("POST", "/api/overview", nothing.clone(), (405, "not_found")).await;
    check("DELETE", "/api/tasks", nothing.clone(), (405, "not_found")).await;
    for query in [
        "limit=many",
        "limit=-1",
        "states=nonsense",
        "unknown=1",
        "after_id=a",
        "limit=1&limit=2",
        "text=a%00b",
    ] {
        check(
            "GET",
            &format!("/api/tasks?{query}"),
            nothing.clone(),
            invalid,
        )
        .await;
    }
    check(
        "GET",
        "/api/statistics?range=day&from=1",
        nothing.clone(),
        invalid,
    )
    .await;
    check(
        "GET",
        "/api/statistics?from=2&to=1",
        nothing.clone(),
        invalid,
    )
    .await;
    check("POST", "/api/tasks", json!([]), invalid).await;
    check("POST", "/api/tasks", json!({}), invalid).await;
    check(
        "POST",
        "/api/tasks",
        json!({ "operation": "a\u{0}b" }),
        invalid,
    )
    .await;
    let wrong = json!({ "operation": "cleanup-runs", "params": { "max_age_hours": "old" } });
    check("POST", "/api/tasks", wrong, invalid).await;
    let base = "/api/system/maintenance";
    check(
        "POST",
        &format!("{base}/cleanup-runs"),
        json!({ "unknown": 1 }),
        invalid,
    )
    .await;
    check(
        "POST",
        &format!("{base}/cleanup-runs?max_age_hours=old"),
        nothing.clone(),
        invalid,
    )
    .await;
    check("POST", &format!("{base}/nothing"), nothing, not_found).await;
    let token = site.bearer();
    let headers = |kind| [("authorization", token.as_str()), ("content-type", kind)];
    let broken = site
        .ask("POST", "/api/tasks", &headers("application/json"), "{")
        .await;
    assert_eq!(broken.fault(), (400, "invalid_parameters".to_owned()));
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let form = site.ask("POST", "/api/tasks", &headers(kind), "{}").await;
        assert_eq!(
            form.fault(),
            (415, "invalid_parameters".to_owned()),
            "{kind}"
        );
    }
    let allow = site.send("DELETE", "/api/tasks", &Value::Null).await;
    assert_eq!(allow.header("allow"), Some("GET,HEAD,POST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_said_so_and_found_again() {
    let mut site = Site::new().await;
    site.get("/readyz").await.expect(200);
    let database = site.folders().database_file();
    let away = database.with_extension("away");
    std::fs::rename(&database, &away).unwrap();
    std::fs::create_dir(&database).unwrap();
    let ready = site.get("/readyz").await;
    assert_eq!(ready.expect(503), json!({ "status": "unavailable" }));
    let condition = site.get("/api/condition").await.expect(200);
    assert!(condition["database_error"].is_object(), "{condition}");
    let overview = site.get("/api/overview").await;
    assert_eq!(overview.status, 503, "{}", overview.text());
    assert_eq!(overview.header("retry-after"), Some("5"));
    std::fs::remove_dir(&database).unwrap();
    std::fs::rename(&away, &database).unwrap();
    site.get("/readyz").await.expect(200);
    site.get("/api/overview").await.expect(200);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_streams_and_hands_the_address_back() {
    let mut site = Site::new().await;
    assert_eq!(
        upkeep_api::read_address(&site.folders()),
        Some(format!("http://{}", site.address))
    );
    let token = site.bearer();
    let folders = site.folders();
    let request = site.request("GET", "/api/events", &[("authorization", &token)], "");
    let stream = tokio::spawn(crate::streams::read_all(site.address, request));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    site.stop().await;
    stream.await.unwrap();
    assert_eq!(upkeep_api::read_address(&folders), None);
}
