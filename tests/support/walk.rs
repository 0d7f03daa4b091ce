//! Going through the app as somebody who looks at everything: its pages, keys, and sizes.

use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use serde_json::{Value, json};

use super::webdriver::App;

/// Keys by their `WebDriver` names.
pub(crate) mod key {
    pub(crate) const TAB: char = '\u{e004}';
    pub(crate) const ENTER: char = '\u{e007}';
    pub(crate) const SHIFT: char = '\u{e008}';
    pub(crate) const CONTROL: char = '\u{e009}';
    pub(crate) const ESCAPE: char = '\u{e00c}';
    pub(crate) const SPACE: char = ' ';
    pub(crate) const DOWN: char = '\u{e015}';
}

/// How long a page may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a page whose words change all the time is waited for.
const STILL: Duration = Duration::from_secs(2);

/// 2 when the page in view has read what it shows and says what it said a moment ago, 1 when it has only read,
/// else 0.
const SETTLED: &str = "
    const words = document.body.innerText.replace(/[0-9]+/g, '');
    const before = window.__words;
    window.__words = words;
    if (!document.querySelector('main h1') || /(Reading|Opening|Looking for workers)…/.test(words)) return 0;
    return before === words ? 2 : 1;";

impl App {
    /// The addresses of the pages, as the frame names them.
    pub(crate) async fn pages(&self) -> Vec<String> {
        self.find("nav-overview").await;
        let script = "return [...document.querySelectorAll('nav[aria-label=Pages] li a')].map((a) => a.hash)";
        let pages = self.run(script, vec![]).await;
        let pages: Vec<String> = serde_json::from_value(pages).unwrap();
        assert!(pages.len() >= 7, "{pages:?}");
        pages
    }

    /// Waits until the page has read what it shows.
    pub(crate) async fn settle(&self) {
        let begun = Instant::now();
        loop {
            match self.run(SETTLED, vec![]).await.as_u64() {
                Some(2) => return,
                // live figures change words now and then
                Some(1) if begun.elapsed() > STILL => return,
                _ => assert!(
                    begun.elapsed() < PATIENCE,
                    "no page: {}",
                    self.page_text().await
                ),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Goes to a page and waits for it.
    pub(crate) async fn visit(&self, hash: &str) {
        self.go(hash).await;
        let begun = Instant::now();
        let script =
            "return location.hash === arguments[0] && document.activeElement !== document.body";
        while self.run(script, vec![json!(hash)]).await != json!(true) {
            if begun.elapsed() > Duration::from_secs(2) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.settle().await;
    }

    /// Presses keys one after another.
    pub(crate) async fn press(&self, keys: &[char]) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for &value in keys {
            actions = actions
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
        }
        let pressed = self.client.perform_actions(actions).await;
        self.answered(&format!("press {keys:?}"), pressed);
    }

    /// Presses a key while another is held.
    pub(crate) async fn press_with(&self, held: char, value: char) {
        let actions = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: held })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: held });
        let pressed = self.client.perform_actions(actions).await;
        self.answered(&format!("press {held:?} and {value:?}"), pressed);
    }

    /// What has the focus, in words: its tag, test id and name; `BODY` when nothing has.
    pub(crate) async fn focused(&self) -> String {
        let script = "
            const e = document.activeElement ?? document.body;
            const name = e.dataset.testid ?? e.getAttribute('aria-label') ?? e.innerText?.slice(0, 40) ?? '';
            return e === document.body ? 'BODY' : `${e.tagName} ${name}`;";
        let words = self.run(script, vec![]).await;
        words.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a script answers true.
    pub(crate) async fn until_true(&self, what: &str, script: &str, arguments: Vec<Value>) {
        let begun = Instant::now();
        while self.run(script, arguments.clone()).await != json!(true) {
            assert!(
                begun.elapsed() < PATIENCE,
                "never {what}; the focus is on {}, the page says:\n{}",
                self.focused().await,
                self.page_text().await
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}
