//! Where a report comes to lie: never over another file, whole or not at all.

use std::path::{Path, PathBuf};
use std::process::Command;

use upkeep_contract::export::{ExportFormat, ExportRequest};
use upkeep_contract::task::TaskFilter;
use upkeep_contract::{ErrorCode, ErrorReply};

use super::{statistics, tasks, with_history};
use crate::support::{check_reply, installation, reply};

/// Names the small file system to the run of a test that has mounted it.
const MOUNTED: &str = "UPKEEP_TEST_MOUNTED";

fn left_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[tokio::test]
async fn nothing_is_overwritten_and_the_next_name_is_free() {
    let here = installation().await;
    let request = ExportRequest {
        subject: statistics(),
        format: ExportFormat::Json,
    };
    let file = here.scratch.join("report.json");
    std::fs::write(&file, "mine").unwrap();
    std::fs::create_dir(here.scratch.join("report-2.json")).unwrap();
    let saved = here
        .console
        .export(&request, &file, |_, _| {})
        .await
        .unwrap();
    assert_eq!(
        (saved.path, saved.renamed),
        (here.scratch.join("report-3.json"), true)
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(left_in(&here.scratch).len(), 3);
}

#[tokio::test]
async fn a_report_that_cannot_be_written_says_why_and_leaves_nothing() {
    let here = installation().await;
    let request = ExportRequest {
        subject: statistics(),
        format: ExportFormat::Csv,
    };
    let check = async |file: PathBuf, in_hint: &str| {
        let refused: ErrorReply = reply(here.console.export(&request, &file, |_, _| {}).await);
        check_reply(
            &refused,
            ErrorCode::Io,
            &file.display().to_string(),
            in_hint,
        );
    };
    check(
        here.scratch.join("no/report.csv"),
        "choose a folder that is there",
    )
    .await;
    check(PathBuf::from("report.csv"), "choose a folder").await;
    check(here.scratch.join("x".repeat(300)), "").await;
    check(PathBuf::from("/proc/report.csv"), "choose a folder").await;
    assert_eq!(left_in(&here.scratch), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_report_that_is_given_up_leaves_nothing() {
    let here = with_history().await;
    let request = ExportRequest {
        subject: tasks(TaskFilter::default()),
        format: ExportFormat::Csv,
    };
    let file = here.scratch.join("report.csv");
    let (begun, seen) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let writing = here.console.export(&request, &file, move |done, _| {
        if done > 0
            && let Some(begun) = begun.take()
        {
            begun.send(()).unwrap();
        }
    });
    tokio::select! {
        saved = writing => panic!("it was to be given up, but is saved: {saved:?}"),
        begun = seen => begun.unwrap(),
    }
    // what was just being written is put away by its own thread
    for _ in 0..500 {
        if left_in(&here.scratch).is_empty() {
            return;
        }
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(left_in(&here.scratch), Vec::<PathBuf>::new());
}

/// Runs a test once more where a file system of 64 KiB is mounted and nobody else sees it; its folder in
/// that run. In the other run it was shown already, or cannot be.
#[expect(clippy::print_stdout, reason = "a test says what it could not show")]
fn on_a_small_disk(test: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(MOUNTED) {
        return Some(PathBuf::from(folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=64k none \"$0\" || exit 77; \"$@\"";
    let again = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(MOUNTED, folder.path())
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
async fn a_report_that_does_not_fit_on_the_disk_says_so_and_leaves_nothing() {
    let test = "export::saving::a_report_that_does_not_fit_on_the_disk_says_so_and_leaves_nothing";
    let Some(disk) = on_a_small_disk(test) else {
        return;
    };
    let here = with_history().await;
    for format in [
        ExportFormat::Csv,
        ExportFormat::Json,
        ExportFormat::Html,
        ExportFormat::Openmetrics,
    ] {
        let fits = format == ExportFormat::Openmetrics;
        let request = ExportRequest {
            subject: tasks(TaskFilter::default()),
            format,
        };
        let file = disk.join("report");
        let saved = here.console.export(&request, &file, |_, _| {}).await;
        if fits {
            // figures alone: what was said before has left the disk usable
            std::fs::remove_file(saved.unwrap().path).unwrap();
        } else {
            let refused: ErrorReply = reply(saved);
            check_reply(&refused, ErrorCode::Io, "report", "that disk is full");
        }
        assert_eq!(left_in(&disk), Vec::<PathBuf>::new());
    }
}
