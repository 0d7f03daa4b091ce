//! Looking at workers, draining one, letting it claim again.

use upkeep_contract::worker::{Worker, WorkerState};
use upkeep_contract::{OperationId, WorkerId};

use crate::connection::Connection;
use crate::failure::{FAILED, Failure, USAGE};
use crate::output::{CYAN, DIM, GREEN, Output, RED, YELLOW};
use crate::table::{Cell, Table};
use crate::words::ago;

/// `upkeepctl workers list`.
pub(super) async fn list(connection: &dyn Connection, output: &mut Output) -> Result<u8, Failure> {
    let workers = connection.workers().await?;
    if output.json() {
        output.values(&workers);
        return Ok(0);
    }
    if output.quiet() {
        output.lines(workers.iter().map(|worker| worker.id.as_str()));
        return Ok(0);
    }
    let now = connection.now();
    let rows: Vec<Vec<Cell>> = workers
        .iter()
        .map(|worker| {
            let (state, style) = state(worker.state);
            let place = if worker.embedded { "app" } else { "program" };
            let holds = format!("{}/{}", worker.current_tasks.len(), worker.concurrency);
            vec![
                Cell::new(worker.id.as_str()),
                Cell::styled(state, style),
                Cell::new(&worker.host),
                Cell::new(worker.pid.to_string()),
                Cell::new(place),
                Cell::new(holds),
                Cell::new(ago(worker.heartbeat_at, now)),
                Cell::new(does(worker)),
            ]
        })
        .collect();
    let head = [
        "ID",
        "STATE",
        "HOST",
        "PID",
        "IN",
        "HOLDS",
        "SEEN",
        "OPERATIONS",
    ];
    Table::new(&head).rows(&rows, output);
    if workers.is_empty() {
        output.remark("no worker is alive or was within a day");
        output.hint("start one with `upkeep-worker run`, or open the app");
    }
    Ok(0)
}

fn does(worker: &Worker) -> String {
    let names: Vec<&str> = worker.operations.iter().map(OperationId::as_str).collect();
    names.join(",")
}

fn state(state: WorkerState) -> (&'static str, anstyle::Style) {
    match state {
        WorkerState::Active => ("active", GREEN),
        WorkerState::Busy => ("busy", CYAN),
        WorkerState::Draining => ("draining", YELLOW),
        WorkerState::Stale => ("stale", RED),
        WorkerState::Stopped => ("stopped", DIM),
    }
}

/// `upkeepctl workers drain`.
pub(super) async fn drain(
    connection: &dyn Connection,
    name: &str,
    output: &mut Output,
) -> Result<u8, Failure> {
    let id = find(connection, name).await?;
    connection.drain(&id).await?;
    changed("draining", &id, output);
    Ok(0)
}

/// `upkeepctl workers resume`.
pub(super) async fn resume(
    connection: &dyn Connection,
    name: &str,
    output: &mut Output,
) -> Result<u8, Failure> {
    let id = find(connection, name).await?;
    connection.resume(&id).await?;
    changed("resumed", &id, output);
    Ok(0)
}

fn changed(what: &str, id: &WorkerId, output: &mut Output) {
    if output.json() {
        output.value(&serde_json::json!({ "worker_id": id, "outcome": what }));
    } else {
        output.line(format!("{what} {id}"));
    }
}

/// The worker of this id, the only one whose id begins so, or the only live one of this host.
async fn find(connection: &dyn Connection, name: &str) -> Result<WorkerId, Failure> {
    let name = name.trim();
    let workers = connection.workers().await?;
    let alive =
        |worker: &&Worker| !matches!(worker.state, WorkerState::Stale | WorkerState::Stopped);
    let mut found: Vec<&Worker> = workers
        .iter()
        .filter(|worker| worker.host == name)
        .filter(alive)
        .collect();
    if found.is_empty() && !name.is_empty() {
        let beginning = name.to_lowercase();
        found = workers
            .iter()
            .filter(|worker| worker.id.0.starts_with(&beginning))
            .collect();
    }
    match found.as_slice() {
        [worker] => Ok(worker.id.clone()),
        [] => Err(Failure::new(
            FAILED,
            "not_found",
            format!("there is no worker `{name}`"),
            "`upkeepctl workers list` shows their ids and hosts",
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(|worker| worker.id.as_str()).collect();
            Err(Failure::new(
                USAGE,
                "invalid_parameters",
                format!("`{name}` is several workers: {}", ids.join(", ")),
                "give the id of one",
            ))
        }
    }
}
