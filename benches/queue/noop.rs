//! The operation that does nothing but say when it began.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use upkeep_contract::params::{InvalidParameter, Validate};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_operations::{Context, Finished, Operation, OperationError, Registry};
use upkeep_queue::NewTask;
use upkeep_worker::WorkerOptions;

const ID: &str = "bench-noop";

/// An attempt that began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    /// The task's own number.
    pub(crate) number: u64,
    /// Since the Unix epoch: the clock that all processes of a machine share.
    pub(crate) at: Duration,
}

/// What the operation is told.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Params {
    number: u64,
    /// Goes on until it is told to stop.
    hold: bool,
}

impl Validate for Params {
    fn validate(&self) -> Result<(), InvalidParameter> {
        Ok(())
    }
}

struct Noop(UnboundedSender<Begun>);

#[async_trait]
impl Operation for Noop {
    type Params = Params;
    type Report = ();

    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "does nothing"
    }

    fn deletes(&self) -> bool {
        false
    }

    async fn run(&self, params: Params, context: &Context) -> Result<Finished<()>, OperationError> {
        let at = since_epoch();
        let number = params.number;
        // whoever listened may have heard enough
        self.0.send(Begun { number, at }).ok();
        if params.hold {
            context.cancellation.cancelled().await;
        }
        Ok(Finished::Succeeded(()))
    }
}

pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// A registry with the operation alone, and what its attempts say.
pub(crate) fn registry() -> (Registry, UnboundedReceiver<Begun>) {
    let (sender, begun) = unbounded_channel();
    (Registry::empty().with(Noop(sender)), begun)
}

/// A task that ends at once.
pub(crate) fn task(number: u64) -> NewTask {
    NewTask::new(ID, json!({ "number": number, "hold": false }), "bench")
}

/// A task that holds its worker.
pub(crate) fn holding_task() -> NewTask {
    NewTask::new(ID, json!({ "number": 0, "hold": true }), "bench")
}

/// The default settings, but for how many tasks are performed at once.
pub(crate) fn options(concurrency: u32) -> WorkerOptions {
    WorkerOptions {
        concurrency,
        strategy: ClaimStrategy::Priority,
        ..WorkerOptions::default()
    }
}
