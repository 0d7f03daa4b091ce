//! Which cleanups would help a file system that fills up: those of configured folders that lie on that very one.
//!
//! Offered, never begun. What may not be cleaned right now is not offered.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use upkeep_contract::OperationId;
use upkeep_contract::health::Remedy;
use upkeep_contract::operation::{CLEANUP_RUNS, CLEANUP_TEMP_FILES};

use crate::deletion::check_location;
use crate::probes::limit::Asker;
use crate::probes::space::device_of;
use crate::settings::Settings;

/// On which device a folder lies that may be cleaned; none when it may not, or cannot be looked at.
pub(super) type Locate = Arc<dyn Fn(&Path, bool, &Settings) -> Option<u64> + Send + Sync>;

/// A remedy with the device that it would help.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) device: u64,
    pub(super) remedy: Remedy,
}

/// Finds the remedies; remembers folders that owe an answer.
pub(super) struct Remedies {
    locate: Locate,
    asker: Asker<Option<u64>>,
}

impl Default for Remedies {
    fn default() -> Self {
        Self::with_locate(Arc::new(|path, allow_mount_root, settings| {
            check_location(path, allow_mount_root, settings).ok()?;
            device_of(path).ok().flatten()
        }))
    }
}

impl Remedies {
    pub(super) fn with_locate(locate: Locate) -> Self {
        Self {
            locate,
            asker: Asker::default(),
        }
    }

    /// Every cleanup that could be offered now, each folder asked at once with the time limit.
    pub(super) async fn find(&self, settings: &Arc<Settings>, limit: Duration) -> Vec<Placed> {
        let locations = settings
            .locations
            .iter()
            .filter(|location| location.enabled);
        let locations = locations.map(|location| {
            let remedy = Remedy {
                operation: OperationId::from(CLEANUP_TEMP_FILES),
                label: format!("preview cleaning {}", location.name),
                name: location.name.clone(),
                path: location.path.clone(),
                params: json!({ "locations": [location.name] }),
            };
            (remedy, location.allow_mount_root)
        });
        let stores = settings.run_stores.iter().filter(|store| store.enabled);
        let stores = stores.map(|store| {
            let remedy = Remedy {
                operation: OperationId::from(CLEANUP_RUNS),
                label: format!("preview cleaning up old runs in {}", store.name),
                name: store.name.clone(),
                path: store.path.clone(),
                params: json!({ "history": false, "run_stores": [store.name] }),
            };
            (remedy, store.allow_mount_root)
        });
        let placed = locations.chain(stores).map(|(remedy, allow_mount_root)| {
            self.place(remedy, allow_mount_root, settings.clone(), limit)
        });
        join_all(placed).await.into_iter().flatten().collect()
    }

    async fn place(
        &self,
        remedy: Remedy,
        allow_mount_root: bool,
        settings: Arc<Settings>,
        limit: Duration,
    ) -> Option<Placed> {
        let (locate, path) = (self.locate.clone(), PathBuf::from(&remedy.path));
        let asked = path.clone();
        let look = move || locate(&asked, allow_mount_root, &settings);
        // a folder that gives no answer is no cure, and its file system's own check says why
        let device = self.asker.ask(&path, limit, look).await.ok().flatten()?;
        Some(Placed { device, remedy })
    }
}

#[cfg(test)]
mod tests {
    use upkeep_contract::settings::{LocationSettings, RunStoreSettings};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    fn settings() -> Arc<Settings> {
        let mut off = LocationSettings::new("off", "/a/off");
        off.enabled = false;
        Arc::new(Settings {
            locations: vec![
                LocationSettings::new("scratch", "/a/scratch"),
                LocationSettings::new("far", "/b/far"),
                off,
                LocationSettings::new("refused", "/a/refused"),
            ],
            run_stores: vec![RunStoreSettings::new("runs", "/a/runs")],
            ..Settings::default()
        })
    }

    fn locate(path: &Path) -> Option<u64> {
        match path.to_str() {
            Some("/a/refused") => None,
            Some(path) if path.starts_with("/a/") => Some(1),
            _ => Some(2),
        }
    }

    #[tokio::test]
    async fn what_is_turned_on_and_may_be_cleaned_is_offered_with_its_device() {
        let remedies = Remedies::with_locate(Arc::new(|path, _, _| locate(path)));
        let found = remedies.find(&settings(), LIMIT).await;
        let said: Vec<_> = found
            .iter()
            .map(|placed| {
                let remedy = &placed.remedy;
                (
                    placed.device,
                    remedy.operation.as_str(),
                    remedy.name.as_str(),
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (1, "cleanup-temp-files", "scratch"),
                (2, "cleanup-temp-files", "far"),
                (1, "cleanup-runs", "runs"),
            ]
        );
        assert_eq!(found[0].remedy.params, json!({"locations": ["scratch"]}));
        assert_eq!(
            found[2].remedy.params,
            json!({"history": false, "run_stores": ["runs"]})
        );
    }

    #[tokio::test]
    async fn a_folder_that_hangs_is_not_offered_and_the_others_are() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let remedies = Remedies::with_locate(Arc::new(move |path, _, _| {
            if path == Path::new("/b/far") {
                assert!(held.lock().unwrap().recv().is_err(), "until the test ends");
            }
            locate(path)
        }));
        for _ in 0..3 {
            let found = remedies.find(&settings(), LIMIT).await;
            let names: Vec<&str> = found
                .iter()
                .map(|placed| placed.remedy.name.as_str())
                .collect();
            assert_eq!(names, ["scratch", "runs"]);
        }
        assert_eq!(remedies.asker.owed(), 1, "one thread, however often");
        drop(release);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn real_folders_are_on_the_device_that_the_system_says() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let settings = Arc::new(Settings {
            locations: vec![
                LocationSettings::new("here", path.display().to_string()),
                LocationSettings::new("gone", path.join("gone").display().to_string()),
                LocationSettings::new("system", "/etc"),
            ],
            ..Settings::default()
        });
        let found = Remedies::default()
            .find(&settings, Duration::from_secs(20))
            .await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].device, path.metadata().unwrap().dev());
    }
}
