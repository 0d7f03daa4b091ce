//! The command line of `upkeep-worker`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use upkeep_config::{ConfigError, Folders, ensure_exists};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_operations::OperationError;
use upkeep_queue::QueueError;
use upkeep_worker::registry;

/// Performs maintenance on demand: what the queue holds, or one operation called directly.
///
/// Exit codes: 0 succeeded, 1 failed, 2 bad usage or parameters, 3 partial (some items could
/// not be done), 130 cancelled by a signal.
#[derive(Debug, Parser)]
#[command(name = "upkeep-worker", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Performs tasks from the queue until SIGTERM or SIGINT.
    Run(RunArguments),
    /// Performs one operation without any queue; the report goes to stdout as one JSON object.
    Exec(ExecArguments),
    /// Prints the operations with their parameter schemas, as JSON.
    Operations,
}

/// How the worker works; what is not given comes from config.toml.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArguments {
    /// How many tasks to perform at once.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) concurrency: Option<u32>,
    /// In which order to take tasks: priority, fifo, lifo or weighted-random.
    #[arg(long, value_parser = strategy)]
    pub(crate) strategy: Option<ClaimStrategy>,
    /// The host name to go by, in place of the system's.
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Seconds to let attempts end by themselves after a signal, before they are handed back.
    #[arg(long, default_value_t = 10)]
    pub(crate) grace_seconds: u64,
}

/// What to perform.
#[derive(Debug, clap::Args)]
pub(crate) struct ExecArguments {
    /// The operation, such as `cleanup-temp-files`.
    pub(crate) operation: String,
    /// Its parameters as a JSON object.
    #[arg(long, default_value = "{}")]
    pub(crate) params: String,
    /// Only find out what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn strategy(name: &str) -> Result<ClaimStrategy, String> {
    ClaimStrategy::parse(name)
        .ok_or_else(|| "use priority, fifo, lifo or weighted-random".to_owned())
}

/// Why the program ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: String,
}

impl Failure {
    pub(crate) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: 2,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Says on stderr what failed and what to do.
    pub(crate) fn report(self) -> ExitCode {
        eprintln!("error: {}", self.message);
        if !self.hint.is_empty() {
            eprintln!("hint: {}", self.hint);
        }
        ExitCode::from(self.code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::failed(error.to_string(), error.hint())
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self::failed(error.to_string(), error.hint())
    }
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        let (message, hint) = (error.to_string(), error.hint().to_owned());
        match error {
            OperationError::InvalidParameter(_) => Self::usage(message, hint),
            _ => Self::failed(message, hint),
        }
    }
}

impl Cli {
    pub(crate) async fn perform(self) -> Result<ExitCode, Failure> {
        let folders = Folders::from_environment()?;
        match self.command {
            Command::Run(arguments) => {
                prepare(&folders)?;
                crate::run::run(&folders, arguments).await
            }
            Command::Exec(arguments) => {
                prepare(&folders)?;
                crate::exec::exec(&folders, &arguments).await
            }
            Command::Operations => {
                print_json(&registry(&folders, None).describe()).map(|()| ExitCode::SUCCESS)
            }
        }
    }
}

fn prepare(folders: &Folders) -> Result<(), Failure> {
    folders.create()?;
    ensure_exists(folders)?;
    Ok(())
}

/// Prints one JSON value on stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::failed(format!("cannot write JSON: {error}"), ""))?;
    writeln!(std::io::stdout().lock(), "{text}")
        .map_err(|error| Failure::failed(format!("cannot write to stdout: {error}"), ""))
}

/// Ends when the program is told to stop by SIGTERM or SIGINT.
pub(crate) async fn told_to_stop() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let no_signals = |error| Failure::failed(format!("cannot listen for signals: {error}"), "");
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
