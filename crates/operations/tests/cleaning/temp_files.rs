//! cleanup-temp-files: what goes, what stays, and what is said of it.

use std::fs;
use std::os::unix::fs::symlink;

use upkeep_contract::cleanup::{CleanupOutcome, EntryKind, KeptReason};
use upkeep_contract::params::CleanupTempFilesParams;

use crate::support::*;

#[tokio::test]
async fn exactly_the_old_files_go() {
    let place = Place::new();
    place.file("old.txt", 2 * DAY);
    place.file("a/b/c/old.txt", 30 * DAY);
    place.file("a/new.txt", 1);
    place.file(odd_name(), 2 * DAY);
    fs::create_dir(place.beside("outside")).unwrap();
    fs::write(place.beside("outside/canary"), b"sings").unwrap();
    age(&place.beside("outside/canary"), 100 * DAY);
    symlink(place.beside("outside"), place.at("old-link")).unwrap();
    age(&place.at("old-link"), 2 * DAY);
    symlink(place.beside("outside"), place.at("new-link")).unwrap();
    symlink(place.beside("outside/canary"), place.at("a/file-link")).unwrap();
    age(&place.at("a/file-link"), 2 * DAY);

    let preview = place.preview().await;
    let mut listed: Vec<&str> = preview.entries.iter().map(|it| it.path.as_str()).collect();
    listed.sort_unstable();
    let root = place
        .at("")
        .to_str()
        .unwrap()
        .trim_end_matches('/')
        .to_owned();
    let expected = [
        "a/b/c/old.txt",
        "a/file-link",
        "odd\\xFF\\xFE%\\x0A.tmp",
        "old-link",
        "old.txt",
    ];
    assert_eq!(listed, expected.map(|it| format!("{root}/{it}")));
    assert_eq!(preview.outcome, CleanupOutcome::Preview);
    assert_eq!((preview.files_matched, preview.files_removed), (5, 0));

    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(place.left(), ["a", "a/b", "a/b/c", "a/new.txt", "new-link"]);
    assert!(place.beside("outside/canary").exists());
    assert_eq!((report.files_removed, report.directories_removed), (5, 0));
    assert_eq!(report.bytes_removed, 3 * 4096);
    assert_eq!(report.bytes_matched, report.bytes_removed);
    assert_eq!(report.locations[0].files_removed, 5);
    let links = report
        .entries
        .iter()
        .filter(|it| it.kind == EntryKind::SymbolicLink);
    assert_eq!(links.count(), 2);
}

#[tokio::test]
async fn a_direct_trigger_makes_and_executes_its_plan() {
    let place = Place::new();
    place.file("a/old.txt", 2 * DAY);
    place.file("a/new.txt", 2);
    let context = place.context();
    let report = succeeded(
        place
            .clean_with(CleanupTempFilesParams::default(), &context)
            .await,
    );
    assert_eq!(report.files_removed, 1);
    assert_eq!(place.left(), ["a", "a/new.txt"]);
    let manifest = fs::read_to_string(context.artifact_folder().join("manifest.jsonl")).unwrap();
    assert!(manifest.contains(r#""removed":["old.txt"]"#), "{manifest}");
}

#[tokio::test]
async fn preview_changes_no_timestamp() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    place.file("a/old.txt", 2 * DAY);
    place.file("a/b/new.txt", 1);
    fs::create_dir(place.at("empty")).unwrap();
    symlink("nowhere", place.at("a/dangling")).unwrap();
    for folder in ["a", "a/b", "empty", ""] {
        // an access time before the modification is what relatime would move
        age(&place.at(folder), 3 * DAY);
    }
    tree(&place.at(""));
    for folder in ["a", "a/b", "empty", ""] {
        age(&place.at(folder), 3 * DAY);
    }
    let look = || {
        let mut found = Vec::new();
        for name in [
            "",
            "a",
            "a/old.txt",
            "a/b",
            "a/b/new.txt",
            "a/dangling",
            "empty",
        ] {
            use std::os::unix::fs::MetadataExt;
            let meta = fs::symlink_metadata(place.at(name)).unwrap();
            // elsewhere a folder cannot be read without moving its access time
            let (read, part) = if PORTABLE && meta.is_dir() {
                (0, 0)
            } else {
                (meta.atime(), meta.atime_nsec())
            };
            let times = (read, meta.mtime(), meta.ctime());
            let parts = (part, meta.mtime_nsec(), meta.ctime_nsec());
            found.push((name, meta.ino(), meta.size(), times, parts));
        }
        found
    };
    let before = look();
    let preview = place.preview().await;
    assert_eq!(look(), before);
    assert_eq!(preview.files_matched, 1);
    let everything = [
        "a",
        "a/b",
        "a/b/new.txt",
        "a/dangling",
        "a/old.txt",
        "empty",
    ];
    assert_eq!(place.left(), everything);
    // the test can tell: listing a folder and reading a file by ordinary means does change an access time
    fs::read(place.at("a/old.txt")).unwrap();
    assert_ne!(look(), before);
}

#[tokio::test]
async fn directories_go_only_when_asked_empty_and_old() {
    let mut place = Place::new();
    place.file("emptied/deep/old.txt", 2 * DAY);
    place.file("young/old.txt", 2 * DAY);
    place.file("mixed/old.txt", 2 * DAY);
    place.file("mixed/new.txt", 1);
    fs::create_dir_all(place.at("empty/old")).unwrap();
    fs::create_dir(place.at("empty-young")).unwrap();
    for folder in ["emptied/deep", "emptied", "mixed", "empty/old", "empty", ""] {
        age(&place.at(folder), 2 * DAY);
    }
    let unasked = place.preview().await;
    assert!(unasked.entries.iter().all(|it| it.kind == EntryKind::File));

    place.scratch().remove_empty_directories = true;
    let report = succeeded(place.clean().await);
    assert_eq!(report.files_removed, 3);
    assert_eq!(report.directories_removed, 4);
    assert_eq!(
        place.left(),
        ["empty-young", "mixed", "mixed/new.txt", "young"]
    );
}

#[tokio::test]
async fn a_directory_that_somebody_used_since_the_preview_stays() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    for folder in ["used", "filled", "idle"] {
        fs::create_dir(place.at(folder)).unwrap();
        age(&place.at(folder), 2 * DAY);
    }
    let preview = place.preview().await;
    fs::write(place.at("used/x"), b"").unwrap();
    fs::remove_file(place.at("used/x")).unwrap();
    fs::write(place.at("filled/x"), b"").unwrap();
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(place.left(), ["filled", "filled/x", "used"]);
    assert_eq!(kept(&report, KeptReason::Changed), 2);
}

#[tokio::test]
async fn what_changed_since_the_preview_stays() {
    let place = Place::new();
    for name in ["grown", "touched", "replaced", "relinked", "gone", "same"] {
        place.file(name, 2 * DAY);
    }
    let preview = place.preview().await;
    fs::write(place.at("grown"), b"much more content").unwrap();
    age(&place.at("touched"), 3 * DAY);
    // while both exist, the file system cannot give the same inode again
    place.file("replacement", 2 * DAY);
    fs::rename(place.at("replacement"), place.at("replaced")).unwrap();
    fs::remove_file(place.at("relinked")).unwrap();
    symlink("same", place.at("relinked")).unwrap();
    fs::remove_file(place.at("gone")).unwrap();
    place.file("unlisted", 2 * DAY);
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(
        place.left(),
        ["grown", "relinked", "replaced", "touched", "unlisted"]
    );
    assert_eq!(kept(&report, KeptReason::Changed), 4);
    assert_eq!((report.files_matched, report.files_removed), (5, 1));
}

#[tokio::test]
async fn two_names_of_one_file_give_its_bytes_back_once() {
    let place = Place::new();
    place.file("one", 2 * DAY);
    fs::hard_link(place.at("one"), place.at("two")).unwrap();
    place.file("half", 2 * DAY);
    fs::hard_link(place.at("half"), place.beside("other-half")).unwrap();
    let report = succeeded(place.clean().await);
    assert_eq!((report.files_removed, report.bytes_removed), (3, 4096));
    assert_eq!(report.bytes_matched, 4096);
}

#[tokio::test]
async fn an_age_of_zero_takes_every_file() {
    let place = Place::new();
    fs::write(place.at("now"), b"x").unwrap();
    let params = CleanupTempFilesParams {
        max_age_hours: 0.0,
        ..Default::default()
    };
    let report = succeeded(place.clean_with(params, &place.context()).await);
    assert_eq!(report.files_removed, 1);
}
