//! Asking for tasks, and looking at them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use upkeep_contract::earlier::EarlierRuns;
use upkeep_contract::task::{
    CancelOutcome, LogHits, LogLine, TaskDetail, TaskPage, TriggerOutcome,
};
use upkeep_contract::{OperationId, TaskId};

use crate::answer::{Accepted, Data, File};
use crate::call::{Call, NoQuery, Sends};
use crate::handlers::export;
use crate::problem::Reply;
use crate::query::{FindQuery, LogQuery, LogSearchQuery, TaskPageQuery};
use crate::table::Table;

pub(super) fn routes(table: &mut Table) {
    table
        .get("/api/tasks", "A page of tasks, the newest first", list)
        .post("/api/tasks", "Ask for an operation, once", trigger)
        .get(
            "/api/tasks/find",
            "The task of this id, or the only one whose id begins so",
            find,
        )
        .get(
            "/api/tasks/{id}",
            "A task with its attempts and report",
            show,
        )
        .get(
            "/api/system/maintenance/tasks/{id}",
            "A task with its attempts and report",
            show,
        )
        .post(
            "/api/tasks/{id}/cancel",
            "Cancel a task that waits, or ask the worker of a running one to stop",
            cancel,
        )
        .post(
            "/api/tasks/{id}/run-again",
            "Ask for the same again, as a new task",
            run_again,
        )
        .get(
            "/api/tasks/{id}/earlier-runs",
            "What earlier runs of the same operation say about a task",
            earlier_runs,
        )
        .get(
            "/api/tasks/{id}/log",
            "Lines of a task's log, the oldest first",
            log,
        )
        .get(
            "/api/tasks/{id}/log/search",
            "Look for a text in a task's log",
            search_log,
        )
        .get(
            "/api/tasks/{id}/report",
            "A task's report as a file",
            report,
        );
}

/// A request for an operation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Trigger {
    /// What is to be done.
    operation: OperationId,
    /// With which parameters.
    #[serde(default)]
    params: Map<String, Value>,
    /// On which host; on any when left out.
    #[serde(default)]
    host: Option<String>,
}

/// A task that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// Its id.
    task_id: TaskId,
}

async fn list(call: Call<TaskPageQuery>) -> Reply<Data<TaskPage>> {
    let query = &call.query;
    let after = query.after()?;
    let console = call.console().await?;
    let page = console
        .tasks(&query.filter(), after.as_ref(), query.limit())
        .await?;
    Ok(Data(page))
}

async fn trigger(call: Call<NoQuery, Sends<Trigger>>) -> Reply<Accepted<TriggerOutcome>> {
    let console = call.console().await?;
    let Sends(asked) = call.body;
    let params = Value::Object(asked.params);
    let outcome = console.trigger(&asked.operation, params, asked.host);
    Ok(Accepted(outcome.await?))
}

async fn find(call: Call<FindQuery>) -> Reply<Data<Found>> {
    let console = call.console().await?;
    let task_id = console.find_task(&call.query.beginning).await?;
    Ok(Data(Found { task_id }))
}

async fn show(call: Call) -> Reply<Data<TaskDetail>> {
    Ok(Data(call.console().await?.task(&call.at("id")).await?))
}

async fn cancel(call: Call) -> Reply<Data<CancelOutcome>> {
    Ok(Data(call.console().await?.cancel(&call.at("id")).await?))
}

async fn run_again(call: Call) -> Reply<Accepted<TriggerOutcome>> {
    let console = call.console().await?;
    Ok(Accepted(console.run_again(&call.at("id")).await?))
}

async fn earlier_runs(call: Call) -> Reply<Data<EarlierRuns>> {
    let console = call.console().await?;
    Ok(Data(console.earlier_runs(&call.at("id")).await?))
}

async fn log(call: Call<LogQuery>) -> Reply<Data<Vec<LogLine>>> {
    let query = &call.query;
    let console = call.console().await?;
    let lines = console
        .task_log(&call.at("id"), query.after, query.limit())
        .await?;
    Ok(Data(lines))
}

async fn search_log(call: Call<LogSearchQuery>) -> Reply<Data<LogHits>> {
    let query = &call.query;
    let console = call.console().await?;
    let hits = console
        .search_task_log(&call.at("id"), &query.text, query.after)
        .await?;
    Ok(Data(hits))
}

async fn report(call: Call) -> Reply<File> {
    let (name, bytes) = call.console().await?.report_file(&call.at("id")).await?;
    Ok(export::attachment(
        &name,
        "application/json",
        bytes.into(),
        None,
    ))
}
