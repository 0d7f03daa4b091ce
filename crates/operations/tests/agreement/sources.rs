//! Who else can be asked: programs of the system, and psutil in a Python that stays open.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// What a program prints, in the C locale.
pub(crate) fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A whole number; `-` is none of something.
pub(crate) fn number(text: &str) -> u64 {
    if text == "-" {
        0
    } else {
        text.parse().unwrap()
    }
}

const SCRIPT: &str = r#"
import json, sys
import psutil

def memory():
    m, s = psutil.virtual_memory(), psutil.swap_memory()
    return dict(total=m.total, available=m.available, cached=m.cached, buffers=m.buffers, swap_total=s.total)

def cpu():
    t = psutil.cpu_times_percent()
    return dict(percent=psutil.cpu_percent(), cores=psutil.cpu_percent(percpu=True),
                user=t.user + t.nice, system=t.system + t.irq + t.softirq, iowait=t.iowait)

def disk(mount):
    u = psutil.disk_usage(mount)
    return dict(total=u.total, used=u.used, free=u.free)

def disks():
    return {n: dict(read=c.read_bytes, written=c.write_bytes)
            for n, c in psutil.disk_io_counters(perdisk=True, nowrap=False).items()}

def network():
    return {n: dict(received=c.bytes_recv, sent=c.bytes_sent, errors=c.errin + c.errout)
            for n, c in psutil.net_io_counters(pernic=True, nowrap=False).items()}

def processes():
    return {p.pid: dict(name=p.info["name"], memory=p.info["memory_info"].rss)
            for p in psutil.process_iter(["name", "memory_info"]) if p.info["memory_info"]}

for line in sys.stdin:
    print(json.dumps(eval(line)), flush=True)
"#;

/// A Python that has psutil. The system's package belongs to the system's Python, which another one may stand before.
fn python() -> &'static str {
    let has_psutil = |python: &&str| {
        let asked = Command::new(python)
            .args(["-c", "import psutil"])
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(has_psutil)
        .unwrap_or_else(|| panic!("no python3 here has the module psutil: `make setup` installs it (on Debian: python3-psutil)"))
}

/// psutil, kept open so that asking it takes no time to start.
pub(crate) struct Psutil {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Psutil {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let mut child = Command::new(python())
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut psutil = Self {
            child,
            questions,
            answers,
        };
        // it has loaded when it answers
        assert_eq!(psutil.ask("1"), 1);
        psutil
    }

    /// What an expression of Python is worth.
    #[track_caller]
    pub(crate) fn ask(&mut self, question: &str) -> Value {
        let questions = self.questions.as_mut().unwrap();
        writeln!(questions, "{question}").unwrap();
        questions.flush().unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(
            !line.is_empty(),
            "python3 broke off at `{question}`; has it the module psutil (python3-psutil)?"
        );
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Psutil {
    fn drop(&mut self) {
        // it ends with its questions
        drop(self.questions.take());
        self.child.wait().unwrap();
    }
}
