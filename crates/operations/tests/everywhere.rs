//! What cleaning does on every system Upkeep compiles for, with nothing that only one of them has.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use upkeep_contract::cleanup::{CleanupReport, KeptReason};
use upkeep_contract::params::{CleanupRunsParams, CleanupTempFilesParams};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_operations::deletion::check_location;
use upkeep_operations::settings::Settings;
use upkeep_operations::{
    CleanupRuns, CleanupTempFiles, Context, Finished, Operation, OperationError,
};

const DAY: u64 = 24 * 3600;

struct Place {
    dir: TempDir,
    settings: Settings,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scratch = real(dir.path()).join("scratch");
        fs::create_dir(&scratch).unwrap();
        let location = LocationSettings {
            remove_empty_directories: true,
            ..LocationSettings::new("scratch", scratch.to_str().unwrap())
        };
        let settings = Settings {
            locations: vec![location],
            ..Settings::default()
        };
        Self { dir, settings }
    }

    fn beside(&self, relative: &str) -> PathBuf {
        real(self.dir.path()).join(relative)
    }

    fn at(&self, relative: &str) -> PathBuf {
        self.beside("scratch").join(relative)
    }

    fn file(&self, relative: &str, days_old: u64) -> PathBuf {
        let path = self.at(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"content").unwrap();
        age(&path, days_old);
        path
    }

    async fn clean(
        &self,
        params: CleanupTempFilesParams,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let operation = CleanupTempFiles::new(Arc::new(self.settings.clone()));
        operation.run(params, &self.context()).await
    }

    fn context(&self) -> Context {
        Context::silent(self.beside("artifacts"))
    }
}

/// A path without links, and on Windows without the prefix that no configuration has.
fn real(path: &Path) -> PathBuf {
    let real = path.canonicalize().unwrap();
    let text = real.to_str().unwrap();
    PathBuf::from(text.strip_prefix(r"\\?\").unwrap_or(text))
}

fn age(path: &Path, days_old: u64) {
    let time = SystemTime::now() - Duration::from_secs(days_old * DAY);
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let times = fs::FileTimes::new().set_modified(time).set_accessed(time);
    file.set_times(times).unwrap();
}

fn kept(report: &CleanupReport, reason: KeptReason) -> u64 {
    let found = report.kept.iter().find(|kept| kept.reason == reason);
    found.map_or(0, |kept| kept.count)
}

/// What this system has in the place of a link to a folder.
#[cfg(unix)]
fn link_to_a_folder(target: &Path, link: &Path) -> bool {
    std::os::unix::fs::symlink(target, link).is_ok()
}

/// What this system has in the place of a link to a folder.
#[cfg(windows)]
fn link_to_a_folder(target: &Path, link: &Path) -> bool {
    // a link takes a privilege, a junction does not
    let made = std::os::windows::fs::symlink_dir(target, link).is_ok()
        || std::process::Command::new("cmd")
            .args(["/c", "mklink", "/J"])
            .args([link, target])
            .status()
            .is_ok_and(|status| status.success());
    // not everything that says so has made one
    made && link.symlink_metadata().is_ok()
}

#[tokio::test]
async fn a_preview_is_executed_as_it_was_shown() {
    let place = Place::new();
    for name in ["old", "a/b/old", "a/größe 𝄞", "a/b/c/d/e/old"] {
        place.file(name, 3);
    }
    place.file("a/young", 0);
    let changed = place.file("changed", 3);
    let dry_run = CleanupTempFilesParams {
        dry_run: true,
        ..Default::default()
    };
    let preview = place.clean(dry_run).await.unwrap().report().clone();
    assert_eq!((preview.files_matched, preview.problems_total), (5, 0));
    assert!(place.at("old").exists());
    fs::write(&changed, b"other content").unwrap();
    age(&changed, 3);
    place.file("came-later", 3);
    let execute = CleanupTempFilesParams {
        plan: preview.plan,
        ..Default::default()
    };
    let done = place.clean(execute).await.unwrap();
    let Finished::Succeeded(report) = done else {
        panic!("partial: {done:#?}");
    };
    assert_eq!((report.files_removed, report.files_kept), (4, 1));
    assert_eq!(kept(&report, KeptReason::Changed), 1);
    for (name, is_there) in [
        ("old", false),
        ("a/b/old", false),
        ("a/größe 𝄞", false),
        ("a/young", true),
        ("changed", true),
        ("came-later", true),
    ] {
        assert_eq!(place.at(name).exists(), is_there, "{name}");
    }
}

#[tokio::test]
async fn what_a_link_leads_to_stays() {
    let place = Place::new();
    let outside = place.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("canary"), b"sings").unwrap();
    age(&outside.join("canary"), 9);
    place.file("old", 3);
    if !link_to_a_folder(&outside, &place.at("link")) {
        eprintln!("not shown: no link could be made here");
        return;
    }
    let all = CleanupTempFilesParams {
        max_age_hours: 0.0,
        ..Default::default()
    };
    let done = place.clean(all).await.unwrap();
    assert_eq!(done.report().problems_total, 0, "{:#?}", done.report());
    assert!(!place.at("old").exists());
    assert!(outside.join("canary").exists());
    // nor is a location reached through one
    let way = place.beside("way");
    assert!(link_to_a_folder(&place.at(""), &way));
    let refusal = check_location(&way, false, &place.settings).unwrap_err();
    assert!(refusal.to_string().contains("link"), "{refusal}");
}

#[tokio::test]
async fn old_runs_go_as_a_whole() {
    let mut place = Place::new();
    let runs = place.beside("runs");
    for (run, days_old) in [("old", 40), ("young", 1)] {
        fs::create_dir_all(runs.join(run).join("logs")).unwrap();
        for name in ["model", "logs/out"] {
            fs::write(runs.join(run).join(name), b"content").unwrap();
            age(&runs.join(run).join(name), days_old);
        }
    }
    let store = RunStoreSettings::new("runs", runs.to_str().unwrap());
    place.settings.run_stores = vec![store];
    let operation = CleanupRuns::new(Arc::new(place.settings.clone()), None);
    let params = CleanupRunsParams {
        // folders are as young as this test
        max_age_hours: 0.0,
        ..Default::default()
    };
    fs::write(runs.join("beside"), b"no run").unwrap();
    let done = operation.run(params, &place.context()).await.unwrap();
    let Finished::Succeeded(report) = done else {
        panic!("partial: {done:#?}");
    };
    assert_eq!((report.runs_removed, report.files_removed), (2, 4));
    assert!(!runs.join("old").exists() && runs.join("beside").exists());
}

#[test]
fn what_is_the_systems_or_somebodys_home_is_refused() {
    let none = Settings::default();
    let refused = |path: &Path| {
        let got = check_location(path, true, &none);
        assert!(got.is_err(), "{}", path.display());
    };
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    if let Some(home) = std::env::var_os(home).filter(|home| Path::new(home).is_dir()) {
        refused(Path::new(&home));
    }
    let paths: &[&str] = if cfg!(windows) {
        &[
            r"C:\",
            r"C:\Windows",
            r"c:\WINDOWS\System32",
            r"C:\Windows\Temp",
            r"C:\Program Files\x",
            r"C:\Users",
            r"C:\Users\somebody",
            r"\\server\share\x",
            r"\\?\C:\scratch",
            r"C:scratch",
        ]
    } else {
        &["/", "/usr/local/x", "/etc", "/bin", "/var", "/dev/x"]
    };
    for path in paths {
        refused(Path::new(path));
    }
    let dir = tempfile::tempdir().unwrap();
    check_location(&real(dir.path()), false, &none).unwrap();
}

/// Some names mean others to Windows: what is called so stays, and so does what it would have meant.
#[cfg(windows)]
#[tokio::test]
async fn a_name_that_means_another_stays_and_the_other_too() {
    let mut place = Place::new();
    place.settings.locations[0].protect = vec!["kept".to_owned()];
    place.file("kept", 3);
    place.file("old", 3);
    let odd = format!(r"\\?\{}.", place.at("kept").display());
    fs::write(&odd, b"odd").unwrap();
    age(Path::new(&odd), 3);
    let done = place
        .clean(CleanupTempFilesParams::default())
        .await
        .unwrap();
    assert_eq!(done.report().files_removed, 1);
    assert!(place.at("kept").exists() && Path::new(&odd).exists());
    assert!(!place.at("old").exists());
}
