//! The checks of space and inodes of each mounted file system.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use upkeep_contract::health::{CheckStatus, HealthCheck};

use super::judge::{Finding, bytes, unknown};
use crate::probes::limit::with_limit;
use crate::probes::mounts::Mount;
use crate::probes::space::{self, Space};
use crate::settings::{Threshold, Thresholds};

const PERCENT: &str = "percent";

/// Asks one mount point; tests give one that fails or hangs.
pub(super) type Measure = Arc<dyn Fn(&Path) -> io::Result<Space> + Send + Sync>;

/// Asks file systems, each with a time limit, and remembers which still owe an answer.
pub(super) struct Storage {
    limit: Duration,
    measure: Measure,
    /// Since when a mount owes an answer: one that hangs must not cost a thread at every check.
    owed: Arc<Mutex<HashMap<PathBuf, Instant>>>,
}

impl Storage {
    pub(super) fn new(limit: Duration) -> Self {
        Self::with_measure(limit, Arc::new(space::measure))
    }

    pub(super) fn with_measure(limit: Duration, measure: Measure) -> Self {
        Self {
            limit,
            measure,
            owed: Arc::default(),
        }
    }

    pub(super) async fn checks(
        &self,
        mounts: io::Result<Vec<Mount>>,
        thresholds: &Thresholds,
    ) -> Vec<HealthCheck> {
        let mounts = match mounts {
            Ok(mounts) => mounts,
            Err(error) => {
                let message =
                    format!("the list of mounted file systems could not be read: {error}");
                return vec![unknown(
                    "disk:/",
                    PERCENT,
                    message,
                    "look at /proc/self/mountinfo",
                )];
            }
        };
        let answers = join_all(mounts.iter().map(|mount| self.ask(&mount.point))).await;
        let asked = || mounts.iter().zip(&answers);
        let disks = asked().filter_map(|(mount, answer)| disk(mount, answer, thresholds));
        let inodes = asked().filter_map(|(mount, answer)| inodes(mount, answer, thresholds.inodes));
        disks.chain(inodes).collect()
    }

    async fn ask(&self, point: &Path) -> Answer {
        let since = *lock(&self.owed)
            .entry(point.to_owned())
            .or_insert_with(Instant::now);
        if since.elapsed() >= self.limit {
            return Answer::Failed(format!(
                "has given no answer for {} s",
                since.elapsed().as_secs()
            ));
        }
        let (measure, owed, asked) = (self.measure.clone(), self.owed.clone(), point.to_owned());
        let answer = with_limit(self.limit, move || {
            let answer = measure(&asked);
            lock(&owed).remove(&asked);
            answer
        });
        match answer.await {
            Ok(Ok(space)) => Answer::Space(space),
            // as df does: what this user may not see, or what another mount hides, is left out
            Ok(Err(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                Answer::Hidden
            }
            Ok(Err(error)) => Answer::Failed(format!("could not be asked: {error}")),
            Err(why) => Answer::Failed(why.to_string()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Answer {
    Space(Space),
    Hidden,
    Failed(String),
}

fn disk(mount: &Mount, answer: &Answer, thresholds: &Thresholds) -> Option<HealthCheck> {
    let id = format!("disk:{}", mount.point.display());
    let space = match answer {
        Answer::Space(space) => space,
        Answer::Hidden => return None,
        Answer::Failed(why) => return Some(failed(id, mount, why)),
    };
    // a size of zero is a file system that only pretends
    let observed = space.used_percent()?;
    let action = format!(
        "remove what is not needed below {} (clean temporary files, clean up old runs), or make it larger",
        mount.point.display()
    );
    let mut check = Finding {
        id,
        unit: PERCENT,
        observed,
        threshold: thresholds.disk,
        message: format!(
            "{} of {} still free",
            bytes(space.available_bytes),
            bytes(space.total_bytes)
        ),
        action: &action,
    }
    .judge();
    if check.status == CheckStatus::Ok && below_floor(space, thresholds.disk_floor_bytes) {
        check.status = CheckStatus::Warning;
        check.message = format!(
            "{}, less than {}",
            check.message,
            bytes(thresholds.disk_floor_bytes)
        );
        check.action = action;
    }
    Some(check)
}

/// Small file systems never have much free: only those ten times the floor are held to it.
fn below_floor(space: &Space, floor: u64) -> bool {
    space.available_bytes < floor && space.total_bytes > floor.saturating_mul(10)
}

fn inodes(mount: &Mount, answer: &Answer, threshold: Threshold) -> Option<HealthCheck> {
    // a probe that failed is told once, by the check of space
    let Answer::Space(space) = answer else {
        return None;
    };
    let observed = space.inodes_used_percent()?;
    let check = Finding {
        id: format!("inodes:{}", mount.point.display()),
        unit: PERCENT,
        observed,
        threshold,
        message: format!("{} of {} inodes free", space.inodes_free, space.inodes),
        action: "too many files, however small: find the folder that holds most of them and clean it",
    };
    Some(check.judge())
}

fn failed(id: String, mount: &Mount, why: &str) -> HealthCheck {
    let message = format!("{} ({}) {why}", mount.point.display(), mount.file_system);
    let action = if mount.remote {
        "see whether the file server can be reached; unmount what is gone"
    } else {
        "look at the kernel's log (dmesg) for errors of this disk"
    };
    unknown(id, PERCENT, message, action)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Space = Space {
        total_bytes: 100 << 30,
        free_bytes: 1 << 30,
        available_bytes: 1 << 30,
        inodes: 100,
        inodes_free: 97,
    };

    fn mount(point: &str) -> Mount {
        Mount {
            point: point.into(),
            file_system: "ext4".into(),
            remote: false,
        }
    }

    async fn look(storage: &Storage, points: &[&str]) -> Vec<(String, CheckStatus)> {
        let mounts = points.iter().map(|point| mount(point)).collect();
        let checks = storage.checks(Ok(mounts), &Thresholds::default()).await;
        checks
            .into_iter()
            .map(|check| (check.id, check.status))
            .collect()
    }

    fn answering(measure: impl Fn(&Path) -> io::Result<Space> + Send + Sync + 'static) -> Storage {
        Storage::with_measure(Duration::from_millis(200), Arc::new(measure))
    }

    #[tokio::test]
    async fn space_and_inodes_are_judged_apart() {
        let storage = answering(|_| Ok(FULL));
        let expect = [
            ("disk:/".to_owned(), CheckStatus::Critical),
            ("inodes:/".to_owned(), CheckStatus::Ok),
        ];
        assert_eq!(look(&storage, &["/"]).await, expect);
    }

    #[tokio::test]
    async fn a_probe_that_fails_is_unknown_and_the_others_stand() {
        let storage = answering(|point| {
            if point == Path::new("/broken") {
                Err(io::Error::other("input/output error"))
            } else {
                Ok(FULL)
            }
        });
        let expect = [
            ("disk:/".to_owned(), CheckStatus::Critical),
            ("disk:/broken".to_owned(), CheckStatus::Unknown),
            ("inodes:/".to_owned(), CheckStatus::Ok),
        ];
        assert_eq!(look(&storage, &["/", "/broken"]).await, expect);
    }

    #[tokio::test]
    async fn a_mount_that_hangs_is_unknown_and_asked_by_one_thread_only() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let asked = Arc::new(AtomicUsize::new(0));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        let counter = asked.clone();
        let storage = answering(move |point| {
            if point == Path::new("/gone") {
                counter.fetch_add(1, Ordering::SeqCst);
                assert!(lock(&held).recv().is_err(), "released by the test's end");
            }
            Ok(FULL)
        });
        for _ in 0..3 {
            let checks = look(&storage, &["/", "/gone"]).await;
            assert!(
                checks.contains(&("disk:/gone".to_owned(), CheckStatus::Unknown)),
                "{checks:?}"
            );
            assert!(
                checks.contains(&("disk:/".to_owned(), CheckStatus::Critical)),
                "{checks:?}"
            );
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        drop(release);
        // once it answers again it is asked again
        while !lock(&storage.owed).is_empty() {
            tokio::task::yield_now().await;
        }
        let checks = look(&storage, &["/gone"]).await;
        assert!(
            checks.contains(&("disk:/gone".to_owned(), CheckStatus::Critical)),
            "{checks:?}"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_seen_or_has_no_size_is_left_out() {
        let storage = answering(|point| match point.to_str() {
            Some("/hidden") => Err(io::ErrorKind::NotFound.into()),
            Some("/private") => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Ok(Space {
                total_bytes: 0,
                free_bytes: 0,
                available_bytes: 0,
                inodes: 0,
                inodes_free: 0,
            }),
        });
        assert_eq!(look(&storage, &["/hidden", "/private", "/empty"]).await, []);
    }

    #[test]
    fn a_large_disk_with_little_left_warns_whatever_its_percentage() {
        let check = |total: u64, available: u64, expect: CheckStatus| {
            let space = Space {
                total_bytes: total,
                free_bytes: available,
                available_bytes: available,
                ..FULL
            };
            let thresholds = Thresholds {
                disk: Threshold::new(99.5, 99.9),
                disk_floor_bytes: 1000,
                ..Thresholds::default()
            };
            let check = disk(&mount("/"), &Answer::Space(space), &thresholds).unwrap();
            assert_eq!(check.status, expect, "{check:?}");
            assert_eq!(check.action.is_empty(), expect == CheckStatus::Ok);
        };
        check(100_000, 1000, CheckStatus::Ok);
        check(100_000, 999, CheckStatus::Warning);
        check(10_000, 999, CheckStatus::Ok);
    }

    #[tokio::test]
    async fn a_mount_table_that_cannot_be_read_is_told() {
        let storage = answering(|_| Ok(FULL));
        let checks = storage
            .checks(Err(io::Error::other("gone")), &Thresholds::default())
            .await;
        assert_eq!(checks[0].status, CheckStatus::Unknown);
    }
}
