//! Plans, manifests, cancelling, going on after an interruption, and errors that teach.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use upkeep_contract::cleanup::{CleanupOutcome, CleanupReport};
use upkeep_contract::params::CleanupTempFilesParams;
use upkeep_contract::task::{LogLevel, Progress};
use upkeep_contract::{Clock, PlanId, SystemClock, TaskId, Timestamp};
use upkeep_operations::context::Reporter;
use upkeep_operations::{Context, Operation, OperationError};

use crate::support::*;

#[tokio::test]
async fn a_plan_that_was_cut_off_is_refused() {
    let place = Place::new();
    for number in 0..2000 {
        place.file(format!("{}/{number}", number % 7), 2 * DAY);
    }
    let plan = place.preview().await.plan.unwrap();
    let file = place
        .beside("artifacts")
        .join(plan.as_str())
        .join("plan.jsonl");
    let whole = fs::read(&file).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let without_one = [&lines[..3], &lines[4..]].concat().concat();
    let cuts = [
        &whole[..whole.len() - 1],
        &whole[..whole.len() / 2],
        &whole[..10],
        &[],
        &whole[..whole.len() - lines[lines.len() - 1].len()],
        &without_one,
    ];
    for cut in cuts {
        fs::write(&file, cut).unwrap();
        let (message, hint) = refused(place.execute(Some(plan.clone())).await);
        assert!(message.contains("nothing was removed"), "{message}");
        assert!(hint.contains("preview again"), "{hint}");
        assert_eq!(place.left().len(), 2007);
    }
    fs::write(&file, &whole).unwrap();
    let report = succeeded(place.execute(Some(plan)).await);
    assert_eq!(report.files_removed, 2000);
}

#[tokio::test]
async fn only_a_preview_of_the_same_folder_here_may_be_executed() {
    let mut place = Place::new();
    place.file("old", 2 * DAY);
    let plan = place.preview().await.plan.unwrap();
    for id in ["no-such-plan", "../scratch", "", "a/b"] {
        let (message, hint) = refused(place.execute(Some(PlanId::from(id))).await);
        assert!(message.contains("plan"), "{message}");
        assert!(hint.contains("preview again"), "{hint}");
    }
    place.scratch().enabled = false;
    let (message, _) = refused(place.execute(Some(plan.clone())).await);
    assert!(message.contains("turned off"), "{message}");
    place.scratch().enabled = true;
    fs::rename(place.at(""), place.beside("away")).unwrap();
    let (message, _) = refused(place.execute(Some(plan.clone())).await);
    assert!(message.contains("does not exist"), "{message}");
    fs::create_dir(place.at("")).unwrap();
    let (message, _) = refused(place.execute(Some(plan)).await);
    assert!(message.contains("another folder"), "{message}");
    assert!(place.beside("away/old").exists());
}

#[tokio::test]
async fn errors_about_locations_say_what_to_do_and_remove_nothing() {
    let mut place = Place::new();
    place.file("old", 2 * DAY);
    let missing = place.beside("missing");
    place.settings.locations.push(location("gone", &missing));
    let (message, hint) = refused(place.clean().await);
    assert!(message.contains("`gone`") && message.contains(missing.to_str().unwrap()));
    assert!(
        hint.contains("create the folder") && hint.contains("Settings"),
        "{hint}"
    );
    let named = |name: &str| CleanupTempFilesParams {
        locations: Some(vec![name.to_owned()]),
        ..Default::default()
    };
    let unknown = place
        .clean_with(named("typo"), &place.context())
        .await
        .unwrap_err();
    assert!(
        matches!(unknown, OperationError::InvalidParameter(_)),
        "{unknown:?}"
    );
    let message = unknown.to_string();
    assert!(
        message.contains("`typo`") && message.contains("configured are: scratch"),
        "{message}"
    );
    place.settings.locations[1].enabled = false;
    let (message, _) = refused(place.clean_with(named("gone"), &place.context()).await);
    assert!(message.contains("turned off"), "{message}");
    assert_eq!(place.left(), ["old"]);
    place.settings.locations[0].enabled = false;
    let (message, hint) = refused(place.clean().await);
    assert!(message.contains("no location is turned on"), "{message}");
    assert!(hint.contains("Settings"), "{hint}");
    let same = place.at("");
    place.settings.locations = vec![location("one", &same), location("two", &same)];
    let (message, _) = refused(place.clean().await);
    assert!(message.contains("same folder"), "{message}");
}

#[tokio::test]
async fn a_location_inside_another_is_left_to_itself() {
    let mut place = Place::new();
    place.file("old", 2 * DAY);
    place.file("inner/old", 2 * DAY);
    let mut inner = location("inner", &place.at("inner"));
    inner.enabled = false;
    place.settings.locations.push(inner);
    let report = succeeded(place.clean().await);
    assert_eq!(report.files_removed, 1);
    assert_eq!(place.left(), ["inner", "inner/old"]);
}

#[tokio::test]
async fn artifacts_never_lie_in_the_tree() {
    let place = Place::new();
    place.file("old", 2 * DAY);
    let context = Context::silent(place.at("artifacts"));
    let params = CleanupTempFilesParams {
        dry_run: true,
        ..Default::default()
    };
    let (message, _) = refused(place.clean_with(params, &context).await);
    assert!(
        message.contains("belongs to this installation"),
        "{message}"
    );
    assert_eq!(place.left(), ["old"]);
}

/// Cancels once removing has come this far.
struct CancelAt {
    after: u64,
    token: CancellationToken,
    at: std::sync::Mutex<Option<Instant>>,
    calls: AtomicU64,
}

impl Reporter for CancelAt {
    fn progress(&self, progress: Progress) {
        assert_eq!(progress.unit, "files");
        self.calls.fetch_add(1, Ordering::Relaxed);
        if progress.total.is_some() && progress.done >= self.after && !self.token.is_cancelled() {
            *self.at.lock().unwrap() = Some(Instant::now());
            self.token.cancel();
        }
    }

    fn log(&self, _: LogLevel, _: String) {}
}

fn cancelled(done: Result<impl Sized, OperationError>) -> CleanupReport {
    match done {
        Err(OperationError::Cancelled { report }) => {
            serde_json::from_value(report.unwrap()).unwrap()
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("was not cancelled"),
    }
}

#[tokio::test]
async fn cancelling_stops_at_once_and_another_attempt_adds_up() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    let total = 20_000;
    for number in 0..total {
        place.file(format!("{}/{number}", number % 50), 2 * DAY);
    }
    for folder in 0..50 {
        age(&place.at(folder.to_string()), 2 * DAY);
    }
    let token = CancellationToken::new();
    let reporter = Arc::new(CancelAt {
        after: 3000,
        token: token.clone(),
        at: std::sync::Mutex::new(None),
        calls: AtomicU64::new(0),
    });
    let first = Context {
        cancellation: token,
        reporter: reporter.clone(),
        ..place.context()
    };
    let params = CleanupTempFilesParams::default();
    let report = cancelled(place.clean_with(params.clone(), &first).await);
    let waited = reporter.at.lock().unwrap().unwrap().elapsed();
    // 100 ms are promised on a machine that has a core to spare; tests share theirs with others
    assert!(waited.as_millis() < 1000, "took {waited:?} to stop");
    println!("stopped after {waited:?}");
    let left = place.left().len() as u64 - 50;
    assert_eq!(report.outcome, CleanupOutcome::Cancelled);
    assert_eq!(report.files_removed, total - left);
    assert_eq!(report.files_matched, total);
    assert!(left > 0 && left < total);

    let second = Context {
        task_id: first.task_id.clone(),
        attempt: 2,
        ..place.context()
    };
    // what came after the plan stays
    place.file("7/late", 3 * DAY);
    let report = succeeded(place.clean_with(params, &second).await);
    assert_eq!((report.files_matched, report.files_removed), (total, total));
    assert_eq!(report.directories_removed, 49);
    assert_eq!(report.bytes_removed, report.bytes_matched);
    assert_eq!(place.left(), ["7", "7/late"]);
}

/// Runs itself again as the process that is killed in the middle of removing.
#[tokio::test]
async fn an_attempt_killed_in_the_middle_is_gone_on_with() {
    const PLACE: &str = "UPKEEP_TEST_KILLED";
    let total: u64 = 20_000;
    let task = TaskId::from("0190b0aa-0000-7000-8000-000000000001");
    if let Some(dir) = std::env::var_os(PLACE) {
        let dir = std::path::PathBuf::from(dir);
        let settings = upkeep_operations::settings::Settings {
            locations: vec![location("scratch", &dir.join("scratch"))],
            ..Default::default()
        };
        let operation = upkeep_operations::CleanupTempFiles::new(Arc::new(settings));
        let context = Context {
            task_id: task,
            ..Context::silent(dir.join("artifacts"))
        };
        operation
            .run(CleanupTempFilesParams::default(), &context)
            .await
            .unwrap();
        return;
    }
    let place = Place::new();
    for number in 0..total {
        place.file(format!("{}/{number}", number % 50), 2 * DAY);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "plans::an_attempt_killed_in_the_middle_is_gone_on_with",
        ])
        .env(PLACE, place.dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let manifest = place
        .beside("artifacts")
        .join(task.as_str())
        .join("manifest.jsonl");
    let wait = Instant::now();
    while fs::metadata(&manifest).map_or(0, |meta| meta.len()) < 60_000 {
        assert!(
            wait.elapsed().as_secs() < 30,
            "the child never began to remove"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = place.left().len() as u64 - 50;
    assert!(
        left > 0 && left < total,
        "{left} left: it was not killed in the middle"
    );
    let context = Context {
        task_id: task,
        attempt: 2,
        ..place.context()
    };
    let report = succeeded(
        place
            .clean_with(CleanupTempFilesParams::default(), &context)
            .await,
    );
    assert_eq!((report.files_matched, report.files_removed), (total, total));
    assert_eq!(report.bytes_removed, report.bytes_matched);
    assert_eq!(place.left().len(), 50);
}

#[tokio::test]
async fn the_manifest_of_an_earlier_plan_says_nothing_of_a_new_one() {
    let place = Place::new();
    place.file("first", 2 * DAY);
    let first = place.context();
    let params = CleanupTempFilesParams::default();
    let report = succeeded(place.clean_with(params.clone(), &first).await);
    assert_eq!(report.files_removed, 1);
    // the plan is lost, so the next attempt makes another one under the same id
    fs::write(first.artifact_folder().join("plan.jsonl"), b"cut").unwrap();
    place.file("second", 2 * DAY);
    let second = Context {
        task_id: first.task_id.clone(),
        attempt: 2,
        ..place.context()
    };
    let report = succeeded(place.clean_with(params, &second).await);
    assert_eq!(place.left(), [""; 0]);
    assert_eq!((report.files_matched, report.files_removed), (1, 1));
    let records = names(&first.artifact_folder());
    let aside = records
        .iter()
        .filter(|name| name.starts_with("manifest-until-"));
    assert_eq!(aside.count(), 1, "{records:?}");
}

#[tokio::test]
async fn an_earlier_plan_that_cannot_be_read_is_not_made_anew() {
    let place = Place::new();
    place.file("old", 2 * DAY);
    let context = Context {
        attempt: 2,
        ..place.context()
    };
    let plan = context.artifact_folder().join("plan.jsonl");
    fs::create_dir_all(context.artifact_folder()).unwrap();
    symlink(&plan, &plan).unwrap();
    let done = place
        .clean_with(CleanupTempFilesParams::default(), &context)
        .await;
    let Err(OperationError::Transient { message, .. }) = done else {
        panic!("{done:?}");
    };
    assert!(message.contains("of the attempt before"), "{message}");
    assert_eq!(place.left(), ["old"]);
}

/// Holds an attempt up in the middle of its look.
struct HoldUp {
    arrived: std::sync::mpsc::SyncSender<()>,
    go_on: std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Reporter for HoldUp {
    fn progress(&self, _: Progress) {
        if self.arrived.try_send(()).is_ok() {
            let _released = self.go_on.lock().unwrap().recv();
        }
    }

    fn log(&self, _: LogLevel, _: String) {}
}

#[tokio::test]
async fn an_attempt_left_behind_does_not_write_into_the_plan_of_the_next() {
    let place = Arc::new(Place::new());
    for number in 0..2000 {
        place.file(format!("{}/{number}", number % 7), 2 * DAY);
    }
    let (arrived, has_arrived) = std::sync::mpsc::sync_channel(1);
    let (release, go_on) = std::sync::mpsc::sync_channel(1);
    let left_behind = Context {
        reporter: Arc::new(HoldUp {
            arrived,
            go_on: go_on.into(),
        }),
        ..place.context()
    };
    let params = CleanupTempFilesParams {
        dry_run: true,
        ..Default::default()
    };
    let first = tokio::spawn({
        let (place, params, context) = (Arc::clone(&place), params.clone(), left_behind.clone());
        async move { place.clean_with(params, &context).await }
    });
    while has_arrived.try_recv().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let next = Context {
        task_id: left_behind.task_id.clone(),
        attempt: 2,
        ..place.context()
    };
    succeeded_preview(place.clean_with(params, &next).await.unwrap().report());
    let plan = next.artifact_folder().join("plan.jsonl");
    let whole = fs::read(&plan).unwrap();
    left_behind.cancellation.cancel();
    release.send(()).unwrap();
    cancelled(first.await.unwrap());
    assert!(fs::read(&plan).unwrap() == whole, "the plan was changed");
    assert_eq!(names(&next.artifact_folder()), ["plan.jsonl"]);
    let report = succeeded(
        place
            .execute(Some(PlanId::from(next.task_id.as_str())))
            .await,
    );
    assert_eq!(report.files_removed, 2000);
}

fn succeeded_preview(report: &CleanupReport) {
    assert_eq!((report.files_matched, report.files_removed), (2000, 0));
}

#[tokio::test]
async fn a_location_inside_another_by_way_of_a_link_is_left_to_itself() {
    let mut place = Place::new();
    place.file("old", 2 * DAY);
    place.file("inner/old", 2 * DAY);
    symlink(place.at(""), place.beside("link")).unwrap();
    let mut inner = location("inner", &place.beside("link/inner"));
    inner.enabled = false;
    place.settings.locations.push(inner);
    let report = succeeded(place.clean().await);
    assert_eq!(report.files_removed, 1);
    assert_eq!(place.left(), ["inner", "inner/old"]);
}

#[tokio::test]
async fn a_location_that_cannot_be_looked_at_stops_the_others_but_a_missing_one_does_not() {
    let mut place = Place::new();
    place.file("old", 2 * DAY);
    let link = place.beside("loop");
    symlink(&link, &link).unwrap();
    let mut lost = location("lost", &link.join("inner"));
    lost.enabled = false;
    place.settings.locations.push(lost);
    let (message, hint) = refused(place.clean().await);
    assert!(
        message.contains("cannot tell whether the location `lost`"),
        "{message}"
    );
    assert!(message.contains("nothing was removed"), "{message}");
    assert!(hint.contains("Settings"), "{hint}");
    assert_eq!(place.left(), ["old"]);
    fs::remove_file(&link).unwrap();
    assert_eq!(succeeded(place.clean().await).files_removed, 1);
}

/// The time some hours from now.
#[derive(Debug)]
struct Later(i64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().as_millis() + self.0 * 3_600_000)
    }
}

#[tokio::test]
async fn a_plan_that_is_too_old_is_refused_and_one_that_was_begun_is_gone_on_with() {
    let mut place = Place::new();
    place.file("a/old", 2 * DAY);
    place.file("b/old", 2 * DAY);
    place.settings.plan_max_age = Duration::from_hours(24);
    let plan = place.preview().await.plan.unwrap();
    let params = CleanupTempFilesParams {
        plan: Some(plan.clone()),
        ..Default::default()
    };
    let after = |hours| Context {
        clock: Arc::new(Later(hours)),
        ..place.context()
    };
    let (message, hint) = refused(place.clean_with(params.clone(), &after(73)).await);
    assert!(message.contains("is 3 days old"), "{message}");
    assert!(message.contains("executed for 24 hours"), "{message}");
    assert!(hint.contains("preview again"), "{hint}");
    assert_eq!(place.left(), ["a", "a/old", "b", "b/old"]);

    // an attempt that began in time and was cut off: the next one may come later
    let begun = after(23);
    succeeded(place.clean_with(params.clone(), &begun).await);
    place.file("c/old", 2 * DAY);
    let next = Context {
        attempt: 2,
        clock: Arc::new(Later(30)),
        ..begun
    };
    let report = succeeded(place.clean_with(params, &next).await);
    assert_eq!(report.files_removed, 2);
    assert_eq!(place.left(), ["a", "b", "c", "c/old"]);
}

#[tokio::test]
async fn a_report_names_the_largest_and_examples_of_what_stays() {
    let mut place = Place::new();
    place.scratch().exclude = vec!["*.keep".to_owned()];
    for number in 0..300_usize {
        let path = place.file(format!("{number:03}"), 2 * DAY);
        // in an order that is neither rising nor falling
        fs::write(&path, vec![b'x'; (number * 37 % 300) * 4096 + 1]).unwrap();
        age(&path, 2 * DAY);
        place.file(format!("{number}.keep"), 2 * DAY);
    }
    let report = place.preview().await;
    assert_eq!(report.largest.len(), 100);
    let bytes: Vec<u64> = report.largest.iter().map(|it| it.bytes).collect();
    let mut all: Vec<u64> = report.entries.iter().map(|it| it.bytes).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(report.entries.len(), 300);
    assert_eq!(bytes, all[..100]);
    let [kept] = &report.kept[..] else {
        panic!("{:#?}", report.kept)
    };
    assert_eq!((kept.count, kept.examples.len()), (300, 50));
    assert!(kept.examples.iter().all(|it| it.contains(".keep")));

    let done = succeeded(place.execute(report.plan).await);
    assert_eq!((done.files_removed, done.removed.len()), (300, 300));
    let first = &done.removed[0];
    assert!(!first.trashed && first.path.starts_with(place.at("").to_str().unwrap()));
}
