//! The commands, by subject. Each parses, asks the connection, and prints.

mod audit;
mod config;
mod export;
mod health;
mod serve;
mod shell;
pub(crate) mod statistics;
mod tasks;
mod trigger;
mod workers;

use crate::cli::{Command, TasksCommand, WorkersCommand};
use crate::connection::{self, Connection};
use crate::failure::{Failure, INTERRUPTED};
use crate::output::Output;

/// Performs a command; the exit code when nothing went wrong.
pub(crate) async fn perform(command: Command, output: &mut Output) -> Result<u8, Failure> {
    match command {
        // these need no database
        Command::Completions { shell } => Ok(shell::completions(shell, output)),
        Command::Man { dir } => shell::manual(dir, output).await,
        Command::Config(command) => config::perform(&command, output).await,
        Command::Serve(arguments) => serve::serve(arguments, output).await,
        Command::SignInLink(arguments) => serve::sign_in_link(&arguments, output),
        command => {
            let connection = connection::open().await?;
            let done = with(connection.as_ref(), command, output).await;
            // who pressed Ctrl-C must not wait for a database that does not answer
            if !matches!(&done, Err(failure) if failure.exit == INTERRUPTED) {
                connection.close().await;
            }
            done
        }
    }
}

async fn with(
    connection: &dyn Connection,
    command: Command,
    output: &mut Output,
) -> Result<u8, Failure> {
    match command {
        Command::Trigger(arguments) => trigger::trigger(connection, &arguments, output).await,
        Command::Preview(arguments) => trigger::preview(connection, &arguments, output).await,
        Command::Tasks(command) => match command {
            TasksCommand::List(arguments) => tasks::list(connection, arguments, output).await,
            TasksCommand::Show { id, entries } => {
                tasks::show(connection, &id, entries, output).await
            }
            TasksCommand::Cancel { id } => tasks::cancel(connection, &id, output).await,
            TasksCommand::Retry { id, wait } => {
                trigger::retry(connection, &id, &wait, output).await
            }
            TasksCommand::Log { id, follow } => tasks::log(connection, &id, follow, output).await,
        },
        Command::Workers(command) => match command {
            WorkersCommand::List => workers::list(connection, output).await,
            WorkersCommand::Drain { worker } => workers::drain(connection, &worker, output).await,
            WorkersCommand::Resume { worker } => workers::resume(connection, &worker, output).await,
        },
        Command::Health(arguments) => health::health(connection, &arguments, output).await,
        Command::Statistics(arguments) => {
            statistics::statistics(connection, &arguments, output).await
        }
        Command::Export(arguments) => export::export(connection, arguments, output).await,
        Command::Audit(crate::cli::AuditCommand::List(arguments)) => {
            audit::list(connection, &arguments, output).await
        }
        // performed before there was a connection
        Command::Config(_)
        | Command::Serve(_)
        | Command::SignInLink(_)
        | Command::Completions { .. }
        | Command::Man { .. } => Ok(0),
    }
}
