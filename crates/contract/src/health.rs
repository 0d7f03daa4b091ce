//! The report of `health-check`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Timestamp;

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
    /// `temperature:<sensor>`, `runtime`, `queue`, `workers` or `database`.
    pub id: String,
    /// How it stands.
    pub status: CheckStatus,
    /// What was observed; none when the probe failed.
    pub observed: Option<f64>,
    /// The unit of `observed` and of the thresholds: `percent` (0 to 100), `per core`, `tasks`, `ms`, `seconds`, `celsius`.
    pub unit: String,
    /// At or above this it warns; none when it cannot.
    pub warning: Option<f64>,
    /// At or above this it is critical; none when it cannot be.
    pub critical: Option<f64>,
    /// What it means, for a person.
    pub message: String,
    /// What the operator can do; empty when all is well.
    pub action: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_decides_the_whole() {
        use CheckStatus as C;
        use HealthStatus as H;
        let check = |checks: &[C], expect: H| {
            assert_eq!(HealthStatus::worst_of(checks.iter().copied()), expect);
        };
        check(&[], H::Unknown);
        check(&[C::Ok], H::Healthy);
        check(&[C::Ok, C::Warning], H::Degraded);
        check(&[C::Unknown], H::Degraded);
        check(&[C::Unknown, C::Ok], H::Degraded);
        check(&[C::Ok, C::Unknown], H::Degraded);
        check(&[C::Critical, C::Ok, C::Warning], H::Critical);
        check(&[C::Unknown, C::Critical], H::Critical);
        check(&[C::Warning, C::Ok, C::Critical], H::Critical);
    }
}
