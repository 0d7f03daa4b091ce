//! Those who take turns: Upkeep's worker and the tools that are installed here.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use serde_json::Value;
use tempfile::TempDir;

use crate::measure::{Run, run};

/// Who takes a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Upkeep,
    Find,
    Rm,
    SystemdTmpfiles,
    Tmpreaper,
    Du,
}

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upkeep => "Upkeep",
            Self::Find => "find",
            Self::Rm => "rm -rf",
            Self::SystemdTmpfiles => "systemd-tmpfiles --clean",
            Self::Tmpreaper => "tmpreaper",
            Self::Du => "du -s",
        }
    }

    /// Whether it is installed here.
    pub(crate) fn is_here(self) -> bool {
        let program = match self {
            Self::Upkeep => return true,
            Self::Find => "find",
            Self::Rm => "rm",
            Self::SystemdTmpfiles => "systemd-tmpfiles",
            Self::Tmpreaper => "tmpreaper",
            Self::Du => "du",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }
}

/// Where it happens: a folder on the disk, with Upkeep's home and the tree beside each other.
pub(crate) struct Site {
    folder: TempDir,
    worker: PathBuf,
    /// The tree that is cleaned now.
    tree: Cell<usize>,
}

impl Site {
    pub(crate) fn new(worker: String) -> Self {
        assert!(
            Path::new(&worker).is_file(),
            "UPKEEP_BENCH_WORKER names no upkeep-worker of a release build; use `make bench-cleanup`"
        );
        let folder = tempfile::Builder::new()
            .prefix("upkeep-bench-")
            .tempdir_in(crate::disk())
            .unwrap();
        spread(folder.path());
        let site = Self {
            folder,
            worker: worker.into(),
            tree: Cell::new(0),
        };
        std::fs::create_dir(site.home()).unwrap();
        site
    }

    /// Where the next tree is made; everybody's configuration names it.
    pub(crate) fn new_tree(&self) -> PathBuf {
        self.tree.set(self.tree.get() + 1);
        let tree = self.tree();
        let shown = tree.display();
        let upkeep = format!("[[locations]]\nname = \"bench\"\npath = \"{shown}\"\n");
        std::fs::write(self.home().join("config.toml"), upkeep).unwrap();
        std::fs::write(self.tmpfiles(), format!("e {shown} - - - m:1d\n")).unwrap();
        tree
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the tree is.
    pub(crate) fn tree(&self) -> PathBuf {
        self.folder().join(format!("tree-{}", self.tree.get()))
    }

    fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    fn tmpfiles(&self) -> PathBuf {
        self.folder().join("tmpfiles.conf")
    }

    fn report(&self) -> PathBuf {
        self.folder().join("report.json")
    }

    /// Removes what an operation left in its artifact folder.
    pub(crate) fn forget(&self) {
        let artifacts = self.home().join("artifacts");
        if artifacts.exists() {
            std::fs::remove_dir_all(artifacts).unwrap();
        }
    }

    /// Removes the tree, whatever is left of it.
    pub(crate) fn clear(&self) {
        // by a child: at great depth it takes memory, which the next to be measured would inherit
        let mut rm = Command::new("rm");
        assert_eq!(run(rm.arg("-rf").arg(self.tree())).code, Some(0));
    }

    fn upkeep(&self, more: &[&str]) -> Run {
        let mut command = Command::new(&self.worker);
        command
            .args(["exec", "cleanup-temp-files"])
            .args(more)
            .args(["--params", r#"{"max_age_hours":24}"#])
            .env("UPKEEP_HOME", self.home())
            .stdout(File::create(self.report()).unwrap())
            .stderr(Stdio::null());
        run(&mut command)
    }

    /// Removes the tree's files; only those older than a day where the tool can be told so.
    pub(crate) fn clean(&self, contender: Contender) -> Run {
        let tree = self.tree();
        let mut command = match contender {
            Contender::Upkeep => return self.upkeep(&[]),
            Contender::Find => {
                let mut find = Command::new("find");
                find.arg(&tree)
                    .args(["-type", "f", "-mmin", "+1440", "-delete"]);
                find
            }
            Contender::Rm => {
                let mut rm = Command::new("rm");
                rm.arg("-rf").arg(&tree);
                rm
            }
            Contender::SystemdTmpfiles => {
                let mut tmpfiles = Command::new("systemd-tmpfiles");
                tmpfiles.arg("--clean").arg(self.tmpfiles());
                tmpfiles
            }
            Contender::Tmpreaper => {
                let mut tmpreaper = Command::new("tmpreaper");
                tmpreaper.args(["--mtime", "--runtime=0", "1d"]).arg(&tree);
                tmpreaper
            }
            Contender::Du => panic!("du removes nothing"),
        };
        run(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// One look at the whole tree.
    pub(crate) fn preview(&self, contender: Contender) -> Run {
        let tree = self.tree();
        let mut command = match contender {
            Contender::Upkeep => return self.upkeep(&["--dry-run"]),
            Contender::Find => {
                let mut find = Command::new("find");
                find.arg(&tree).args(["-type", "f", "-mmin", "+1440"]);
                find
            }
            Contender::Du => {
                let mut du = Command::new("du");
                du.arg("-s").arg(&tree);
                du
            }
            other => panic!("{} shows nothing beforehand", other.name()),
        };
        // into a file, as somebody who wants to look at it would
        let out = File::create(self.folder().join("out")).unwrap();
        run(command.stdout(out).stderr(Stdio::null()))
    }

    /// A number of the report that Upkeep gave last.
    pub(crate) fn reported(&self, field: &str) -> u64 {
        let report = std::fs::read(self.report()).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        report[field].as_u64().unwrap()
    }
}

/// What a program that does nothing takes: memory below it is the benchmark's own.
pub(crate) fn floor() -> Run {
    run(&mut Command::new("true"))
}

/// Asks ext4 to lay the folders in this one far apart from each other. It gives numbers of inodes out
/// again only minutes after they were freed, and making a tree where another was removed takes
/// minutes of looking for others.
fn spread(folder: &Path) {
    let folder = File::open(folder).unwrap();
    if let Ok(flags) = ioctl_getflags(&folder) {
        // a file system that does not know of it needs it not
        ioctl_setflags(&folder, flags | IFlags::TOPDIR).ok();
    }
}
