//! `upkeep-worker run`.

use std::process::ExitCode;
use std::time::Duration;

use upkeep_config::{Configuration, Folders, without_password};
use upkeep_contract::OperationId;
use upkeep_operations::Registry;
use upkeep_queue::Queue;
use upkeep_worker::{ON_DEMAND_NOTICE, WorkerOptions, registry, start};

use crate::cli::{Failure, RunArguments, prepare};
use crate::service::{ServiceManager, Watchdog};
use crate::signals::Signals;

pub(crate) async fn run(folders: &Folders, arguments: RunArguments) -> Result<ExitCode, Failure> {
    let manager = ServiceManager::default();
    let done = Box::pin(perform_tasks(folders, arguments, &manager)).await;
    if let Err(failure) = &done {
        let status = format!("failed: {}", failure.message());
        manager.status(&status).await;
    }
    done
}

async fn perform_tasks(
    folders: &Folders,
    arguments: RunArguments,
    manager: &ServiceManager,
) -> Result<ExitCode, Failure> {
    // a wrong name is found before anything is made
    arguments.operations.choose_from(registry(folders, None))?;
    prepare(folders)?;
    let configuration = Configuration::read(&folders.config_file())?;
    let mut options = WorkerOptions::from_configuration(&configuration);
    options.grace = Duration::from_secs(arguments.grace_seconds);
    options.concurrency = arguments.concurrency.unwrap_or(options.concurrency);
    options.strategy = arguments.strategy.unwrap_or(options.strategy);
    options.host = arguments.host.unwrap_or(options.host);
    let grace = options.grace;
    let host = options.host.clone();

    let mut signals = Signals::listen()?;
    let mut watchdog = Watchdog::from_environment(manager.clone());
    let url = folders.database_url_from_environment()?;
    manager.status("opening the database").await;
    let queue = tokio::select! {
        opened = Queue::open(&url) => opened?,
        () = signals.told_to_stop() => return Ok(ExitCode::SUCCESS),
    };
    tracing::info!("{ON_DEMAND_NOTICE}");
    tracing::info!(
        database = without_password(&url),
        "performing tasks from the queue"
    );
    let operations = arguments
        .operations
        .choose_from(registry(folders, Some(&queue)))?;
    let claims = claims(&operations, &host);
    let worker = start(queue.clone(), operations, folders.artifacts(), options).await?;
    manager.ready(&claims).await;

    watchdog
        .while_waiting(Some(&worker), signals.told_to_stop())
        .await;
    tracing::info!("told to stop: claiming nothing new");
    manager.stopping(grace).await;
    let stop = async {
        tokio::select! {
            stopped = Box::pin(worker.stop()) => stopped.map_err(Failure::from),
            // a second signal ends the wait; leases run out by themselves
            () = signals.told_to_stop() => Err(Failure::failed(
                "stopped before everything was handed back",
                "the leases run out by themselves",
            )),
        }
    };
    watchdog.while_waiting(None, stop).await?;
    queue.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What `systemctl status` says of a worker that is ready.
fn claims(operations: &Registry, host: &str) -> String {
    let ids: Vec<&str> = operations.ids().iter().map(OperationId::as_str).collect();
    format!("claiming tasks on host {host}: {}", ids.join(", "))
}
