//! Looking at a database without opening it as a queue.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use upkeep_queue::{Inspection, Queue, QueueError, inspect};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("upkeep.db")
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    async fn make(&self) {
        Queue::open(&self.url()).await.unwrap().close().await;
    }

    async fn change(&self, statement: &'static str) {
        let mut connection = SqliteConnection::connect(&self.url()).await.unwrap();
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    /// Inspects; what lies in the folder must be the same afterwards, times included.
    async fn inspect(&self) -> Result<Inspection, QueueError> {
        let before = tree(self.0.path());
        let found = inspect(&self.url()).await;
        assert_eq!(tree(self.0.path()), before);
        found
    }
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap());
    let facts = entries.map(|entry| {
        let found = entry.metadata().unwrap();
        (
            entry.path(),
            (found.size(), found.mtime(), found.mtime_nsec()),
        )
    });
    facts.collect()
}

#[tokio::test]
async fn a_missing_database_stays_missing() {
    let place = Place::new();
    let found = place.inspect().await.unwrap();
    assert_eq!(found, Inspection::Missing { file: place.file() });
}

#[tokio::test]
async fn a_database_of_this_version_is_ready() {
    let place = Place::new();
    place.make().await;
    let file = Some(place.file());
    assert_eq!(place.inspect().await.unwrap(), Inspection::Ready { file });
}

#[tokio::test]
async fn a_database_in_use_is_ready() {
    let place = Place::new();
    let queue = Queue::open(&place.url()).await.unwrap();
    let file = Some(place.file());
    let found = inspect(&place.url()).await.unwrap();
    assert_eq!(found, Inspection::Ready { file });
    queue.close().await;
}

#[tokio::test]
async fn an_older_schema_is_told_and_left_as_it_is() {
    let place = Place::new();
    place.make().await;
    place
        .change("DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)")
        .await;
    let outdated = Inspection::Outdated {
        file: Some(place.file()),
    };
    assert_eq!(place.inspect().await.unwrap(), outdated);
    let empty = Place::new();
    std::fs::write(empty.file(), "").unwrap();
    let outdated = Inspection::Outdated {
        file: Some(empty.file()),
    };
    assert_eq!(empty.inspect().await.unwrap(), outdated);
}

#[tokio::test]
async fn what_cannot_be_used_is_the_error_that_opening_would_give() {
    let place = Place::new();
    place.make().await;
    place
        .change("UPDATE _sqlx_migrations SET version = 99999999 WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)")
        .await;
    let newer = place.inspect().await.unwrap_err();
    assert!(matches!(newer, QueueError::Schema { .. }), "{newer}");
    let opened = Queue::open(&place.url()).await.unwrap_err();
    assert_eq!(newer.to_string(), opened.to_string());

    let place = Place::new();
    std::fs::write(place.file(), "text, and long enough to be looked at").unwrap();
    let text = place.inspect().await.unwrap_err();
    assert!(matches!(text, QueueError::Unavailable { .. }), "{text}");
}
