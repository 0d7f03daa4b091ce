//! From the beginning of the call that enqueues to the first line of the operation, while the worker is idle.

use std::time::Duration;

use upkeep_queue::Queue;

use crate::database::{Databases, Engine};
use crate::figures::{Bar, heading, ms, times};
use crate::noop::{Begun, options, registry, since_epoch, task};
use crate::other_process::OtherProcess;

const SAMPLES: u64 = 400;
const WARM_UP: u64 = 20;

pub(crate) async fn measure(databases: &Databases) {
    heading("Idle latency: enqueue to the handler's first line");
    for engine in Engine::BOTH {
        let (p50, p99) = match engine {
            Engine::Sqlite => (Bar::Below(2.0), Bar::Below(6.0)),
            Engine::Postgres => (Bar::None, Bar::None),
        };
        let samples = same_process(databases, engine).await;
        times(engine.name(), "same process", &samples, p50, p99);
        let (p50, p99) = match engine {
            Engine::Sqlite => (Bar::Below(15.0), Bar::Below(30.0)),
            Engine::Postgres => (Bar::Below(4.0), Bar::Below(6.0)),
        };
        let samples = across_processes(databases, engine).await;
        times(engine.name(), "another process", &samples, p50, p99);
    }
}

async fn same_process(databases: &Databases, engine: Engine) -> Vec<f64> {
    let url = databases.fresh(engine).await;
    let queue = Queue::open(&url).await.unwrap();
    let (registry, mut begun) = registry();
    let folder = databases.folder().to_owned();
    let worker = upkeep_worker::start(queue.clone(), registry, folder, options(4))
        .await
        .unwrap();
    let samples = sample(&queue, async || begun.recv().await.unwrap()).await;
    worker.stop().await.unwrap();
    queue.close().await;
    databases.remove(&url).await;
    samples
}

async fn across_processes(databases: &Databases, engine: Engine) -> Vec<f64> {
    let url = databases.fresh(engine).await;
    let queue = Queue::open(&url).await.unwrap();
    let mut worker = OtherProcess::started(&url, 4).await;
    let samples = sample(&queue, async || worker.begun().await).await;
    drop(worker);
    queue.close().await;
    databases.remove(&url).await;
    samples
}

async fn sample(queue: &Queue, mut begun: impl AsyncFnMut() -> Begun) -> Vec<f64> {
    let mut samples = Vec::new();
    for number in 0..WARM_UP + SAMPLES {
        // never in step with anybody's look at the database
        let pause = Duration::from_micros(rand::random_range(30_000..90_000));
        tokio::time::sleep(pause).await;
        let asked = since_epoch();
        queue.enqueue(task(number)).await.unwrap();
        let began = begun().await;
        assert_eq!(began.number, number);
        if number >= WARM_UP {
            samples.push(ms(began.at.saturating_sub(asked)));
        }
    }
    samples
}
