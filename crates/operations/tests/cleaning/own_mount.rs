//! Shown on a file system of the test's own, in memory, mounted where nobody else sees it.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use upkeep_contract::cleanup::KeptReason;
use upkeep_contract::params::CleanupTempFilesParams;

use crate::support::*;

const MOUNTED: &str = "UPKEEP_TEST_MOUNTED";

/// Where the file system is mounted, in the run of this test that sees it. In the other run it was shown
/// already, or cannot be.
#[expect(clippy::print_stdout, reason = "a test says what it could not show")]
fn mounted(test: &str) -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os(MOUNTED) {
        return Some(PathBuf::from(dir));
    }
    let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = "mount -t tmpfs -o strictatime none \"$0\" || exit 77; \"$@\"";
    let again = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(MOUNTED, dir.path())
        .env("XDG_DATA_HOME", data.path())
        .output();
    match again {
        Ok(again) if again.status.success() => {
            let said = String::from_utf8_lossy(&again.stdout);
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(again) if again.status.code() == Some(101) => {
            panic!("{}", String::from_utf8_lossy(&again.stdout));
        }
        _ => println!("not shown: this user cannot mount"),
    }
    None
}

#[tokio::test]
async fn preview_moves_no_time_even_where_every_access_is_written_down() {
    let test = "own_mount::preview_moves_no_time_even_where_every_access_is_written_down";
    let Some(dir) = mounted(test) else { return };
    let mut place = Place::within(tempfile::tempdir_in(dir).unwrap());
    place.scratch().remove_empty_directories = true;
    for folder in ["wide", "a/b/c/d"] {
        for number in 0..600 {
            place.file(format!("{folder}/old-{number}"), 2 * DAY);
        }
        place.file(format!("{folder}/young"), 1);
    }
    symlink("wide", place.at("to-a-folder")).unwrap();
    symlink("wide/old-1", place.at("to-a-file")).unwrap();
    symlink("nowhere", place.at("to-nothing")).unwrap();
    let paths: Vec<PathBuf> = tree(&place.at("")).into_keys().collect();
    assert!(paths.len() > 1200);
    let times = || -> Vec<[(i64, i64); 3]> {
        let look = |path: &PathBuf| {
            let meta = std::fs::symlink_metadata(path).unwrap();
            // elsewhere a folder cannot be read without moving its access time
            let read = !(PORTABLE && meta.is_dir());
            [
                if read {
                    (meta.atime(), meta.atime_nsec())
                } else {
                    (0, 0)
                },
                (meta.mtime(), meta.mtime_nsec()),
                (meta.ctime(), meta.ctime_nsec()),
            ]
        };
        paths.iter().map(look).collect()
    };
    let before = times();
    let preview = place.preview().await;
    assert_eq!(preview.files_matched, 1200);
    assert!(times() == before, "a preview moved a time");
    // nor does one that finds nothing old enough
    let params = CleanupTempFilesParams {
        dry_run: true,
        max_age_hours: 1_000_000.0,
        ..Default::default()
    };
    let none = place.clean_with(params, &place.context()).await.unwrap();
    assert_eq!(none.report().files_matched, 0);
    assert!(times() == before, "a preview of nothing moved a time");
    // the test can tell: ordinary means move the time of what they read
    names(&place.at("wide"));
    std::fs::read(place.at("wide/old-1")).unwrap();
    assert!(times() != before, "this file system writes no access down");
}

#[tokio::test]
async fn another_file_system_inside_is_never_crossed() {
    let test = "own_mount::another_file_system_inside_is_never_crossed";
    let Some(dir) = mounted(test) else { return };
    // the mount itself is what must not be crossed: the location is the folder that holds it
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    let inside = place.at("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(dir.join("canary"), b"sings").unwrap();
    age(&dir.join("canary"), 9 * DAY);
    rustix::mount::mount_move(&dir, &inside).unwrap();
    place.file("old", 2 * DAY);
    let report = succeeded(place.clean().await);
    let refused = upkeep_operations::deletion::check_location(&inside, false, &place.settings);
    let left = inside.join("canary").exists();
    rustix::mount::mount_move(&inside, &dir).unwrap();
    assert!(left);
    assert_eq!(kept(&report, KeptReason::OtherMount), 1);
    assert_eq!(report.files_removed, 1);
    let refusal = refused.unwrap_err().to_string();
    assert!(refusal.contains("root of a mount"), "{refusal}");
}

// the file system's own trash is chosen by Upkeep on Linux only
#[cfg(not(feature = "portable"))]
#[tokio::test]
async fn where_the_home_trash_is_elsewhere_the_file_systems_own_is_taken() {
    let test = "own_mount::where_the_home_trash_is_elsewhere_the_file_systems_own_is_taken";
    let Some(dir) = mounted(test) else { return };
    let mut place = Place::within(tempfile::tempdir_in(&dir).unwrap());
    place.scratch().trash = true;
    place.file("a/old", 2 * DAY);
    place.file("b/old", 2 * DAY);
    let own = dir.join(format!(".Trash-{}", rustix::process::geteuid().as_raw()));
    // a trap: somebody has made a link of that name
    symlink("/", &own).unwrap();
    let report = partial(place.clean().await);
    assert_eq!((report.files_removed, report.files_failed), (0, 2));
    std::fs::remove_file(&own).unwrap();
    let report = succeeded(place.clean().await);
    assert_eq!(report.files_removed, 2);
    assert_eq!(place.left(), ["a", "b"]);
    assert_eq!(names(&own.join("files")), ["old", "old.2"]);
    let mut items = trash::os_limited::list().unwrap();
    items.retain(|item| item.original_parent.starts_with(place.at("")));
    trash::os_limited::restore_all(items).unwrap();
    assert_eq!(place.left(), ["a", "a/old", "b", "b/old"]);
}
