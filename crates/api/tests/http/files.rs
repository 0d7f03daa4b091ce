//! The UI's files, and reports as files.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Site};

#[tokio::test(flavor = "multi_thread")]
async fn the_ui_is_served_with_its_types_and_a_strict_policy() {
    let site = Site::new().await;
    let page = site.ask("GET", "/", &[], "").await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let html = page.text();
    let scripts: Vec<&str> = html
        .split(['"', '\''])
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert!(scripts.len() >= 2, "{html}");
    for path in scripts {
        let file = site.ask("GET", path, &[], "").await;
        assert_eq!(file.status, 200, "{path}");
        let kind = file.header("content-type").unwrap();
        let expect = if path.rsplit('.').next() == Some("css") {
            "text/css"
        } else {
            "text/javascript"
        };
        assert!(kind.starts_with(expect), "{path}: {kind}");
        assert!(file.header("cache-control").unwrap().contains("immutable"));
    }
    assert_eq!(site.ask("POST", "/", &[], "").await.status, 405);
    let head = site.ask("HEAD", "/", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_leads_to_no_other_file() {
    let site = Site::new().await;
    let token = std::fs::read_to_string(site.folders().data().join("api-token")).unwrap();
    for path in [
        "/../api-token",
        "/..%2fapi-token",
        "/%2e%2e/api-token",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/assets/../../../../etc/passwd",
        "/assets/..%5c..%5capi-token",
        "/assets\\..\\index.html",
        "/assets/%00",
        "/index.html%00.js",
        "//etc/passwd",
        "/etc/passwd",
        "/./index.html",
        "/assets/",
        "/assets",
        "/INDEX.HTML",
        "/api-token",
        "/config.toml",
        "/upkeep.db",
    ] {
        let answer = site.ask("GET", path, &[], "").await;
        assert!(
            [400, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains(token.trim()), "{path}");
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_come_in_every_form_and_leave_nothing_behind() {
    let site = Site::new().await;
    let asked = json!({ "operation": "health-check" });
    site.post("/api/tasks", &asked).await.expect(202);
    for subject in ["statistics", "health", "tasks"] {
        for (format, kind) in [
            ("csv", "text/csv"),
            ("json", "application/json"),
            ("html", "text/html"),
            ("openmetrics", "application/openmetrics-text"),
        ] {
            let answer = site
                .get(&format!("/api/export/{subject}?format={format}"))
                .await;
            assert_eq!(answer.status, 200, "{subject} {format}: {}", answer.text());
            assert!(answer.header("content-type").unwrap().starts_with(kind));
            let name = answer.header("content-disposition").unwrap();
            assert!(name.contains(&format!("upkeep-{subject}-")), "{name}");
            let length: usize = answer.header("content-length").unwrap().parse().unwrap();
            assert_eq!(answer.body.len(), length);
            assert!(answer.header("upkeep-rows").is_some());
        }
    }
    let left = std::fs::read_dir(site.folders().own_temporary()).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_nobody_waits_for_is_given_up() {
    let site = Site::new().await;
    let queue = site.queue().await;
    for number in 0..300 {
        let body =
            json!({ "operation": "cleanup-runs", "params": { "max_age_hours": number + 1 } });
        site.post("/api/tasks", &body).await.expect(202);
    }
    queue.close().await;
    let token = site.bearer();
    let headers = [("authorization", token.as_str())];
    for _ in 0..5 {
        let request = site.request("GET", "/api/export/tasks?format=html", &headers, "");
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        // some leave before the answer begins, some within it
        let mut some = [0; 64];
        let read = stream.read(&mut some);
        tokio::time::timeout(std::time::Duration::from_millis(20), read)
            .await
            .ok();
    }
    let begun = std::time::Instant::now();
    loop {
        let left = std::fs::read_dir(site.folders().own_temporary()).unwrap();
        if left.count() == 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "a report stays behind");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let answer = site.get("/api/export/tasks").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_as_wide_as_time_itself_is_answered() {
    let site = Site::new().await;
    let (first, last) = (i64::MIN, i64::MAX);
    for path in [
        format!("/api/export/health?format=html&from={first}&to={last}"),
        format!("/api/export/statistics?format=html&from={first}&to={last}"),
        format!("/api/statistics?from={first}&to={last}"),
        format!("/api/tasks?since={first}&until={last}"),
        format!("/api/audit?from={first}&until={last}"),
    ] {
        let answer = site.get(&path).await;
        assert!(
            [200, 422].contains(&answer.status),
            "{path}: {}",
            answer.text()
        );
    }
}
