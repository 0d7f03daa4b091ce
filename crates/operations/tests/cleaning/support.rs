//! Builders that name only what matters.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};
use tempfile::TempDir;
use upkeep_contract::PlanId;
use upkeep_contract::cleanup::{CleanupReport, KeptReason};
use upkeep_contract::params::{CleanupRunsParams, CleanupTempFilesParams};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_operations::history::CleanableHistory;
use upkeep_operations::settings::Settings;
use upkeep_operations::{
    CleanupRuns, CleanupTempFiles, Context, Finished, Operation, OperationError,
};

/// Whether it is the way of other systems that is tried here; what it promises less is said at each place.
pub(crate) const PORTABLE: bool = cfg!(feature = "portable");

/// Days in hours.
pub(crate) const DAY: i64 = 24;

/// A location, a run store and a folder of artifacts in a directory of their own.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) settings: Settings,
}

pub(crate) fn location(name: &str, path: &Path) -> LocationSettings {
    LocationSettings::new(name, path.to_str().unwrap())
}

pub(crate) fn run_store(name: &str, path: &Path) -> RunStoreSettings {
    RunStoreSettings::new(name, path.to_str().unwrap())
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    pub(crate) fn within(dir: TempDir) -> Self {
        fs::create_dir(dir.path().join("scratch")).unwrap();
        let settings = Settings {
            locations: vec![location("scratch", &dir.path().join("scratch"))],
            ..Settings::default()
        };
        Self { dir, settings }
    }

    /// A path in the location.
    pub(crate) fn at(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("scratch").join(relative)
    }

    /// A path beside the location.
    pub(crate) fn beside(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn scratch(&mut self) -> &mut LocationSettings {
        &mut self.settings.locations[0]
    }

    /// A file in the location, this old.
    pub(crate) fn file(&self, relative: impl AsRef<Path>, hours_old: i64) -> PathBuf {
        let path = self.at(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"content").unwrap();
        age(&path, hours_old);
        path
    }

    pub(crate) fn context(&self) -> Context {
        Context::silent(self.beside("artifacts"))
    }

    /// Removes what is older than a day.
    pub(crate) async fn clean(&self) -> Result<Finished<CleanupReport>, OperationError> {
        self.clean_with(CleanupTempFilesParams::default(), &self.context())
            .await
    }

    pub(crate) async fn preview(&self) -> CleanupReport {
        let params = CleanupTempFilesParams {
            dry_run: true,
            ..Default::default()
        };
        let done = self.clean_with(params, &self.context()).await.unwrap();
        done.report().clone()
    }

    pub(crate) async fn execute(
        &self,
        plan: Option<PlanId>,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let params = CleanupTempFilesParams {
            plan,
            ..Default::default()
        };
        self.clean_with(params, &self.context()).await
    }

    pub(crate) async fn clean_with(
        &self,
        params: CleanupTempFilesParams,
        context: &Context,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let operation = CleanupTempFiles::new(Arc::new(self.settings.clone()));
        operation.run(params, context).await
    }

    pub(crate) async fn clean_runs(
        &self,
        history: Option<Arc<dyn CleanableHistory>>,
        params: CleanupRunsParams,
        context: &Context,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let operation = CleanupRuns::new(Arc::new(self.settings.clone()), history);
        operation.run(params, context).await
    }

    /// What is left in the location, relative.
    pub(crate) fn left(&self) -> Vec<String> {
        names(&self.at(""))
    }
}

/// Everything below a folder, relative, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = tree(folder)
        .into_keys()
        .filter(|path| path != folder)
        .map(|path| {
            let relative = path.strip_prefix(folder).unwrap();
            relative.to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    names
}

/// Sets an entry's modification (and access) this many hours back; a link's own, not its target's.
pub(crate) fn age(path: &Path, hours_old: i64) {
    age_and_read(path, hours_old, hours_old);
}

thread_local! {
    /// One now for each test, so that two equal ages are equal times; in seconds since the Unix epoch.
    static SECONDS: i64 = {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        i64::try_from(since.unwrap().as_secs()).unwrap()
    };
}

/// The same with an access time of its own.
pub(crate) fn age_and_read(path: &Path, hours_old: i64, hours_since_read: i64) {
    let seconds = SECONDS.with(|seconds| *seconds);
    let before = |hours: i64| Timespec {
        tv_sec: seconds - hours * 3600,
        tv_nsec: 123_456_789,
    };
    let times = Timestamps {
        last_access: before(hours_since_read),
        last_modification: before(hours_old),
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Everything a look could have changed: type, size, identity and all three times.
pub(crate) type Everything = BTreeMap<PathBuf, (u32, u64, u64, [(i64, i64); 3])>;

/// Reads a tree by `lstat` alone. Listing directories would change access times, so these are read first.
pub(crate) fn tree(folder: &Path) -> Everything {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        found.insert(
            path.clone(),
            (
                meta.mode(),
                meta.size(),
                meta.ino(),
                [
                    (meta.atime(), meta.atime_nsec()),
                    (meta.mtime(), meta.mtime_nsec()),
                    (meta.ctime(), meta.ctime_nsec()),
                ],
            ),
        );
        if meta.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
        }
    }
    found
}

pub(crate) fn kept(report: &CleanupReport, reason: KeptReason) -> u64 {
    let found = report.kept.iter().find(|kept| kept.reason == reason);
    found.map_or(0, |kept| kept.count)
}

/// The report's sums hold.
pub(crate) fn adds_up(report: &CleanupReport) {
    assert_eq!(
        report.files_matched,
        report.files_removed + report.files_kept + report.files_failed,
        "{report:#?}"
    );
}

pub(crate) fn succeeded(done: Result<Finished<CleanupReport>, OperationError>) -> CleanupReport {
    match done.unwrap() {
        Finished::Succeeded(report) => {
            adds_up(&report);
            report
        }
        Finished::Partial(report) => panic!("partial: {:#?}", report.problems),
    }
}

pub(crate) fn partial(done: Result<Finished<CleanupReport>, OperationError>) -> CleanupReport {
    match done.unwrap() {
        Finished::Partial(report) => {
            adds_up(&report);
            report
        }
        Finished::Succeeded(report) => panic!("succeeded: {report:#?}"),
    }
}

/// The message and the hint of a permanent error.
pub(crate) fn refused(done: Result<Finished<CleanupReport>, OperationError>) -> (String, String) {
    match done {
        Err(OperationError::Permanent { message, hint }) => (message, hint),
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn odd_name() -> &'static OsStr {
    OsStr::from_bytes(b"odd\xff\xfe%\n.tmp")
}
