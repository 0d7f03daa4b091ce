//! A cleanup while another process swaps everything it can reach, again and again: a tree of canaries
//! beside the location must lose nothing. `make soak` runs the long version, and prints its table.
//!
//! The way of deleting of other systems (feature `portable`) is attacked, too, without what it does not
//! promise: mounts are told from each other by their device only, and the system's trash takes a path.
//!
//! `SOAK_ATTACK_SECONDS` (4) and `SOAK_ATTACK_SWAPS` (500) say how long at least.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise; the result is a table"
)]

mod attacker;
mod canary;
mod ground;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use attacker::{KINDS, Kind, Swaps};
use ground::Ground;
use upkeep_contract::cleanup::CleanupReport;
use upkeep_contract::params::{CleanupRunsParams, CleanupTempFilesParams};
use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
use upkeep_operations::settings::Settings;
use upkeep_operations::{
    CleanupRuns, CleanupTempFiles, Context, Finished, Operation, OperationError,
};

/// What this process is: nothing (the test itself), or what [`again`] started it as.
const ROLE: &str = "UPKEEP_TEST_ATTACK_ROLE";
const BASE: &str = "UPKEEP_TEST_ATTACK_BASE";
const CLEANER: &str = "cleaner";
const CLEANER_WITH_MOUNTS: &str = "cleaner with mounts";
const ATTACKER: &str = "attacker";

/// The way of deleting of other systems.
const PORTABLE: bool = cfg!(feature = "portable");

/// This program again, for one role.
fn again(role: &str, wrapper: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command
        .args(["--exact", "canaries_survive_every_swap", "--nocapture"])
        .env(ROLE, role)
        .stdin(Stdio::null());
    command
}

/// A mount namespace of its own, so that nobody else meets the attacker's mounts. Root alone gets one.
const NAMESPACE: [&str; 3] = ["unshare", "--mount", "--propagation=private"];

fn may_mount() -> bool {
    let mut probe = Command::new(NAMESPACE[0]);
    probe.args(&NAMESPACE[1..]).arg("true");
    probe.stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

#[test]
fn canaries_survive_every_swap() {
    match std::env::var(ROLE).as_deref() {
        Ok(ATTACKER) => {
            let base = std::env::var_os(BASE).unwrap();
            attacker::attack(&Ground::open(Path::new(&base)));
        }
        Ok(role) => survive(role == CLEANER_WITH_MOUNTS),
        Err(_) => {
            // in memory where possible: a disk would slow down both sides
            let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
            let dir = dir.unwrap();
            let mut cleaner = if PORTABLE {
                again(CLEANER, &[])
            } else if may_mount() {
                again(CLEANER_WITH_MOUNTS, &NAMESPACE)
            } else {
                println!("not shown: this user cannot mount");
                again(CLEANER, &[])
            };
            let shown = cleaner
                .env(BASE, dir.path())
                .env("XDG_DATA_HOME", dir.path().join("data"))
                .output()
                .unwrap();
            print!("{}", String::from_utf8_lossy(&shown.stdout));
            assert!(
                shown.status.success(),
                "{}",
                String::from_utf8_lossy(&shown.stderr)
            );
        }
    }
}

/// Cleanups in a loop, and what became of them.
#[derive(Debug, Default)]
struct Cleanups {
    ended: u64,
    refused: u64,
    removed: u64,
    trashed: u64,
    runs: u64,
    directories: u64,
    kept: u64,
    failed: u64,
}

struct Cleaner {
    temp_files: CleanupTempFiles,
    into_trash: CleanupTempFiles,
    runs: CleanupRuns,
    runtime: tokio::runtime::Runtime,
    ground: Ground,
    cleanups: Cleanups,
}

impl Cleaner {
    fn new(ground: Ground) -> Self {
        let location = LocationSettings {
            remove_empty_directories: true,
            ..LocationSettings::new("scratch", ground.location().to_str().unwrap())
        };
        let runs = ground.location().join("runs");
        let run_store = RunStoreSettings::new("runs", runs.to_str().unwrap());
        let settings = Settings {
            locations: vec![location],
            run_stores: vec![run_store],
            ..Settings::default()
        };
        let mut with_trash = settings.clone();
        with_trash.locations[0].trash = true;
        let settings = Arc::new(settings);
        Self {
            into_trash: CleanupTempFiles::new(Arc::new(with_trash)),
            temp_files: CleanupTempFiles::new(settings.clone()),
            runs: CleanupRuns::new(settings, None),
            runtime: tokio::runtime::Runtime::new().unwrap(),
            ground,
            cleanups: Cleanups::default(),
        }
    }

    /// A cleanup of files or of runs, as a direct trigger or as a preview and then its plan.
    fn clean(&mut self, round: usize) {
        let with_preview = round % 2 == 1;
        let done = if round % 3 == 2 {
            self.clean_runs(with_preview)
        } else {
            self.clean_files(with_preview, !PORTABLE && round % 5 < 2)
        };
        if let Some(report) = done {
            assert_eq!(
                report.files_matched,
                report.files_removed + report.files_kept + report.files_failed,
                "{report:#?}"
            );
            self.cleanups.ended += 1;
            self.cleanups.removed += report.files_removed;
            self.cleanups.runs += report.runs_removed;
            self.cleanups.directories += report.directories_removed;
            self.cleanups.kept += report.files_kept;
            self.cleanups.failed += report.files_failed;
        }
        std::fs::remove_dir_all(self.artifacts()).ok();
        let trashed = self.ground.base.join("data/Trash/files");
        self.cleanups.trashed +=
            std::fs::read_dir(&trashed).map_or(0, |files| files.count() as u64);
        std::fs::remove_dir_all(self.ground.base.join("data")).ok();
    }

    fn artifacts(&self) -> PathBuf {
        self.ground.base.join("artifacts")
    }

    fn clean_files(&mut self, with_preview: bool, trash: bool) -> Option<CleanupReport> {
        let run = |cleaner: &mut Self, params: CleanupTempFilesParams| {
            let context = Context::silent(cleaner.artifacts());
            let operation = if trash {
                &cleaner.into_trash
            } else {
                &cleaner.temp_files
            };
            let running = operation.run(params, &context);
            let done = cleaner.runtime.block_on(running);
            cleaner.ended(done)
        };
        let mut params = CleanupTempFilesParams::default();
        if with_preview {
            params.dry_run = true;
            params.plan = run(self, params.clone())?.plan;
            params.dry_run = false;
        }
        run(self, params)
    }

    fn clean_runs(&mut self, with_preview: bool) -> Option<CleanupReport> {
        let run = |cleaner: &mut Self, params: CleanupRunsParams| {
            let context = Context::silent(cleaner.artifacts());
            let running = cleaner.runs.run(params, &context);
            let done = cleaner.runtime.block_on(running);
            cleaner.ended(done)
        };
        let mut params = CleanupRunsParams {
            max_age_hours: 24.0,
            ..CleanupRunsParams::default()
        };
        if with_preview {
            params.dry_run = true;
            params.plan = run(self, params.clone())?.plan;
            params.dry_run = false;
        }
        run(self, params)
    }

    /// None when it was refused, as it must be while a link stands where the location was.
    fn ended(
        &mut self,
        done: Result<Finished<CleanupReport>, OperationError>,
    ) -> Option<CleanupReport> {
        match done {
            Ok(done) => Some(done.report().clone()),
            Err(OperationError::Permanent { message, .. }) => {
                assert!(message.contains("nothing was removed"), "{message}");
                self.cleanups.refused += 1;
                None
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        let read = text.parse();
        read.unwrap_or_else(|_| panic!("{name} is `{text}`; give a number"))
    })
}

fn survive(with_mounts: bool) {
    let (seconds, least) = (
        number("SOAK_ATTACK_SECONDS", 4),
        number("SOAK_ATTACK_SWAPS", 500),
    );
    let base = PathBuf::from(std::env::var_os(BASE).unwrap());
    let ground = Ground::make(&base, with_mounts);
    let before = canary::look(&ground);
    let mut cleaner = Cleaner::new(ground);
    let mut attacker = again(ATTACKER, &[])
        .env(BASE, &base)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();

    let began = Instant::now();
    let most = Duration::from_secs(seconds * 4 + 60);
    let mut round = 0;
    loop {
        cleaner.ground.fill(round);
        cleaner.clean(round);
        round += 1;
        let enough = Swaps::read(&base).is_some_and(|swaps| swaps.total() >= least);
        let took = began.elapsed();
        if (enough && took >= Duration::from_secs(seconds)) || took > most {
            break;
        }
        let ended = attacker.try_wait().unwrap();
        assert!(ended.is_none(), "the attacker ended by itself: {ended:?}");
    }
    let took = began.elapsed();
    std::fs::write(base.join("stop"), b"").unwrap();
    assert!(attacker.wait().unwrap().success());

    let swaps = Swaps::read(&base).unwrap();
    let after = canary::look(&cleaner.ground);
    let lost = canary::compare(&before, &after);
    let cleanups = &cleaner.cleanups;
    println!("\nattacks on a cleanup");
    let row = |name: &str, figure: &dyn std::fmt::Display| println!("  {name:<48} {figure:>10}");
    row("seconds", &format!("{:.1}", took.as_secs_f64()));
    row("swaps", &swaps.total());
    for (kind, name) in KINDS {
        row(&format!("  {name}"), &swaps.of(kind));
    }
    row("cleanups", &cleanups.ended);
    row("refused, a link in the location's place", &cleanups.refused);
    row("files removed", &cleanups.removed);
    row("  moved to the trash", &cleanups.trashed);
    row("runs removed", &cleanups.runs);
    row("directories removed", &cleanups.directories);
    row("files kept", &cleanups.kept);
    row("files that could not be removed", &cleanups.failed);
    row(
        "young files lost between last look and removal",
        &swaps.young_lost,
    );
    row("canary files and folders", &before.len());
    row("canary files and folders lost or changed", &lost.len());
    assert_eq!(lost, Vec::<String>::new(), "lost or changed");
    assert!(swaps.total() >= least, "too few swaps to show anything");
    for (kind, name) in KINDS {
        let expected = kind != Kind::Mount || with_mounts;
        assert!(swaps.of(kind) > 0 || !expected, "no swap of kind: {name}");
    }
    assert!(
        cleanups.removed > cleanups.trashed
            && (cleanups.trashed > 0 || PORTABLE)
            && cleanups.runs > 0
            && cleanups.ended > cleanups.refused,
        "nothing was removed under attack, so nothing was shown"
    );
    // README, "How it deletes": whoever swaps a file between the last look and the removal loses the new one
    assert!(
        swaps.young_lost * 100 <= swaps.of(Kind::YoungFile) + 100,
        "more young files were lost than a gap between two system calls explains"
    );
}
