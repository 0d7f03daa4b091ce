//! `upkeep-worker`: the worker as a program of its own.

mod check;
mod cli;
mod exec;
mod help;
mod logging;
mod manual;
mod run;
mod selection;
mod service;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::logging::Style;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let style = match logging::start(cli.log_format, cli.log_level) {
        Ok(style) => style,
        Err(failure) => return failure.report(Style::Human),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return cli::Failure::failed(format!("cannot start the async runtime: {error}"), "")
                .report(style);
        }
    };
    let done = runtime.block_on(cli.perform(style));
    // an operation that hangs on a dead disk must not keep the program from ending
    runtime.shutdown_background();
    done.unwrap_or_else(|failure| failure.report(style))
}
