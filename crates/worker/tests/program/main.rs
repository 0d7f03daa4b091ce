//! The program `upkeep-worker` itself, started as an operator or a service manager starts it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod check;
mod health;
mod home;
mod logs;
mod manager;
mod service;
mod unit;
mod usage;
