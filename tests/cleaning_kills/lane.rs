//! One installation whose workers are killed while they clean, round after round.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use serde_json::{Value, json};
use tokio::time::Instant;
use upkeep_config::Folders;
use upkeep_contract::TaskId;
use upkeep_contract::task::{AttemptOutcome, TaskState};
use upkeep_queue::{NewTask, Queue};

use crate::record::{Record, Tree};
use crate::support::files;
use crate::support::installation::{Installation, until, until_final};
use crate::support::process::{Process, exec};

const FOLDERS: usize = 20;
const FILES_PER_FOLDER: usize = 1000;
/// From this one on the files of a folder lie in folders of their own, so that many folders go, too.
const FIRST_NESTED: usize = 10;
const FILES_PER_PART: usize = 10;
const PARTS: usize = (FOLDERS - FIRST_NESTED) * FILES_PER_FOLDER / FILES_PER_PART;
const YOUNG: usize = 40;
const OPEN: usize = 5;
const TOUCHED: usize = 7;
/// In a folder that lets nothing go.
const STUCK: usize = 3;

/// What was done and seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cleanups: usize,
    pub(crate) of_a_preview: usize,
    pub(crate) kills: usize,
    pub(crate) before_the_first_removal: usize,
    pub(crate) among_the_files: usize,
    pub(crate) among_the_folders: usize,
    pub(crate) after_the_last_removal: usize,
    pub(crate) too_late: usize,
    pub(crate) files_removed: usize,
    pub(crate) files_unnamed: usize,
}

/// One installation, and the round it is in.
pub(crate) struct Lane {
    installation: Installation,
    queue: Queue,
    dice: StdRng,
    /// How long an attempt that nobody kills takes, and how long from its first removal on.
    usual: Duration,
    usual_removing: Duration,
    pub(crate) tally: Tally,
}

/// A tree with everything that a report counts.
struct Ground {
    before: Tree,
    /// Held open by this process.
    _open: Vec<File>,
    _stuck: Option<Stuck>,
    matched: usize,
    kept: usize,
    failed: usize,
    folders: usize,
}

/// A folder that lets nothing go, not even for root, while this lives.
struct Stuck(File, IFlags);

impl Drop for Stuck {
    fn drop(&mut self) {
        ioctl_setflags(&self.0, self.1).ok();
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap().to_owned()
}

/// Waits for what no change feed tells; not for ever, for the cleanup may be over by then.
async fn as_soon_as(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() && begun.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Lane {
    pub(crate) async fn new(seed: u64) -> Self {
        let installation = Installation::in_memory();
        installation.configure(&format!(
            "[[locations]]\nname = \"scratch\"\npath = \"{}\"\nremove_empty_directories = true\n\n\
             [worker]\nlease_seconds = 2\n",
            installation.scratch().display()
        ));
        Self {
            queue: installation.queue().await,
            installation,
            dice: StdRng::seed_from_u64(seed),
            usual: Duration::from_millis(800),
            usual_removing: Duration::from_millis(300),
            tally: Tally::default(),
        }
    }

    /// One cleanup, whose worker is killed once or twice, and what is left of it.
    pub(crate) async fn round(&mut self) {
        let mut ground = self.ground();
        let of_a_preview = self.dice.random_bool(0.5);
        let mut params = json!({ "max_age_hours": 24 });
        if of_a_preview {
            let shown = exec(
                &self.installation.home(),
                &["exec", "cleanup-temp-files", "--dry-run"],
            );
            let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
            params = json!({ "plan": shown["plan"] });
            // what changes after the preview stays, and matched all the same
            for number in 0..TOUCHED {
                files::age(&self.file(1, number), 47);
            }
            ground.kept += TOUCHED;
            ground.folders -= 1;
        }
        let task = NewTask {
            max_attempts: 10,
            ..NewTask::new("cleanup-temp-files", params.clone(), "tester")
        };
        let id = self.queue.enqueue(task).await.unwrap().id().clone();
        let plan = params["plan"].as_str().unwrap_or(id.as_str()).to_owned();
        let plan = self.artifacts().join(plan).join("plan.jsonl");

        let kills = if self.dice.random_bool(0.25) { 2 } else { 1 };
        for attempt in 1..=kills {
            if !self.kill_one(&id, attempt).await {
                break;
            }
            let now = Tree::read(&self.installation.scratch());
            let record = Record::read(&self.manifest(&id));
            self.tally.files_unnamed += record.check(&plan, &ground.before, &now);
            self.note(&ground, &now);
        }
        let mut last = Process::worker(&self.installation, &[]);
        let detail = until_final(&self.queue, &id).await;
        assert!(last.terminate(), "{}", last.output());

        let ended = if ground.failed > 0 {
            (TaskState::Partial, AttemptOutcome::Partial)
        } else {
            (TaskState::Succeeded, AttemptOutcome::Succeeded)
        };
        let outcome = detail.attempts.last().unwrap().outcome;
        assert_eq!(
            (detail.task.state, outcome),
            ended,
            "{:?}",
            detail.task.error
        );
        let report = detail.report.unwrap();
        let removed = ground.matched - ground.kept - ground.failed;
        for (figure, expect) in [
            ("files_matched", ground.matched),
            ("files_removed", removed),
            ("files_kept", ground.kept),
            ("files_failed", ground.failed),
            ("problems_total", ground.failed),
            ("directories_removed", ground.folders),
            // each file has a page of its own
            ("bytes_matched", ground.matched * 4096),
            ("bytes_removed", removed * 4096),
        ] {
            assert_eq!(report[figure], expect, "{figure} of {report:#}");
        }
        let now = Tree::read(&self.installation.scratch());
        let record = Record::read(&self.manifest(&id));
        assert!(!record.has_open(), "a batch never ended: {record:?}");
        assert_eq!(record.check(&plan, &ground.before, &now), 0);
        assert_eq!(record.removed().files.len(), removed);
        assert_eq!(record.removed().folders.len(), ground.folders);
        assert_eq!(now.files.len(), ground.before.files.len() - removed);
        let young = now.files.iter().filter(|name| name.contains("young"));
        assert_eq!(young.count(), YOUNG);
        self.tally.cleanups += 1;
        self.tally.of_a_preview += usize::from(of_a_preview);
        self.tally.files_removed += removed;
        let longest = detail.attempts.iter().filter_map(|attempt| {
            let took = attempt.ended_at?.since(attempt.started_at);
            (attempt.outcome == outcome).then_some(took)
        });
        if detail.attempts.len() == 1 {
            self.usual = longest.max().unwrap_or(self.usual);
            self.usual_removing = self.usual / 2;
        }
    }

    /// Starts a worker and kills it at a random moment of its attempt; false when it was done before.
    async fn kill_one(&mut self, id: &TaskId, attempt: u32) -> bool {
        let mut worker = Process::worker(&self.installation, &[]);
        let started = |detail: &upkeep_contract::task::TaskDetail| {
            detail.task.attempt == attempt && detail.task.state != TaskState::Queued
        };
        until(&self.queue, id, started).await;
        // anywhere, or once it has begun to remove files, or folders
        let longest = match self.dice.random_range(0..4) {
            0 => self.usual,
            1 | 2 => {
                let manifest = self.manifest(id);
                let written = || manifest.metadata().map_or(0, |meta| meta.len());
                let before = written();
                as_soon_as(|| written() > before).await;
                self.usual_removing
            }
            _ => {
                let nested = (FIRST_NESTED..FOLDERS).map(|folder| self.file(folder, 0));
                let parts: Vec<PathBuf> = nested.map(|file| parent(&file)).collect();
                as_soon_as(|| parts.iter().any(|part| !part.exists())).await;
                self.usual_removing / 4
            }
        };
        // a random moment is the point here
        tokio::time::sleep(longest.mul_f64(self.dice.random())).await;
        worker.kill();
        let ended = self.queue.task(id).await.unwrap().task.state != TaskState::Running;
        if ended {
            self.tally.too_late += 1;
            self.usual = self.usual.mul_f64(0.9);
            self.usual_removing = self.usual_removing.mul_f64(0.9);
        } else {
            self.tally.kills += 1;
        }
        !ended
    }

    fn note(&mut self, ground: &Ground, now: &Tree) {
        let gone = ground.before.files.len() - now.files.len();
        let folders_gone = ground.before.folders.len() - now.folders.len();
        let tally = &mut self.tally;
        match (gone, folders_gone) {
            (0, _) => tally.before_the_first_removal += 1,
            (gone, 0) if gone < ground.matched - ground.kept - ground.failed => {
                tally.among_the_files += 1;
            }
            (_, folders) if folders < ground.folders => tally.among_the_folders += 1,
            _ => tally.after_the_last_removal += 1,
        }
    }

    /// Everything anew: files that go, and some of every kind that stays.
    fn ground(&mut self) -> Ground {
        let scratch = self.installation.scratch();
        for entry in std::fs::read_dir(&scratch).unwrap() {
            std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        for folder in 0..FOLDERS {
            for number in 0..FILES_PER_FOLDER {
                files::file(&self.file(folder, number), 48);
            }
        }
        for number in 0..YOUNG {
            files::file(&scratch.join(format!("folder-00/young-{number}")), 1);
        }
        let open = (0..OPEN).map(|number| File::open(self.file(2, number)).unwrap());
        let open: Vec<File> = open.collect();
        for number in 0..STUCK {
            files::file(&scratch.join(format!("stuck/file-{number}")), 48);
        }
        let stuck = File::open(scratch.join("stuck")).unwrap();
        let stuck = ioctl_getflags(&stuck).ok().and_then(|flags| {
            let set = ioctl_setflags(&stuck, flags | IFlags::IMMUTABLE);
            set.is_ok().then_some(Stuck(stuck, flags))
        });
        if stuck.is_none() {
            std::fs::remove_dir_all(scratch.join("stuck")).unwrap();
        }
        for folder in FIRST_NESTED..FOLDERS {
            for number in (0..FILES_PER_FOLDER).step_by(FILES_PER_PART) {
                files::age(&parent(&self.file(folder, number)), 48);
            }
        }
        for folder in 0..FOLDERS {
            files::age(&scratch.join(format!("folder-{folder:02}")), 48);
        }
        let failed = if stuck.is_some() { STUCK } else { 0 };
        Ground {
            before: Tree::read(&scratch),
            _open: open,
            _stuck: stuck,
            matched: FOLDERS * FILES_PER_FOLDER + failed,
            kept: OPEN,
            failed,
            // not those of young and of open files
            folders: FOLDERS - 2 + PARTS,
        }
    }

    fn file(&self, folder: usize, number: usize) -> PathBuf {
        let scratch = self.installation.scratch();
        let part = if folder < FIRST_NESTED {
            String::new()
        } else {
            format!("part-{:03}/", number / FILES_PER_PART)
        };
        scratch.join(format!("folder-{folder:02}/{part}file-{number:04}"))
    }

    fn artifacts(&self) -> PathBuf {
        Folders::at(&self.installation.home()).artifacts()
    }

    fn manifest(&self, id: &TaskId) -> PathBuf {
        self.artifacts().join(id.as_str()).join("manifest.jsonl")
    }
}
