//! The real app in its real webview: what an operator clicks, sees and gets.
//!
//! WebKitWebDriver has one session at a time, so these tests run one after another.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

mod desktop {
    mod accessibility;
    mod audit;
    mod cleaning;
    mod failures;
    mod figures;
    mod flat;
    mod fleet;
    mod health;
    mod keyboard;
    mod leaving_out;
    mod life;
    mod live;
    mod notifications;
    mod settings;
    mod sizes;
    mod tasks;
    mod trash;
    mod workers;
}
