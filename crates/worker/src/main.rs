//! `upkeep-worker`: the worker as a program of its own.

mod cli;
mod exec;
mod run;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,upkeep=info")),
        )
        .init();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return cli::Failure::failed(format!("cannot start the async runtime: {error}"), "")
                .report();
        }
    };
    let done = runtime.block_on(cli.perform());
    // an operation that hangs on a dead disk must not keep the program from ending
    runtime.shutdown_background();
    done.unwrap_or_else(cli::Failure::report)
}
