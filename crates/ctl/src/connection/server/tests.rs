//! The client beside a server of a few lines that answers as it is told to.

use std::sync::Mutex;

use futures::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use upkeep_contract::export::{ExportFormat, ExportSubject};
use upkeep_contract::task::TaskState;

use super::*;
use crate::failure::{FAILED, USAGE};

const SECRET: &str = "a-secret-of-the-test";

/// A server, and what it was asked.
struct Door {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Door {
    /// `answer` is given what was asked (head and body) and how often anything was asked before.
    async fn open(answer: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = request(&mut stream).await;
                let before = heard.lock().unwrap().len();
                let answer = answer(&request, before);
                heard.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).await.ok();
                stream.shutdown().await.ok();
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, SECRET).unwrap();
        let reach = Reach {
            token_file: Some(token_file),
            ..Reach::default()
        };
        Self {
            server: Server::at(&address, &reach).unwrap(),
            asked,
            _folder: folder,
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                (name.eq_ignore_ascii_case("content-length"))
                    .then(|| value.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let count = stream.read(&mut bytes).await.unwrap();
        if count == 0 {
            return text;
        }
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

fn good(body: &Value) -> String {
    answer(
        "200 OK",
        "content-type: application/json\r\n",
        &body.to_string(),
    )
}

fn error(status: &str, code: &str) -> String {
    let body = json!({ "code": code, "message": "what failed", "hint": "what to do" });
    answer(status, "", &body.to_string())
}

async fn looks(answer: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Failure {
    let door = Door::open(answer).await;
    let failure = door.server.workers().await.unwrap_err();
    assert!(!format!("{failure:?}").contains(SECRET), "{failure:?}");
    failure
}

#[tokio::test]
async fn an_error_of_the_server_is_told_as_one_of_this_machine() {
    for (status, code, exit) in [
        ("422 Unprocessable Content", "invalid_parameters", USAGE),
        ("400 Bad Request", "invalid_parameters", USAGE),
        ("404 Not Found", "not_found", FAILED),
        ("409 Conflict", "conflict", FAILED),
        ("409 Conflict", "refused", FAILED),
        ("503 Service Unavailable", "database_unavailable", FAILED),
        ("401 Unauthorized", "unauthorized", FAILED),
        ("403 Forbidden", "forbidden", FAILED),
        ("418 I'm a teapot", "a_code_of_tomorrow", FAILED),
    ] {
        let failure = looks(move |_, _| error(status, code)).await;
        assert_eq!((failure.code.as_str(), failure.exit), (code, exit));
        assert_eq!(
            (failure.message.as_str(), failure.hint.as_str()),
            ("what failed", "what to do")
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_of_upkeep_says_so() {
    let page = "<html>something else</html>";
    let check = |failure: &Failure, code: &str, says: &str| {
        assert_eq!(
            (failure.code.as_str(), failure.exit),
            (code, FAILED),
            "{failure:?}"
        );
        assert!(failure.message.contains(says), "{failure:?}");
        assert!(
            !failure.hint.is_empty() && !failure.message.contains("html"),
            "{failure:?}"
        );
    };
    let failure = looks(move |_, _| answer("200 OK", "", page)).await;
    check(&failure, "bad_answer", "cannot be read");
    let failure = looks(move |_, _| answer("404 Not Found", "", page)).await;
    check(
        &failure,
        "bad_answer",
        "does not answer as Upkeep does (404 Not Found)",
    );
    let failure = looks(move |_, _| answer("502 Bad Gateway", "", page)).await;
    check(&failure, "server_unavailable", "is not there");
    // the token must not follow to wherever an answer points
    let failure =
        looks(move |_, _| answer("302 Found", "location: http://127.0.0.1:1/\r\n", page)).await;
    check(&failure, "bad_answer", "sends elsewhere");
    let failure = looks(move |_, _| "nothing of HTTP\r\n\r\n".to_owned()).await;
    check(&failure, "server_unreachable", "broke");
    let failure =
        looks(move |_, _| "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[\"half\"".to_owned())
            .await;
    check(&failure, "server_unreachable", "broke");
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::at(&address, &Reach::default()).unwrap();
    let failure = server.workers().await.unwrap_err();
    assert_eq!(failure.code, "server_unreachable");
    let expect = format!("cannot reach the server at {address}: ");
    assert!(failure.message.starts_with(&expect), "{failure:?}");
    assert!(failure.hint.contains("upkeepctl serve"), "{failure:?}");
    // what was never sent was never done
    let failure = server.run_again(&"x".into()).await.unwrap_err();
    assert!(!failure.hint.contains("not known"), "{failure:?}");
}

#[tokio::test]
async fn a_request_that_broke_in_the_middle_may_have_been_done() {
    let door = Door::open(|_, _| "HTTP/1.1 202 Acc".to_owned()).await;
    let params = json!({});
    let failure = door
        .server
        .trigger(&"health-check".into(), params, None)
        .await
        .unwrap_err();
    assert!(failure.hint.contains("is not known"), "{failure:?}");
    assert_eq!(door.asked().len(), 1, "nothing is asked for twice");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_a_few_times() {
    let busy = || {
        let body = json!({ "code": "too_many_requests", "message": "busy", "hint": "" });
        answer(
            "429 Too Many Requests",
            "retry-after: 0\r\n",
            &body.to_string(),
        )
    };
    let door =
        Door::open(move |_, before| if before < 2 { busy() } else { good(&json!([])) }).await;
    assert_eq!(door.server.workers().await.unwrap(), []);
    assert_eq!(door.asked().len(), 3);
    let door = Door::open(move |_, _| busy()).await;
    let failure = door.server.workers().await.unwrap_err();
    assert_eq!(failure.code, "too_many_requests");
    assert_eq!(door.asked().len(), 4);
    // of many tasks that are watched at once, some have to wait for their turn
    let door = Door::open(move |_, before| match before {
        0 | 1 => busy(),
        _ => stream(&update(TaskState::Succeeded, 1..=1)),
    })
    .await;
    let (told, failure) = numbers(&door).await;
    assert!(
        told == [vec![1]] && failure.is_none(),
        "{told:?}: {failure:?}"
    );
}

#[tokio::test]
async fn what_is_asked_for_carries_the_token_and_says_who_asks() {
    let outcome = json!({ "status": "already_queued", "task_id": "t" });
    let door = Door::open(move |_, _| good(&outcome)).await;
    let params = json!({ "max_age_hours": 24 });
    let host = Some("web-01".to_owned());
    let operation = "cleanup-runs".into();
    door.server.trigger(&operation, params, host).await.unwrap();
    let asked = door.asked().remove(0);
    assert!(asked.starts_with("POST /api/tasks HTTP/1.1\r\n"), "{asked}");
    assert!(
        asked.contains(&format!("authorization: Bearer {SECRET}\r\n")),
        "{asked}"
    );
    assert!(asked.contains("user-agent: upkeepctl/"), "{asked}");
    assert!(
        !asked.contains("origin:") && !asked.contains("cookie:"),
        "{asked}"
    );
    let (_, body) = asked.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let expect =
        json!({ "operation": "cleanup-runs", "params": { "max_age_hours": 24 }, "host": "web-01" });
    assert_eq!(body, expect);
}

#[tokio::test]
async fn times_are_the_server_s() {
    let door =
        Door::open(|_, _| answer("200 OK", "date: Mon, 23 Nov 2026 08:00:00 GMT\r\n", "[]")).await;
    door.server.workers().await.unwrap();
    let off = door.server.now().as_millis() - 1_795_420_800_000;
    assert!((0..60_000).contains(&off), "{off}");
}

fn task(state: TaskState) -> Value {
    json!({
        "id": "t", "operation": "health-check", "params": {}, "dry_run": false, "target_host": null, "group_id": null,
        "state": state.as_str(), "waiting": null, "priority": 100, "requested_by": "anna", "enqueued_at": 0, "run_after": 0,
        "attempt": 1, "max_attempts": 3, "timeout_ms": 1, "worker": null, "worker_host": null, "started_at": null,
        "finished_at": null, "cancel_requested_at": null, "cancel_requested_by": null, "progress": null, "error": null,
        "rerun_of": null, "lost": false
    })
}

fn lines(numbers: std::ops::RangeInclusive<i64>) -> Value {
    numbers
        .map(|number| json!({ "sequence": number, "attempt": 1, "at": 0, "level": "info", "message": "" }))
        .collect()
}

fn update(state: TaskState, numbers: std::ops::RangeInclusive<i64>) -> String {
    let log_end = *numbers.end();
    let detail = json!({ "task": task(state), "attempts": [], "report": null });
    let update = json!({ "detail": detail, "log": lines(numbers), "log_end": log_end });
    format!("data: {update}\n\n")
}

/// A stream that breaks off after this.
fn stream(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hello\n\n{events}"
    )
}

async fn numbers(door: &Door) -> (Vec<Vec<i64>>, Option<Failure>) {
    let mut updates = door.server.watch(&"t".into()).await.unwrap();
    let mut told = Vec::new();
    while let Some(update) = updates.next().await {
        match update {
            Ok(update) => told.push(update.log.iter().map(|line| line.sequence).collect()),
            Err(failure) => return (told, Some(failure)),
        }
    }
    (told, None)
}

#[tokio::test]
async fn a_watch_goes_on_after_the_connection_was_lost_and_tells_each_line_once() {
    let door = Door::open(|asked, before| {
        if asked.starts_with("GET /api/tasks/t/log?after=4&limit=500 ") {
            // more may have come by then
            return good(&lines(5..=9));
        }
        assert!(asked.starts_with("GET /api/tasks/t/events "), "{asked}");
        assert!(asked.contains("accept: text/event-stream\r\n"), "{asked}");
        match before {
            0 => stream(&update(TaskState::Running, 1..=2)),
            1 => error("503 Service Unavailable", "database_unavailable"),
            2 => answer("502 Bad Gateway", "", "no"),
            3 => stream(&(update(TaskState::Running, 1..=3) + &update(TaskState::Running, 4..=4))),
            // so many came meanwhile that the newest lines leave some out
            _ => stream(&update(TaskState::Succeeded, 7..=8)),
        }
    })
    .await;
    let (told, failure) = numbers(&door).await;
    assert_eq!(failure.map(|failure| failure.message), None);
    assert_eq!(told, [vec![1, 2], vec![3], vec![4], vec![5, 6, 7, 8]]);
}

#[tokio::test]
async fn a_watch_ends_with_the_task_and_with_the_right_to_see_it() {
    let end = "event: end\ndata: null\n\n";
    let removed = Door::open(move |_, _| stream(&(update(TaskState::Running, 1..=1) + end))).await;
    assert_eq!(numbers(&removed).await.0, [vec![1]]);
    let removed = Door::open(|_, before| match before {
        0 => stream(&update(TaskState::Running, 1..=1)),
        _ => error("404 Not Found", "not_found"),
    })
    .await;
    let (told, failure) = numbers(&removed).await;
    assert!(told.len() == 1 && failure.is_none(), "{failure:?}");
    let refused = Door::open(|_, before| match before {
        0 => stream(&update(TaskState::Running, 1..=1)),
        _ => error("401 Unauthorized", "unauthorized"),
    })
    .await;
    let (_, failure) = numbers(&refused).await;
    assert_eq!(failure.unwrap().code, "unauthorized");
    let told = json!({ "code": "internal", "message": "a defect", "hint": "" });
    let broken = Door::open(move |_, _| stream(&format!("event: error\ndata: {told}\n\n"))).await;
    let (_, failure) = numbers(&broken).await;
    assert_eq!(failure.unwrap().message, "a defect");
    // what is not there at the beginning is an error, not an empty stream
    let none = Door::open(|_, _| error("404 Not Found", "not_found")).await;
    let failure = none.server.watch(&"t".into()).await.err().unwrap();
    assert_eq!(failure.code, "not_found");
}

#[tokio::test]
async fn a_report_is_whole_or_not_there_and_overwrites_nothing() {
    let request = ExportRequest {
        subject: ExportSubject::Tasks {
            filter: TaskFilter::default(),
        },
        format: ExportFormat::Csv,
    };
    let whole = Door::open(|asked, _| {
        assert!(
            asked.starts_with("GET /api/export/tasks?format=csv "),
            "{asked}"
        );
        answer("200 OK", "upkeep-rows: 2\r\n", "a,b\r\n1,2\r\n")
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("tasks.csv");
    std::fs::write(&target, "precious").unwrap();
    let written = whole
        .server
        .export(&request, &target, &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(written.path, folder.path().join("tasks-2.csv"));
    assert_eq!(
        (written.renamed, written.rows, written.bytes),
        (true, Some(2), 10)
    );
    assert_eq!(
        std::fs::read_to_string(&written.path).unwrap(),
        "a,b\r\n1,2\r\n"
    );
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");

    let half =
        Door::open(|_, _| "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\na,b\r\n".to_owned()).await;
    let failure = half
        .server
        .export(&request, &target, &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(failure.code, "server_unreachable");
    let refused = Door::open(|_, _| error("403 Forbidden", "forbidden")).await;
    let failure = refused
        .server
        .export(&request, &target, &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(failure.code, "forbidden");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing half is left"
    );
    // and the server is not asked for what could not be kept
    let nowhere = folder.path().join("nowhere/tasks.csv");
    let failure = refused
        .server
        .export(&request, &nowhere, &mut |_, _| {})
        .await
        .unwrap_err();
    assert_eq!(failure.code, "io");
    assert_eq!(refused.asked().len(), 1);
}
