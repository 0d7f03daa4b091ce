//! The command line of `upkeep-worker`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use upkeep_config::{ConfigError, Folders, ensure_exists};
use upkeep_contract::worker::ClaimStrategy;
use upkeep_operations::OperationError;
use upkeep_queue::QueueError;
use upkeep_worker::registry;

use crate::help;
use crate::logging::{LogFormat, LogLevel, Style};
use crate::selection::Selection;

/// Performs maintenance on demand: what the queue holds, or one operation called directly.
#[derive(Debug, Parser)]
// the last one counts, so that a service's options may be given again behind those of the unit
#[command(name = "upkeep-worker", version, args_override_self = true)]
#[command(long_about = help::PROGRAM, after_long_help = help::PROGRAM_MORE)]
pub(crate) struct Cli {
    /// How log lines on stderr are written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "human",
        help_heading = "Logging"
    )]
    #[arg(
        env = "UPKEEP_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    /// How much is logged, whatever `RUST_LOG` says [default: info]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LEVEL",
        help_heading = "Logging"
    )]
    pub(crate) log_level: Option<LogLevel>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Perform tasks from the queue until SIGTERM or SIGINT
    #[command(long_about = help::RUN, after_long_help = help::RUN_MORE)]
    Run(RunArguments),
    /// Perform one operation now, without any queue
    #[command(long_about = help::EXEC, after_long_help = help::EXEC_MORE)]
    Exec(ExecArguments),
    /// Say whether this host is set up well, and change nothing
    #[command(long_about = help::CHECK, after_long_help = help::CHECK_MORE)]
    Check(CheckArguments),
    /// Print the operations with their parameter schemas, as JSON
    #[command(long_about = help::OPERATIONS, after_long_help = help::OPERATIONS_MORE)]
    Operations,
    /// Print the script that completes this command line in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the page of the manual, or write all pages to a folder
    Man {
        /// The folder that all pages are written to, one for each command
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

/// How the worker works; what is not given comes from config.toml.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArguments {
    /// The operations to perform, with commas or colons in between, or `all`
    #[arg(long, default_value = "all", value_name = "LIST")]
    pub(crate) operations: Selection,
    /// How many tasks to perform at once, 1 to 256
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256), value_name = "N")]
    pub(crate) concurrency: Option<u32>,
    /// In which order to take tasks: priority, fifo, lifo or weighted-random
    #[arg(long, value_parser = strategy)]
    pub(crate) strategy: Option<ClaimStrategy>,
    /// The host name to go by, in place of the system's
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Seconds that attempts may go on after a signal before they are handed back, up to 3600
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3600), value_name = "SECONDS")]
    pub(crate) grace_seconds: u64,
}

/// What to perform.
#[derive(Debug, clap::Args)]
pub(crate) struct ExecArguments {
    /// The operation, such as cleanup-temp-files
    pub(crate) operation: String,
    /// Its parameters as a JSON object; `upkeep-worker operations` prints their schemas
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub(crate) params: String,
    /// Only find out what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How the report is written; health+json is for health-check only
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) format: ReportFormat,
}

/// How a report is written on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// The report as the operation returns it.
    Json,
    /// A document of the type application/health+json, for monitors.
    #[value(name = "health+json")]
    HealthJson,
}

/// What to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// The operations the worker is to perform; what they do not need is left out
    #[arg(long, default_value = "all", value_name = "LIST")]
    pub(crate) operations: Selection,
    /// Print one JSON object in place of the list
    #[arg(long)]
    pub(crate) json: bool,
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

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says on stderr what failed and what to do.
    pub(crate) fn report(self, style: Style) -> ExitCode {
        style.say_failure(&self.message, &self.hint);
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
    pub(crate) async fn perform(self, style: Style) -> Result<ExitCode, Failure> {
        let folders = Folders::from_environment();
        match self.command {
            Command::Run(arguments) => crate::run::run(&folders?, arguments).await,
            Command::Exec(arguments) => crate::exec::exec(&folders?, &arguments, style).await,
            // folders that the environment names wrongly are a finding there
            Command::Check(arguments) => crate::check::check(folders, &arguments).await,
            Command::Operations => {
                print_json(&registry(&folders?, None).describe()).map(|()| ExitCode::SUCCESS)
            }
            Command::Completions { shell } => crate::manual::completions(shell),
            Command::Man { dir } => crate::manual::manual(dir.as_deref()),
        }
    }
}

/// Makes what an installation needs and does not have yet.
pub(crate) fn prepare(folders: &Folders) -> Result<(), Failure> {
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
