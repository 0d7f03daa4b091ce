//! Looking at tasks, and ending them.

use futures::StreamExt;
use upkeep_contract::task::{
    Attempt, CancelOutcome, LogLevel, LogLine, Task, TaskCursor, TaskDetail, TaskFilter,
};
use upkeep_contract::{TaskId, Timestamp};

use crate::cli::TasksListArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, Output, RED, YELLOW, clean, state_style};
use crate::signals::Signals;
use crate::table::{Cell, Table};
use crate::words::{self, lasting, local};
use crate::{report, wait};

/// Rows asked for at once.
const PAGE: u32 = 500;

/// `upkeepctl tasks list`.
pub(super) async fn list(
    connection: &dyn Connection,
    arguments: TasksListArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let filter = TaskFilter::from(arguments.filter);
    let mut left = if arguments.all {
        u32::MAX
    } else {
        arguments.limit
    };
    let mut after = arguments.after;
    let mut table = Table::new(&[
        "ID",
        "STATE",
        "OPERATION",
        "HOST",
        "ASKED FOR",
        "TOOK",
        "BY",
    ]);
    let mut found = false;
    loop {
        let page = connection
            .tasks(&filter, after.as_ref(), left.min(PAGE))
            .await?;
        found |= !page.tasks.is_empty();
        left = left.saturating_sub(u32::try_from(page.tasks.len()).unwrap_or(u32::MAX));
        if output.json() {
            output.values(&page.tasks);
        } else if output.quiet() {
            output.lines(page.tasks.iter().map(|task| task.id.as_str()));
        } else {
            let rows: Vec<Vec<Cell>> = page.tasks.iter().map(row).collect();
            table.rows(&rows, output);
        }
        // a page may end early because enough rows were looked at: the next goes on there
        after = page.next;
        if after.is_none() || left == 0 || output.is_closed() {
            break;
        }
    }
    if output.is_closed() {
        return Ok(0);
    }
    if let Some(TaskCursor { enqueued_at, id }) = after {
        output.remark(format!(
            "there are more: --after {},{id}",
            enqueued_at.as_millis()
        ));
    } else if !found {
        output.remark("no task matches");
    }
    Ok(0)
}

fn row(task: &Task) -> Vec<Cell> {
    let host = task.worker_host.as_ref().or(task.target_host.as_ref());
    let state = match (task.state.as_str(), task.dry_run) {
        (state, true) => format!("{state} (preview)"),
        (state, false) => state.to_owned(),
    };
    vec![
        Cell::new(task.id.as_str()),
        Cell::styled(state, state_style(task.state)),
        Cell::new(task.operation.as_str()),
        Cell::new(host.map_or("any", String::as_str)),
        Cell::new(local(task.enqueued_at)),
        Cell::new(report::took(task).map(lasting).unwrap_or_default()),
        Cell::new(&task.requested_by),
    ]
}

/// `upkeepctl tasks show`.
pub(super) async fn show(
    connection: &dyn Connection,
    id: &str,
    entries: usize,
    output: &mut Output,
) -> Result<u8, Failure> {
    let id = connection.find_task(id).await?;
    let detail = connection.task(&id).await?;
    if output.json() {
        output.value(&detail);
        return Ok(0);
    }
    head(&detail, connection.now(), output);
    for attempt in &detail.attempts {
        output.line(format!(
            "{BOLD}attempt {}{BOLD:#}: {}",
            attempt.number,
            of_attempt(attempt)
        ));
    }
    if let Some(report) = &detail.report {
        report::content(&detail.task, report, entries, output);
    }
    Ok(0)
}

fn head(detail: &TaskDetail, now: Timestamp, output: &mut Output) {
    let task = &detail.task;
    let style = state_style(task.state);
    let mut line =
        |name: &str, value: String| output.line(format!("{BOLD}{name:<10}{BOLD:#} {value}"));
    line("task", task.id.0.clone());
    line("operation", clean(task.operation.as_str()));
    line("state", format!("{style}{}{style:#}", task.state.as_str()));
    if let Some(reason) = task
        .waiting
        .as_ref()
        .and_then(|reason| words::waiting(reason, now))
    {
        line("waiting", clean(&reason));
    }
    line("parameters", clean(&task.params.to_string()));
    if let Some(host) = &task.target_host {
        line("for host", clean(host));
    }
    if let Some(group) = &task.group_id {
        line("group", clean(group.as_str()));
    }
    if let Some(earlier) = &task.rerun_of {
        line("again", clean(earlier.as_str()));
    }
    line(
        "asked for",
        format!(
            "{} by {}",
            local(task.enqueued_at),
            clean(&task.requested_by)
        ),
    );
    if let Some(began) = task.started_at {
        let host = task
            .worker_host
            .as_deref()
            .unwrap_or("a host that is not known");
        line("began", format!("{} on {}", local(began), clean(host)));
    }
    if let Some(ended) = task.finished_at {
        let took = report::took(task).map(|took| format!(", after {}", lasting(took)));
        line(
            "ended",
            format!("{}{}", local(ended), took.unwrap_or_default()),
        );
    }
    if let Some(who) = &task.cancel_requested_by {
        line("cancelled", format!("by {}", clean(who)));
    }
    if let Some(error) = &task.error {
        line("error", clean(&error.message));
        if !error.hint.is_empty() {
            line("hint", clean(&error.hint));
        }
    }
}

fn of_attempt(attempt: &Attempt) -> String {
    let host = clean(&attempt.host);
    let took = attempt
        .ended_at
        .map(|ended| format!(" after {}", lasting(ended.since(attempt.started_at))));
    let error = attempt
        .error
        .as_ref()
        .map(|error| format!(": {}", clean(&error.message)));
    format!(
        "{} on {host}{}{}",
        attempt.outcome.as_str().replace('_', " "),
        took.unwrap_or_default(),
        error.unwrap_or_default()
    )
}

/// `upkeepctl tasks cancel`.
pub(super) async fn cancel(
    connection: &dyn Connection,
    id: &str,
    output: &mut Output,
) -> Result<u8, Failure> {
    let id = connection.find_task(id).await?;
    let outcome = connection.cancel(&id).await?;
    if output.json() {
        output.value(&serde_json::json!({ "task_id": id, "outcome": outcome }));
        return Ok(0);
    }
    output.line(match outcome {
        CancelOutcome::Cancelled => format!("cancelled {id}"),
        CancelOutcome::Requested => format!("asked its worker to stop {id}"),
        CancelOutcome::AlreadyFinished => format!("already finished {id}"),
    });
    Ok(0)
}

/// `upkeepctl tasks log`.
pub(super) async fn log(
    connection: &dyn Connection,
    id: &str,
    follow: bool,
    output: &mut Output,
) -> Result<u8, Failure> {
    let id = connection.find_task(id).await?;
    if !follow {
        // an unknown task is an error, not an empty log
        connection.task(&id).await?;
        lines_after(connection, &id, None, output).await?;
        return Ok(0);
    }
    let mut signals = Signals::listen()?;
    tokio::select! {
        done = followed(connection, &id, output) => done,
        () = signals.told_to_stop() => Err(wait::interrupted(std::slice::from_ref(&id))),
    }
}

/// The watch says when there is more to read; the lines are read here, so that none of them is left out.
async fn followed(
    connection: &dyn Connection,
    id: &TaskId,
    output: &mut Output,
) -> Result<u8, Failure> {
    let mut updates = connection.watch(id).await?;
    let mut seen = None;
    while let Some(update) = updates.next().await {
        let update = update?;
        seen = lines_after(connection, id, seen, output).await?;
        if output.is_closed() {
            break;
        }
        if update.detail.task.state.is_final() {
            output.remark(format!("{} {id}", update.detail.task.state.as_str()));
            break;
        }
    }
    Ok(0)
}

/// Prints all lines after this one; the last of them.
async fn lines_after(
    connection: &dyn Connection,
    id: &TaskId,
    mut seen: Option<i64>,
    output: &mut Output,
) -> Result<Option<i64>, Failure> {
    while !output.is_closed() {
        let lines = connection.log(id, seen, PAGE).await?;
        let Some(last) = lines.last() else {
            break;
        };
        seen = Some(last.sequence);
        for line in &lines {
            print_line(line, output);
        }
    }
    Ok(seen)
}

fn print_line(line: &LogLine, output: &mut Output) {
    if output.json() {
        output.value(line);
        return;
    }
    let style = match line.level {
        LogLevel::Info => anstyle::Style::new(),
        LogLevel::Warning => YELLOW,
        LogLevel::Error => RED,
    };
    output.line(format!(
        "{DIM}{}{DIM:#} {style}{:<7}{style:#} {}",
        local(line.at),
        line.level.as_str(),
        clean(&line.message)
    ));
}
