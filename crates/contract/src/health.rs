//! The report of `health-check`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::task::{TaskError, TaskState};
use crate::{OperationId, TaskId, Timestamp};

/// How one check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Below its warning threshold.
    Ok,
    /// At or above its warning threshold.
    Warning,
    /// At or above its critical threshold.
    Critical,
    /// The probe failed or does not exist here.
    Unknown,
}

/// How the whole stands: the worst wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Every check is ok.
    Healthy,
    /// At least one check warns, or a probe failed.
    Degraded,
    /// At least one check is critical.
    Critical,
    /// There were no checks at all.
    Unknown,
}

impl HealthStatus {
    /// The whole of these checks: the worst wins, a failed probe is at least degraded, none is unknown.
    pub fn worst_of(checks: impl IntoIterator<Item = CheckStatus>) -> Self {
        let mut whole = Self::Unknown;
        for check in checks {
            whole = match (whole, check) {
                (_, CheckStatus::Critical) | (Self::Critical, _) => Self::Critical,
                (_, CheckStatus::Warning | CheckStatus::Unknown) | (Self::Degraded, _) => {
                    Self::Degraded
                }
                (Self::Healthy | Self::Unknown, CheckStatus::Ok) => Self::Healthy,
            };
        }
        whole
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HealthCheck {
    /// `cpu`, `memory`, `swap`, `disk:<mount>`, `inodes:<mount>`, `load`, `pressure:<kind>`,
    /// `temperature:<sensor>`, `runtime`, `runtime:queue`, `queue`, `queue:failures`, `workers` or `database`.
    pub id: String,
    /// How it stands.
    pub status: CheckStatus,
    /// What was observed; none when the probe failed.
    pub observed: Option<f64>,
    /// The unit of `observed` and of the thresholds: `percent` (0 to 100), `per core`, `tasks`, `workers`, `ms`,
    /// `seconds`, `celsius`.
    pub unit: String,
    /// At or above this it warns; none when it cannot.
    pub warning: Option<f64>,
    /// At or above this it is critical; none when it cannot be.
    pub critical: Option<f64>,
    /// What it means, for a person.
    pub message: String,
    /// What the operator can do; empty when all is well.
    pub action: String,
    /// Cleanups of this host that would help: each on that very file system. Empty when all is well.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
}

/// A cleanup that an operator may begin from a check, with a preview. Nothing begins without that click.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Remedy {
    /// What would be previewed.
    pub operation: OperationId,
    /// The location or run store that it is about.
    pub name: String,
    /// Its folder on the host that was checked.
    pub path: String,
    /// What stands on the button.
    pub label: String,
    /// The parameters of the preview.
    pub params: serde_json::Value,
}

/// The report of `health-check`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HealthReport {
    /// The whole.
    pub status: HealthStatus,
    /// The host that was checked.
    pub host: String,
    /// When.
    pub checked_at: Timestamp,
    /// Milliseconds over which CPU use was averaged.
    pub cpu_window_ms: u32,
    /// Each check.
    pub checks: Vec<HealthCheck>,
    /// Milliseconds the checks took.
    #[ts(type = "number")]
    pub duration_ms: u64,
}

/// One health check of the past, with its whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HealthRecord {
    /// The task.
    pub task_id: TaskId,
    /// How the task ended. A host in a critical state is a check that succeeded.
    pub state: TaskState,
    /// When it was asked for.
    pub enqueued_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Who asked.
    pub requested_by: String,
    /// Why it failed; none when it did not.
    pub error: Option<TaskError>,
    /// What it found; none when it ended without a report.
    pub report: Option<HealthReport>,
}

impl HealthRecord {
    /// How the host stands by this check. One that ended without a report looked at nothing: unknown.
    pub fn status(&self) -> HealthStatus {
        self.report
            .as_ref()
            .map_or(HealthStatus::Unknown, |report| report.status)
    }
}

/// One check at one time, as much as its course needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CheckPoint {
    /// As [`HealthCheck::id`].
    pub id: String,
    /// As [`HealthCheck::status`].
    pub status: CheckStatus,
    /// As [`HealthCheck::observed`].
    pub observed: Option<f64>,
    /// As [`HealthCheck::unit`].
    pub unit: String,
    /// As [`HealthCheck::warning`].
    pub warning: Option<f64>,
    /// As [`HealthCheck::critical`].
    pub critical: Option<f64>,
}

/// A health check of the past, as much as the course of its checks needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HealthPoint {
    /// The task.
    pub task_id: TaskId,
    /// When the host was looked at.
    pub checked_at: Timestamp,
    /// The whole.
    pub status: HealthStatus,
    /// Its checks.
    pub checks: Vec<CheckPoint>,
}

/// What the Health page shows of one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HealthHistory {
    /// The host.
    pub host: String,
    /// Hosts that have workers or were checked lately, by name; this host is always among them.
    pub hosts: Vec<String>,
    /// The health check that is queued or under way there; none when there is none.
    pub current: Option<TaskId>,
    /// The one that ended last, however it ended.
    pub last: Option<HealthRecord>,
    /// The newest that has a report; the same as `last` when that has one.
    pub latest: Option<HealthRecord>,
    /// Reports of the past, the newest first; `latest` is the first of them.
    pub points: Vec<HealthPoint>,
}

impl From<&HealthCheck> for CheckPoint {
    fn from(check: &HealthCheck) -> Self {
        Self {
            id: check.id.clone(),
            status: check.status,
            observed: check.observed,
            unit: check.unit.clone(),
            warning: check.warning,
            critical: check.critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [CheckStatus; 4] = [
        CheckStatus::Ok,
        CheckStatus::Warning,
        CheckStatus::Critical,
        CheckStatus::Unknown,
    ];

    /// The design's sentence, clause by clause, over what is there and not in which order:
    /// the worst wins, a probe that failed is at least degraded, no checks at all is unknown.
    fn designed(checks: &[CheckStatus]) -> HealthStatus {
        let among = |status| checks.contains(&status);
        if among(CheckStatus::Critical) {
            return HealthStatus::Critical;
        }
        if among(CheckStatus::Warning) || among(CheckStatus::Unknown) {
            return HealthStatus::Degraded;
        }
        if checks.is_empty() {
            HealthStatus::Unknown
        } else {
            HealthStatus::Healthy
        }
    }

    /// Every sequence of statuses of this length.
    fn sequences(length: usize) -> Vec<Vec<CheckStatus>> {
        let mut all = vec![Vec::new()];
        for _ in 0..length {
            all = all
                .iter()
                .flat_map(|shorter| STATUSES.map(|status| [shorter.as_slice(), &[status]].concat()))
                .collect();
        }
        all
    }

    #[test]
    fn the_worst_check_decides_the_whole() {
        use CheckStatus as C;
        use HealthStatus as H;
        // every set of statuses, written out by hand
        let table: [(&[C], H); 16] = [
            (&[], H::Unknown),
            (&[C::Ok], H::Healthy),
            (&[C::Warning], H::Degraded),
            (&[C::Critical], H::Critical),
            (&[C::Unknown], H::Degraded),
            (&[C::Ok, C::Warning], H::Degraded),
            (&[C::Ok, C::Critical], H::Critical),
            (&[C::Ok, C::Unknown], H::Degraded),
            (&[C::Warning, C::Critical], H::Critical),
            (&[C::Warning, C::Unknown], H::Degraded),
            (&[C::Critical, C::Unknown], H::Critical),
            (&[C::Ok, C::Warning, C::Critical], H::Critical),
            (&[C::Ok, C::Warning, C::Unknown], H::Degraded),
            (&[C::Ok, C::Critical, C::Unknown], H::Critical),
            (&[C::Warning, C::Critical, C::Unknown], H::Critical),
            (&[C::Ok, C::Warning, C::Critical, C::Unknown], H::Critical),
        ];
        for (checks, expect) in table {
            assert_eq!(
                HealthStatus::worst_of(checks.iter().copied()),
                expect,
                "{checks:?}"
            );
            assert_eq!(designed(checks), expect, "the reference itself: {checks:?}");
        }
    }

    #[test]
    fn every_sequence_of_up_to_six_checks_gives_the_designed_whole_in_any_order() {
        let mut looked_at = 0;
        for length in 0..=6 {
            for checks in sequences(length) {
                let whole = HealthStatus::worst_of(checks.iter().copied());
                assert_eq!(whole, designed(&checks), "{checks:?}");
                looked_at += 1;
            }
        }
        assert_eq!(looked_at, 1 + 4 + 16 + 64 + 256 + 1024 + 4096);
    }

    #[test]
    fn a_check_that_failed_or_was_cancelled_says_nothing_of_the_host() {
        let record = |state, status: Option<HealthStatus>| HealthRecord {
            task_id: TaskId("t".into()),
            state,
            enqueued_at: Timestamp(0),
            finished_at: Timestamp(1),
            requested_by: "tester".into(),
            error: None,
            report: status.map(|status| HealthReport {
                status,
                host: "h".into(),
                checked_at: Timestamp(0),
                cpu_window_ms: 200,
                checks: Vec::new(),
                duration_ms: 1,
            }),
        };
        for state in [TaskState::Failed, TaskState::Cancelled] {
            assert_eq!(record(state, None).status(), HealthStatus::Unknown);
        }
        for status in [
            HealthStatus::Healthy,
            HealthStatus::Degraded,
            HealthStatus::Critical,
            HealthStatus::Unknown,
        ] {
            let ended = record(TaskState::Succeeded, Some(status));
            assert_eq!(ended.status(), status);
        }
    }

    #[test]
    fn a_report_of_an_earlier_version_without_remedies_is_read() {
        let check: HealthCheck = serde_json::from_str(
            r#"{"id":"cpu","status":"ok","observed":1.0,"unit":"percent","warning":90.0,
                "critical":98.0,"message":"m","action":""}"#,
        )
        .unwrap();
        assert_eq!(check.remedies, []);
    }
}
