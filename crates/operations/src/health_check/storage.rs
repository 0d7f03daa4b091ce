//! The checks of space and inodes of each mounted file system.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use upkeep_contract::health::{CheckStatus, HealthCheck, Remedy};

use super::judge::{Finding, bytes, unknown};
use super::remedies::{Placed, Remedies};
use crate::probes::limit::Asker;
use crate::probes::mounts::Mount;
use crate::probes::space::{self, Space};
use crate::settings::{Measure as Threshold, Settings, Thresholds};

const PERCENT: &str = "percent";

/// A file system's space, and its device where the system tells one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    space: Space,
    device: Option<u64>,
}

/// Asks one mount point; tests give one that fails or hangs.
pub(super) type Measure = Arc<dyn Fn(&Path) -> io::Result<Measured> + Send + Sync>;

/// Asks file systems, each with a time limit.
pub(super) struct Storage {
    measure: Measure,
    asker: Asker<Answer>,
    remedies: Remedies,
}

impl Default for Storage {
    fn default() -> Self {
        let measure = |point: &Path| {
            Ok(Measured {
                space: space::measure(point)?,
                // without it there are no remedies, which is no reason to be without the figures
                device: space::device_of(point).ok().flatten(),
            })
        };
        Self::with_measure(Arc::new(measure), Remedies::default())
    }
}

impl Storage {
    pub(super) fn with_measure(measure: Measure, remedies: Remedies) -> Self {
        Self {
            measure,
            asker: Asker::default(),
            remedies,
        }
    }

    /// Space and inodes of these mounts, all asked at once.
    pub(super) async fn checks(
        &self,
        mounts: io::Result<Vec<Mount>>,
        settings: &Arc<Settings>,
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
        let limit = Duration::from_millis(settings.thresholds.probe_limit_ms);
        let (answers, placed) = tokio::join!(
            join_all(mounts.iter().map(|mount| self.ask(&mount.point, limit))),
            self.remedies.find(settings, limit),
        );
        let mut checks = Vec::new();
        let judges: [Judge; 2] = [disk, inodes];
        for judge in judges {
            for (mount, answer) in mounts.iter().zip(&answers) {
                let Some(mut check) = judge(mount, answer, &settings.thresholds) else {
                    continue;
                };
                if matches!(check.status, CheckStatus::Warning | CheckStatus::Critical) {
                    check.remedies = on_device(&placed, answer);
                }
                checks.push(check);
            }
        }
        checks
    }

    async fn ask(&self, point: &Path, limit: Duration) -> Answer {
        let (measure, asked) = (self.measure.clone(), point.to_owned());
        let look = move || match measure(&asked) {
            Ok(measured) => Answer::Measured(measured),
            // as df does: what this user may not see, or what another mount hides, is left out
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                Answer::Hidden
            }
            Err(error) => Answer::Failed(format!("could not be asked: {error}")),
        };
        match self.asker.ask(point, limit, look).await {
            Ok(answer) => answer,
            Err(why) => Answer::Failed(why.to_string()),
        }
    }
}

/// Judges one figure of a file system; none when there is nothing to judge.
type Judge = fn(&Mount, &Answer, &Thresholds) -> Option<HealthCheck>;

#[derive(Clone)]
enum Answer {
    Measured(Measured),
    Hidden,
    Failed(String),
}

/// The remedies that lie on the file system that gave this answer.
fn on_device(placed: &[Placed], answer: &Answer) -> Vec<Remedy> {
    let Answer::Measured(Measured {
        device: Some(device),
        ..
    }) = answer
    else {
        return Vec::new();
    };
    let there = placed.iter().filter(|placed| placed.device == *device);
    there.map(|placed| placed.remedy.clone()).collect()
}

fn disk(mount: &Mount, answer: &Answer, thresholds: &Thresholds) -> Option<HealthCheck> {
    let id = format!("disk:{}", mount.point.display());
    let space = match answer {
        Answer::Measured(measured) => &measured.space,
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
        threshold: thresholds.of(Threshold::Disk),
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

fn inodes(mount: &Mount, answer: &Answer, thresholds: &Thresholds) -> Option<HealthCheck> {
    // a probe that failed is told once, by the check of space
    let Answer::Measured(Measured { space, .. }) = answer else {
        return None;
    };
    let observed = space.inodes_used_percent()?;
    let check = Finding {
        id: format!("inodes:{}", mount.point.display()),
        unit: PERCENT,
        observed,
        threshold: thresholds.of(Threshold::Inodes),
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

    fn limited(limit_ms: u64) -> Arc<Settings> {
        let mut settings = Settings::default();
        settings.thresholds.probe_limit_ms = limit_ms;
        Arc::new(settings)
    }

    async fn look(storage: &Storage, points: &[&str]) -> Vec<(String, CheckStatus)> {
        let mounts = points.iter().map(|point| mount(point)).collect();
        let checks = storage.checks(Ok(mounts), &limited(200)).await;
        checks
            .into_iter()
            .map(|check| (check.id, check.status))
            .collect()
    }

    fn answering(measure: impl Fn(&Path) -> io::Result<Space> + Send + Sync + 'static) -> Storage {
        let measure = move |point: &Path| {
            Ok(Measured {
                space: measure(point)?,
                device: Some(if point == Path::new("/srv") { 2 } else { 1 }),
            })
        };
        Storage::with_measure(Arc::new(measure), Remedies::default())
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
        let held = std::sync::Mutex::new(held);
        let counter = asked.clone();
        let storage = answering(move |point| {
            if point == Path::new("/gone") {
                counter.fetch_add(1, Ordering::SeqCst);
                assert!(
                    held.lock().unwrap().recv().is_err(),
                    "released by the test's end"
                );
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
        while storage.asker.owed() > 0 {
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
        let check = |total: u64, available: u64, floor: u64, expect: CheckStatus| {
            let space = Space {
                total_bytes: total,
                free_bytes: available,
                available_bytes: available,
                ..FULL
            };
            let answer = Answer::Measured(Measured {
                space,
                device: None,
            });
            let mut thresholds = Thresholds::default()
                .with(Threshold::Disk, crate::settings::Threshold::new(99.5, 99.9));
            thresholds.disk_floor_bytes = floor;
            let check = disk(&mount("/"), &answer, &thresholds).unwrap();
            assert_eq!(check.status, expect, "{check:?}");
            assert_eq!(check.action.is_empty(), expect == CheckStatus::Ok);
        };
        check(100_000, 1000, 1000, CheckStatus::Ok);
        check(100_000, 999, 1000, CheckStatus::Warning);
        check(100_000, 999, 0, CheckStatus::Ok);
        check(10_000, 999, 1000, CheckStatus::Ok);
    }

    #[tokio::test]
    async fn a_mount_table_that_cannot_be_read_is_told() {
        let storage = answering(|_| Ok(FULL));
        let checks = storage
            .checks(Err(io::Error::other("gone")), &limited(200))
            .await;
        assert_eq!(checks[0].status, CheckStatus::Unknown);
    }

    #[tokio::test]
    async fn a_full_disk_offers_the_cleanups_that_lie_on_it_and_no_other() {
        use upkeep_contract::settings::{LocationSettings, RunStoreSettings};
        let locate = |path: &Path| Some(if path.starts_with("/srv") { 2 } else { 1 });
        let measure = |point: &Path| {
            let roomy = Space {
                free_bytes: 90 << 30,
                available_bytes: 90 << 30,
                ..FULL
            };
            let (space, device) = match point.to_str() {
                Some("/") => (FULL, Some(1)),
                Some("/srv") => (
                    Space {
                        inodes_free: 1,
                        ..roomy
                    },
                    Some(2),
                ),
                Some("/well") => (roomy, Some(1)),
                _ => (FULL, None),
            };
            Ok(Measured { space, device })
        };
        let storage = Storage::with_measure(
            Arc::new(measure),
            Remedies::with_locate(Arc::new(move |path, _, _| locate(path))),
        );
        let settings = Arc::new(Settings {
            locations: vec![
                LocationSettings::new("scratch", "/var/scratch"),
                LocationSettings::new("builds", "/srv/builds"),
            ],
            run_stores: vec![RunStoreSettings::new("runs", "/srv/runs")],
            ..Settings::default()
        });
        let points = ["/", "/nameless", "/srv", "/well"];
        let checks = storage
            .checks(Ok(points.map(mount).into()), &settings)
            .await;
        let offered: Vec<(&str, Vec<&str>)> = checks
            .iter()
            .map(|check| {
                let names = check.remedies.iter().map(|remedy| remedy.name.as_str());
                (check.id.as_str(), names.collect())
            })
            .collect();
        assert_eq!(
            offered,
            [
                ("disk:/", vec!["scratch"]),
                ("disk:/nameless", vec![]),
                ("disk:/srv", vec![]),
                ("disk:/well", vec![]),
                ("inodes:/", vec![]),
                ("inodes:/nameless", vec![]),
                ("inodes:/srv", vec!["builds", "runs"]),
                ("inodes:/well", vec![]),
            ]
        );
    }
}
