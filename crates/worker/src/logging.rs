//! What the program says on stderr: text for people, or JSON Lines for machines.

use std::fmt;
use std::io::IsTerminal;
use std::io::Write as _;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::cli::Failure;

/// The variable that Rust programs take their log filter from.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text; under journald without the time, which the journal keeps itself
    Human,
    /// One JSON object a line: timestamp, level, target, message, fields
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// What libraries say is of interest only when it is serious, or when everything is wanted.
    fn filter(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "warn,upkeep=info",
            Self::Debug => "info,upkeep=debug",
            Self::Trace => "trace",
        }
    }
}

/// What stderr is, and what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Text with the time.
    Human,
    /// Text without the time; a priority that journald understands stands in front.
    Journal,
    /// JSON Lines.
    Json,
}

/// Sets up the log, once for the program.
///
/// `level` comes before the variable `RUST_LOG`, and that before the default `info`.
pub(crate) fn start(format: LogFormat, level: Option<LogLevel>) -> Result<Style, Failure> {
    let style = match format {
        LogFormat::Json => Style::Json,
        LogFormat::Human if stderr_is_the_journal() => Style::Journal,
        LogFormat::Human => Style::Human,
    };
    let filter = match (level, std::env::var(FILTER_VARIABLE)) {
        (Some(level), _) => EnvFilter::new(level.filter()),
        (None, Ok(text)) if !text.is_empty() => EnvFilter::try_new(&text).map_err(|error| {
            Failure::usage(
                format!("{FILTER_VARIABLE} is `{text}`, which is no log filter: {error}"),
                format!("write {FILTER_VARIABLE}=info or {FILTER_VARIABLE}=warn,upkeep=debug, or unset it"),
            )
        })?,
        (None, _) => EnvFilter::new(LogLevel::Info.filter()),
    };
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    match style {
        Style::Human => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        Style::Journal => lines
            .with_ansi(false)
            .event_format(JournalLines(Format::default().without_time()))
            .init(),
        Style::Json => {
            lines.with_ansi(false).event_format(JsonLines).init();
            // the default hook would put text between the objects
            std::panic::set_hook(Box::new(|panic| {
                let place = panic.location().map(ToString::to_string);
                let what = panic.payload_as_str().unwrap_or("no message");
                tracing::error!(place, "panicked: {what}");
            }));
        }
    }
    Ok(style)
}

/// systemd names in `JOURNAL_STREAM` the device and inode of the stream it gave; stderr may have been sent elsewhere since.
fn stderr_is_the_journal() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    rustix::fs::fstat(std::io::stderr())
        .is_ok_and(|stderr| named == format!("{}:{}", stderr.st_dev, stderr.st_ino))
}

impl Style {
    /// Says why the program ends without success; no log level hides it.
    pub(crate) fn say_failure(self, message: &str, hint: &str) {
        match self {
            Self::Json => {
                let mut fields = Map::new();
                if !hint.is_empty() {
                    fields.insert("hint".to_owned(), hint.into());
                }
                let line = Line::new(Level::ERROR, module_path!(), message, fields);
                if let Ok(text) = serde_json::to_string(&line) {
                    writeln!(std::io::stderr().lock(), "{text}").ok();
                }
            }
            Self::Human | Self::Journal => {
                let priority = if self == Self::Journal { "<3>" } else { "" };
                eprintln!("{priority}error: {message}");
                if !hint.is_empty() {
                    eprintln!("{priority}hint: {hint}");
                }
            }
        }
    }
}

/// One line of the JSON log.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    message: &'a str,
    fields: Map<String, Value>,
}

impl<'a> Line<'a> {
    fn new(level: Level, target: &'a str, message: &'a str, fields: Map<String, Value>) -> Self {
        let mut timestamp = String::new();
        // writing to a string cannot fail
        SystemTime
            .format_time(&mut Writer::new(&mut timestamp))
            .ok();
        Self {
            timestamp,
            level: name(level),
            target,
            message,
            fields,
        }
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let line = Line::new(
            *metadata.level(),
            metadata.target(),
            &fields.message,
            fields.others,
        );
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

/// The message of an event, and its other fields with their types kept.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.add(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// A priority in front (`sd-daemon(3)`), so that `journalctl -p warning` finds what it should.
struct JournalLines(Format<Full, ()>);

impl<S, N> FormatEvent<S, N> for JournalLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}
