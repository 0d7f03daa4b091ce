//! What somebody may try, and what becomes of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, PATIENCE, Site};

const POST: &str = "/api/system/maintenance/cleanup-temp-files";

async fn nothing_was_asked_for(site: &Site) {
    let tasks = site.get("/api/tasks").await.expect(200);
    assert_eq!(tasks["tasks"], json!([]));
}

async fn cookie(site: &Site) -> String {
    let (_, path) = site.link.split_once("/sign-in").unwrap();
    let answer = site.ask("GET", &format!("/sign-in{path}"), &[], "").await;
    let set = answer.header("set-cookie").unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_a_wrong_one_or_half_of_one_asks_for_nothing() {
    let site = Site::new().await;
    let unauthorized = (401, "unauthorized".to_owned());
    for path in ["/api/overview", "/api/openapi.json", "/api/events"] {
        let answer = site.ask("GET", path, &[], "").await;
        assert_eq!(answer.fault(), unauthorized, "{path}");
        assert!(answer.header("www-authenticate").is_some());
    }
    assert_eq!(site.ask("POST", POST, &[], "").await.fault(), unauthorized);
    let half = format!("Bearer {}", &site.token[..20]);
    let longer = format!("Bearer {}x", site.token);
    let other = format!("Basic {}", site.token);
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        &half,
        &longer,
        &other,
        &site.token,
    ] {
        let answer = site
            .ask("POST", POST, &[("authorization", wrong)], "")
            .await;
        assert_eq!(answer.fault(), unauthorized, "{wrong}");
    }
    for wrong in ["upkeep_session=", "upkeep_session=abc", "other=1"] {
        let headers = [("cookie", wrong), ("x-upkeep-request", "browser")];
        let answer = site.ask("POST", POST, &headers, "").await;
        assert_eq!(answer.fault(), unauthorized, "{wrong}");
    }
    let in_query = format!("/api/overview?token={}", site.token);
    assert_eq!(site.ask("GET", &in_query, &[], "").await.status, 401);
    nothing_was_asked_for(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_the_right_token_is_still_heard() {
    let site = Site::new().await;
    let mut last = None;
    for _ in 0..30 {
        let answer = site
            .ask(
                "GET",
                "/api/tasks",
                &[("authorization", "Bearer guess")],
                "",
            )
            .await;
        last = Some(answer);
    }
    let last = last.unwrap();
    assert_eq!(last.fault(), (429, "too_many_requests".to_owned()));
    assert!(last.header("retry-after").is_some());
    site.get("/api/tasks").await.expect(200);
    let audit = site.get("/api/audit?what=deny&limit=100").await.expect(200);
    assert!(
        audit["entries"].as_array().unwrap().len() <= 22,
        "a flood fills no table"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_else_controls_leads_nowhere() {
    let site = Site::new().await;
    let token = site.bearer();
    let port = site.address.port();
    let forbidden = (403, "forbidden".to_owned());
    let foreign = format!("evil.example:{port}");
    let beginning = format!("localhost.evil.example:{port}");
    for host in [
        "evil.example",
        &foreign,
        &beginning,
        "127.0.0.1",
        "localhost:1",
        "",
    ] {
        for path in ["/", "/api/overview", "/livez", "/sign-in?code=x"] {
            let headers = [("host", host), ("authorization", token.as_str())];
            let answer = site.ask("GET", path, &headers, "").await;
            assert_eq!(answer.fault(), forbidden, "{host} {path}");
        }
    }
    let localhost = format!("localhost:{port}");
    let headers = [("host", localhost.as_str()), ("authorization", &token)];
    site.ask("GET", "/api/overview", &headers, "")
        .await
        .expect(200);
    let two = format!(
        "GET /api/overview HTTP/1.1\r\nhost: {localhost}\r\nhost: evil.example\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(site.raw(two.as_bytes()).await.status, 403);
    let none = format!("GET /api/overview HTTP/1.0\r\nauthorization: {token}\r\n\r\n");
    assert_eq!(site.raw(none.as_bytes()).await.status, 403);
    let elsewhere = format!(
        "GET http://evil.example/api/overview HTTP/1.1\r\nhost: {localhost}\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(site.raw(elsewhere.as_bytes()).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_asks_for_nothing() {
    let site = Site::new().await;
    let (token, cookie) = (site.bearer(), cookie(&site).await);
    let forbidden = (403, "forbidden".to_owned());
    let own = format!("http://{}", site.address);
    let other_port = "http://127.0.0.1:1".to_owned();
    for origin in [
        "http://evil.example",
        "null",
        "https://evil.example:443",
        &other_port,
    ] {
        let with_token = [("origin", origin), ("authorization", token.as_str())];
        assert_eq!(
            site.ask("POST", POST, &with_token, "").await.fault(),
            forbidden
        );
        assert_eq!(
            site.ask("GET", "/api/tasks", &with_token, "").await.fault(),
            forbidden
        );
        let with_cookie = [
            ("origin", origin),
            ("cookie", cookie.as_str()),
            ("x-upkeep-request", "browser"),
        ];
        assert_eq!(
            site.ask("POST", POST, &with_cookie, "").await.fault(),
            forbidden
        );
    }
    // a form of another page, as a browser would send it were the cookie not strict
    let form = [
        ("cookie", cookie.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    assert_eq!(
        site.ask("POST", POST, &form, "max_age_hours=1")
            .await
            .fault(),
        forbidden
    );
    let text = [("cookie", cookie.as_str()), ("content-type", "text/plain")];
    assert_eq!(site.ask("POST", POST, &text, "{}").await.fault(), forbidden);
    let empty = [("cookie", cookie.as_str())];
    assert_eq!(
        site.ask("POST", "/api/tasks/cancel", &empty, "")
            .await
            .fault(),
        forbidden
    );
    let preflight = [
        ("origin", "http://evil.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-upkeep-request"),
    ];
    let preflight = site.ask("OPTIONS", POST, &preflight, "").await;
    assert_eq!(preflight.status, 403);
    assert!(preflight.header("access-control-allow-origin").is_none());
    nothing_was_asked_for(&site).await;
    let ours = [
        ("origin", own.as_str()),
        ("cookie", cookie.as_str()),
        ("x-upkeep-request", "browser"),
    ];
    site.ask("POST", POST, &ours, "").await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_unread() {
    let site = Site::new().await;
    let token = site.bearer();
    let too_large = (413, "too_large".to_owned());
    let json = ("content-type", "application/json");
    let said = [
        ("authorization", token.as_str()),
        json,
        ("content-length", "1099511627776"),
    ];
    let answer = site.ask("POST", "/api/tasks", &said, "{").await;
    assert_eq!(answer.fault(), too_large, "by what was said alone");
    let head = format!(
        "POST /api/tasks HTTP/1.1\r\nhost: {}\r\nauthorization: {token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        site.address
    );
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = format!("10000\r\n{}\r\n", "1".repeat(0x10000));
    for _ in 0..20 {
        if stream.write_all(piece.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    assert_eq!(
        Answer::parse(&answer[..read]).status,
        413,
        "without a length, too"
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let headers = [("authorization", token.as_str()), json];
    assert_eq!(
        site.ask("POST", "/api/tasks", &headers, &deep).await.status,
        400
    );
    let long = format!("/api/tasks?text={}", "a".repeat(100_000));
    let answer = site.ask("GET", &long, &headers[..1], "").await;
    assert!(
        [400, 414, 431].contains(&answer.status),
        "{}",
        answer.status
    );
    nothing_was_asked_for(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_too_slowly_is_closed() {
    let site = Site::new().await;
    let token = site.bearer();
    let closes = async |begin: String, drip: &str| {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let mut answer = Vec::new();
        let mut piece = [0; 1024];
        while begun.elapsed() < PATIENCE {
            tokio::select! {
                read = stream.read(&mut piece) => match read {
                    Ok(0) | Err(_) => return (begun.elapsed(), Answer::parse(&answer)),
                    Ok(read) => answer.extend_from_slice(&piece[..read]),
                },
                () = tokio::time::sleep(Duration::from_millis(500)) => {
                    stream.write_all(drip.as_bytes()).await.ok();
                }
            }
        }
        panic!("it is still open");
    };
    let head = format!(
        "POST /api/tasks HTTP/1.1\r\nhost: {}\r\nauthorization: {token}\r\ncontent-type: application/json\r\n",
        site.address
    );
    let body = format!("{head}content-length: 100000\r\nconnection: close\r\n\r\n");
    let (silent, slow_head, slow_body) = tokio::join!(
        closes(String::new(), ""),
        closes(head.clone(), "x: y\r\n"),
        closes(body, " "),
    );
    assert!(silent.0 < Duration::from_secs(30), "{silent:?}");
    assert!(slow_head.0 < Duration::from_secs(30), "{slow_head:?}");
    assert_eq!(slow_body.1.status, 408, "{slow_body:?}");
    assert_eq!(slow_body.1.fault().1, "timeout");
    site.get("/api/overview").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_are_shed_with_a_clear_answer() {
    let site = Site::new().await;
    let mut open = Vec::new();
    for _ in 0..1000 {
        // the system's own queue may be full for a moment
        if let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(site.address)).await
        {
            open.push(stream);
        }
    }
    assert!(open.len() > 600, "{}", open.len());
    let mut told = 0;
    for stream in &mut open {
        let mut answer = vec![0; 2048];
        let read = tokio::time::timeout(Duration::from_millis(5), stream.read(&mut answer)).await;
        if let Ok(Ok(read)) = read
            && read > 0
        {
            let answer = Answer::parse(&answer[..read]);
            assert_eq!(answer.fault(), (503, "too_many_requests".to_owned()));
            told += 1;
        }
    }
    assert!(told > 0, "some were told that there are too many");
    drop(open);
    let begun = Instant::now();
    loop {
        let answer = site.get("/api/overview").await;
        if answer.status == 200 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_have_a_limit() {
    let site = Site::new().await;
    let token = site.bearer();
    let request = site.request("GET", "/api/events", &[("authorization", &token)], "");
    let mut open = Vec::new();
    let mut shed = 0;
    for _ in 0..70 {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut answer = vec![0; 2048];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await;
        let answer = Answer::parse(&answer[..read.unwrap().unwrap()]);
        match answer.status {
            200 => open.push(stream),
            429 => shed += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((open.len(), shed), (64, 6));
    site.get("/api/overview").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_s_name_carries_no_header() {
    let site = Site::new().await;
    for odd in [
        "a%0d%0aset-cookie:%20evil=1",
        "%22;%20filename=%22evil.exe",
        "..%2f..%2fetc%2fpasswd",
        "%e2%80%ae",
    ] {
        for path in [
            format!("/api/export/statistics?host={odd}&operation={odd}"),
            format!("/api/export/tasks?host={odd}&text={odd}"),
            format!("/api/export/health?host={odd}"),
        ] {
            let answer = site.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert!(answer.header("set-cookie").is_none());
            let name = answer.header("content-disposition").unwrap();
            let name = name.strip_prefix("attachment; filename=\"").unwrap();
            let name = name.strip_suffix('"').unwrap();
            let plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
            assert!(
                name.starts_with("upkeep-") && name.chars().all(plain),
                "{name}"
            );
        }
    }
    let token = site.bearer();
    let smuggled = site.request(
        "GET",
        "/api/tasks HTTP/1.1\r\nx: y\r\n\r\nGET /api/overview",
        &[("authorization", &token)],
        "",
    );
    let answer = site.raw(&smuggled).await;
    assert!([400, 401, 403].contains(&answer.status), "{answer:?}");
    assert_eq!(site.post("/api/tasks", &Value::Null).await.status, 415);
}
