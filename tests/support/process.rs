//! The real programs, as processes that can be killed.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::installation::Installation;

/// The app, as this test run built it.
pub(crate) fn app_program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_upkeep"))
}

/// The worker, which `cargo build --workspace` puts beside the app.
pub(crate) fn worker_program() -> PathBuf {
    beside("upkeep-worker", "upkeep-worker")
}

/// The command line, which it puts there, too.
pub(crate) fn ctl_program() -> PathBuf {
    beside("upkeepctl", "upkeep-ctl")
}

fn beside(name: &str, package: &str) -> PathBuf {
    let program = app_program().with_file_name(name);
    assert!(
        program.exists(),
        "{} is missing: build it with `cargo build -p {package}`",
        program.display()
    );
    program
}

/// What the system tells of a process: its name, and the fields after that: state (`Z`: has ended, and nobody has
/// waited for it), parent, group, …
pub(crate) fn stat(pid: u32) -> Option<(String, Vec<String>)> {
    // `pid (name) state …`, where the name may hold anything
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (begin, fields) = text.rsplit_once(')')?;
    let (_, name) = begin.split_once('(')?;
    let fields = fields.split_whitespace().map(str::to_owned).collect();
    Some((name.to_owned(), fields))
}

/// A process that is killed when the test ends, however it ends.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command for an installation; what it prints goes to a file there.
    pub(crate) fn start(installation: &Installation, command: Command, name: &str) -> Self {
        Self::start_on(installation, None, command, name)
    }

    /// Starts a command for an installation that uses this database, by default its own.
    pub(crate) fn start_on(
        installation: &Installation,
        database: Option<&str>,
        mut command: Command,
        name: &str,
    ) -> Self {
        let log = installation
            .path()
            .join(format!("{name}-{}.log", uuid_like()));
        let output = std::fs::File::create(&log).unwrap();
        match database {
            Some(url) => command.env("UPKEEP_DATABASE_URL", url),
            None => command.env_remove("UPKEEP_DATABASE_URL"),
        };
        if !command.get_envs().any(|(name, _)| name == "RUST_LOG") {
            command.env("RUST_LOG", "info");
        }
        let child = command
            .env("UPKEEP_HOME", installation.home())
            // a group of its own, so that whatever it starts ends with it
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, log }
    }

    /// Starts `upkeep-worker run`.
    pub(crate) fn worker(installation: &Installation, arguments: &[&str]) -> Self {
        let mut command = Command::new(worker_program());
        command.arg("run").args(arguments);
        Self::start(installation, command, "worker")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// It and the processes it started that are still there: their ids and names, `… (dead)` for those nobody has
    /// waited for.
    pub(crate) fn group(&self) -> Vec<(u32, String)> {
        let of_group = |entry: std::io::Result<std::fs::DirEntry>| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let (name, fields) = stat(pid)?;
            let dead = if fields[0] == "Z" { " (dead)" } else { "" };
            (fields[2] == self.pid().to_string()).then(|| (pid, format!("{name}{dead}")))
        };
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(of_group)
            .collect()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end, at most half a minute; its exit code.
    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while self.is_running() {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it never ended:\n{}",
                self.output()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.wait().unwrap().code()
    }

    /// SIGKILL: no farewell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for the end; true when it ended with code 0.
    pub(crate) fn terminate(&mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().success()
    }

    /// SIGINT, and waits for the end; its exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }

    /// True while it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has printed so far.
    pub(crate) fn output(&self) -> String {
        let mut bytes = Vec::new();
        std::fs::File::open(&self.log)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How often it has printed this text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.output().matches(text).count()
    }

    /// Waits until it has printed this text, at most half a minute.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_for_times(1, text);
    }

    /// Waits until it has printed this text so many times, at most half a minute.
    pub(crate) fn wait_for_times(&mut self, times: usize, text: &str) {
        let begun = Instant::now();
        while self.count(text) < times {
            assert!(
                self.is_running(),
                "it ended without printing `{text}`:\n{}",
                self.output()
            );
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it never printed `{text}`:\n{}",
                self.output()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        // the group may have ended by itself
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        self.child.wait().ok();
        // whoever starts next must not meet what is still ending
        let begun = Instant::now();
        while rustix::process::test_kill_process_group(group).is_ok()
            && begun.elapsed() < Duration::from_secs(5)
        {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Runs the worker program to its end.
pub(crate) fn exec(home: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(worker_program())
        .args(arguments)
        .env("UPKEEP_HOME", home)
        .env_remove("UPKEEP_DATABASE_URL")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn uuid_like() -> String {
    upkeep_contract::TaskId::generate().0
}
