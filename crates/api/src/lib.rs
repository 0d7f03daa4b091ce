//! The HTTP front door: every use case of console for programs, and the built UI for a browser.
//!
//! Rules: a handler parses, calls one use case, and hands back its answer or its error; each route is
//! declared once and yields both the route and its part of the `OpenAPI` document; nothing is answered to who
//! has shown no right to ask. Deliberately absent: rules of maintenance, SQL, timers that make tasks.

mod answer;
mod app;
mod assets;
mod call;
mod guard;
mod handlers;
mod hub;
mod openapi;
mod pace;
mod problem;
mod query;
mod secrets;
mod serve;
mod sse;
mod table;
mod tls;

pub use openapi::document;
pub use secrets::{Rights, SecretError, TokenFile, read_address, sign_in_link};
pub use serve::{Options, ServeError, Server, TlsFiles};
