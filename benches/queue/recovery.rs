//! From `kill -9` of a worker that holds a task to the next attempt's first line at another worker, default settings.

use std::time::Duration;

use futures::future::join_all;
use upkeep_queue::Queue;

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, row};
use crate::noop::{holding_task, since_epoch};
use crate::other_process::OtherProcess;

const ROUNDS: usize = 6;

pub(crate) async fn measure(databases: &Databases) {
    heading("Recovery: taken up again after kill -9 of its worker");
    for engine in Engine::BOTH {
        // side by side: most of it is waiting
        let rounds = join_all((0..ROUNDS).map(|_| one(databases, engine))).await;
        let count = ROUNDS.to_string();
        row(
            engine.name(),
            "lease 10 s",
            &count,
            &rounds,
            "s",
            Bar::Below(15.0),
        );
    }
}

async fn one(databases: &Databases, engine: Engine) -> f64 {
    let url = databases.fresh(engine).await;
    let queue = Queue::open(&url).await.unwrap();
    let mut first = OtherProcess::started(&url, 4).await;
    queue.enqueue(holding_task()).await.unwrap();
    first.begun().await;
    let mut bystander = OtherProcess::started(&url, 4).await;
    // at any moment between two heartbeats
    let pause = Duration::from_millis(rand::random_range(4_000..7_000));
    tokio::time::sleep(pause).await;
    let killed = since_epoch();
    first.kill();
    let again = bystander.begun().await;
    drop(bystander);
    queue.close().await;
    databases.remove(&url).await;
    again.at.saturating_sub(killed).as_secs_f64()
}
