//! The real app in its real webview, driven through WebKitWebDriver.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::installation::Installation;
use super::process::{Process, app_program};

/// How long a page may take to show what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The app, open in a window.
pub(crate) struct App {
    /// The session.
    pub(crate) client: Client,
    driver: Process,
}

impl App {
    /// Opens the app on an installation. One app at a time: WebKitWebDriver has one session.
    pub(crate) async fn open(installation: &Installation) -> Self {
        Self::open_with(installation, &[]).await
    }

    /// Opens the app with more environment variables.
    pub(crate) async fn open_with(
        installation: &Installation,
        environment: &[(&str, &str)],
    ) -> Self {
        Self::open_on(installation, None, environment).await
    }

    /// Opens the app on this database, by default the installation's own.
    pub(crate) async fn open_on(
        installation: &Installation,
        database: Option<&str>,
        environment: &[(&str, &str)],
    ) -> Self {
        let port = free_port();
        let mut command = ordinary_rights("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .envs(environment.iter().copied());
        let mut driver = Process::start_on(installation, database, command, "app");
        let capabilities: Capabilities = [(
            "webkitgtk:browserOptions".to_owned(),
            json!({ "binary": app_program(), "args": [] }),
        )]
        .into_iter()
        .collect();
        let begun = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let url = format!("http://127.0.0.1:{port}");
            let connecting = builder.capabilities(capabilities.clone()).connect(&url);
            let Ok(connected) = tokio::time::timeout(PATIENCE, connecting).await else {
                panic!("the app never opened its window:\n{}", driver.output());
            };
            match connected {
                Ok(client) => break client,
                Err(error) => {
                    assert!(
                        driver.is_running(),
                        "WebKitWebDriver ended: {}",
                        driver.output()
                    );
                    assert!(
                        begun.elapsed() < PATIENCE,
                        "no session with the app: {error}\n{}",
                        driver.output()
                    );
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        Self { client, driver }
    }

    /// What the app has logged.
    pub(crate) fn output(&self) -> String {
        self.driver.output()
    }

    /// Waits until the app has logged this so often.
    pub(crate) fn wait_for_log(&mut self, times: usize, text: &str) {
        self.driver.wait_for_times(times, text);
    }

    /// The process that shows the page, which is one of its own.
    pub(crate) fn page_process(&self) -> u32 {
        let of_page = |(pid, name): (u32, String)| name.starts_with("WebKitWebProc").then_some(pid);
        let found: Vec<u32> = self
            .driver
            .group()
            .into_iter()
            .filter_map(of_page)
            .collect();
        assert_eq!(found.len(), 1, "{:?}", self.driver.group());
        found[0]
    }

    /// What the driver answered; else the test ends with all that tells why. A driver whose app or page has died
    /// answers with an unknown error without a word.
    pub(crate) fn answered<T>(&self, what: &str, answer: Result<T, CmdError>) -> T {
        answer.unwrap_or_else(|error| {
            panic!(
                "{what}: {error:?}\nthere still are {:?}\nthe app says:\n{}",
                self.driver.group(),
                self.output()
            )
        })
    }

    /// Ends the session and the app with it.
    pub(crate) async fn close(self) {
        let ended = self.client.clone().close().await;
        self.answered("close", ended);
    }

    /// The element with this `data-testid`, once it is there and shown.
    pub(crate) async fn find(&self, id: &str) -> Element {
        self.css(&format!("[data-testid='{id}']")).await
    }

    /// The element that a CSS selector names, once it is there and shown.
    pub(crate) async fn css(&self, selector: &str) -> Element {
        let begun = Instant::now();
        loop {
            if let Ok(element) = self.client.find(Locator::Css(selector)).await
                && element.is_displayed().await.unwrap_or(false)
            {
                return element;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "`{selector}` never appeared; the page says:\n{}\nthe app says:\n{}",
                self.page_text().await,
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Clicks the element with this `data-testid`.
    pub(crate) async fn click(&self, id: &str) {
        let clicked = self.find(id).await.click().await;
        self.answered(&format!("click `{id}`"), clicked);
    }

    /// True when an element with this `data-testid` is shown right now.
    pub(crate) async fn shows(&self, id: &str) -> bool {
        match self
            .client
            .find(Locator::Css(&format!("[data-testid='{id}']")))
            .await
        {
            Ok(element) => element.is_displayed().await.unwrap_or(false),
            Err(_) => false,
        }
    }

    /// The text of the element with this `data-testid`.
    pub(crate) async fn text(&self, id: &str) -> String {
        self.find(id).await.text().await.unwrap()
    }

    /// Waits until the element's text contains this, and returns the whole text.
    pub(crate) async fn wait_for_text(&self, id: &str, part: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = self.find(id).await.text().await.unwrap_or_default();
            if text.to_lowercase().contains(&part.to_lowercase()) {
                return text;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "`{id}` never said `{part}`, but: {text}\nthe page says:\n{}",
                self.page_text().await
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until no element with this `data-testid` is shown.
    pub(crate) async fn wait_until_gone(&self, id: &str) {
        let begun = Instant::now();
        while self.shows(id).await {
            assert!(begun.elapsed() < PATIENCE, "`{id}` never went away");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Goes to a page, such as `#/tasks`.
    pub(crate) async fn go(&self, hash: &str) {
        self.run("location.hash = arguments[0]", vec![json!(hash)])
            .await;
    }

    /// Runs JavaScript in the page.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.client.execute(script, arguments).await;
        self.answered(script, answer)
    }

    /// Everything the page says.
    pub(crate) async fn page_text(&self) -> String {
        let text = self
            .client
            .execute("return document.body.innerText", vec![])
            .await;
        text.ok()
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Writes a screenshot of the page.
    pub(crate) async fn screenshot(&self, path: &Path) {
        let picture = self.answered("screenshot", self.client.screenshot().await);
        std::fs::write(path, picture).unwrap();
    }
}

/// The program with an ordinary user's rights over files: a root that may read every folder has no
/// unreadable one.
fn ordinary_rights(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-dac_override,-dac_read_search"]);
    command.args(["--inh-caps", "-dac_override,-dac_read_search", program]);
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
