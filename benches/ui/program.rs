//! A program with a window, and what it takes with all that it started.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Upkeep,
    Trivial,
}

impl Which {
    pub(crate) const BOTH: [Self; 2] = [Self::Upkeep, Self::Trivial];

    /// What makes it paint as Upkeep does by itself where there is no graphics card (`src-tauri/src/drawing.rs`),
    /// when frames are compared.
    pub(crate) fn paints_like_upkeep(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Upkeep => &[],
            Self::Trivial => &[("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1")],
        }
    }

    /// Where it lies; `scripts/bench.sh` says so.
    pub(crate) fn path(self) -> PathBuf {
        let name = match self {
            Self::Upkeep => "UPKEEP_BENCH_APP",
            Self::Trivial => "UPKEEP_BENCH_TRIVIAL",
        };
        let path = std::env::var_os(name);
        path.unwrap_or_else(|| panic!("{name} is not set: use `make bench-ui`"))
            .into()
    }
}

/// A running program; killed with its children when dropped.
pub(crate) struct Program {
    child: Child,
}

impl Program {
    /// Starts it on an installation.
    pub(crate) fn start(program: &Path, arguments: &[&str], home: &Path) -> Self {
        Self::start_with(program, arguments, home, &[])
    }

    /// The same with variables of the environment.
    pub(crate) fn start_with(
        program: &Path,
        arguments: &[&str],
        home: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .envs(variables.iter().copied())
            .env("UPKEEP_HOME", home)
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            // a group of its own, so that whatever it starts ends with it
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        Self { child }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        // the group may have ended by itself
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        self.child.wait().ok();
        // whoever starts next must not meet what is still ending
        for _ in 0..500 {
            if rustix::process::test_kill_process_group(group).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// What a program and all that it started have taken so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Processor time since they began, in seconds.
    pub(crate) seconds: f64,
    /// Memory, what is shared counted by its share, in MB.
    pub(crate) megabytes: f64,
}

/// Looks at a process and its children and theirs.
pub(crate) fn look(root: u32) -> Taken {
    let processes: Vec<(u32, u32)> = processes();
    let mut family = vec![root];
    let mut at = 0;
    while at < family.len() {
        let parent = family[at];
        family.extend(processes.iter().filter(|it| it.1 == parent).map(|it| it.0));
        at += 1;
    }
    let all = family.iter().map(|pid| taken(*pid));
    let sum = all.fold(Taken::default(), |sum, one| Taken {
        seconds: sum.seconds + one.seconds,
        megabytes: sum.megabytes + one.megabytes,
    });
    assert!(sum.megabytes > 0.0, "process {root} is gone");
    sum
}

/// The process of this program that was started last.
pub(crate) fn newest(program: &Path) -> u32 {
    let of_program =
        |pid: &u32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    let pids = processes().into_iter().map(|(pid, _)| pid);
    pids.filter(of_program).max().unwrap()
}

/// Every process with its parent.
fn processes() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?[1].parse().ok()?)))
        .collect()
}

/// The fields after the name: state, parent, …
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn taken(pid: u32) -> Taken {
    let Some(fields) = stat(pid) else {
        return Taken::default();
    };
    let ticks: f64 = [&fields[11], &fields[12]]
        .iter()
        .map(|field| field.parse::<f64>().unwrap())
        .sum();
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let share = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes: f64 = share
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0);
    Taken {
        // the kernel counts in hundredths of a second for every program
        seconds: ticks / 100.0,
        megabytes: kilobytes * 1024.0 / 1e6,
    }
}
