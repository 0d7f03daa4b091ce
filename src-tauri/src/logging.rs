//! The app's own log: on stderr and in the logs folder, one file a day.

use std::io::{IsTerminal, stderr};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};
use upkeep_config::Folders;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_FILTER: &str = "warn,upkeep=info";

/// Days that are kept.
const FILES_MAX: usize = 7;

/// Begins to log. Without a logs folder there is stderr alone: a window with the reason is worth more.
pub(crate) fn start() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let (file, problem) = match file() {
        Ok(file) => (Some(file), None),
        Err(problem) => (None, Some(problem)),
    };
    let to_file = file.map(|file| fmt::layer().with_ansi(false).with_writer(file));
    let started = tracing_subscriber::registry()
        .with(filter)
        .with(
            fmt::layer()
                .with_ansi(stderr().is_terminal())
                .with_writer(stderr),
        )
        .with(to_file)
        .try_init();
    if let Err(error) = started {
        eprintln!("upkeep: cannot log: {error}");
    }
    if let Some(problem) = problem {
        tracing::warn!("logging to stderr alone: {problem}");
    }
}

fn file() -> Result<RollingFileAppender, String> {
    let folders = Folders::from_environment().map_err(|error| error.to_string())?;
    folders.create().map_err(|error| error.to_string())?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("upkeep")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(folders.logs())
        .map_err(|error| error.to_string())
}
