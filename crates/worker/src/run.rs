//! `upkeep-worker run`.

use std::process::ExitCode;
use std::time::Duration;

use upkeep_config::{Configuration, Folders, without_password};
use upkeep_queue::Queue;
use upkeep_worker::{ON_DEMAND_NOTICE, WorkerOptions, registry, start};

use crate::cli::{Failure, RunArguments, told_to_stop};

pub(crate) async fn run(folders: &Folders, arguments: RunArguments) -> Result<ExitCode, Failure> {
    let configuration = Configuration::read(&folders.config_file())?;
    let mut options = WorkerOptions::from_configuration(&configuration);
    options.grace = Duration::from_secs(arguments.grace_seconds);
    options.concurrency = arguments.concurrency.unwrap_or(options.concurrency);
    options.strategy = arguments.strategy.unwrap_or(options.strategy);
    options.host = arguments.host.unwrap_or(options.host);

    let url = folders.database_url_from_environment()?;
    let queue = Queue::open(&url).await?;
    tracing::info!("{ON_DEMAND_NOTICE}");
    tracing::info!(
        database = without_password(&url),
        "performing tasks from the queue"
    );
    let operations = registry(folders, Some(&queue));
    let worker = start(queue.clone(), operations, folders.artifacts(), options).await?;
    told_to_stop().await?;
    tracing::info!("told to stop: claiming nothing new");
    tokio::select! {
        stopped = worker.stop() => stopped?,
        // a second signal ends the wait; leases run out by themselves
        told = told_to_stop() => {
            told?;
            return Err(Failure::failed("stopped before everything was handed back", "the leases run out by themselves"));
        }
    }
    queue.close().await;
    Ok(ExitCode::SUCCESS)
}
