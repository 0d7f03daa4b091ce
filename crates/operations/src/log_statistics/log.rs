//! The statistics log: JSON Lines, appended whole, turned over when it grows large.
//!
//! Rule: whoever appends or turns over holds the lock of the file beside it, so that two programs never
//! write into each other's line nor rename under each other's hands. At most `kept` older files stay.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::OperationError;

/// How large the log may grow, and how many older ones stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub(super) largest: u64,
    pub(super) kept: u32,
}

/// About 60 MiB in all: some ten thousand events.
pub(super) const ROTATION: Rotation = Rotation {
    largest: 10 << 20,
    kept: 5,
};

/// Appending takes milliseconds: who holds the lock for longer was stopped in the middle.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Appends one line, whole, and waits until the disk has it.
pub(super) fn append(file: &Path, line: &str, rotation: Rotation) -> Result<(), OperationError> {
    append_under_lock(file, line, rotation).map_err(|error| why(file, &error))
}

fn append_under_lock(file: &Path, line: &str, rotation: Rotation) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        make_folder(folder)?;
    }
    // let go of when it is closed, also by the death of this process
    let _lock = lock(&beside(file, ".lock"))?;
    let mut log = open(file)?;
    let size = log.metadata()?.len();
    if size > 0 && size + line.len() as u64 > rotation.largest {
        drop(log);
        turn_over(file, rotation.kept)?;
        log = open(file)?;
    }
    let text = if ends_with_newline(&mut log)? {
        line.to_owned()
    } else {
        // an earlier write was cut short by a full disk: this event must not be glued to its rest
        format!("\n{line}")
    };
    log.write_all(text.as_bytes())?;
    log.sync_data()
}

/// `statistics.jsonl` becomes `statistics.jsonl.1`, that one `.2`, and so on; the oldest goes.
fn turn_over(file: &Path, kept: u32) -> io::Result<()> {
    let numbered = |number: u32| beside(file, &format!(".{number}"));
    for number in (1..kept).rev() {
        unless_missing(std::fs::rename(numbered(number), numbered(number + 1)))?;
    }
    if kept == 0 {
        std::fs::remove_file(file)
    } else {
        std::fs::rename(file, numbered(1))
    }
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}

fn lock(file: &Path) -> io::Result<File> {
    let lock = open(file)?;
    let asked = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if asked.elapsed() > LOCK_PATIENCE => {
                let holder = format!("another program holds {}", file.display());
                return Err(io::Error::new(io::ErrorKind::TimedOut, holder));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

/// True also for an empty file, and for what cannot be read backwards.
fn ends_with_newline(log: &mut File) -> io::Result<bool> {
    let metadata = log.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(true);
    }
    log.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    log.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn why(file: &Path, error: &io::Error) -> OperationError {
    use io::ErrorKind as Kind;
    let message = format!(
        "cannot write the statistics log {}: {error}",
        file.display()
    );
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => OperationError::transient(
            message,
            "make room on that disk (clean temporary files), then run it again",
        ),
        Kind::IsADirectory => {
            OperationError::permanent(message, "move the folder away that has the log's name")
        }
        Kind::NotADirectory | Kind::AlreadyExists => OperationError::permanent(
            message,
            "move the file away that stands where the log's folder should be",
        ),
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
            OperationError::permanent(message, "let the user who runs the worker write there")
        }
        Kind::TimedOut => {
            OperationError::transient(message, "end the program that hangs, then run it again")
        }
        _ => OperationError::transient(message, "see whether the disk is well, then run it again"),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use tempfile::TempDir;

    use super::*;

    /// Names the file that a second process of this test appends to.
    const FILE: &str = "UPKEEP_TEST_STATISTICS_LOG";
    const LINES: usize = 400;
    const SMALL: Rotation = Rotation {
        largest: 2_000,
        kept: 1_000,
    };

    fn numbered(file: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(file.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_none_or(|extension| extension != "lock"))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn the_log_is_turned_over_and_only_so_many_are_kept() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("statistics.jsonl");
        let rotation = Rotation {
            largest: 25,
            kept: 2,
        };
        for number in 0..9 {
            append(&file, &format!("{{\"n\":{number}}}\n"), rotation).unwrap();
        }
        let texts: Vec<String> = numbered(&file)
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(
            texts,
            [
                "{\"n\":6}\n{\"n\":7}\n{\"n\":8}\n",
                "{\"n\":3}\n{\"n\":4}\n{\"n\":5}\n",
                "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n"
            ]
        );
    }

    #[test]
    fn an_event_larger_than_the_log_may_be_is_written_all_the_same() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("statistics.jsonl");
        let rotation = Rotation {
            largest: 4,
            kept: 0,
        };
        append(&file, "first\n", rotation).unwrap();
        append(&file, "second\n", rotation).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "second\n");
        assert_eq!(numbered(&file).len(), 1);
    }

    fn write_lines(file: &Path, who: &str) {
        for number in 0..LINES {
            append(file, &format!("{who} {number}\n"), SMALL).unwrap();
        }
    }

    fn another_process(file: &Path) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "log_statistics::log::tests::two_processes_lose_no_line_while_the_log_is_turned_over"])
            .env(FILE, file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn two_processes_lose_no_line_while_the_log_is_turned_over() {
        if let Some(file) = std::env::var_os(FILE) {
            return write_lines(Path::new(&file), "other");
        }
        let folder = TempDir::new_in(if Path::new("/dev/shm").is_dir() {
            PathBuf::from("/dev/shm")
        } else {
            std::env::temp_dir()
        })
        .unwrap();
        let file = folder.path().join("statistics.jsonl");
        let mut other = another_process(&file);
        write_lines(&file, "own");
        assert!(other.wait().unwrap().success());
        let files = numbered(&file);
        assert!(files.len() > 3, "{} files", files.len());
        let mut lines: Vec<String> = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.len() <= 2_000 && text.ends_with('\n'));
            lines.extend(text.lines().map(str::to_owned));
        }
        lines.sort();
        let mut expect: Vec<String> = ["own", "other"]
            .iter()
            .flat_map(|who| (0..LINES).map(move |number| format!("{who} {number}")))
            .collect();
        expect.sort();
        assert_eq!(lines, expect);
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("statistics.jsonl");
        let held = lock(&beside(&file, ".lock")).unwrap();
        let waiting = std::thread::spawn({
            let file = file.clone();
            move || append(&file, "line\n", ROTATION)
        });
        // whoever waits has made nothing yet
        while !waiting.is_finished() && file.exists() {
            std::thread::yield_now();
        }
        assert!(!file.exists());
        drop(held);
        waiting.join().unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "line\n");
    }
}
