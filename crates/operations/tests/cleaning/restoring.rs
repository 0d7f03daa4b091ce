//! Putting back what went to the trash. The trash is found through an environment variable, so each
//! test runs itself again with a trash of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use upkeep_contract::TaskId;
use upkeep_contract::cleanup::RestoreReport;
use upkeep_contract::params::{CleanupTempFilesParams, RestoreFromTrashParams};
use upkeep_operations::{Context, Finished, Operation, OperationError, RestoreFromTrash};

use crate::support::*;

const TRASH: &str = "UPKEEP_TEST_OWN_TRASH";

/// The trash, in the run of this test that has one; the other run has shown it by then.
fn own_trash(test: &str) -> Option<PathBuf> {
    if std::env::var_os(TRASH).is_some() {
        return Some(PathBuf::from(std::env::var_os("XDG_DATA_HOME")?).join("Trash"));
    }
    let data = tempfile::tempdir().unwrap();
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("restoring::{test}")])
        .env(TRASH, "1")
        .env("XDG_DATA_HOME", data.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && said.contains("1 passed"),
        "{said}"
    );
    None
}

impl Place {
    /// Moves what is old to the trash; the task that did it.
    async fn clean_into_trash(&mut self, files: u64) -> TaskId {
        self.scratch().trash = true;
        let context = self.context();
        let report = succeeded(
            self.clean_with(CleanupTempFilesParams::default(), &context)
                .await,
        );
        assert_eq!((report.files_removed, report.files_trashed), (files, files));
        assert_eq!(report.bytes_removed, 0, "the trash gives nothing back");
        assert_eq!(report.removed.len() as u64, files);
        assert!(report.removed.iter().all(|it| it.trashed));
        context.task_id
    }

    async fn restore_with(
        &self,
        cleanup: &TaskId,
        context: &Context,
    ) -> Result<Finished<RestoreReport>, OperationError> {
        let params = RestoreFromTrashParams {
            cleanup: cleanup.clone(),
        };
        let operation = RestoreFromTrash::new(Arc::new(self.settings.clone()));
        operation.run(params, context).await
    }

    async fn restore(&self, cleanup: &TaskId) -> Finished<RestoreReport> {
        let done = self.restore_with(cleanup, &self.context()).await.unwrap();
        let report = done.report();
        assert_eq!(
            report.files_found,
            report.files_restored + report.files_failed,
            "{report:#?}"
        );
        done
    }
}

fn counts(done: &Finished<RestoreReport>) -> (u64, u64) {
    let report = done.report();
    let is_partial = matches!(done, Finished::Partial(_));
    assert_eq!(is_partial, report.files_failed > 0);
    (report.files_restored, report.files_failed)
}

/// The reason given for this file.
fn reason(done: &Finished<RestoreReport>, path: &Path) -> String {
    let shown = path.display().to_string();
    let problems = &done.report().problems;
    let found = problems.iter().find(|it| it.path == shown);
    found
        .unwrap_or_else(|| panic!("{shown}: {problems:#?}"))
        .reason
        .clone()
}

#[tokio::test]
async fn everything_goes_back_to_where_it_was_and_the_trash_is_empty_then() {
    let test = "everything_goes_back_to_where_it_was_and_the_trash_is_empty_then";
    let Some(trash) = own_trash(test) else { return };
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    for file in ["top", "a/same", "b/same", "b/deep/er/same"] {
        place.file(file, 2 * DAY);
    }
    place.file(Path::new("a").join(odd_name()), 2 * DAY);
    fs::create_dir(place.at("links")).unwrap();
    symlink("/etc/passwd", place.at("links/to-elsewhere")).unwrap();
    for old in [
        "links/to-elsewhere",
        "links",
        "a",
        "b/deep/er",
        "b/deep",
        "b",
    ] {
        age(&place.at(old), 2 * DAY);
    }
    place.file("young", 1);
    let before = names(&place.at(""));
    let file_before = tree(&place.at(""))[&place.at("b/deep/er/same")];
    let cleanup = place.clean_into_trash(6).await;
    assert_eq!(
        place.left(),
        ["young"],
        "folders that became empty went, too"
    );
    assert_eq!(names(&trash.join("files")).len(), 6);

    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (6, 0));
    assert_eq!(done.report().directories_made, 5);
    assert_eq!(done.report().restored.len(), 6);
    assert_eq!(place.left(), before);
    let file = tree(&place.at(""))[&place.at("b/deep/er/same")];
    assert_eq!(
        (file.0, file.1, file.2),
        (file_before.0, file_before.1, file_before.2)
    );
    assert_eq!(file.3[1], file_before.3[1], "the very file with its time");
    assert!(place.at("links/to-elsewhere").is_symlink());
    assert!(names(&trash.join("files")).is_empty() && names(&trash.join("info")).is_empty());

    // what is back already counts as done: an attempt may follow one that was killed
    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (6, 0));
    assert_eq!(done.report().directories_made, 0);
    assert_eq!(place.left(), before);
}

#[tokio::test]
async fn nothing_that_is_there_now_is_replaced_and_no_link_is_followed() {
    let test = "nothing_that_is_there_now_is_replaced_and_no_link_is_followed";
    let Some(trash) = own_trash(test) else { return };
    let mut place = Place::new();
    let names_of = [
        "fine",
        "taken",
        "linked/file",
        "flat/file",
        "emptied",
        "swapped",
        "mute",
    ];
    for file in names_of {
        place.file(file, 2 * DAY);
    }
    let cleanup = place.clean_into_trash(7).await;
    let outside = place.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(place.at("taken"), b"new").unwrap();
    fs::remove_dir(place.at("linked")).unwrap();
    symlink(&outside, place.at("linked")).unwrap();
    fs::remove_dir(place.at("flat")).unwrap();
    fs::write(place.at("flat"), b"a file now").unwrap();
    fs::remove_file(trash.join("files/emptied")).unwrap();
    fs::remove_file(trash.join("info/mute.trashinfo")).unwrap();
    // another file under the name of the one that was trashed
    fs::rename(trash.join("files/swapped"), place.beside("kept-open")).unwrap();
    fs::write(trash.join("files/swapped"), b"another").unwrap();

    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (1, 6));
    assert_eq!(fs::read(place.at("fine")).unwrap(), b"content");
    assert_eq!(fs::read(place.at("taken")).unwrap(), b"new");
    assert!(reason(&done, &place.at("taken")).contains("is there now"));
    assert!(reason(&done, &place.at("linked/file")).contains("a link"));
    assert!(reason(&done, &place.at("flat/file")).contains("a link or a file"));
    assert!(reason(&done, &place.at("emptied")).contains("no longer in the trash"));
    assert!(reason(&done, &place.at("swapped")).contains("no longer in the trash"));
    assert!(reason(&done, &place.at("mute")).contains("record"));
    assert!(names(&outside).is_empty(), "nothing went through the link");
    assert!(trash.join("files/taken").exists(), "it stays in the trash");

    // once the way is free, the rest of what is still there goes back
    fs::remove_file(place.at("taken")).unwrap();
    fs::remove_file(place.at("linked")).unwrap();
    fs::remove_file(place.at("flat")).unwrap();
    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (4, 3));
    assert_eq!(fs::read(place.at("taken")).unwrap(), b"content");
    assert_eq!(fs::read(place.at("linked/file")).unwrap(), b"content");
}

#[tokio::test]
async fn only_into_locations_that_are_configured_turned_on_or_not() {
    let test = "only_into_locations_that_are_configured_turned_on_or_not";
    let Some(trash) = own_trash(test) else { return };
    let mut place = Place::new();
    place.file("a/old", 2 * DAY);
    let cleanup = place.clean_into_trash(1).await;
    let configured = place.settings.locations.clone();

    place.settings.locations.clear();
    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (0, 1));
    assert!(done.report().problems[0].reason.contains("not configured"));

    // the name means another folder now
    let other = place.beside("other");
    fs::create_dir(&other).unwrap();
    place.settings.locations = vec![location("scratch", &other)];
    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (0, 1));
    assert!(done.report().problems[0].reason.contains("elsewhere"));
    assert!(names(&other).is_empty());

    // one that must not be cleaned must not be written to, either
    place.settings.locations = vec![location("scratch", Path::new("/etc"))];
    assert_eq!(counts(&place.restore(&cleanup).await), (0, 1));
    assert!(trash.join("files/old").exists());

    place.settings.locations = configured;
    place.scratch().enabled = false;
    assert_eq!(counts(&place.restore(&cleanup).await), (1, 0));
    assert_eq!(place.left(), ["a", "a/old"]);
}

#[tokio::test]
async fn a_move_that_was_announced_twice_or_came_to_nothing_is_told_apart() {
    let test = "a_move_that_was_announced_twice_or_came_to_nothing_is_told_apart";
    let Some(_) = own_trash(test) else { return };
    let mut place = Place::new();
    place.file("old", 2 * DAY);
    let cleanup = place.clean_into_trash(1).await;
    let file = place
        .beside("artifacts")
        .join(cleanup.as_str())
        .join("manifest.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let announced = text
        .lines()
        .find(|line| line.contains("\"trash\""))
        .unwrap();
    // an attempt was killed between the word and the move, and the next one found the name taken
    let earlier = announced.replace("\"kept_as\":\"old\"", "\"kept_as\":\"old.7\"");
    assert_ne!(earlier, announced);
    // and another file refused to move
    let stayed = announced.replace("\"name\":\"old\"", "\"name\":\"stuck\"");
    let refused = stayed.replace("{\"trash\"", "{\"stayed\"");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.splice(
        2..2,
        [
            earlier.as_str(),
            stayed.as_str(),
            refused.as_str(),
            "{\"trash\":{\"loc",
        ],
    );
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let done = place.restore(&cleanup).await;
    assert_eq!(counts(&done), (1, 0), "{:#?}", done.report());
    assert_eq!(place.left(), ["old"]);
}

#[tokio::test]
async fn without_a_manifest_of_that_task_nothing_happens() {
    let mut place = Place::new();
    for cleanup in ["no-such-task", "../scratch", ""] {
        let done = place
            .restore_with(&TaskId::from(cleanup), &place.context())
            .await;
        let error = done.unwrap_err().to_string();
        assert!(
            error.contains("no manifest") || error.contains("no id of a task"),
            "{error}"
        );
    }
    // a cleanup that deleted has a manifest, and nothing to put back
    place.file("old", 2 * DAY);
    place.scratch().trash = false;
    let context = place.context();
    let report = succeeded(
        place
            .clean_with(CleanupTempFilesParams::default(), &context)
            .await,
    );
    assert_eq!((report.files_removed, report.files_trashed), (1, 0));
    assert_eq!(counts(&place.restore(&context.task_id).await), (0, 0));
}

#[tokio::test]
async fn cancelling_stops_it_with_honest_counts() {
    let test = "cancelling_stops_it_with_honest_counts";
    let Some(trash) = own_trash(test) else { return };
    let mut place = Place::new();
    for number in 0..50 {
        place.file(format!("{number}"), 2 * DAY);
    }
    let cleanup = place.clean_into_trash(50).await;
    let context = place.context();
    context.cancellation.cancel();
    let Err(OperationError::Cancelled {
        report: Some(report),
    }) = place.restore_with(&cleanup, &context).await
    else {
        panic!("not cancelled");
    };
    assert_eq!(report["files_restored"], 0);
    assert_eq!(names(&trash.join("files")).len(), 50);
}
