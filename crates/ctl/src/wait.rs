//! Waiting for tasks. They are never tied to this program: however the waiting ends, they go on.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{once, select_all};
use upkeep_contract::TaskId;
use upkeep_contract::task::{TaskDetail, TaskState};

use crate::connection::Connection;
use crate::failure::{FAILED, Failure, INTERRUPTED, PARTIAL};
use crate::output::Output;
use crate::progress::{Show, named};
use crate::signals::Signals;

/// Waits until every one of these tasks has ended; in their order.
pub(crate) async fn until_ended(
    connection: &dyn Connection,
    tasks: &[TaskId],
    timeout: Option<Duration>,
    signals: &mut Signals,
    output: &Output,
) -> Result<Vec<TaskDetail>, Failure> {
    let mut show = Show::new(tasks.len(), output);
    let ended = {
        let all = pin!(all_ended(connection, tasks, &mut show));
        // a time that never comes, when none was given
        let limit = timeout.unwrap_or(Duration::MAX);
        tokio::select! {
            ended = tokio::time::timeout(limit, all) => ended.unwrap_or_else(|_| Err(timed_out(tasks, limit))),
            () = signals.told_to_stop() => Err(interrupted(tasks)),
        }
    };
    show.end();
    ended
}

async fn all_ended(
    connection: &dyn Connection,
    tasks: &[TaskId],
    show: &mut Show,
) -> Result<Vec<TaskDetail>, Failure> {
    let mut watched = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let updates = connection.watch(task).await?;
        // the end of a stream is told, too: a task can be removed while it is watched
        let updates = updates.map(Some).chain(once(std::future::ready(None)));
        watched.push(updates.map(move |update| (index, update)).boxed());
    }
    let mut updates = select_all(watched);
    let mut ended: Vec<Option<TaskDetail>> = vec![None; tasks.len()];
    while let Some((index, update)) = updates.next().await {
        match update {
            Some(update) => {
                let update = update?;
                show.task(index, &update.detail.task, &update.log, connection.now());
                if update.detail.task.state.is_final() {
                    ended[index] = Some(update.detail);
                }
            }
            None if ended[index].is_none() => {
                return Err(Failure::new(
                    FAILED,
                    "not_found",
                    format!(
                        "{} was removed while it was waited for",
                        named(&tasks[index])
                    ),
                    "the audit trail still names it: upkeepctl audit list",
                ));
            }
            None => {}
        }
    }
    Ok(ended.into_iter().flatten().collect())
}

/// How to go on with tasks that are not waited for any more.
pub(crate) fn goes_on_hint(tasks: &[TaskId]) -> String {
    match tasks {
        [task] => format!(
            "`upkeepctl tasks cancel {task}` cancels it, `upkeepctl tasks log {task} --follow` follows it"
        ),
        _ => {
            "`upkeepctl tasks list` shows them, `upkeepctl tasks cancel ID` cancels one".to_owned()
        }
    }
}

fn those(tasks: &[TaskId]) -> (String, &'static str, &'static str) {
    match tasks {
        [task] => (named(task), "goes on", "has"),
        _ => (format!("{} tasks", tasks.len()), "go on", "have"),
    }
}

pub(crate) fn interrupted(tasks: &[TaskId]) -> Failure {
    let (those, go_on, _) = those(tasks);
    Failure::new(
        INTERRUPTED,
        "interrupted",
        format!("interrupted; {those} {go_on}"),
        goes_on_hint(tasks),
    )
}

fn timed_out(tasks: &[TaskId], limit: Duration) -> Failure {
    let (those, go_on, have) = those(tasks);
    let lasting = crate::words::lasting(limit);
    Failure::new(
        FAILED,
        "timed_out",
        format!("{those} {have} not ended within {lasting} and {go_on}"),
        goes_on_hint(tasks),
    )
}

/// The exit code for tasks that ended, and why when they did not succeed: the worst one decides.
pub(crate) fn judged(ended: &[TaskDetail]) -> Result<u8, Failure> {
    let bad = |state: TaskState| {
        ended
            .iter()
            .filter(move |detail| detail.task.state == state)
    };
    let failed = bad(TaskState::Failed)
        .chain(bad(TaskState::Cancelled))
        .next();
    if let Some(detail) = failed {
        let task = &detail.task;
        let several = bad(TaskState::Failed).count() + bad(TaskState::Cancelled).count();
        let others = if several > 1 {
            format!(" (and {} more)", several - 1)
        } else {
            String::new()
        };
        if task.state == TaskState::Cancelled {
            let by = task.cancel_requested_by.as_deref();
            let by = by.map(|who| format!(" by {who}")).unwrap_or_default();
            return Err(Failure::new(
                FAILED,
                "cancelled",
                format!("{} was cancelled{by}{others}", named(&task.id)),
                format!("`upkeepctl tasks retry {}` asks for it again", task.id),
            ));
        }
        let (message, hint) = match &task.error {
            Some(error) => (error.message.as_str(), error.hint.clone()),
            None => ("no reason was given", String::new()),
        };
        return Err(Failure::new(
            FAILED,
            "task_failed",
            format!("{} failed: {message}{others}", named(&task.id)),
            hint,
        ));
    }
    Ok(if bad(TaskState::Partial).next().is_some() {
        PARTIAL
    } else {
        0
    })
}
