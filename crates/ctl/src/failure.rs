//! Why the program ends without success, and with which exit code.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;
use upkeep_config::ConfigError;
use upkeep_console::ConsoleError;
use upkeep_contract::{ErrorCode, ErrorReply};

/// The work failed, or could not be asked for.
pub(crate) const FAILED: u8 = 1;
/// Bad usage or parameters.
pub(crate) const USAGE: u8 = 2;
/// Some items could not be done.
pub(crate) const PARTIAL: u8 = 3;
/// 128 + SIGINT, as shells report it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why the program ends without success.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    pub(crate) exit: u8,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Failure {
    pub(crate) fn new(
        exit: u8,
        code: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(FAILED, "failed", message, hint)
    }

    /// What Upkeep itself answered, here or on a server; its code may be one that this program does not know.
    pub(crate) fn told(code: String, message: String, hint: String) -> Self {
        let exit = if code == name_of(ErrorCode::InvalidParameters) {
            USAGE
        } else {
            FAILED
        };
        Self {
            exit,
            code,
            message,
            hint,
        }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(USAGE, "usage", message, hint)
    }
}

impl From<ErrorReply> for Failure {
    fn from(error: ErrorReply) -> Self {
        Self::told(name_of(error.code), error.message, error.hint)
    }
}

impl From<ConsoleError> for Failure {
    fn from(error: ConsoleError) -> Self {
        ErrorReply::from(error).into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        ErrorReply::from(&error).into()
    }
}

/// The code as JSON names it.
fn name_of(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(name)) => name,
        _ => "internal".to_owned(),
    }
}

/// Says what is wrong with the command line, or shows the help that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // help or version: a closed pipe is no failure
        error.print().ok();
        return ExitCode::SUCCESS;
    }
    let failure = complaint(&error.render().to_string());
    // the command line could not be read, so its options are looked for by hand
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = serde_json::to_string(&failure).unwrap_or_default();
        writeln!(std::io::stderr(), "{text}").ok();
    } else {
        writeln!(
            std::io::stderr(),
            "error: {}\nhint: {}",
            failure.message,
            failure.hint
        )
        .ok();
    }
    ExitCode::from(USAGE)
}

/// clap's complaint as a message and a hint, each of one line.
fn complaint(text: &str) -> Failure {
    let line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = text.split("\n\n").map(line);
    let message = parts.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let mut hints: Vec<String> = Vec::new();
    for part in parts {
        if let Some(tip) = part.strip_prefix("tip: ") {
            hints.push(tip.to_owned());
        } else if let Some(usage) = part.strip_prefix("Usage: ") {
            hints.push(format!("usage: {usage} (`--help` tells more)"));
        }
    }
    if message.is_empty() || text.starts_with("Usage") || !text.starts_with("error: ") {
        // a command without its subcommand: clap prints the help in place of a complaint
        return Failure::usage(
            "a command is missing",
            "`upkeepctl --help` lists the commands",
        );
    }
    if hints.is_empty() {
        hints.push("`--help` tells what is possible".to_owned());
    }
    Failure::usage(message, hints.join("; "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_complaint_of_the_command_line_is_one_message_and_one_hint() {
        let check = |line: &[&str], message: &str, hint: &str| {
            let error = crate::cli::Cli::command()
                .try_get_matches_from(line)
                .unwrap_err();
            let failure = complaint(&error.render().to_string());
            assert_eq!(failure.message, message, "{line:?}");
            assert!(failure.hint.contains(hint), "{line:?}: {}", failure.hint);
            assert!(!failure.message.contains('\n') && !failure.hint.contains('\n'));
        };
        check(
            &["upkeepctl", "tasks", "list", "--limt", "3"],
            "unexpected argument '--limt' found",
            "a similar argument exists: '--limit'",
        );
        check(
            &["upkeepctl", "trigger"],
            "the following required arguments were not provided: <OPERATION>",
            "usage: upkeepctl trigger",
        );
        check(
            &["upkeepctl", "tasks", "list", "--state", "odd"],
            "invalid value 'odd' for '--state <STATE>' [possible values: queued, running, succeeded, partial, failed, cancelled]",
            "--help",
        );
        check(&["upkeepctl", "tasks"], "a command is missing", "--help");
    }
}
