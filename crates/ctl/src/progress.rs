//! How a task that is waited for comes along: a bar on a terminal, plain lines otherwise.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use upkeep_contract::task::{LogLevel, LogLine, Progress, Task, TaskState};
use upkeep_contract::{TaskId, Timestamp};

use crate::output::{Output, clean};
use crate::words;

/// The pause between two lines of progress of one task.
const LINES_PAUSE: Duration = Duration::from_secs(1);

/// Shows how tasks come along.
pub(crate) enum Show {
    /// Nothing: programs read the results, or it should be quiet.
    Nothing,
    /// Lines on stderr.
    Lines(Vec<Line>),
    /// Bars on the terminal that stderr is.
    Bars(MultiProgress, Vec<ProgressBar>),
}

/// What was said last of one task.
#[derive(Clone, Default)]
pub(crate) struct Line {
    said: String,
    state: Option<TaskState>,
    at: Option<Instant>,
}

impl Show {
    pub(crate) fn new(tasks: usize, output: &Output) -> Self {
        if output.json() || output.quiet() {
            return Self::Nothing;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines(vec![Line::default(); tasks]);
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let bars = (0..tasks)
            .map(|_| all.add(ProgressBar::no_length()))
            .collect();
        Self::Bars(all, bars)
    }

    /// The newest of one task.
    pub(crate) fn task(&mut self, index: usize, task: &Task, log: &[LogLine], now: Timestamp) {
        match self {
            Self::Nothing => {}
            Self::Lines(lines) => {
                let prefix = prefix(task, lines.len() > 1);
                for line in log {
                    say(&format!(
                        "{prefix}{}: {}",
                        line.level.as_str(),
                        clean(&line.message)
                    ));
                }
                if let Some(line) = lines.get_mut(index) {
                    line.show(task, &prefix, now);
                }
            }
            Self::Bars(all, bars) => {
                let several = bars.len() > 1;
                for line in log.iter().filter(|line| line.level != LogLevel::Info) {
                    let text = format!(
                        "{}{}: {}",
                        prefix(task, several),
                        line.level.as_str(),
                        clean(&line.message)
                    );
                    all.println(text).ok();
                }
                if let Some(bar) = bars.get(index) {
                    draw(bar, task, several, now);
                }
            }
        }
    }

    /// Takes the bars away, so that what follows stands alone.
    pub(crate) fn end(&mut self) {
        if let Self::Bars(_, bars) = self {
            for bar in bars.iter() {
                bar.finish_and_clear();
            }
        }
    }
}

fn say(text: &str) {
    // who closed stderr does not want to know
    writeln!(std::io::stderr(), "{text}").ok();
}

/// Says which task is meant when there are several.
fn prefix(task: &Task, several: bool) -> String {
    if !several {
        return String::new();
    }
    let host = task.worker_host.as_ref().or(task.target_host.as_ref());
    format!("{}: ", clean(host.map_or(task.id.as_str(), String::as_str)))
}

impl Line {
    fn show(&mut self, task: &Task, prefix: &str, now: Timestamp) {
        if task.state.is_final() {
            return;
        }
        let text = doing(task, now);
        let open =
            self.state != Some(task.state) || self.at.is_none_or(|at| at.elapsed() >= LINES_PAUSE);
        if open && text != self.said {
            say(&format!("{prefix}{text}"));
            self.said = text;
            self.state = Some(task.state);
            self.at = Some(Instant::now());
        }
    }
}

/// What goes on, in a line.
fn doing(task: &Task, now: Timestamp) -> String {
    if task.cancel_requested_at.is_some() {
        return "cancelling".to_owned();
    }
    match (task.state, &task.progress) {
        (TaskState::Running, Some(progress)) => step(progress),
        (TaskState::Running, None) => match &task.worker_host {
            Some(host) => format!("running on {}", clean(host)),
            None => "running".to_owned(),
        },
        _ => match task
            .waiting
            .as_ref()
            .and_then(|reason| words::waiting(reason, now))
        {
            Some(reason) => format!("waiting: {}", clean(&reason)),
            None => "waiting for its turn".to_owned(),
        },
    }
}

fn step(progress: &Progress) -> String {
    let of = progress
        .total
        .map(|total| format!(" of {total}"))
        .unwrap_or_default();
    let message = clean(&progress.message);
    let colon = if message.is_empty() { "" } else { ": " };
    format!(
        "{}{of} {}{colon}{message}",
        progress.done,
        clean(&progress.unit)
    )
}

fn draw(bar: &ProgressBar, task: &Task, several: bool, now: Timestamp) {
    let progress = task
        .progress
        .as_ref()
        .filter(|_| task.state == TaskState::Running);
    let total = progress
        .and_then(|progress| progress.total)
        .filter(|total| *total > 0);
    let template = if total.is_some() {
        "{prefix}[{bar:24}] {percent:>3} % {wide_msg}"
    } else {
        "{prefix}{spinner} {wide_msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> ").tick_chars("-\\|/ "));
    }
    bar.set_prefix(prefix(task, several));
    if let (Some(progress), Some(total)) = (progress, total) {
        bar.set_length(total);
        bar.set_position(progress.done);
    }
    bar.set_message(if task.state.is_final() {
        task.state.as_str().to_owned()
    } else {
        doing(task, now)
    });
    bar.tick();
}

/// How far a report has come, on a terminal.
pub(crate) struct Rows(Option<ProgressBar>);

impl Rows {
    pub(crate) fn new(output: &Output) -> Self {
        let shown = !output.json() && !output.quiet() && std::io::stderr().is_terminal();
        Self(shown.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())))
    }

    pub(crate) fn told(&mut self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.0 {
            let of = total
                .map(|total| format!(" of {total}"))
                .unwrap_or_default();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style.tick_chars("-\\|/ "));
            }
            bar.set_message(format!("{done}{of} rows"));
            bar.tick();
        }
    }

    pub(crate) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// How a task is called in a sentence.
pub(crate) fn named(id: &TaskId) -> String {
    format!("task {}", clean(id.as_str()))
}
