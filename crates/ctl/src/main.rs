//! `upkeepctl`: asks for operations and shows what became of them.
//!
//! Rule: it enqueues and looks. What was asked for is performed by a worker, never by this program.

mod cli;
mod commands;
mod connection;
mod failure;
mod help;
mod output;
mod params;
mod progress;
mod report;
mod signals;
mod table;
mod wait;
mod words;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    let mut output = Output::new(cli.options());
    // programs that read JSON from stderr are told of errors alone, unless somebody asks for more
    let warnings = match (&cli.command, output.json()) {
        // a server's log is what its operator has of it
        (Command::Serve(_), _) => "info",
        (_, true) => "off",
        (_, false) => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(warnings));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_env_filter(filter)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::failed(format!("cannot start the async runtime: {error}"), "");
            return output.end(Err(failure));
        }
    };
    let done = runtime.block_on(commands::perform(cli.command, &mut output));
    // what hangs on a dead disk must not keep the program from ending
    runtime.shutdown_background();
    output.end(done)
}
