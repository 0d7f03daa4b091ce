//! What is kept whatever its age, and what an adversary cannot reach.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
#[cfg(not(feature = "portable"))]
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[cfg(not(feature = "portable"))]
use rustix::fs::{FlockOperation, flock};
use rustix::fs::{IFlags, Mode, ioctl_getflags, ioctl_setflags};
use upkeep_contract::cleanup::KeptReason;
use upkeep_contract::params::CleanupTempFilesParams;
use upkeep_operations::settings::Settings;

use crate::support::*;

// other systems show nobody what programs have open; `elsewhere` shows that this is said
#[cfg(not(feature = "portable"))]
#[tokio::test]
async fn files_in_use_and_locked_files_stay() {
    let place = Place::new();
    for name in ["open", "open-elsewhere", "flocked", "idle"] {
        place.file(name, 2 * DAY);
    }
    let _open = fs::File::open(place.at("open")).unwrap();
    let flocked = fs::File::open(place.at("flocked")).unwrap();
    flock(&flocked, FlockOperation::LockExclusive).unwrap();
    let stdin = fs::File::open(place.at("open-elsewhere")).unwrap();
    let mut sleeper = Command::new("sleep")
        .arg("60")
        .stdin(stdin)
        .spawn()
        .unwrap();
    let report = succeeded(place.clean().await);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(place.left(), ["flocked", "open", "open-elsewhere"]);
    assert_eq!(kept(&report, KeptReason::InUse), 3);
    assert_eq!((report.files_kept, report.files_removed), (3, 1));
}

// other systems show nobody what programs have open; `elsewhere` shows that this is said
#[cfg(not(feature = "portable"))]
#[tokio::test]
async fn a_file_opened_after_the_preview_stays() {
    let place = Place::new();
    place.file("opened", 2 * DAY);
    let preview = place.preview().await;
    assert_eq!(preview.files_kept, 0);
    let _open = fs::File::open(place.at("opened")).unwrap();
    let report = succeeded(place.execute(preview.plan).await);
    assert_eq!(kept(&report, KeptReason::InUse), 1);
    assert_eq!(place.left(), ["opened"]);
}

#[tokio::test]
async fn special_files_and_files_from_the_future_stay() {
    let place = Place::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.at("fifo"),
        rustix::fs::FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _listener = UnixListener::bind(place.at("socket")).unwrap();
    for name in ["fifo", "socket"] {
        age(&place.at(name), 2 * DAY);
    }
    place.file("future", -2 * DAY);
    place.file("old", 2 * DAY);
    let params = CleanupTempFilesParams {
        max_age_hours: 0.0,
        ..Default::default()
    };
    let report = succeeded(place.clean_with(params, &place.context()).await);
    assert_eq!(place.left(), ["fifo", "future", "socket"]);
    assert_eq!(kept(&report, KeptReason::SpecialFile), 2);
    assert_eq!(kept(&report, KeptReason::OddTime), 1);
    assert_eq!((report.files_matched, report.files_removed), (1, 1));
}

#[tokio::test]
async fn others_files_stay_where_only_own_ones_are_taken() {
    let mut place = Place::new();
    place.file("mine", 2 * DAY);
    place.file("theirs", 2 * DAY);
    if std::os::unix::fs::chown(place.at("theirs"), Some(65_534), None).is_err() {
        println!("not shown: this user cannot give files away");
        return;
    }
    place.scratch().only_own_files = true;
    let report = succeeded(place.clean().await);
    assert_eq!(kept(&report, KeptReason::OtherOwner), 1);
    assert_eq!(place.left(), ["theirs"]);
}

#[tokio::test]
async fn what_cannot_be_removed_makes_it_partial() {
    let place = Place::new();
    place.file("stuck/old", 2 * DAY);
    place.file("free/old", 2 * DAY);
    let stuck = fs::File::open(place.at("stuck")).unwrap();
    let Ok(flags) = ioctl_getflags(stuck.as_fd()) else {
        println!("not shown: this file system has no immutable flag");
        return;
    };
    if ioctl_setflags(&stuck, flags | IFlags::IMMUTABLE).is_err() {
        println!("not shown: this user cannot make a folder immutable");
        return;
    }
    let done = place.clean().await;
    ioctl_setflags(&stuck, flags).unwrap();
    let report = partial(done);
    assert_eq!((report.files_removed, report.files_failed), (1, 1));
    assert_eq!(report.problems_total, 1);
    assert!(report.problems[0].path.ends_with("stuck/old"));
    assert!(report.problems[0].reason.contains("immutable"));
    assert_eq!(place.left(), ["free", "stuck", "stuck/old"]);
}

/// Runs this test again as the user nobody, for whom permissions mean something.
#[tokio::test]
async fn an_unreadable_folder_is_a_problem_with_its_path() {
    const PLACE: &str = "UPKEEP_TEST_UNREADABLE";
    let Some(dir) = std::env::var_os(PLACE) else {
        if !rustix::process::geteuid().is_root() {
            let dir = tempfile::tempdir().unwrap();
            return unreadable_folder(dir.path()).await;
        }
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        std::os::unix::fs::chown(dir.path(), Some(65_534), Some(65_534)).unwrap();
        // the test program itself may lie where nobody can reach it
        let program = dir.path().join("again");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let again = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args([
                "--exact",
                "guards::an_unreadable_folder_is_a_problem_with_its_path",
            ])
            .env(PLACE, dir.path().join("work"))
            .env("HOME", "/nonexistent")
            .env("TMPDIR", "/var/tmp")
            .current_dir(dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
        return;
    };
    fs::create_dir(&dir).unwrap();
    unreadable_folder(Path::new(&dir)).await;
}

async fn unreadable_folder(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::within(tempfile::tempdir_in(dir).unwrap());
    place.file("closed/old", 2 * DAY);
    place.file("open/old", 2 * DAY);
    let closed = place.at("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let report = partial(place.clean().await);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(report.files_removed, 1);
    assert_eq!(report.problems[0].path, closed.to_str().unwrap());
    assert!(report.problems[0].reason.contains("permission denied"));
    assert_eq!(place.left(), ["closed", "closed/old", "open"]);
}

// only the kernel of Linux tells a bind mount from the device it comes from, and only Linux has any
#[cfg(not(feature = "portable"))]
#[tokio::test]
async fn a_bind_mount_inside_is_never_crossed() {
    let mut place = Place::new();
    place.scratch().remove_empty_directories = true;
    fs::create_dir(place.beside("outside")).unwrap();
    fs::write(place.beside("outside/canary"), b"sings").unwrap();
    age(&place.beside("outside/canary"), 9 * DAY);
    fs::create_dir(place.at("mounted")).unwrap();
    age(&place.at("mounted"), 9 * DAY);
    age(&place.beside("outside"), 9 * DAY);
    place.file("old", 2 * DAY);
    let mounted = Command::new("mount")
        .arg("--bind")
        .args([place.beside("outside"), place.at("mounted")])
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("not shown: this user cannot mount");
        return;
    }
    let done = place.clean().await;
    let as_location =
        upkeep_operations::deletion::check_location(&place.at("mounted"), false, &place.settings);
    let status = Command::new("umount").arg(place.at("mounted")).status();
    assert!(status.unwrap().success());
    let report = succeeded(done);
    assert_eq!(kept(&report, KeptReason::OtherMount), 1);
    assert_eq!(report.files_removed, 1);
    assert!(place.beside("outside/canary").exists());
    let refusal = as_location.unwrap_err().to_string();
    assert!(refusal.contains("root of a mount"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swapping_a_folder_for_a_link_leads_nowhere() {
    let place = Place::new();
    fs::create_dir_all(place.beside("outside/sub")).unwrap();
    for number in 0..50 {
        let canary = place.beside("outside").join(format!("file-{number}"));
        fs::write(&canary, b"content").unwrap();
        age(&canary, 2 * DAY);
        fs::hard_link(
            &canary,
            place.beside("outside/sub").join(format!("file-{number}")),
        )
        .unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let attacker = std::thread::spawn({
        let (stop, folder) = (Arc::clone(&stop), place.at("a/swapped"));
        let (aside, outside) = (place.at("a/aside"), place.beside("outside"));
        move || {
            while !stop.load(Ordering::Relaxed) {
                let _moved = fs::rename(&folder, &aside);
                let _linked = symlink(&outside, &folder);
                let _unlinked = fs::remove_file(&folder);
                let _back = fs::rename(&aside, &folder);
            }
        }
    });
    let began = Instant::now();
    let mut removed = 0;
    // two seconds at least, and on a busy machine until something was removed under attack
    while began.elapsed() < Duration::from_secs(2)
        || (removed == 0 && began.elapsed() < Duration::from_secs(60))
    {
        for number in 0..50 {
            let name = format!("file-{number}");
            // the very files outside, so that even the check of identities would let them go
            let folder = place.at("a/swapped");
            let _made = fs::create_dir_all(&folder);
            let _linked = fs::hard_link(place.beside("outside").join(&name), folder.join(&name));
        }
        match place.clean().await {
            Ok(done) => removed += done.report().files_removed,
            Err(error) => panic!("{error}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    attacker.join().unwrap();
    assert!(
        removed > 0,
        "nothing was ever removed, so nothing was shown"
    );
    assert_eq!(names(&place.beside("outside/sub")).len(), 50);
    // the attacker's own thread writes through its link at times, but never removes
    for number in 0..50 {
        assert!(
            place
                .beside("outside")
                .join(format!("file-{number}"))
                .exists()
        );
    }
}

#[tokio::test]
async fn ten_thousand_levels_are_walked_and_emptied() {
    // in memory where possible: a disk takes its time for so many directories
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let mut place = Place::within(dir.unwrap());
    place.scratch().remove_empty_directories = true;
    // without openat2 each look from the root takes as many calls as there are levels
    let depth = if PORTABLE { 1_000 } else { 10_000 };
    let root =
        rustix::fs::open(place.at(""), rustix::fs::OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut here = root;
    for level in 0..depth {
        rustix::fs::mkdirat(&here, "d", Mode::from_raw_mode(0o700)).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY;
        here = rustix::fs::openat(&here, "d", flags, Mode::empty()).unwrap();
        if level % (depth / 10) == depth / 10 - 1 {
            let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
            rustix::fs::openat(&here, "old", flags, Mode::from_raw_mode(0o600)).unwrap();
        }
    }
    drop(here);
    let params = CleanupTempFilesParams {
        max_age_hours: 0.0,
        ..Default::default()
    };
    let done = place.clean_with(params, &place.context()).await;
    if place.at("d").exists() {
        Command::new("rm")
            .arg("-rf")
            .arg(place.at("d"))
            .status()
            .unwrap();
    }
    let report = succeeded(done);
    assert_eq!(report.files_removed, 10);
    assert_eq!(report.directories_removed, depth);
}

/// The trash is found through an environment variable, so the test runs itself again with it set.
#[tokio::test]
async fn with_the_trash_files_move_and_a_broken_trash_removes_nothing() {
    const HOW: &str = "UPKEEP_TEST_TRASH";
    let how = std::env::var(HOW).unwrap_or_default();
    if how.is_empty() {
        for how in ["works", "broken"] {
            let dir = tempfile::tempdir().unwrap();
            if how == "broken" {
                fs::write(dir.path().join("Trash"), b"not a folder").unwrap();
            }
            let again = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "guards::with_the_trash_files_move_and_a_broken_trash_removes_nothing",
                ])
                .env(HOW, how)
                .env("XDG_DATA_HOME", dir.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&again.stdout);
            assert!(again.status.success(), "{how}: {said}");
            if how == "works" {
                // it was put back
                assert!(names(&dir.path().join("Trash/files")).is_empty());
            }
        }
        return;
    }
    let mut place = Place::new();
    place.scratch().trash = true;
    let old = Path::new("a").join(if how == "works" {
        odd_name()
    } else {
        "old".as_ref()
    });
    place.file(old, 2 * DAY);
    place.file("a/new", 1);
    let done = place.clean().await;
    if how == "works" {
        let report = succeeded(done);
        assert_eq!((report.files_removed, report.bytes_removed), (1, 0));
        assert_eq!(place.left(), ["a", "a/new"]);
        // as any desktop would find it and put it back
        let mut items = trash::os_limited::list().unwrap();
        items.retain(|item| item.original_parent == place.at("a"));
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].name, odd_name());
        trash::os_limited::restore_all(items).unwrap();
        assert!(place.at("a").join(odd_name()).exists());
    } else {
        let report = partial(done);
        assert_eq!((report.files_removed, report.files_failed), (0, 1));
        assert!(report.problems[0].reason.contains("trash"));
        assert_eq!(place.left(), ["a", "a/new", "a/old"]);
    }
}

/// Moves a folder away once removing has begun.
struct MoveAway {
    from: std::path::PathBuf,
    to: std::path::PathBuf,
    moved: AtomicBool,
    left: std::sync::atomic::AtomicU64,
}

impl upkeep_operations::context::Reporter for MoveAway {
    fn progress(&self, progress: upkeep_contract::task::Progress) {
        let removing = progress.total.is_some() && progress.done >= 64;
        if removing && !self.moved.swap(true, Ordering::Relaxed) {
            fs::rename(&self.from, &self.to).unwrap();
            let left = files_below(&self.to);
            self.left.store(left, Ordering::Relaxed);
        }
    }

    fn log(&self, _: upkeep_contract::task::LogLevel, _: String) {}
}

fn files_below(folder: &Path) -> u64 {
    let names = names(folder);
    let files = names.iter().filter(|name| folder.join(name).is_file());
    files.count() as u64
}

/// Moves `from` out of the location while files of `folders` folders in it are removed.
async fn moved_while_removing(from: &str, folders: u64) {
    let place = Place::new();
    let total = 12_000;
    for number in 0..total {
        place.file(format!("a/{}/{number}", number % folders), 2 * DAY);
    }
    let reporter = Arc::new(MoveAway {
        from: place.beside(from),
        to: place.beside("rescued"),
        moved: AtomicBool::new(false),
        left: 0.into(),
    });
    let context = upkeep_operations::Context {
        reporter: reporter.clone(),
        ..place.context()
    };
    let done = place
        .clean_with(CleanupTempFilesParams::default(), &context)
        .await;
    assert!(reporter.moved.load(Ordering::Relaxed));
    let report = succeeded(done);
    let rescued = files_below(&place.beside("rescued"));
    // four threads at most, and none goes on for more than 64 entries
    let before = reporter.left.load(Ordering::Relaxed);
    assert!(before - rescued <= 4 * 64, "{before} became {rescued}");
    assert_eq!(report.files_removed, total - rescued);
    assert!(kept(&report, KeptReason::Changed) > 0, "{report:#?}");
}

#[tokio::test]
async fn a_folder_moved_out_of_the_location_takes_its_files_along() {
    moved_while_removing("scratch/a", 1).await;
    moved_while_removing("scratch/a", 100).await;
}

#[tokio::test]
async fn nothing_is_removed_any_more_once_the_location_itself_is_moved() {
    moved_while_removing("scratch", 1).await;
    moved_while_removing("scratch", 100).await;
}

#[test]
fn a_folder_below_home_is_a_home_even_of_an_unknown_account() {
    let path = Path::new("/home/account-of-a-directory-service");
    let refusal =
        upkeep_operations::deletion::check_location(path, true, &Settings::default()).unwrap_err();
    assert!(refusal.to_string().contains("home directory"), "{refusal}");
}
