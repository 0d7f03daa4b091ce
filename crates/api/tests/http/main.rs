//! A real server on a port of its own, real databases, and clients that say whatever they like.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

mod attacks;
mod document;
mod files;
mod routes;
mod sign_in;
mod streams;
mod support;
mod tls;
