//! A file system whose server was stopped: its check is unknown, the others are there in time, and no
//! thread is lost to it again and again. A real mount (FUSE) and a real signal, where nobody else sees them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use fuser::{Config, FileAttr, FileHandle, FileType, Filesystem, INodeNo, MountOption};
use fuser::{ReplyAttr, ReplyStatfs, Request};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use upkeep_config::Folders;
use upkeep_contract::health::{CheckStatus, HealthReport};
use upkeep_operations::{Context, Registry};

const TEST: &str = "a_mount_whose_server_is_stopped_is_unknown_and_holds_nothing_up";
/// Set in the run that has a mount table of its own.
const ALONE: &str = "UPKEEP_TEST_ALONE";
/// Set in the run that is the server, to its mount point.
const SERVE: &str = "UPKEEP_TEST_SERVE";
/// The configured limit of a probe.
const LIMIT: Duration = Duration::from_millis(400);
/// Far more than the limit, and far less than for ever: this machine may be busy with other tests.
const IN_TIME: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(60);

/// An empty folder, nine tenths full.
struct Full;

impl Filesystem for Full {
    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1000, 100, 100, 50, 40, 4096, 255, 4096);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let attr = FileAttr {
            ino,
            size: 0,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: FileType::Directory,
            perm: 0o755,
            nlink: 2,
            uid: 0,
            gid: 0,
            rdev: 0,
            flags: 0,
            blksize: 512,
        };
        reply.attr(&Duration::from_secs(1), &attr);
    }
}

/// Serves until it is killed.
fn serve(point: &Path) {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName("upkeep-test".to_owned()),
        MountOption::Subtype("upkeep-test".to_owned()),
    ];
    fuser::mount(Full, point, &config).unwrap();
}

/// The server, killed at the end; a stopped one takes no other signal.
struct Server(Child);

impl Server {
    fn start(point: &Path) -> Self {
        let server = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST])
            .env(SERVE, point)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self(server);
        let begun = Instant::now();
        while !is_mounted(point) {
            assert!(
                server.0.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE,
                "the server never mounted its file system"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Waits until it is in that state, as `/proc` names it.
    fn until(&self, state: char) {
        let begun = Instant::now();
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
            let (_, after) = stat.rsplit_once(") ").unwrap();
            if after.starts_with(state) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{stat}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn is_mounted(point: &Path) -> bool {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    table.contains(&format!(" {} ", point.display()))
}

/// Threads of this process that wait for a probe's answer.
fn probing() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.trim() == "upkeep-probe")
        .count()
}

async fn check(registry: &Registry) -> (HealthReport, Duration) {
    let started = Instant::now();
    let context = Context::silent(PathBuf::from("/nowhere"));
    let params = json!({ "cpu_window_ms": 200 });
    let finished = registry
        .run(&"health-check".into(), params, &context)
        .await
        .unwrap();
    let report = serde_json::from_value(finished.report().clone()).unwrap();
    (report, started.elapsed())
}

fn status(report: &HealthReport, id: &str) -> Option<CheckStatus> {
    let check = report.checks.iter().find(|check| check.id == id);
    check.map(|check| check.status)
}

/// Runs the test once more where it may mount what nobody else sees. False when this is that run.
#[expect(clippy::print_stdout, reason = "a test says what it could not show")]
fn performed_alone() -> bool {
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let script = "mount --make-rprivate / && test -w /dev/fuse || exit 77; \"$0\" \"$@\"";
    let again = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST])
        .env(ALONE, "yes")
        .output();
    match again {
        Ok(again) if again.status.success() => {
            let said = String::from_utf8_lossy(&again.stdout);
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(again) if again.status.code() == Some(101) => {
            let (said, why) = (again.stdout, again.stderr);
            panic!(
                "{}{}",
                String::from_utf8_lossy(&said),
                String::from_utf8_lossy(&why)
            );
        }
        _ => println!("not shown: this user cannot mount, or the kernel has no FUSE"),
    }
    true
}

#[test]
fn a_mount_whose_server_is_stopped_is_unknown_and_holds_nothing_up() {
    if let Some(point) = std::env::var_os(SERVE) {
        return serve(Path::new(&point));
    }
    if performed_alone() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let point = home.path().join("far");
    std::fs::create_dir_all(&point).unwrap();
    let folders = Folders::at(&home.path().join("home"));
    folders.create().unwrap();
    // a location there, so that looking for remedies meets the stopped server, too
    let config = format!(
        "[[locations]]\nname = \"far\"\npath = \"{}\"\nallow_mount_root = true\n\n\
         [health]\nprobe_limit_ms = {}\n",
        point.display(),
        LIMIT.as_millis()
    );
    std::fs::write(folders.config_file(), config).unwrap();
    let server = Server::start(&point);
    let disk = format!("disk:{}", point.display());
    let registry = upkeep_worker::registry(&folders, None);
    let runtime = tokio::runtime::Runtime::new().unwrap();

    let (well, _) = runtime.block_on(check(&registry));
    assert_eq!(
        status(&well, &disk),
        Some(CheckStatus::Warning),
        "{well:#?}"
    );
    let far = well.checks.iter().find(|check| check.id == disk).unwrap();
    let offered: Vec<&str> = far.remedies.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(offered, ["far"], "the cleanup of what lies on it");

    server.signal(Signal::STOP);
    server.until('T');
    for _ in 0..6 {
        let (report, took) = runtime.block_on(check(&registry));
        assert_eq!(
            status(&report, &disk),
            Some(CheckStatus::Unknown),
            "{report:#?}"
        );
        let unknown = report.checks.iter().find(|check| check.id == disk).unwrap();
        assert!(unknown.message.contains("gave no answer"), "{unknown:?}");
        for id in ["disk:/", "memory", "cpu"] {
            let known = status(&report, id);
            assert!(
                known.is_some_and(|known| known != CheckStatus::Unknown),
                "{id}: {known:?}"
            );
        }
        assert!(took < IN_TIME, "{took:?}");
        // one for the space, one for the location, whatever the number of checks
        assert!(probing() <= 2, "{} threads", probing());
    }

    // the program ends by itself, too, although a thread of it hangs
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_upkeep-worker"))
        .args(["exec", "health-check"])
        .env("UPKEEP_HOME", home.path().join("home"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: HealthReport = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status(&report, &disk), Some(CheckStatus::Unknown));
    assert!(started.elapsed() < IN_TIME);

    // and once the server goes on, so does the check
    server.signal(Signal::CONT);
    let begun = Instant::now();
    loop {
        let (report, _) = runtime.block_on(check(&registry));
        if status(&report, &disk) == Some(CheckStatus::Warning) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{report:#?}");
    }
    while probing() > 0 {
        assert!(begun.elapsed() < PATIENCE, "a thread is left over");
        std::thread::yield_now();
    }
}
