//! The command line of `upkeepctl`.

mod arguments;

use std::path::PathBuf;

use anstream::ColorChoice;
use clap::{Parser, Subcommand};
use upkeep_contract::export::ExportFormat;

pub(crate) use arguments::{
    AskArguments, AuditArguments, PlanSource, RangeArguments, TaskFilterArguments, WaitArguments,
};

use crate::help;
use crate::output::Options;

/// Asks for maintenance and shows what became of it; a worker performs it.
#[derive(Debug, Parser)]
#[command(name = "upkeepctl", version, long_about = help::PROGRAM, after_long_help = help::PROGRAM_MORE)]
pub(crate) struct Cli {
    /// Print results as JSON, each on a line of its own, and errors as {code, message, hint}
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    /// Print results only: no remarks and no progress; of what was asked for, the task's id alone
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,
    /// When to colour; `auto` means on a terminal, unless `NO_COLOR` is set
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Output"
    )]
    color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Cli {
    pub(crate) fn options(&self) -> Options {
        Options {
            json: self.json,
            quiet: self.quiet,
            color: match self.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for an operation, once
    #[command(long_about = help::TRIGGER, after_long_help = help::TRIGGER_MORE)]
    Trigger(TriggerArguments),
    /// Ask what an operation would remove, wait, and print it
    #[command(long_about = help::PREVIEW, after_long_help = help::PREVIEW_MORE)]
    Preview(PreviewArguments),
    /// List tasks, look at one, cancel it, ask for it again, read its log
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// List workers, let one finish what it holds, let it claim again
    #[command(subcommand)]
    Workers(WorkersCommand),
    /// Print the last known health of each host, or check it now
    #[command(long_about = help::HEALTH, after_long_help = help::HEALTH_MORE)]
    Health(HealthArguments),
    /// Print figures of the queue over a range
    Statistics(StatisticsArguments),
    /// Write a report to a file; nothing is ever overwritten
    #[command(long_about = help::EXPORT, after_long_help = help::EXPORT_MORE)]
    Export(ExportArguments),
    /// Look at the configuration; nothing is changed, no database is needed
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Who asked for what, and when
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Serve the same over HTTP, and its screens to a browser
    #[command(long_about = help::SERVE, after_long_help = help::SERVE_MORE)]
    Serve(ServeArguments),
    /// Print a link that signs a browser in to the running server, once
    SignInLink(SignInLinkArguments),
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

#[derive(Debug, clap::Args)]
pub(crate) struct TriggerArguments {
    #[command(flatten)]
    pub(crate) ask: AskArguments,
    /// Only find out what would be removed, and write a plan
    #[arg(long, conflicts_with = "PlanSource")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) plan: PlanSource,
    #[command(flatten)]
    pub(crate) wait: WaitArguments,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PreviewArguments {
    #[command(flatten)]
    pub(crate) ask: AskArguments,
    /// How many entries of the plan to print
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) entries: usize,
    /// Wait no longer than this, such as 90 (seconds), 5m or 2h; the task goes on
    #[arg(long, value_parser = arguments::duration, value_name = "TIME")]
    pub(crate) timeout: Option<std::time::Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TasksCommand {
    /// List tasks, the newest first
    #[command(after_long_help = help::TASKS_LIST_MORE)]
    List(TasksListArguments),
    /// Print a task with its attempts and report
    Show {
        /// The task's id, or a beginning that only one has
        id: String,
        /// How many entries of a plan, problems and examples to print
        #[arg(long, default_value_t = 20, value_name = "N")]
        entries: usize,
    },
    /// Cancel a task that waits, or ask the worker of a running one to stop
    Cancel {
        /// The task's id, or a beginning that only one has
        id: String,
    },
    /// Ask for the same again, as a new task
    Retry {
        /// The task's id, or a beginning that only one has
        id: String,
        #[command(flatten)]
        wait: WaitArguments,
    },
    /// Print a task's log
    Log {
        /// The task's id, or a beginning that only one has
        id: String,
        /// Go on printing until the task has ended
        #[arg(long, short)]
        follow: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct TasksListArguments {
    #[command(flatten)]
    pub(crate) filter: TaskFilterArguments,
    /// How many to list
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// List all of them
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Go on after this row: its `enqueued_at` and `id`, as the end of a list names them
    #[arg(long, value_parser = arguments::cursor, value_name = "MILLISECONDS,ID")]
    pub(crate) after: Option<upkeep_contract::task::TaskCursor>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// List the workers that are alive or were within a day
    List,
    /// Let a worker finish what it holds and claim nothing new
    Drain {
        /// The worker's id, a beginning that only one has, or the host of its only live worker
        worker: String,
    },
    /// Let a worker that drains claim tasks again
    Resume {
        /// The worker's id, a beginning that only one has, or the host of its only live worker
        worker: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct HealthArguments {
    /// Check now: trigger health-check, wait for it, and print what it found
    #[arg(long)]
    pub(crate) run: bool,
    /// Of this host only; with --run: check this one
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// With --run: check every host that has a live worker
    #[arg(long, requires = "run", conflicts_with = "host")]
    pub(crate) all_hosts: bool,
    /// Print every check, not only those that are not well
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// How it is printed; the last two are one line for each host
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: HealthFormat,
    /// With --run: wait no longer than this, such as 90 (seconds), 5m or 2h
    #[arg(long, requires = "run", value_parser = arguments::duration, value_name = "TIME")]
    pub(crate) timeout: Option<std::time::Duration>,
}

/// How health is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum HealthFormat {
    /// For people
    Text,
    /// The report as the operation returned it
    Json,
    /// A document of the type application/health+json, for monitors
    #[value(name = "health+json")]
    HealthJson,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatisticsArguments {
    #[command(flatten)]
    pub(crate) range: RangeArguments,
    /// Only tasks that ran on this host, or must
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Only tasks of this operation
    #[arg(long, value_name = "OPERATION")]
    pub(crate) operation: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArguments {
    #[command(subcommand)]
    pub(crate) subject: ExportSubjectArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportSubjectArguments {
    /// The figures of `upkeepctl statistics`
    Statistics {
        #[command(flatten)]
        query: StatisticsArguments,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// What health checks found: a row for each check of each report
    Health {
        #[command(flatten)]
        range: RangeArguments,
        /// Of this host only
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        #[command(flatten)]
        target: TargetArguments,
    },
    /// A list of tasks, a row for each
    Tasks {
        #[command(flatten)]
        filter: TaskFilterArguments,
        #[command(flatten)]
        target: TargetArguments,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct TargetArguments {
    /// The form; by default as the file's name ends, else CSV
    #[arg(long, value_parser = arguments::format, value_name = "csv|json|html|openmetrics")]
    pub(crate) format: Option<ExportFormat>,
    /// The file, or a folder for a file of the usual name [default: the present folder]
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the configuration can be used, and each folder it names be cleaned
    Check,
    /// Print the configuration file, with the folders and the database before it
    Show,
    /// Print where the configuration file lies
    Path,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArguments {
    /// The port; 0 takes any that is free
    #[arg(long, default_value_t = 8765, value_name = "N")]
    pub(crate) port: u16,
    /// The address to listen at [default: 127.0.0.1, this machine alone]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<std::net::IpAddr>,
    /// The server's certificate with those that vouch for it, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A proxy before the server speaks TLS with clients
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// A name the server may be asked by, such as upkeep.example; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allowed_host: Vec<String>,
    /// Start no worker inside, whatever the configuration says
    #[arg(long)]
    pub(crate) no_worker: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SignInLinkArguments {
    /// Where browsers reach the server [default: where the running one says it is]
    #[arg(long, value_name = "URL")]
    pub(crate) address: Option<String>,
    /// For looking only
    #[arg(long)]
    pub(crate) read_only: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List what was done, the newest first
    List(AuditArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
