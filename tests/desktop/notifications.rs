//! Notifications of the desktop: what ends while nobody looks at the window is told once.

#![allow(
    clippy::unused_self,
    clippy::used_underscore_binding,
    clippy::too_many_arguments,
    reason = "the interface is as desktops have it, and its macro reads every argument"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use upkeep_contract::task::TaskState;
use zbus::connection::Builder;
use zbus::zvariant::OwnedValue;

use crate::support::installation::{Installation, ask, until_final};
use crate::support::webdriver::App;
use crate::support::window;

/// A desktop that shows notifications: it notes what it was told.
#[derive(Clone, Default)]
struct Desktop(Arc<Mutex<Vec<(String, String)>>>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desktop {
    fn notify(
        &self,
        _app_name: String,
        _replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: std::collections::HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut told = self.0.lock().unwrap();
        told.push((summary, body));
        u32::try_from(told.len()).unwrap()
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn close_notification(&self, _id: u32) {}

    fn get_server_information(&self) -> (String, String, String, String) {
        let text = |text: &str| text.to_owned();
        (text("test"), text("test"), text("1"), text("1.2"))
    }
}

impl Desktop {
    fn told(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }

    async fn wait_for(&self, count: usize) -> Vec<(String, String)> {
        for _ in 0..300 {
            if self.told().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.told()
    }
}

/// Asks for what must fail: the log's folder is a file.
async fn fail_once(installation: &Installation) {
    let queue = installation.queue().await;
    let id = ask(&queue, "log-statistics", json!({})).await;
    let detail = until_final(&queue, &id).await;
    assert_eq!(detail.task.state, TaskState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_once_while_nobody_looks_and_not_while_somebody_does() {
    let desktop = Desktop::default();
    let _bus = Builder::session()
        .unwrap()
        .serve_at("/org/freedesktop/Notifications", desktop.clone())
        .unwrap()
        .name("org.freedesktop.Notifications")
        .unwrap()
        .build()
        .await
        .unwrap();
    let installation = Installation::new();
    let app = App::open(&installation).await;
    app.find("run-log-statistics").await;
    let log = installation.home().join("logs/statistics.jsonl");
    std::fs::create_dir_all(&log).unwrap();

    window::unfocus();
    fail_once(&installation).await;
    let told = desktop.wait_for(1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "Log statistics failed");
    assert!(told[0].1.contains("statistics.jsonl"), "{told:?}");

    // what ends well is no problem
    let queue = installation.queue().await;
    let id = ask(&queue, "health-check", json!({})).await;
    until_final(&queue, &id).await;

    window::focus("Upkeep");
    fail_once(&installation).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(
        desktop.told().len(),
        1,
        "somebody looked: {:?}",
        desktop.told()
    );

    // and what was seen is no news afterwards
    window::unfocus();
    app.go("#/settings").await;
    app.click("notify-all").await;
    let id = ask(&queue, "health-check", json!({"cpu_window_ms": 200})).await;
    until_final(&queue, &id).await;
    let told = desktop.wait_for(2).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1].0, "Health check succeeded");
    app.close().await;

    // the choice outlives the window
    let app = App::open(&installation).await;
    app.go("#/settings").await;
    app.css("[data-testid='notify-all']:checked").await;
    app.close().await;
}
