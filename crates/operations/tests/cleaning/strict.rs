//! Times on a file system that writes down every access.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use upkeep_contract::params::CleanupTempFilesParams;

use crate::support::*;

const MOUNTED: &str = "UPKEEP_TEST_STRICTATIME";

/// Runs itself again on a file system in memory, mounted `strictatime` where nobody else sees it.
#[tokio::test]
async fn preview_moves_no_time_even_where_every_access_is_written_down() {
    let Some(dir) = std::env::var_os(MOUNTED) else {
        let dir = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o strictatime none \"$0\" || exit 77; \"$@\"";
        let again = Command::new("unshare")
            .args(["--mount", "sh", "-c", script])
            .arg(dir.path())
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "strict::preview_moves_no_time_even_where_every_access_is_written_down",
            ])
            .env(MOUNTED, dir.path())
            .output();
        match again {
            Ok(again) if again.status.success() => {
                let said = String::from_utf8_lossy(&again.stdout);
                assert!(said.contains("1 passed"), "{said}");
            }
            Ok(again) if again.status.code() == Some(101) => {
                panic!("{}", String::from_utf8_lossy(&again.stdout));
            }
            // `preview_changes_no_timestamp` has shown it for the file system that is there
            _ => println!("not shown: this user cannot mount"),
        }
        return;
    };
    let mut place = Place::within(tempfile::tempdir_in(PathBuf::from(dir)).unwrap());
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
            [
                (meta.atime(), meta.atime_nsec()),
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
    assert!(times() != before, "this file system writes no access down");
}
