//! What is different on systems other than Linux, shown with their way of deleting.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use upkeep_contract::params::{CleanupTempFilesParams, RestoreFromTrashParams};
use upkeep_contract::task::{LogLevel, Progress};
use upkeep_operations::context::Reporter;
use upkeep_operations::{Context, Finished, Operation, RestoreFromTrash};

use crate::support::*;

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Reporter for Lines {
    fn progress(&self, _: Progress) {}
    fn log(&self, _: LogLevel, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn where_use_cannot_be_seen_each_task_says_so() {
    let place = Place::new();
    place.file("old", 2 * DAY);
    for dry_run in [true, false] {
        let lines = Arc::new(Lines::default());
        let context = Context {
            reporter: Arc::clone(&lines) as Arc<dyn Reporter>,
            ..place.context()
        };
        let params = CleanupTempFilesParams {
            dry_run,
            ..Default::default()
        };
        place.clean_with(params, &context).await.unwrap();
        let said = lines.0.lock().unwrap().join("\n");
        assert!(
            said.contains("which files programs have open is not known on this system"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_folder_that_takes_several_bursts_is_shown_whole() {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let mut place = Place::within(dir.unwrap());
    place.scratch().remove_empty_directories = true;
    let long = "n".repeat(200);
    for number in 0..500 {
        place.file(format!("wide/{long}-{number}"), 2 * DAY);
        let folder = place.at(format!("wide/folder-{long}-{number}"));
        fs::create_dir(&folder).unwrap();
        age(&folder, 2 * DAY);
    }
    age(&place.at("wide"), 2 * DAY);
    let preview = place.preview().await;
    assert_eq!(preview.files_matched, 500);
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(
        (report.files_removed, report.directories_removed),
        (500, 501)
    );
    assert_eq!(place.left(), Vec::<String>::new());
}

/// The trash is found through an environment variable, so the test runs itself again with it set.
#[tokio::test]
async fn the_systems_trash_takes_files_and_gives_none_back() {
    const AGAIN: &str = "UPKEEP_TEST_SYSTEM_TRASH";
    if std::env::var_os(AGAIN).is_none() {
        let data = tempfile::tempdir().unwrap();
        let again = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "elsewhere::the_systems_trash_takes_files_and_gives_none_back",
            ])
            .env(AGAIN, "1")
            .env("XDG_DATA_HOME", data.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout);
        let passed = again.status.success() && said.contains("1 passed");
        assert!(passed, "{said}");
        return;
    }
    let mut place = Place::new();
    place.scratch().trash = true;
    place.file("a/old", 2 * DAY);
    place.file("a/new", 1);
    let context = place.context();
    let done = place
        .clean_with(CleanupTempFilesParams::default(), &context)
        .await;
    let report = succeeded(done);
    assert_eq!((report.files_removed, report.files_trashed), (1, 1));
    assert_eq!(report.bytes_removed, 0);
    assert_eq!(place.left(), ["a", "a/new"]);
    let in_trash = || {
        let mut items = trash::os_limited::list().unwrap();
        items.retain(|item| item.original_parent == place.at("a"));
        items.len()
    };
    assert_eq!(in_trash(), 1);

    let params = RestoreFromTrashParams {
        cleanup: context.task_id.clone(),
    };
    let restore = RestoreFromTrash::new(Arc::new(place.settings.clone()));
    let done = restore.run(params, &place.context()).await.unwrap();
    let Finished::Partial(report) = done else {
        panic!("it put something back");
    };
    assert_eq!((report.files_restored, report.files_failed), (0, 1));
    assert!(report.problems[0].path.ends_with("a/old"));
    assert!(report.problems[0].reason.contains("by hand"));
    assert_eq!(in_trash(), 1);
    assert_eq!(place.left(), ["a", "a/new"]);
}
