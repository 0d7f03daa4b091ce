//! Many hosts: fan-outs and workers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use upkeep_contract::group::{FanOutOutcome, TaskGroup};
use upkeep_contract::worker::{EmbeddedWorker, Worker};
use upkeep_contract::{OperationId, WorkerId};

use crate::answer::{Accepted, Data, Done};
use crate::call::{Call, NoQuery, Sends};
use crate::problem::Reply;
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .post(
            "/api/groups",
            "Ask for an operation on every host that has a live worker",
            trigger_every_host,
        )
        .get("/api/groups/{id}", "The tasks of one fan-out", show)
        .post(
            "/api/groups/{id}/execute",
            "Execute the plans that the previews of a fan-out wrote",
            execute,
        )
        .post(
            "/api/groups/{id}/repeat",
            "Ask again where a fan-out failed",
            repeat,
        )
        .get(
            "/api/workers",
            "The workers that are alive or were within a day",
            workers,
        )
        .post(
            "/api/workers/{id}/drain",
            "Let a worker finish what it holds and claim nothing new",
            drain,
        )
        .post(
            "/api/workers/{id}/resume",
            "Let a worker that drains claim tasks again",
            resume,
        )
        .post(
            "/api/workers/forget",
            "Take workers that are gone off the list",
            forget,
        )
        .get(
            "/api/embedded-worker",
            "The worker inside the server",
            embedded_worker,
        )
        .post(
            "/api/embedded-worker/start",
            "Start a worker inside the server",
            begin_embedded_worker,
        )
        .post(
            "/api/embedded-worker/stop",
            "Stop it; what it holds goes back to the queue",
            end_embedded_worker,
        );
}

/// A request for an operation on every host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FanOut {
    /// What is to be done.
    operation: OperationId,
    /// With which parameters.
    #[serde(default)]
    params: Map<String, Value>,
}

/// Workers that are meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Workers {
    /// Their ids.
    worker_ids: Vec<WorkerId>,
}

/// Workers that are off the list.
#[derive(Debug, Serialize, JsonSchema)]
struct Forgotten {
    /// How many.
    forgotten: u32,
}

async fn trigger_every_host(call: Call<NoQuery, Sends<FanOut>>) -> Reply<Accepted<FanOutOutcome>> {
    let console = call.console().await?;
    let Sends(asked) = call.body;
    let outcome = console.trigger_every_host(&asked.operation, Value::Object(asked.params));
    Ok(Accepted(outcome.await?))
}

async fn show(call: Call) -> Reply<Data<TaskGroup>> {
    let console = call.console().await?;
    Ok(Data(console.task_group(&call.at("id")).await?))
}

async fn execute(call: Call) -> Reply<Accepted<FanOutOutcome>> {
    let console = call.console().await?;
    Ok(Accepted(console.execute_group(&call.at("id")).await?))
}

async fn repeat(call: Call) -> Reply<Accepted<FanOutOutcome>> {
    let console = call.console().await?;
    Ok(Accepted(console.repeat_group(&call.at("id")).await?))
}

async fn workers(call: Call) -> Reply<Data<Vec<Worker>>> {
    Ok(Data(call.console().await?.workers().await?))
}

async fn drain(call: Call) -> Reply<Done> {
    let console = call.console().await?;
    console.drain_worker(&call.at("id")).await?;
    Ok(Done)
}

async fn resume(call: Call) -> Reply<Done> {
    let console = call.console().await?;
    console.resume_worker(&call.at("id")).await?;
    Ok(Done)
}

async fn forget(call: Call<NoQuery, Sends<Workers>>) -> Reply<Data<Forgotten>> {
    let console = call.console().await?;
    let forgotten = console.forget_workers(&call.body.0.worker_ids).await?;
    Ok(Data(Forgotten { forgotten }))
}

async fn embedded_worker(call: Call) -> Reply<Data<EmbeddedWorker>> {
    Ok(Data(call.console().await?.embedded_worker().await))
}

async fn begin_embedded_worker(call: Call) -> Reply<Data<EmbeddedWorker>> {
    let console = call.console().await?;
    Ok(Data(console.begin_embedded_worker().await?))
}

async fn end_embedded_worker(call: Call) -> Reply<Data<EmbeddedWorker>> {
    let console = call.console().await?;
    Ok(Data(console.end_embedded_worker().await?))
}
