//! The operator's levers.

use schemars::JsonSchema;
use serde::Deserialize;
use upkeep_contract::Timestamp;
use upkeep_contract::bulk::{BulkCancelOutcome, BulkCount, BulkRunAgainOutcome};
use upkeep_contract::task::{ForceCloseOutcome, PriorityOutcome, TaskFilter};

use crate::answer::{Accepted, Data, Done};
use crate::call::{Call, NoQuery, Sends, only_an_object};
use crate::problem::Reply;
use crate::query::TaskFilterQuery;
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .post(
            "/api/operations/{operation}/pause",
            "Let an operation's tasks wait",
            pause,
        )
        .post(
            "/api/operations/{operation}/resume",
            "Let them be claimed again",
            resume,
        )
        .put(
            "/api/tasks/{id}/priority",
            "Change when a waiting task has its turn",
            set_priority,
        )
        .post(
            "/api/tasks/{id}/force-close",
            "Close what a worker that is gone still holds",
            force_close,
        )
        .get("/api/tasks/count", "How many tasks a filter matches", count)
        .post(
            "/api/tasks/cancel",
            "Cancel every task that a filter matches",
            cancel_matching,
        )
        .post(
            "/api/tasks/run-again",
            "Ask again for every task that has ended and that a filter matches",
            run_again_matching,
        );
}

/// A priority.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Priority {
    /// Lower runs first.
    priority: i32,
}

/// Every task that a filter matches and that was there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Matching {
    /// Which tasks.
    #[serde(deserialize_with = "only_an_object")]
    #[schemars(with = "TaskFilter")]
    filter: TaskFilter,
    /// What was enqueued later is left alone.
    enqueued_by: Timestamp,
}

async fn pause(call: Call) -> Reply<Done> {
    let console = call.console().await?;
    console.pause_operation(&call.at("operation")).await?;
    Ok(Done)
}

async fn resume(call: Call) -> Reply<Done> {
    let console = call.console().await?;
    console.resume_operation(&call.at("operation")).await?;
    Ok(Done)
}

async fn set_priority(call: Call<NoQuery, Sends<Priority>>) -> Reply<Data<PriorityOutcome>> {
    let console = call.console().await?;
    let id = call.at("id");
    Ok(Data(console.set_priority(&id, call.body.0.priority).await?))
}

async fn force_close(call: Call) -> Reply<Data<ForceCloseOutcome>> {
    let console = call.console().await?;
    Ok(Data(console.force_close(&call.at("id")).await?))
}

async fn count(call: Call<TaskFilterQuery>) -> Reply<Data<BulkCount>> {
    let console = call.console().await?;
    Ok(Data(console.count_tasks(&call.query.filter()).await?))
}

async fn cancel_matching(call: Call<NoQuery, Sends<Matching>>) -> Reply<Data<BulkCancelOutcome>> {
    let console = call.console().await?;
    let Sends(asked) = call.body;
    let outcome = console.cancel_matching(&asked.filter, asked.enqueued_by);
    Ok(Data(outcome.await?))
}

async fn run_again_matching(
    call: Call<NoQuery, Sends<Matching>>,
) -> Reply<Accepted<BulkRunAgainOutcome>> {
    let console = call.console().await?;
    let Sends(asked) = call.body;
    let outcome = console.run_again_matching(&asked.filter, asked.enqueued_by);
    Ok(Accepted(outcome.await?))
}
