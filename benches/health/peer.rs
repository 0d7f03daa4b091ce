//! psutil in a process of its own, asked in turn.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Names a Python that has psutil; `scripts/bench.sh` sets it.
const PYTHON: &str = "UPKEEP_BENCH_PYTHON";

/// The peer, while it runs.
pub(crate) struct Peer {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it; none where there is no psutil.
    pub(crate) fn start() -> Option<Self> {
        let python = std::env::var_os(PYTHON)?;
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/health/peer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self {
            child,
            questions,
            answers,
        })
    }

    /// Asks, and waits for numbers.
    pub(crate) fn ask(&mut self, question: &str) -> Vec<f64> {
        self.begin(question);
        self.answer()
    }

    /// Asks without waiting.
    pub(crate) fn begin(&mut self, question: &str) {
        let questions = self.questions.as_mut().unwrap();
        writeln!(questions, "{question}").unwrap();
        questions.flush().unwrap();
    }

    /// The numbers that were asked for.
    pub(crate) fn answer(&mut self) -> Vec<f64> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // it ends with its questions
        drop(self.questions.take());
        self.child.wait().unwrap();
    }
}
