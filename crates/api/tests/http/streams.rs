//! Server-sent events.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, PATIENCE, Site};

/// Sends a request and reads its answer to the end.
pub(crate) async fn read_all(address: SocketAddr, request: Vec<u8>) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    read.unwrap().ok();
    Answer::parse(&bytes)
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
struct Message {
    id: Option<String>,
    event: Option<String>,
    data: Value,
}

struct Stream {
    socket: TcpStream,
    gathered: Vec<u8>,
    seen: usize,
}

impl Stream {
    async fn open(site: &Site, path: &str, last: Option<&str>) -> Self {
        let token = site.bearer();
        let mut headers = vec![("authorization", token.as_str())];
        headers.extend(last.map(|last| ("last-event-id", last)));
        let request = site.request("GET", path, &headers, "");
        let mut socket = TcpStream::connect(site.address).await.unwrap();
        socket.write_all(&request).await.unwrap();
        Self {
            socket,
            gathered: Vec::new(),
            seen: 0,
        }
    }

    fn messages(&self) -> Vec<Message> {
        if !self.gathered.windows(4).any(|four| four == b"\r\n\r\n") {
            return Vec::new();
        }
        let answer = Answer::parse(&self.gathered);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let text = answer.text();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        let blocks = whole.split("\n\n").filter(|block| block.contains("data: "));
        blocks
            .map(|block| {
                let mut message = Message::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => message.id = Some(id.to_owned()),
                        Some(("event", event)) => message.event = Some(event.to_owned()),
                        Some(("data", data)) => message.data = serde_json::from_str(data).unwrap(),
                        _ => {}
                    }
                }
                message
            })
            .collect()
    }

    async fn next(&mut self) -> Message {
        loop {
            let messages = self.messages();
            if let Some(message) = messages.get(self.seen) {
                self.seen += 1;
                return message.clone();
            }
            let mut piece = vec![0; 65536];
            let read = tokio::time::timeout(PATIENCE, self.socket.read(&mut piece)).await;
            let read = read.unwrap().unwrap();
            assert!(read > 0, "the stream ended");
            self.gathered.extend_from_slice(&piece[..read]);
        }
    }
}

async fn trigger(site: &Site, hours: u32) -> String {
    let body = json!({ "operation": "cleanup-runs", "params": { "max_age_hours": hours } });
    let queued = site.post("/api/tasks", &body).await.expect(202);
    queued["task_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_changes_goes_on_after_its_last_event() {
    let site = Site::new().await;
    let mut stream = Stream::open(&site, "/api/events", None).await;
    let all = json!([{ "kind": "all" }]);
    assert_eq!(stream.next().await.data, all, "who comes anew reads all");
    let first = trigger(&site, 1).await;
    let message = loop {
        let message = stream.next().await;
        if message.data.to_string().contains(&first) {
            break message;
        }
    };
    let reached = message.id.unwrap();
    drop(stream);
    let second = trigger(&site, 2).await;
    let mut stream = Stream::open(&site, "/api/events", Some(&reached)).await;
    let message = stream.next().await;
    assert!(message.data.to_string().contains(&second), "{message:?}");
    for odd in ["nonsense", "0-1", "ffffffff-99"] {
        let mut stream = Stream::open(&site, "/api/events", Some(odd)).await;
        assert_eq!(stream.next().await.data, all, "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_s_stream_ends_after_its_final_state() {
    let site = Site::new().await;
    let id = trigger(&site, 1).await;
    let mut stream = Stream::open(&site, &format!("/api/tasks/{id}/events"), None).await;
    let first = stream.next().await;
    assert_eq!(first.data["detail"]["task"]["state"], "queued");
    site.post(&format!("/api/tasks/{id}/cancel"), &Value::Null)
        .await
        .expect(200);
    let mut last = stream.next().await;
    while last.data["detail"]["task"]["state"] != "cancelled" {
        last = stream.next().await;
    }
    let end = stream.next().await;
    assert_eq!((end.event.as_deref(), end.data), (Some("end"), Value::Null));
    let missing = "/api/tasks/01900000-0000-7000-8000-000000000000/events";
    assert_eq!(
        site.get(missing).await.fault(),
        (404, "not_found".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn vitals_and_the_live_dashboard_flow() {
    let site = Site::new().await;
    let mut vitals = Stream::open(&site, "/api/vitals/events", None).await;
    assert!(vitals.next().await.data.is_object());
    let mut live = Stream::open(&site, "/api/live/events", None).await;
    assert!(live.next().await.data.is_object());
    let settings = site.get("/api/settings").await.expect(200);
    if let Some(name) = settings["suggestions"][0]["name"].as_str() {
        let path = format!("/api/settings/suggestions/{name}/amount/events");
        let mut amount = Stream::open(&site, &path, None).await;
        assert!(amount.next().await.data.is_object());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_hears_no_more() {
    let site = Site::new().await;
    let (_, path) = site.link.split_once("/sign-in").unwrap();
    let answer = site.ask("GET", &format!("/sign-in{path}"), &[], "").await;
    let set = answer.header("set-cookie").unwrap();
    let cookie = set.split(';').next().unwrap().to_owned();
    let request = site.request("GET", "/api/events", &[("cookie", &cookie)], "");
    let stream = tokio::spawn(read_all(site.address, request));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let headers = [("cookie", cookie.as_str()), ("x-upkeep-request", "browser")];
    site.ask("POST", "/api/sign-out", &headers, "")
        .await
        .expect(204);
    let task = trigger(&site, 1).await;
    let heard = stream.await.unwrap().text();
    assert!(!heard.contains(&task), "{heard}");
}
