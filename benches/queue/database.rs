//! Fresh databases on a disk, of either engine.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use upkeep_testkit::{Durability, PostgresCluster, PostgresOptions};

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite FULL",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Makes databases; they are gone with it.
#[derive(Debug)]
pub(crate) struct Databases {
    cluster: PostgresCluster,
    made: AtomicU32,
    folder: TempDir,
}

impl Databases {
    pub(crate) fn new() -> Self {
        // not /tmp, which is memory on many systems
        let parent = std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), PathBuf::from);
        Self {
            cluster: PostgresCluster::start(PostgresOptions::new(Durability::Full)),
            made: AtomicU32::new(0),
            folder: tempfile::Builder::new()
                .prefix("upkeep-bench-")
                .tempdir_in(parent)
                .unwrap(),
        }
    }

    /// A folder on the disk that is measured.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of one's own there.
    pub(crate) fn fresh_folder(&self) -> PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder().join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// The URL of a fresh, empty database.
    pub(crate) async fn fresh(&self, engine: Engine) -> String {
        match engine {
            Engine::Sqlite => format!("sqlite://{}/upkeep.db", self.fresh_folder().display()),
            Engine::Postgres => self.cluster.database().await,
        }
    }

    /// Removes a database that is not needed any more.
    pub(crate) async fn remove(&self, url: &str) {
        match url.strip_prefix("sqlite://") {
            Some(file) => std::fs::remove_dir_all(Path::new(file).parent().unwrap()).unwrap(),
            None => self.cluster.remove_database(url).await,
        }
    }
}
