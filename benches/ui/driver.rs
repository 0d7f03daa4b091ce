//! The app in a window that can be asked, through WebKitWebDriver.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::program::{Program, Which, newest};

/// Opens the app, and tells its process.
pub(crate) async fn open(which: Which, home: &Path) -> (Program, Client, u32) {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let app = which.path();
    let driver = Program::start_with(
        Path::new("WebKitWebDriver"),
        &[&format!("--port={port}")],
        home,
        which.paints_like_upkeep(),
    );
    let capabilities: Capabilities = [(
        "webkitgtk:browserOptions".to_owned(),
        json!({ "binary": app, "args": [] }),
    )]
    .into_iter()
    .collect();
    for _ in 0..300 {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder
            .capabilities(capabilities.clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        if let Ok(client) = connecting {
            return (driver, client, newest(&app));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no session with the app");
}

/// Waits until a script answers true.
pub(crate) async fn until(client: &Client, script: &str) {
    for _ in 0..600 {
        if client.execute(script, vec![]).await.unwrap() == Value::Bool(true) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let says = client.execute("return document.body.innerText", vec![]);
    panic!("never true: {script}\n{}", says.await.unwrap());
}
