//! Watches the write-ahead log of a SQLite file, which every commit of any process writes to.
//!
//! A thread of its own sleeps until the system tells of a write, and asks the file system for the log's
//! size and time: that is far cheaper than to ask SQLite, and than to wake the async runtime for each
//! look. Where the system does not tell, it looks often.

use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::write_events::WriteEvents;

/// How often the log is looked at, where nobody tells of writes and while there are any.
const LOOK: Duration = Duration::from_millis(10);

/// How often it is looked at when nothing happens, where the system tells of writes: the time it takes
/// to notice what the system did not tell, such as a log that another file has taken the place of.
const QUIET_LOOK: Duration = Duration::from_secs(1);

/// Looks at that distance after a write, where the system tells of writes: what is written can be seen only
/// once the disk has it, which takes it some milliseconds.
const CLOSE_LOOKS: u32 = 3;

/// How much longer each pause is than the one before, from then on: a commit that the disk takes long for is
/// seen at most that many times as late as it is. Each look asks SQLite, and every heartbeat brings about a
/// row of them.
///
/// The head of the log's index would tell without asking, but it must not be opened here: to close a file
/// drops every lock that this process holds on it (`fcntl(2)`), SQLite's as well.
const GROWTH: u32 = 4;

/// More than the distance of two times that a file system tells apart: Linux counts them in ticks of
/// its clock, 10 ms at the most (`CONFIG_HZ` 100).
const FILE_TIME_GRAIN: Duration = Duration::from_millis(50);

/// A watch; its thread ends soon after it is dropped.
#[derive(Debug)]
pub(crate) struct LogWatch(Arc<Notify>);

impl LogWatch {
    /// Begins to watch. The first look always says that something was written.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(super) fn begin(log: Arc<Path>) -> io::Result<Self> {
        let written = Arc::new(Notify::new());
        let told = Arc::downgrade(&written);
        thread::Builder::new()
            .name("upkeep-log-watch".to_owned())
            .spawn(move || keep_looking(&log, &told))?;
        Ok(Self(written))
    }

    /// Waits until something may have been written since the last time.
    pub(super) async fn written(&self) {
        self.0.notified().await;
    }
}

fn keep_looking(log: &Path, told: &Weak<Notify>) {
    let events = WriteEvents::new();
    let mut settled = None;
    let mut heard = true;
    let mut close_looks = 0;
    let mut pause = LOOK;
    while let Some(told) = told.upgrade() {
        // followed before it is looked at: no write can fall between
        let is_told = events.follow(log);
        let longest = if is_told { QUIET_LOOK } else { LOOK };
        let stamp = LogStamp::of(log);
        let stirs = heard || stamp.is_none() || stamp != settled;
        if stirs {
            // what is written later with the same stamp is told, or shows once this one has settled
            settled = stamp.filter(|stamp| is_told || stamp.is_settled());
            close_looks = CLOSE_LOOKS;
            pause = LOOK;
        } else if close_looks > 0 {
            close_looks -= 1;
        } else {
            pause = (pause * GROWTH).min(longest);
        }
        // also for some time after: what is written can be seen only when the disk has it
        if stirs || pause < longest {
            told.notify_one();
        }
        drop(told);
        heard = if stirs {
            // one after another is told no more often than this
            thread::sleep(LOOK);
            events.wait(Duration::ZERO)
        } else {
            events.wait(pause)
        };
    }
}

/// The size of the log, and when it was last written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LogStamp {
    bytes: u64,
    modified: SystemTime,
}

impl LogStamp {
    /// `None` when the file system cannot say.
    fn of(log: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(log).ok()?;
        Some(Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok()?,
        })
    }

    /// Whether whatever is written from now on shows in another stamp. Within a tick of the file
    /// system's clock it may not, nor with times in the future.
    fn is_settled(self) -> bool {
        self.modified
            .elapsed()
            .is_ok_and(|elapsed| elapsed > FILE_TIME_GRAIN)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::fs::{File, OpenOptions};
    use std::io::Write;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    async fn quiet(watch: &LogWatch) {
        // until the looks have become seldom
        while tokio::time::timeout(2 * QUIET_LOOK, watch.written())
            .await
            .is_ok()
        {}
    }

    #[tokio::test]
    async fn a_write_is_told_once_it_happens_and_silence_is_silent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = File::create(&path).unwrap();
        let watch = LogWatch::begin(path.clone().into()).unwrap();
        quiet(&watch).await;
        log.write_all(b"more").unwrap();
        tokio::time::timeout(SOON, watch.written()).await.unwrap();
        quiet(&watch).await;
        // the same size: the log is written anew from its beginning
        let mut again = OpenOptions::new().write(true).open(&path).unwrap();
        again.write_all(b"else").unwrap();
        tokio::time::timeout(SOON, watch.written()).await.unwrap();
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_looked_at_may_have_been_written_to_at_any_time() {
        let watch = LogWatch::begin(Path::new("/nowhere/at/all").into()).unwrap();
        for _ in 0..3 {
            tokio::time::timeout(SOON, watch.written()).await.unwrap();
        }
    }
}
