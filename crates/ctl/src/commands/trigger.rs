//! Asking for an operation, and waiting for it.

use std::time::Duration;

use serde_json::{Map, Value};
use upkeep_contract::group::FanOutOutcome;
use upkeep_contract::task::{TaskDetail, TriggerOutcome};
use upkeep_contract::{GroupId, OperationId, TaskId};

use crate::cli::{AskArguments, PreviewArguments, TriggerArguments, WaitArguments};
use crate::connection::Connection;
use crate::failure::{FAILED, Failure};
use crate::output::{GREEN, Output, clean};
use crate::signals::Signals;
use crate::{report, wait, words};

/// Entries that a report shows by itself.
pub(crate) const ENTRIES: usize = 20;

/// What a request led to.
pub(crate) enum Asked {
    One(TriggerOutcome),
    Many(FanOutOutcome),
}

impl Asked {
    /// The tasks that do the work.
    pub(crate) fn tasks(&self) -> Vec<TaskId> {
        match self {
            Self::One(outcome) => vec![outcome.task_id().clone()],
            Self::Many(FanOutOutcome::Queued { tasks, .. }) => tasks
                .iter()
                .map(|task| task.outcome.task_id().clone())
                .collect(),
            Self::Many(_) => Vec::new(),
        }
    }
}

/// `upkeepctl trigger`.
pub(crate) async fn trigger(
    connection: &dyn Connection,
    arguments: &TriggerArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let operation = known(connection, &arguments.ask, arguments.dry_run).await?;
    // before anything is asked for: a signal in between must not end the program without a word
    let signals = listen(&arguments.wait)?;
    let asked = if let Some(group) = &arguments.plan.plans_of {
        execute_group(connection, &operation, group).await?
    } else {
        let mut params = arguments.ask.merged()?;
        if let Some(preview) = &arguments.plan.plan {
            params = of_plan(connection, &operation, preview, params).await?;
        }
        if arguments.dry_run {
            params.insert("dry_run".to_owned(), Value::Bool(true));
        }
        ask(connection, &operation, params, &arguments.ask).await?
    };
    after(connection, &asked, &arguments.wait, signals, output).await
}

/// `upkeepctl preview`.
pub(crate) async fn preview(
    connection: &dyn Connection,
    arguments: &PreviewArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let operation = known(connection, &arguments.ask, true).await?;
    let mut signals = Signals::listen()?;
    let mut params = arguments.ask.merged()?;
    params.insert("dry_run".to_owned(), Value::Bool(true));
    let asked = ask(connection, &operation, params, &arguments.ask).await?;
    let tasks = tasks_of(connection, &asked)?;
    let ended =
        wait::until_ended(connection, &tasks, arguments.timeout, &mut signals, output).await?;
    show(&ended, arguments.entries, output);
    wait::judged(&ended)
}

/// `upkeepctl tasks retry`.
pub(crate) async fn retry(
    connection: &dyn Connection,
    id: &str,
    waiting: &WaitArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let task = connection.find_task(id).await?;
    let signals = listen(waiting)?;
    let asked = Asked::One(connection.run_again(&task).await?);
    after(connection, &asked, waiting, signals, output).await
}

fn listen(waiting: &WaitArguments) -> Result<Option<Signals>, Failure> {
    waiting.wait.then(Signals::listen).transpose()
}

/// The operation, when there is one of that name that can do what is asked for.
async fn known(
    connection: &dyn Connection,
    arguments: &AskArguments,
    dry_run: bool,
) -> Result<OperationId, Failure> {
    let operation = arguments.operation();
    let operations = connection.operations().await?;
    let Some(found) = operations.iter().find(|known| known.id == operation) else {
        let names: Vec<&str> = operations.iter().map(|known| known.id.as_str()).collect();
        return Err(Failure::usage(
            format!("there is no operation `{operation}`"),
            format!("use one of: {}", names.join(", ")),
        ));
    };
    if dry_run && !found.deletes {
        return Err(Failure::usage(
            format!("`{operation}` removes nothing, so it has no preview"),
            format!("`upkeepctl trigger {operation}` does no harm"),
        ));
    }
    Ok(operation)
}

/// The preview's own parameters, with its plan in place of the dry run, and what was given over them.
async fn of_plan(
    connection: &dyn Connection,
    operation: &OperationId,
    preview: &str,
    given: Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let preview = connection.find_task(preview).await?;
    let task = connection.task(&preview).await?.task;
    // of another operation its parameters mean nothing here; the console says what is wrong with it
    let mut params = match task.params {
        Value::Object(params) if task.operation == *operation => params,
        _ => Map::new(),
    };
    params.remove("dry_run");
    params.extend(given);
    params.insert("plan".to_owned(), Value::from(preview.as_str()));
    Ok(params)
}

async fn ask(
    connection: &dyn Connection,
    operation: &OperationId,
    params: Map<String, Value>,
    arguments: &AskArguments,
) -> Result<Asked, Failure> {
    let params = Value::Object(params);
    Ok(if arguments.all_hosts {
        Asked::Many(connection.trigger_every_host(operation, params).await?)
    } else {
        let host = arguments.host.clone();
        Asked::One(connection.trigger(operation, params, host).await?)
    })
}

async fn execute_group(
    connection: &dyn Connection,
    operation: &OperationId,
    group: &str,
) -> Result<Asked, Failure> {
    let id = GroupId::from(group.trim());
    let group = connection.group(&id).await?;
    if group.operation != *operation {
        return Err(Failure::usage(
            format!("the group {id} is of `{}`", group.operation),
            format!(
                "`upkeepctl trigger {} --plans-of {id}` executes its plans",
                group.operation
            ),
        ));
    }
    Ok(Asked::Many(connection.execute_group(&id).await?))
}

/// Says what the request led to, and waits when that is wanted.
async fn after(
    connection: &dyn Connection,
    asked: &Asked,
    waiting: &WaitArguments,
    signals: Option<Signals>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let tasks = tasks_of(connection, asked)?;
    let Some(mut signals) = signals else {
        accepted(connection, asked, output);
        return Ok(0);
    };
    if output.json() || output.quiet() {
        // the tasks themselves come when they have ended
    } else {
        remarks(connection, asked, output);
    }
    let ended =
        wait::until_ended(connection, &tasks, waiting.timeout, &mut signals, output).await?;
    show(&ended, ENTRIES, output);
    wait::judged(&ended)
}

/// The tasks, or why there are none.
pub(crate) fn tasks_of(connection: &dyn Connection, asked: &Asked) -> Result<Vec<TaskId>, Failure> {
    match asked {
        Asked::Many(FanOutOutcome::NoLiveHost { last_seen }) => {
            let seen = last_seen.map_or_else(
                || "there never was one".to_owned(),
                |at| format!("the last was seen {}", words::ago(at, connection.now())),
            );
            Err(Failure::new(
                FAILED,
                "no_live_host",
                format!(
                    "no worker for this operation is alive on any host ({seen}); nothing was asked for"
                ),
                "start `upkeep-worker run` on each host",
            ))
        }
        Asked::Many(FanOutOutcome::NothingToRepeat) => Err(Failure::new(
            FAILED,
            "nothing_to_do",
            "no preview of this group ended with a plan; nothing was asked for",
            "preview again",
        )),
        asked => Ok(asked.tasks()),
    }
}

/// What was accepted, as the result.
fn accepted(connection: &dyn Connection, asked: &Asked, output: &mut Output) {
    if output.json() {
        match asked {
            Asked::One(outcome) => output.value(outcome),
            Asked::Many(outcome) => output.value(outcome),
        }
        return;
    }
    if output.quiet() {
        for task in asked.tasks() {
            output.line(task.as_str());
        }
        return;
    }
    match asked {
        Asked::One(outcome) => {
            output.line(sentence(outcome));
        }
        Asked::Many(FanOutOutcome::Queued { group_id, tasks }) => {
            for task in tasks {
                output.line(format!(
                    "{} on {}",
                    sentence(&task.outcome),
                    clean(&task.host)
                ));
            }
            output.line(format!("group {group_id}"));
        }
        Asked::Many(_) => {}
    }
    remarks(connection, asked, output);
}

fn sentence(outcome: &TriggerOutcome) -> String {
    match outcome {
        TriggerOutcome::Queued { task_id, .. } => format!("{GREEN}queued{GREEN:#} {task_id}"),
        TriggerOutcome::AlreadyQueued { task_id } => format!("already queued {task_id}"),
    }
}

/// Why the work does not begin at once.
fn remarks(connection: &dyn Connection, asked: &Asked, output: &mut Output) {
    let outcomes: Vec<&TriggerOutcome> = match asked {
        Asked::One(outcome) => vec![outcome],
        Asked::Many(FanOutOutcome::Queued { tasks, .. }) => {
            tasks.iter().map(|task| &task.outcome).collect()
        }
        Asked::Many(_) => Vec::new(),
    };
    for outcome in outcomes {
        if let TriggerOutcome::Queued { waiting, .. } = outcome
            && let Some(reason) = words::waiting(waiting, connection.now())
        {
            output.remark(format!("note: {}", clean(&reason)));
            if let Some(hint) = words::waiting_hint(waiting) {
                output.hint(hint);
            }
        }
    }
}

/// The tasks as they ended.
pub(crate) fn show(ended: &[TaskDetail], entries: usize, output: &mut Output) {
    for detail in ended {
        if output.json() {
            output.value(detail);
        } else if output.quiet() {
            output.line(detail.task.id.as_str());
        } else {
            report::print(detail, entries, output);
        }
    }
}

/// Asks for an operation and waits for it; what `health --run` needs.
pub(crate) async fn perform_and_wait(
    connection: &dyn Connection,
    operation: &OperationId,
    host: Option<String>,
    all_hosts: bool,
    timeout: Option<Duration>,
    output: &mut Output,
) -> Result<Vec<TaskDetail>, Failure> {
    let mut signals = Signals::listen()?;
    let params = Value::Object(Map::new());
    let asked = if all_hosts {
        Asked::Many(connection.trigger_every_host(operation, params).await?)
    } else {
        Asked::One(connection.trigger(operation, params, host).await?)
    };
    let tasks = tasks_of(connection, &asked)?;
    remarks(connection, &asked, output);
    wait::until_ended(connection, &tasks, timeout, &mut signals, output).await
}
