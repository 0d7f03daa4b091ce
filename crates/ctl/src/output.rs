//! What is printed: results on stdout, everything else on stderr.
//!
//! Rules: text from outside loses its control characters before a terminal sees it; a reader who went
//! away (`| head`) is no failure.

use std::io::Write;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use upkeep_contract::task::TaskState;

use crate::failure::{FAILED, Failure};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// How a state is coloured.
pub(crate) fn state_style(state: TaskState) -> Style {
    match state {
        TaskState::Queued | TaskState::Cancelled => DIM,
        TaskState::Running => CYAN,
        TaskState::Succeeded => GREEN,
        TaskState::Partial => YELLOW,
        TaskState::Failed => RED,
    }
}

/// What a person chose for all of the output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) color: ColorChoice,
}

/// Where results and remarks go.
pub(crate) struct Output {
    options: Options,
    out: AutoStream<std::io::Stdout>,
    err: AutoStream<std::io::Stderr>,
    closed: bool,
    failed: Option<std::io::Error>,
}

impl Output {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            out: AutoStream::new(std::io::stdout(), options.color),
            err: AutoStream::new(std::io::stderr(), options.color),
            options,
            closed: false,
            failed: None,
        }
    }

    /// True when programs read the results.
    pub(crate) fn json(&self) -> bool {
        self.options.json
    }

    /// True when only ids and results are wanted.
    pub(crate) fn quiet(&self) -> bool {
        self.options.quiet
    }

    /// True when nobody reads stdout any more: what would print more may end.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed || self.failed.is_some()
    }

    /// How wide lines on stdout may be: as wide as they are when it is no terminal.
    pub(crate) fn width() -> Option<usize> {
        let (_, columns) = console::Term::stdout().size_checked()?;
        Some(usize::from(columns).max(40))
    }

    /// A line of the result; the text may carry styles.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        if self.is_closed() {
            return;
        }
        if let Err(error) = writeln!(self.out, "{}", text.as_ref()) {
            self.lost(error);
        }
    }

    /// Lines of the result.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        for line in lines {
            self.line(line);
        }
    }

    /// Results, each as one line of JSON.
    pub(crate) fn values(&mut self, values: &[impl Serialize]) {
        for value in values {
            self.value(value);
        }
    }

    /// A result as one line of JSON.
    pub(crate) fn value(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) if !self.is_closed() => {
                // past the colours: JSON has none, and the stream would look for them
                if let Err(error) = writeln!(std::io::stdout(), "{text}") {
                    self.lost(error);
                }
            }
            Ok(_) => {}
            Err(error) => self.lost(error.into()),
        }
    }

    /// Text as it is, such as a script or a page of the manual.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let mut inner = std::io::stdout();
        if let Err(error) = inner.write_all(bytes).and_then(|()| inner.flush()) {
            self.lost(error);
        }
    }

    fn lost(&mut self, error: std::io::Error) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            self.closed = true;
        } else {
            self.failed.get_or_insert(error);
        }
    }

    /// A remark for a person; programs and whoever wants it quiet get none.
    pub(crate) fn remark(&mut self, text: impl AsRef<str>) {
        if !self.options.json && !self.options.quiet {
            // who closed stderr does not want to know
            writeln!(self.err, "{}", text.as_ref()).ok();
        }
    }

    /// What a person should do next.
    pub(crate) fn hint(&mut self, text: impl AsRef<str>) {
        self.remark(format!("{HINT}hint:{HINT:#} {}", text.as_ref()));
    }

    /// Says how it went; the exit code of the program.
    pub(crate) fn end(&mut self, done: Result<u8, Failure>) -> ExitCode {
        let flushed = std::io::stdout().flush();
        if let Err(error) = flushed {
            self.lost(error);
        }
        let done = match (done, self.failed.take()) {
            (Ok(_), Some(error)) => Err(Failure::new(
                FAILED,
                "io",
                format!("cannot write to stdout: {error}"),
                "",
            )),
            (done, _) => done,
        };
        match done {
            Ok(code) => ExitCode::from(code),
            Err(failure) => {
                self.say(&failure);
                ExitCode::from(failure.exit)
            }
        }
    }

    fn say(&mut self, failure: &Failure) {
        if self.options.json {
            let text = serde_json::to_string(failure).unwrap_or_default();
            writeln!(std::io::stderr(), "{text}").ok();
            return;
        }
        writeln!(
            self.err,
            "{ERROR}error:{ERROR:#} {}",
            clean(&failure.message)
        )
        .ok();
        if !failure.hint.is_empty() {
            writeln!(self.err, "{HINT}hint:{HINT:#} {}", clean(&failure.hint)).ok();
        }
    }
}

/// Text from outside as a terminal may see it: control characters and marks that turn the direction of
/// text around are written out.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for each in text.chars() {
        let turns = matches!(each, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if each.is_control() || turns {
            cleaned.extend(each.escape_default());
        } else {
            cleaned.push(each);
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_a_terminal() {
        let check = |text: &str, expect: &str| assert_eq!(clean(text), expect);
        check("Grüße, 世界", "Grüße, 世界");
        check("\u{1b}[2Jgone", "\\u{1b}[2Jgone");
        check("two\nlines\tand a tab", "two\\nlines\\tand a tab");
        check("txt.\u{202e}exe", "txt.\\u{202e}exe");
        check("\u{9b}31m", "\\u{9b}31m");
    }
}
