//! What lies in a suggested folder: counted when somebody asks, while somebody waits, and not for long.
//!
//! Rule: only folders that this host suggests are counted; a page cannot name another path.

use std::fs::{Metadata, ReadDir};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use upkeep_config::suggestions;
use upkeep_contract::settings::FolderAmount;

use crate::console::SCREEN_PAUSE;
use crate::{Console, ConsoleError};

/// How long a count may take. A cache of millions of files is told as "at least".
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Entries between two looks at the clock and at who still waits.
const STRIDE: u32 = 256;

/// The amounts of one count as they grow. Dropping it ends the count.
#[derive(Debug)]
pub struct AmountWatch {
    amounts: mpsc::Receiver<FolderAmount>,
}

impl AmountWatch {
    /// The next amount; `None` after the one that is the last.
    pub async fn next(&mut self) -> Option<FolderAmount> {
        self.amounts.recv().await
    }
}

impl Console {
    /// Counts what lies in the suggested folder of this name.
    ///
    /// # Errors
    /// [`ConsoleError::Config`] when the configuration cannot be used, [`ConsoleError::UnknownName`]
    /// when there is no such suggestion.
    pub fn suggestion_amount(&self, name: &str) -> Result<AmountWatch, ConsoleError> {
        let configuration = self.configuration()?;
        let suggested = suggestions(&self.folders, &configuration);
        let Some(found) = suggested.iter().find(|one| one.settings.name == name) else {
            return Err(ConsoleError::UnknownName {
                kind: "suggestion",
                name: name.to_owned(),
                known: suggested.into_iter().map(|one| one.settings.name).collect(),
            });
        };
        Ok(count(Path::new(&found.settings.path).into(), TIME_LIMIT))
    }
}

pub(crate) fn count(folder: Box<Path>, limit: Duration) -> AmountWatch {
    let (sender, amounts) = mpsc::channel(1);
    spawn_blocking(move || Count::new(sender, limit).run(&folder));
    AmountWatch { amounts }
}

struct Count {
    amount: FolderAmount,
    sender: mpsc::Sender<FolderAmount>,
    begun: Instant,
    told: Instant,
    limit: Duration,
    seen: u32,
}

impl Count {
    fn new(sender: mpsc::Sender<FolderAmount>, limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            amount: FolderAmount::default(),
            sender,
            begun: now,
            told: now,
            limit,
            seen: 0,
        }
    }

    fn run(mut self, folder: &Path) {
        self.amount.whole = self.walk(folder);
        self.amount.ended = true;
        if self.sender.blocking_send(self.amount).is_err() {
            tracing::debug!("nobody waits for the amount any more");
        }
    }

    /// Links are not followed and mounts not entered, as cleaning does. False when it was ended early.
    fn walk(&mut self, folder: &Path) -> bool {
        let Some(device) = folder.symlink_metadata().ok().as_ref().map(device_of) else {
            self.amount.unreadable += 1;
            return true;
        };
        // one open folder for each level; a deep tree costs descriptors, never the stack
        let mut open: Vec<ReadDir> = self.read(folder).into_iter().collect();
        while let Some(entries) = open.last_mut() {
            let Some(entry) = entries.next() else {
                open.pop();
                continue;
            };
            if !self.goes_on() {
                return false;
            }
            // what is gone by now is no more than that
            let Ok(entry) = entry else { continue };
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() {
                self.amount.files += 1;
                self.amount.bytes += metadata.len();
            } else if metadata.is_dir() && device_of(&metadata) == device {
                open.extend(self.read(&entry.path()));
            }
        }
        true
    }

    fn read(&mut self, folder: &Path) -> Option<ReadDir> {
        let read = folder.read_dir();
        if read.is_err() {
            self.amount.unreadable += 1;
        }
        read.ok()
    }

    /// Tells how far it is now and then; false when the time is over or nobody waits.
    fn goes_on(&mut self) -> bool {
        self.seen += 1;
        if self.seen < STRIDE {
            return true;
        }
        self.seen = 0;
        if self.told.elapsed() >= SCREEN_PAUSE {
            self.told = Instant::now();
            // a screen that is slow gets the next one
            if let Ok(permit) = self.sender.try_reserve() {
                permit.send(self.amount);
            }
        }
        !self.sender.is_closed() && self.begun.elapsed() < self.limit
    }
}

#[cfg(unix)]
fn device_of(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.dev()
}

#[cfg(not(unix))]
fn device_of(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn last(mut watch: AmountWatch) -> FolderAmount {
        let mut last = FolderAmount::default();
        while let Some(amount) = watch.next().await {
            last = amount;
        }
        last
    }

    #[tokio::test]
    async fn files_of_every_level_are_counted_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("one"), "12345").unwrap();
        std::fs::write(folder.path().join("a/b/two"), "1234567").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/", folder.path().join("a/everything")).unwrap();
        let amount = last(count(folder.path().into(), TIME_LIMIT)).await;
        assert_eq!(
            amount,
            FolderAmount {
                files: 2,
                bytes: 12,
                unreadable: 0,
                ended: true,
                whole: true
            }
        );
    }

    #[tokio::test]
    async fn a_count_whose_time_is_over_says_that_it_is_not_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        for name in 0..=STRIDE {
            std::fs::write(folder.path().join(name.to_string()), "").unwrap();
        }
        let amount = last(count(folder.path().into(), Duration::ZERO)).await;
        assert!(amount.ended && !amount.whole, "{amount:?}");
        assert!(amount.files < u64::from(STRIDE), "{amount:?}");
    }

    #[tokio::test]
    async fn a_count_ends_when_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in 0..=STRIDE {
            std::fs::write(folder.path().join(name.to_string()), "").unwrap();
        }
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        let mut counting = Count::new(sender, TIME_LIMIT);
        assert!(!counting.walk(folder.path()));
    }
}
