//! Requests accepted one by one, each durable before its client asks for the next.

use std::time::Instant;

use upkeep_queue::Queue;

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, per_second, row};
use crate::noop::task;

const ROUNDS: usize = 5;

/// Clients, and how many requests they make in all.
const CLIENTS: [(usize, usize); 3] = [(1, 3_000), (8, 12_000), (32, 24_000)];

pub(crate) async fn measure(databases: &Databases) {
    heading("Enqueue, each request durable before the next");
    for engine in Engine::BOTH {
        for (clients, count) in CLIENTS {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                let url = databases.fresh(engine).await;
                let queue = Queue::open(&url).await.unwrap();
                enqueue(&queue, clients, 500).await;
                let begun = Instant::now();
                enqueue(&queue, clients, count).await;
                rounds.push(per_second(count, begun.elapsed()));
                queue.close().await;
                databases.remove(&url).await;
            }
            let bar = match (engine, clients) {
                (_, 1) => Bar::AtLeast(3_000.0),
                _ => Bar::None,
            };
            let what = format!("{clients} clients, transactions shared by those who wait");
            let what = if clients == 1 {
                "1 client, one task for each transaction"
            } else {
                &what
            };
            row(
                engine.name(),
                what,
                &format!("{count} × {ROUNDS}"),
                &rounds,
                "tasks/s",
                bar,
            );
        }
    }
}

async fn enqueue(queue: &Queue, clients: usize, count: usize) {
    let asking: Vec<_> = (0..clients)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for number in 0..count / clients {
                    queue.enqueue(task(number as u64)).await.unwrap();
                }
            })
        })
        .collect();
    for client in asking {
        client.await.unwrap();
    }
}
