//! Starts a throw-away PostgreSQL server, writes the URL of a fresh database, and lasts until its input
//! ends: to try Upkeep on PostgreSQL by hand, and for tests of what becomes of the server.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and its output is what it is for"
)]

use std::io::Read;

use upkeep_testkit::PostgresCluster;

#[tokio::main]
async fn main() {
    let url = PostgresCluster::shared().database().await;
    println!("{url}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
