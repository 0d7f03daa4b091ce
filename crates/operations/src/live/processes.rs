//! The busiest processes, out of `/proc/<id>/stat`: one small file for each process tells name, CPU and memory.
//!
//! Opening thousands of files costs milliseconds, so they are read more seldom than all else (see [`Pace`]).

use std::ffi::CStr;
use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom, openat, seek};
use upkeep_contract::Timestamp;
use upkeep_contract::live::{LiveProcess, LiveProcesses};

use super::pace::Pace;
use super::rates::float;
use super::text::{number, words};
use crate::vitals::hundredths;

/// How many of each kind are told.
const MOST: usize = 10;

/// The kernel cuts a program's name after so many bytes.
const NAME_MAX: usize = 15;

/// A process as it was last read. Its start tells it from a later one with the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    pid: u32,
    started: u64,
    ticks: u64,
}

/// What one file told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    seen: Seen,
    name: Vec<u8>,
    pages: u64,
}

#[derive(Clone, Debug)]
struct Candidate {
    told: Told,
    cpu_percent: Option<f64>,
}

/// What was read last, by id.
#[derive(Debug)]
pub(super) struct Processes {
    folder: Option<OwnedFd>,
    before: Vec<Seen>,
    read_at: Option<Instant>,
    pace: Pace,
    ticks_per_second: f64,
    page_size: u64,
}

impl Processes {
    /// `folder` is `/proc`.
    pub(super) fn open(folder: &CStr) -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self {
            folder: rustix::fs::open(folder, flags, Mode::empty()).ok(),
            before: Vec::new(),
            read_at: None,
            pace: Pace::new(Duration::from_secs(2)),
            ticks_per_second: float(procfs::ticks_per_second()),
            page_size: procfs::page_size(),
        }
    }

    /// They may be read again at once.
    pub(super) fn hurry(&mut self) {
        self.pace.hurry();
    }

    /// The busiest now; none while it is too early to look again.
    pub(super) fn sample(&mut self, now: Timestamp, buffer: &mut Vec<u8>) -> Option<LiveProcesses> {
        let folder = self.folder.as_ref()?.as_fd();
        let begun = Instant::now();
        if !self.pace.may_begin(begun) {
            return None;
        }
        let time = self.read_at.map(|before| begun.duration_since(before));
        let mut all = Vec::with_capacity(self.before.len() + 16);
        let (mut by_cpu, mut by_memory) = (Vec::new(), Vec::new());
        let (mut count, mut hidden, mut place) = (0, 0, 0);
        // ids come in rising order, so what was read before is met in the same order
        for_each_id(folder, |pid| {
            count += 1;
            let mut path = String::with_capacity(16);
            if write!(path, "{pid}/stat").is_err() {
                return;
            }
            let told = match read(folder, &path, buffer) {
                Ok(text) => told(pid, text),
                // it ended meanwhile
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::SRCH) => {
                    count -= 1;
                    return;
                }
                Err(_) => None,
            };
            let Some(told) = told else {
                hidden += 1;
                return;
            };
            while self.before.get(place).is_some_and(|seen| seen.pid < pid) {
                place += 1;
            }
            let before = self.before.get(place).filter(|seen| {
                seen.pid == pid
                    && seen.started == told.seen.started
                    && seen.ticks <= told.seen.ticks
            });
            let cpu_percent = before.zip(time).map(|(before, time)| {
                let seconds = float(told.seen.ticks - before.ticks) / self.ticks_per_second;
                hundredths(seconds / time.as_secs_f64() * 100.0)
            });
            all.push(told.seen);
            if cpu_percent.is_some_and(|percent| percent > 0.0) {
                keep_largest(&mut by_cpu, &told, cpu_percent, |it| {
                    it.cpu_percent.unwrap_or(0.0)
                });
            }
            if told.pages > 0 {
                keep_largest(&mut by_memory, &told, cpu_percent, |it| {
                    float(it.told.pages)
                });
            }
        });
        self.before = all;
        self.read_at = Some(begun);
        let mut named = |candidates: Vec<Candidate>| -> Vec<LiveProcess> {
            let named = candidates.into_iter().map(|candidate| LiveProcess {
                pid: candidate.told.seen.pid,
                name: name(folder, &candidate.told, buffer),
                cpu_percent: candidate.cpu_percent,
                memory_bytes: candidate.told.pages.saturating_mul(self.page_size),
            });
            named.collect()
        };
        let live = LiveProcesses {
            at: now,
            count,
            hidden,
            by_cpu: named(by_cpu),
            by_memory: named(by_memory),
        };
        self.pace.ended(begun, Instant::now());
        if time.is_none() {
            // without a second look there is no CPU to tell: that one comes with the next sample
            self.pace.hurry();
        }
        Some(live)
    }
}

fn for_each_id(folder: BorrowedFd<'_>, mut found: impl FnMut(u32)) {
    if seek(folder, SeekFrom::Start(0)).is_err() {
        return;
    }
    let mut space = [MaybeUninit::<u8>::uninit(); 8192];
    let mut entries = RawDir::new(folder, &mut space);
    while let Some(Ok(entry)) = entries.next() {
        let id = number(entry.file_name().to_bytes());
        if let Some(id) = id.and_then(|id| u32::try_from(id).ok()) {
            found(id);
        }
    }
}

fn read<'a>(
    folder: BorrowedFd<'_>,
    path: &str,
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], rustix::io::Errno> {
    let file = openat(
        folder,
        path,
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    if buffer.len() < 4096 {
        buffer.resize(4096, 0);
    }
    // a process's line is short, and its name and figures stand in front
    let length = rustix::io::read(&file, &mut buffer[..4096])?;
    Ok(&buffer[..length])
}

/// `id (name) state …`: the name may hold anything, so its end is the last bracket. See `proc_pid_stat(5)`.
fn told(pid: u32, text: &[u8]) -> Option<Told> {
    let open = text.iter().position(|&byte| byte == b'(')?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    let name = text.get(open + 1..close)?.to_vec();
    // the state is field 3: user and system time are 14 and 15, the start 22, pages in RAM 24
    let mut fields = words(&text[close + 1..]).map(number).skip(11);
    let (user, system) = (fields.next()??, fields.next()??);
    let started = fields.nth(6)??;
    let pages = fields.nth(1)??;
    let seen = Seen {
        pid,
        started,
        ticks: user + system,
    };
    Some(Told { seen, name, pages })
}

fn keep_largest(
    kept: &mut Vec<Candidate>,
    told: &Told,
    cpu_percent: Option<f64>,
    size: impl Fn(&Candidate) -> f64,
) {
    let candidate = Candidate {
        told: told.clone(),
        cpu_percent,
    };
    let own = size(&candidate);
    let place = kept.partition_point(|other| size(other) >= own);
    if place < MOST {
        kept.truncate(MOST - 1);
        kept.insert(place, candidate);
    }
}

/// The name of the program. One that the kernel cut is taken whole from the command line, when that begins alike.
fn name(folder: BorrowedFd<'_>, told: &Told, buffer: &mut Vec<u8>) -> String {
    let short = &told.name;
    if short.len() >= NAME_MAX
        && let Ok(line) = read(folder, &format!("{}/cmdline", told.seen.pid), buffer)
    {
        let program = line.split(|&byte| byte == 0).next().unwrap_or_default();
        let base = program
            .rsplit(|&byte| byte == b'/')
            .next()
            .unwrap_or_default();
        if base.starts_with(short) && base.len() <= 255 {
            return String::from_utf8_lossy(base).into_owned();
        }
    }
    String::from_utf8_lossy(short).into_owned()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use upkeep_contract::{Clock, SystemClock};

    use super::*;

    fn line(name: &str, user: u64, system: u64, started: u64, pages: u64) -> String {
        format!(
            "7 ({name}) S 1 7 7 0 -1 4194560 1 0 0 0 {user} {system} 0 0 20 0 1 0 {started} 99 {pages} 1 2\n"
        )
    }

    #[test]
    fn a_name_may_hold_brackets_and_blanks() {
        for name in ["sh", "a b", "x) S 1 (", "tmux: server", ""] {
            let told = told(7, line(name, 30, 12, 555, 17).as_bytes()).unwrap();
            assert_eq!(told.name, name.as_bytes());
            let seen = Seen {
                pid: 7,
                started: 555,
                ticks: 42,
            };
            assert_eq!((told.seen, told.pages), (seen, 17));
        }
        assert_eq!(told(7, b"7 (cut) S 1 2"), None);
        assert_eq!(told(7, b""), None);
    }

    #[test]
    fn the_ten_largest_are_kept_in_order() {
        let mut kept = Vec::new();
        for pages in [5, 50, 1, 30, 2, 40, 3, 60, 4, 20, 70, 6, 10] {
            let told = told(7, line("p", 0, 0, 0, pages).as_bytes()).unwrap();
            keep_largest(&mut kept, &told, None, |it| float(it.told.pages));
        }
        let pages: Vec<u64> = kept.iter().map(|it| it.told.pages).collect();
        assert_eq!(pages, [70, 60, 50, 40, 30, 20, 10, 6, 5, 4]);
    }

    #[test]
    fn a_busy_process_is_found_with_what_it_uses_and_holds() {
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut processes = Processes::open(c"/proc");
        let mut buffer = Vec::new();
        let first = processes.sample(SystemClock.now(), &mut buffer).unwrap();
        assert!(first.by_cpu.is_empty(), "nothing is known of their CPU yet");
        assert!(first.count > 1 && !first.by_memory.is_empty());
        // others may use much, so it is asked for until it is among the first
        let begun = Instant::now();
        let found = loop {
            std::thread::sleep(Duration::from_millis(300));
            let Some(sample) = processes.sample(SystemClock.now(), &mut buffer) else {
                continue;
            };
            let found = sample.by_cpu.into_iter().find(|it| it.pid == busy.id());
            if found.is_some() || begun.elapsed() > Duration::from_secs(60) {
                break found;
            }
        };
        busy.kill().unwrap();
        busy.wait().unwrap();
        let found = found.unwrap();
        assert!(found.cpu_percent.unwrap() > 0.0 && found.memory_bytes > 0);
    }

    #[test]
    fn they_are_not_read_with_every_sample() {
        let mut processes = Processes::open(c"/proc");
        let mut buffer = Vec::new();
        let mut sample = || processes.sample(SystemClock.now(), &mut buffer).is_some();
        assert!(sample(), "at once");
        assert!(sample(), "again, because only two looks tell of CPU");
        assert!(!sample() && !sample(), "then not within two seconds");
    }

    #[test]
    fn without_a_process_table_there_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = std::ffi::CString::new(folder.path().to_str().unwrap()).unwrap();
        let empty = Processes::open(&path)
            .sample(Timestamp(1), &mut Vec::new())
            .unwrap();
        assert_eq!((empty.count, empty.by_memory.len()), (0, 0));
        assert_eq!(
            Processes::open(c"/nowhere").sample(Timestamp(1), &mut Vec::new()),
            None
        );
    }
}
