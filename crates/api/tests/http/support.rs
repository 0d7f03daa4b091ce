//! A server of its own for each test, and a client that sends the very bytes it is given.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use upkeep_api::{Options, Rights, Server, TokenFile};
use upkeep_config::Folders;
use upkeep_console::Installation;
use upkeep_queue::Queue;
use upkeep_testkit::{PostgresCluster, folder_in_memory};

/// What anything here may take before the test gives up: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server, its installation and its tokens.
pub(crate) struct Site {
    folder: TempDir,
    url: String,
    pub(crate) address: SocketAddr,
    pub(crate) link: String,
    pub(crate) token: String,
    pub(crate) read_only_token: String,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

/// A server that listens on this machine alone and starts no worker.
pub(crate) fn options() -> Options {
    Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
        behind_proxy: false,
        allowed_hosts: Vec::new(),
        worker: false,
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        let folder = folder_in_memory();
        let url = Folders::at(&folder.path().join("home")).database_url(None);
        Self::with(folder, url).await
    }

    pub(crate) async fn postgres() -> Self {
        let url = PostgresCluster::shared().database().await;
        Self::with(folder_in_memory(), url).await
    }

    async fn with(folder: TempDir, url: String) -> Self {
        let folders = Folders::at(&folder.path().join("home"));
        let installation = Installation {
            folders: folders.clone(),
            database_url: url.clone(),
        };
        let server = Server::listen(installation, &options()).await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], server.port()));
        let link = server.sign_in_link().unwrap();
        let read = |rights| {
            let file = TokenFile::of(&folders, rights);
            let text = std::fs::read_to_string(file.path()).unwrap();
            text.trim().to_owned()
        };
        let (stop, told) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            told.await.ok();
        }));
        Self {
            token: read(Rights::Full),
            read_only_token: read(Rights::ReadOnly),
            folder,
            url,
            address,
            link,
            stop: Some(stop),
            running: Some(running),
        }
    }

    pub(crate) fn folders(&self) -> Folders {
        Folders::at(&self.folder.path().join("home"))
    }

    pub(crate) async fn queue(&self) -> Queue {
        Queue::open(&self.url).await.unwrap()
    }

    /// Stops the server, as a signal does, and waits until it has ended.
    pub(crate) async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.running.take().unwrap()).await;
        ended.unwrap().unwrap();
    }

    /// Sends these bytes and reads the answer to its end.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // a server that refuses early may close before it has read everything
        stream.write_all(bytes).await.ok();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.unwrap().ok();
        Answer::parse(&answer)
    }

    /// Sends a request with these headers besides Host and the end of the connection.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.raw(&self.request(method, path, headers, body)).await
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Vec<u8> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        let has = |name: &str| headers.iter().any(|(known, _)| *known == name);
        if !has("host") {
            let _written = write!(text, "host: {}\r\n", self.address);
        }
        if !body.is_empty() && !has("content-length") {
            let _written = write!(text, "content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            let _written = write!(text, "{name}: {value}\r\n");
        }
        text += "\r\n";
        text += body;
        text.into_bytes()
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Asks with the full token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let token = self.bearer();
        self.ask("GET", path, &[("authorization", &token)], "")
            .await
    }

    /// Sends with the full token; a body goes as JSON.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let token = self.bearer();
        let authorization = ("authorization", token.as_str());
        if body.is_null() {
            return self.ask(method, path, &[authorization], "").await;
        }
        let headers = [authorization, ("content-type", "application/json")];
        self.ask(method, path, &headers, &body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body).await
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return Self {
                status: 0,
                headers: Vec::new(),
                body: bytes.to_vec(),
            };
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_lowercase(), value.to_owned())
        });
        let mut answer = Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status, and the code of its error.
    pub(crate) fn fault(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }

    /// Its body, which must have come with this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() {
            return Value::Null;
        }
        self.json()
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let piece = &bytes[end + 2..];
        if size == 0 || piece.len() < size {
            whole.extend_from_slice(&piece[..size.min(piece.len())]);
            break;
        }
        whole.extend_from_slice(&piece[..size]);
        bytes = piece.get(size + 2..).unwrap_or_default();
    }
    whole
}

/// Makes each of these `async fn(Site)` two tests: `<name>::sqlite` and `<name>::postgres`.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name($crate::support::Site::new().await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                super::$name($crate::support::Site::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both_engines;
