//! `restore-from-trash`: puts back what a cleanup moved to the trash.
//!
//! Reads the manifest of the cleanup on the host that wrote it. A file goes back to where it was,
//! inside a location that is still configured, and only when nothing is there now. What cannot be
//! put back stays in the trash and is reported. Trying again finds what is back already.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use upkeep_contract::cleanup::{Problem, REPORT_ENTRIES_MAX, RestoreReport};
use upkeep_contract::operation::RESTORE_FROM_TRASH;
use upkeep_contract::params::RestoreFromTrashParams;

use crate::deletion::conclude::off_the_runtime;
use crate::deletion::cursor::Cursor;
use crate::deletion::manifest::{Trashed, TrashedFiles};
use crate::deletion::name::{display, unescape};
use crate::deletion::open_location;
use crate::deletion::trash::{Restored, Trashes};
use crate::deletion::work::{Stop, Work};
use crate::host::host_name;
use crate::settings::{Settings, SettingsSource};
use crate::{Context, Finished, Operation, OperationError};

/// The operation.
pub struct RestoreFromTrash {
    settings: Arc<dyn SettingsSource>,
}

impl RestoreFromTrash {
    /// The operation over these settings, read anew at the start of each task.
    pub fn new(settings: Arc<dyn SettingsSource>) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Operation for RestoreFromTrash {
    type Params = RestoreFromTrashParams;
    type Report = RestoreReport;

    fn id(&self) -> &'static str {
        RESTORE_FROM_TRASH
    }

    fn summary(&self) -> &'static str {
        "puts back what a cleanup moved to the trash"
    }

    fn deletes(&self) -> bool {
        false
    }

    fn follows_a_task(&self) -> bool {
        true
    }

    /// Two of them would take each other's files for files that are there already.
    fn host_limit(&self) -> Option<u32> {
        Some(1)
    }

    async fn run(
        &self,
        params: RestoreFromTrashParams,
        context: &Context,
    ) -> Result<Finished<RestoreReport>, OperationError> {
        let mut settings = self.settings.load()?;
        settings.protected.push(context.artifacts.clone());
        let restore = Restore {
            work: Work::new(context.clone()),
            settings,
            places: HashMap::new(),
            report: RestoreReport {
                cleanup: params.cleanup,
                host: host_name(),
                files_found: 0,
                files_restored: 0,
                files_failed: 0,
                directories_made: 0,
                restored: Vec::new(),
                problems: Vec::new(),
                problems_total: 0,
                duration_ms: 0,
            },
        };
        off_the_runtime(move || restore.run()).await
    }
}

/// A location that files go back to.
struct Place {
    at: Cursor,
    trashes: Trashes,
}

struct Restore {
    work: Work,
    settings: Settings,
    /// By the locations' names; why not, where nothing can be put back.
    places: HashMap<String, Result<Place, String>>,
    report: RestoreReport,
}

impl Restore {
    fn run(mut self) -> Result<Finished<RestoreReport>, OperationError> {
        let ended = self.put_all_back();
        self.report.files_found = self.report.files_restored + self.report.files_failed;
        self.report.duration_ms = self.work.elapsed_ms();
        match ended {
            Ok(()) if self.report.problems_total > 0 => Ok(Finished::Partial(self.report)),
            Ok(()) => Ok(Finished::Succeeded(self.report)),
            Err(Stop::Cancelled) => Err(OperationError::Cancelled {
                report: serde_json::to_value(&self.report).ok(),
            }),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn put_all_back(&mut self) -> Result<(), Stop> {
        let context = self.work.context.clone();
        let cleanup = self.report.cleanup.clone();
        let Some(files) = TrashedFiles::of(&context, &cleanup)? else {
            return Err(Stop::Failed(OperationError::permanent(
                format!("this host has no manifest of the task {cleanup}; nothing was put back"),
                "restore on the host that performed the cleanup; a manifest goes with its task when the history is cleaned",
            )));
        };
        let total = files.total;
        let mut done = 0;
        files.each(&context, |file| {
            self.put_back(&file);
            done += 1;
            let is_last = done == total;
            if is_last || done.is_multiple_of(16) {
                self.work
                    .progress(done, Some(total), "files", "putting files back");
            }
            Ok(())
        })
    }

    fn put_back(&mut self, file: &Trashed) {
        let place = match self.places.entry(file.location.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(open(&self.settings, &file.location)),
        };
        let (path, ended) = match place {
            Ok(place) => (
                place.at.show_entry(&file.folder, &file.name),
                place
                    .trashes
                    .put_back(&mut place.at, file, &mut self.report.directories_made),
            ),
            Err(why) => (in_location(file), Err(why.clone())),
        };
        match ended {
            Ok(Restored::Back) => {
                self.report.files_restored += 1;
                if self.report.restored.len() < REPORT_ENTRIES_MAX {
                    self.report.restored.push(path);
                }
            }
            Ok(Restored::Nowhere) => self.fail(path, GONE.to_owned()),
            Err(reason) => self.fail(path, reason),
        }
    }

    fn fail(&mut self, path: String, reason: String) {
        self.report.files_failed += 1;
        self.report.problems_total += 1;
        if self.report.problems.len() < REPORT_ENTRIES_MAX {
            self.report.problems.push(Problem { path, reason });
        }
    }
}

const GONE: &str = "it is no longer in the trash of the user who runs the worker; perhaps the trash was emptied, or somebody put it elsewhere";

/// Opens the location of that name, turned on or not: turning it off keeps it from being cleaned.
fn open(settings: &Settings, name: &str) -> Result<Place, String> {
    let Some(location) = settings.locations.iter().find(|it| it.name == name) else {
        return Err(format!(
            "its location `{name}` is not configured any more; it was left in the trash: add the location in Settings and restore again"
        ));
    };
    let path = Path::new(&location.path);
    let (path, root) =
        open_location(path, location.allow_mount_root, settings).map_err(|refusal| {
            format!(
                "its location `{name}` cannot be used: {refusal}; it was left in the trash: {}",
                refusal.hint()
            )
        })?;
    let mount = root.stat.mount;
    Ok(Place {
        at: Cursor::new(Arc::new(root), path),
        trashes: Trashes::of(mount)?,
    })
}

/// For a location whose path is not known.
fn in_location(file: &Trashed) -> String {
    let part = |text: &str| display(&unescape(text).unwrap_or_default());
    let folder = part(&file.folder);
    let name = part(&file.name);
    if folder.is_empty() {
        return format!("{}: {name}", file.location);
    }
    format!("{}: {folder}/{name}", file.location)
}
