//! cleanup-runs: run directories, finished tasks, artifact folders.

mod changed;
mod leaving_out;
mod rows;
mod stores;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use upkeep_contract::cleanup::{CleanupReport, EntryKind, KeptReason};
use upkeep_contract::params::CleanupRunsParams;
use upkeep_contract::statistics::QueueStatistics;
use upkeep_contract::task::TaskState;
use upkeep_contract::{Clock, OperationId, SystemClock, TaskId, Timestamp, WorkerId};
use upkeep_operations::history::{
    CleanableHistory, FinishedTask, GoneWorker, QueueHealth, Release, Room, TaskHistory,
};
use upkeep_operations::host::host_name;
use upkeep_operations::{Context, Finished, OperationError};

use crate::support::*;

const HOUR_MS: i64 = 3_600_000;

/// A history in memory, which can be away.
#[derive(Default)]
struct Tasks {
    finished: Mutex<BTreeMap<(Timestamp, TaskId), FinishedTask>>,
    running: Mutex<Vec<TaskId>>,
    away: Mutex<bool>,
    workers: Mutex<BTreeMap<(Timestamp, WorkerId), GoneWorker>>,
    disk: Mutex<Disk>,
}

/// A database's file in memory, in bytes.
#[derive(Clone, Copy, Debug)]
struct Disk {
    held: u64,
    free: u64,
    release: Release,
    /// Others are in the way for so many tries.
    busy: u32,
    full: bool,
    too_large: bool,
    rewritten: u32,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            held: 10_000,
            free: 0,
            release: Release::InSteps,
            busy: 0,
            full: false,
            too_large: false,
            rewritten: 0,
        }
    }
}

impl Tasks {
    fn add(&self, id: &TaskId, hours_old: i64, host: Option<&str>) {
        let finished_at = Timestamp(SystemClock.now().as_millis() - hours_old * HOUR_MS);
        let task = FinishedTask {
            id: id.clone(),
            operation: OperationId::from("health-check"),
            state: TaskState::Succeeded,
            finished_at,
            host: host.map(str::to_owned),
            bytes: 1000,
        };
        let key = (finished_at, id.clone());
        self.finished.lock().unwrap().insert(key, task);
    }

    fn ids(&self) -> Vec<TaskId> {
        let finished = self.finished.lock().unwrap();
        finished.keys().map(|(_, id)| id.clone()).collect()
    }
}

fn away() -> OperationError {
    OperationError::transient("the database is away", "start it")
}

#[async_trait]
impl TaskHistory for Tasks {
    async fn finished_before(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, TaskId)>,
        limit: u32,
    ) -> Result<Vec<FinishedTask>, OperationError> {
        let finished = self.finished.lock().unwrap();
        let page = finished
            .iter()
            .filter(|(key, _)| key.0 < before && after.as_ref().is_none_or(|after| *key > after))
            .map(|(_, task)| task.clone());
        Ok(page.take(limit as usize).collect())
    }

    async fn remove_finished(
        &self,
        ids: &[TaskId],
        before: Timestamp,
    ) -> Result<Vec<TaskId>, OperationError> {
        if *self.away.lock().unwrap() {
            return Err(away());
        }
        let mut finished = self.finished.lock().unwrap();
        finished.retain(|(at, id), _| *at >= before || !ids.contains(id));
        self.disk.lock().unwrap().free = 5_000;
        let stays = |id: &TaskId| finished.keys().any(|(_, other)| other == id);
        Ok(ids.iter().filter(|id| !stays(id)).cloned().collect())
    }

    async fn existing(&self, ids: &[TaskId]) -> Result<Vec<TaskId>, OperationError> {
        let mut known = self.ids();
        known.extend(self.running.lock().unwrap().iter().cloned());
        Ok(ids
            .iter()
            .filter(|id| known.contains(id))
            .cloned()
            .collect())
    }

    async fn statistics(
        &self,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<QueueStatistics, OperationError> {
        Err(away())
    }

    async fn health(&self) -> Result<QueueHealth, OperationError> {
        Err(away())
    }
}

#[async_trait]
impl CleanableHistory for Tasks {
    async fn gone_workers(
        &self,
        before: Timestamp,
        after: Option<(Timestamp, WorkerId)>,
        limit: u32,
    ) -> Result<Vec<GoneWorker>, OperationError> {
        let workers = self.workers.lock().unwrap();
        let page = workers
            .iter()
            .filter(|(key, _)| key.0 < before && after.as_ref().is_none_or(|after| *key > after))
            .map(|(_, worker)| worker.clone());
        Ok(page.take(limit as usize).collect())
    }

    async fn remove_gone_workers(
        &self,
        ids: &[WorkerId],
        before: Timestamp,
    ) -> Result<Vec<WorkerId>, OperationError> {
        let mut workers = self.workers.lock().unwrap();
        workers.retain(|(at, id), _| *at >= before || !ids.contains(id));
        let stays = |id: &WorkerId| workers.keys().any(|(_, other)| other == id);
        Ok(ids.iter().filter(|id| !stays(id)).cloned().collect())
    }

    async fn room(&self) -> Result<Room, OperationError> {
        let disk = *self.disk.lock().unwrap();
        Ok(Room {
            bytes: disk.held,
            free: (disk.release != Release::ByServer).then_some(disk.free),
            release: disk.release,
        })
    }

    async fn release_room(&self) -> Result<u64, OperationError> {
        let mut disk = self.disk.lock().unwrap();
        if disk.full {
            return Err(OperationError::transient("the disk is full", "make room"));
        }
        disk.held -= disk.free.min(1_000);
        disk.free -= disk.free.min(1_000);
        Ok(disk.free)
    }

    async fn settle_files(&self) -> Result<bool, OperationError> {
        let mut disk = self.disk.lock().unwrap();
        disk.busy = disk.busy.saturating_sub(1);
        Ok(disk.busy == 0)
    }

    async fn rewrite_file(&self) -> Result<bool, OperationError> {
        let mut disk = self.disk.lock().unwrap();
        if disk.too_large {
            return Ok(false);
        }
        disk.held -= disk.free;
        disk.free = 0;
        disk.rewritten += 1;
        Ok(true)
    }
}

fn params(days: f64) -> CleanupRunsParams {
    CleanupRunsParams {
        max_age_hours: days * 24.0,
        ..Default::default()
    }
}

fn stores() -> Place {
    let mut place = Place::new();
    fs::create_dir(place.beside("runs")).unwrap();
    place.settings.run_stores = vec![run_store("experiments", &place.beside("runs"))];
    place
}

/// A run whose newest entry is this old.
fn run(place: &Place, name: &str, hours_old: i64) -> PathBuf {
    let run = place.beside("runs").join(name);
    fs::create_dir_all(run.join("logs")).unwrap();
    for (file, older) in [("model.bin", 0), ("logs/out.txt", 5)] {
        fs::write(run.join(file), b"content").unwrap();
        age(&run.join(file), hours_old + older);
    }
    for folder in ["logs", ""] {
        age(&run.join(folder), hours_old + 1);
    }
    run
}

fn runs_left(place: &Place) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(place.beside("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The artifact folder of a task, with one file, this old.
fn artifacts(place: &Place, id: &TaskId, hours_old: i64) -> PathBuf {
    let folder = place.beside("artifacts").join(id.as_str());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("plan.jsonl"), b"content").unwrap();
    age(&folder.join("plan.jsonl"), hours_old);
    age(&folder, hours_old);
    folder
}

async fn clean(
    place: &Place,
    history: Option<&Arc<Tasks>>,
    params: CleanupRunsParams,
) -> Result<Finished<CleanupReport>, OperationError> {
    let history = history.map(|it| Arc::clone(it) as Arc<dyn CleanableHistory>);
    place.clean_runs(history, params, &place.context()).await
}

#[tokio::test]
async fn old_runs_go_as_a_whole_and_the_newest_stay() {
    let mut place = stores();
    for (name, days) in [("a", 50), ("b", 40), ("c", 35), ("d", 31), ("young", 2)] {
        run(&place, name, days * DAY);
    }
    // old itself, but something inside is young
    let mixed = run(&place, "mixed", 60 * DAY);
    fs::write(mixed.join("logs/late.txt"), b"x").unwrap();
    age(&mixed.join("logs/late.txt"), 3 * DAY);
    age(&mixed.join("logs"), 60 * DAY);
    fs::write(place.beside("runs/README"), b"not a run").unwrap();
    age(&place.beside("runs/README"), 90 * DAY);
    fs::create_dir(place.beside("outside")).unwrap();
    fs::write(place.beside("outside/canary"), b"sings").unwrap();
    symlink(place.beside("outside"), place.beside("runs/link")).unwrap();
    age(&place.beside("runs/link"), 90 * DAY);
    symlink(place.beside("outside"), place.beside("runs/a/link")).unwrap();
    age(&place.beside("runs/a/link"), 90 * DAY);
    age(&place.beside("runs/a"), 90 * DAY);
    // young and mixed are the newest two, d is the third
    place.settings.run_stores[0].keep_newest = 3;
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["README", "d", "link", "mixed", "young"]);
    assert_eq!((report.runs_matched, report.runs_removed), (3, 3));
    assert_eq!((report.files_removed, report.directories_removed), (7, 6));
    assert_eq!(report.bytes_removed, report.bytes_matched);
    assert_eq!(kept(&report, KeptReason::Newest), 1);
    assert!(place.beside("outside/canary").exists());
}

#[tokio::test]
async fn runs_still_written_or_odd_stay_whole() {
    let place = stores();
    run(&place, "old", 40 * DAY);
    let written = run(&place, "written", 40 * DAY);
    let _open = fs::File::open(written.join("model.bin")).unwrap();
    if PORTABLE {
        // who has it open is not seen, but that it was written to is
        age(&written.join("model.bin"), 1);
    }
    let future = run(&place, "future", 40 * DAY);
    age(&future.join("model.bin"), -40 * DAY);
    let socket = run(&place, "socket", 40 * DAY);
    let _listener = std::os::unix::net::UnixListener::bind(socket.join("s")).unwrap();
    age(&socket.join("s"), 40 * DAY);
    age(&socket, 40 * DAY);
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(runs_left(&place), ["future", "socket", "written"]);
    assert_eq!(kept(&report, KeptReason::Unfinished), u64::from(!PORTABLE));
    for reason in [KeptReason::OddTime, KeptReason::SpecialFile] {
        assert_eq!(kept(&report, reason), 1, "{reason:?}");
    }
    assert_eq!(names(&written).len(), 3);
}

#[tokio::test]
async fn a_preview_of_runs_is_executed_as_it_was_shown() {
    let mut place = stores();
    for name in ["same", "grown", "touched", "gone"] {
        run(&place, name, 40 * DAY);
    }
    let preview = clean(
        &place,
        None,
        CleanupRunsParams {
            dry_run: true,
            ..params(30.0)
        },
    )
    .await
    .unwrap();
    let preview = preview.report().clone();
    assert_eq!((preview.runs_matched, preview.runs_removed), (4, 0));
    assert!(
        preview
            .entries
            .iter()
            .all(|entry| entry.kind == EntryKind::Run)
    );
    assert_eq!(runs_left(&place).len(), 4);

    fs::write(place.beside("runs/grown/new.txt"), b"x").unwrap();
    age(&place.beside("runs/touched/logs/out.txt"), 39 * DAY);
    fs::remove_dir_all(place.beside("runs/gone")).unwrap();
    run(&place, "later", 41 * DAY);
    let execute = CleanupRunsParams {
        plan: preview.plan,
        ..params(30.0)
    };
    // meanwhile somebody asks for more to be kept than would be left
    nothing_goes_while_more_are_to_stay(&mut place, &execute, 3).await;
    assert_eq!(runs_left(&place), ["grown", "later", "same", "touched"]);
    let report = succeeded(clean(&place, None, execute).await);
    assert_eq!(runs_left(&place), ["grown", "later", "touched"]);
    assert_eq!(kept(&report, KeptReason::Changed), 2);
    assert_eq!((report.runs_matched, report.runs_removed), (3, 1));
}

/// Executes a plan of four runs while so many are to stay that none may go.
async fn nothing_goes_while_more_are_to_stay(
    place: &mut Place,
    execute: &CleanupRunsParams,
    keep_newest: u32,
) {
    place.settings.run_stores[0].keep_newest = keep_newest;
    let report = succeeded(clean(place, None, execute.clone()).await);
    assert_eq!(kept(&report, KeptReason::Newest), 4);
    place.settings.run_stores[0].keep_newest = 0;
}

#[tokio::test]
async fn old_tasks_go_with_their_artifacts_and_folders_without_a_task_too() {
    let place = Place::new();
    let history = Arc::new(Tasks::default());
    let here = host_name();
    let [old, bare, elsewhere, young, orphan, young_orphan, running] =
        std::array::from_fn(|_| TaskId::generate());
    history.add(&old, 40 * DAY, Some(&here));
    history.add(&bare, 41 * DAY, None);
    history.add(&elsewhere, 42 * DAY, Some("another-host"));
    history.add(&young, DAY, Some(&here));
    history.running.lock().unwrap().push(running.clone());
    let old_folder = artifacts(&place, &old, 40 * DAY);
    let young_folder = artifacts(&place, &young, 40 * DAY);
    let orphan_folder = artifacts(&place, &orphan, 40 * DAY);
    let young_orphan_folder = artifacts(&place, &young_orphan, DAY);
    let running_folder = artifacts(&place, &running, 40 * DAY);
    let strange = artifacts(&place, &TaskId::from("not-a-task"), 40 * DAY);

    let context = place.context();
    // its own record never goes, not even when it looks old
    history.add(&context.task_id, 50 * DAY, Some(&here));
    let source = Arc::clone(&history) as Arc<dyn CleanableHistory>;
    let report = succeeded(place.clean_runs(Some(source), params(30.0), &context).await);
    assert_eq!(history.ids(), [context.task_id.clone(), young]);
    assert!(!old_folder.exists() && !orphan_folder.exists());
    for folder in [young_folder, young_orphan_folder, running_folder, strange] {
        assert!(folder.exists(), "{}", folder.display());
    }
    assert!(context.artifact_folder().join("manifest.jsonl").exists());
    assert_eq!((report.runs_matched, report.runs_removed), (3, 3));
    assert_eq!((report.files_matched, report.files_removed), (2, 2));
    assert_eq!(report.locations[0].location, "history");
    assert_eq!(report.bytes_removed, report.bytes_matched);
}

#[tokio::test]
async fn a_database_that_goes_away_is_waited_for_and_the_retry_adds_up() {
    let place = Place::new();
    let history = Arc::new(Tasks::default());
    let here = host_name();
    let tasks: Vec<TaskId> = (0..600).map(|_| TaskId::generate()).collect();
    for (number, id) in tasks.iter().enumerate() {
        history.add(id, 40 * DAY, Some(&here));
        if number % 100 == 0 {
            artifacts(&place, id, 40 * DAY);
        }
    }
    *history.away.lock().unwrap() = true;
    let context = place.context();
    let source = Arc::clone(&history) as Arc<dyn CleanableHistory>;
    let done = place
        .clean_runs(Some(source.clone()), params(30.0), &context)
        .await;
    assert!(
        matches!(done, Err(OperationError::Transient { .. })),
        "{done:?}"
    );
    assert_eq!(history.ids().len(), 600);
    *history.away.lock().unwrap() = false;
    let context = Context {
        attempt: 2,
        ..context
    };
    let report = succeeded(place.clean_runs(Some(source), params(30.0), &context).await);
    assert_eq!(history.ids(), []);
    assert_eq!((report.runs_matched, report.runs_removed), (600, 600));
    assert_eq!((report.files_matched, report.files_removed), (6, 6));
    assert_eq!(report.bytes_removed, report.bytes_matched);
}

#[tokio::test]
async fn without_a_history_only_run_stores_are_cleaned() {
    let place = stores();
    run(&place, "old", 40 * DAY);
    let orphan = artifacts(&place, &TaskId::generate(), 40 * DAY);
    let report = succeeded(clean(&place, None, params(30.0)).await);
    assert_eq!(report.runs_removed, 1);
    assert!(orphan.exists());
    let nothing = CleanupRunsParams {
        run_stores: Some(Vec::new()),
        ..params(30.0)
    };
    let (message, hint) = refused(clean(&place, None, nothing).await);
    assert!(message.contains("nothing to do"), "{message}");
    assert!(hint.contains("Settings"), "{hint}");
}

#[tokio::test]
async fn a_preview_of_everything_changes_nothing() {
    let place = stores();
    run(&place, "old", 40 * DAY);
    let history = Arc::new(Tasks::default());
    let id = TaskId::generate();
    history.add(&id, 40 * DAY, Some(&host_name()));
    artifacts(&place, &id, 40 * DAY);
    let settled = || {
        let mut found = tree(&place.beside("runs"));
        found.extend(tree(&place.beside("artifacts").join(id.as_str())));
        found
    };
    settled();
    let before = settled();
    let params = CleanupRunsParams {
        dry_run: true,
        ..params(30.0)
    };
    let report = succeeded_preview(clean(&place, Some(&history), params).await);
    assert_eq!(settled(), before);
    assert_eq!(history.ids(), [id]);
    assert_eq!((report.runs_matched, report.files_matched), (2, 3));
}

fn succeeded_preview(done: Result<Finished<CleanupReport>, OperationError>) -> CleanupReport {
    match done.unwrap() {
        Finished::Succeeded(report) => report,
        Finished::Partial(report) => panic!("{:?}", report.problems),
    }
}

#[tokio::test]
async fn a_run_that_cannot_go_is_a_problem() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let place = stores();
    let stuck = run(&place, "stuck", 40 * DAY);
    run(&place, "free", 40 * DAY);
    let file = fs::File::open(stuck.join("logs/out.txt")).unwrap();
    let Ok(flags) = ioctl_getflags(&file) else {
        println!("not shown: this file system has no immutable flag");
        return;
    };
    if ioctl_setflags(&file, flags | IFlags::IMMUTABLE).is_err() {
        println!("not shown: this user cannot make a file immutable");
        return;
    }
    drop(file);
    let first = place.context();
    let done = place.clean_runs(None, params(30.0), &first).await;
    let file = fs::File::open(stuck.join("logs/out.txt")).unwrap();
    ioctl_setflags(&file, flags).unwrap();
    drop(file);
    let report = partial(done);
    assert_eq!((report.runs_matched, report.runs_removed), (2, 1));
    assert_eq!((report.files_removed, report.files_failed), (3, 1));
    // the cause removed, another attempt finishes it and counts everything
    let second = Context {
        attempt: 2,
        ..first
    };
    let report = succeeded(place.clean_runs(None, params(30.0), &second).await);
    assert_eq!((report.runs_removed, report.files_removed), (2, 4));
    assert_eq!(report.bytes_removed, report.bytes_matched);
    assert!(runs_left(&place).is_empty());
}
