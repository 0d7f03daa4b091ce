//! From a figure and its thresholds to a check.

use upkeep_contract::health::{CheckStatus, HealthCheck};

use crate::settings::Threshold;
use crate::vitals::hundredths;

/// A figure with what it means. `action` is dropped when all is well.
pub(super) struct Finding<'a> {
    pub(super) id: String,
    pub(super) unit: &'a str,
    pub(super) observed: f64,
    pub(super) threshold: Threshold,
    pub(super) message: String,
    pub(super) action: &'a str,
}

impl Finding<'_> {
    pub(super) fn judge(self) -> HealthCheck {
        let status = status_of(self.observed, self.threshold);
        HealthCheck {
            id: self.id,
            status,
            observed: self.observed.is_finite().then(|| hundredths(self.observed)),
            unit: self.unit.to_owned(),
            warning: Some(self.threshold.warning),
            critical: Some(self.threshold.critical),
            message: self.message,
            action: if status == CheckStatus::Ok {
                String::new()
            } else {
                self.action.to_owned()
            },
            remedies: Vec::new(),
        }
    }
}

/// At or above a threshold counts; what is no number is unknown.
pub(super) fn status_of(observed: f64, threshold: Threshold) -> CheckStatus {
    if observed.is_nan() {
        CheckStatus::Unknown
    } else if observed >= threshold.critical {
        CheckStatus::Critical
    } else if observed >= threshold.warning {
        CheckStatus::Warning
    } else {
        CheckStatus::Ok
    }
}

/// A check whose probe failed.
pub(super) fn unknown(
    id: impl Into<String>,
    unit: &str,
    message: impl Into<String>,
    action: &str,
) -> HealthCheck {
    HealthCheck {
        id: id.into(),
        status: CheckStatus::Unknown,
        observed: None,
        unit: unit.to_owned(),
        warning: None,
        critical: None,
        message: message.into(),
        action: action.to_owned(),
        remedies: Vec::new(),
    }
}

/// Bytes as a person reads them, in powers of 1000 as the console shows them.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1000 {
        return format!("{count} bytes");
    }
    let mut amount = count as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_or_above_a_threshold_counts() {
        let check = |observed: f64, expect| {
            assert_eq!(
                status_of(observed, Threshold::new(80.0, 95.0)),
                expect,
                "{observed}"
            );
        };
        check(0.0, CheckStatus::Ok);
        check(79.99, CheckStatus::Ok);
        check(80.0, CheckStatus::Warning);
        check(94.99, CheckStatus::Warning);
        check(95.0, CheckStatus::Critical);
        check(f64::INFINITY, CheckStatus::Critical);
        check(f64::NAN, CheckStatus::Unknown);
    }

    #[test]
    fn advice_is_given_only_when_something_is_wrong() {
        let finding = |observed| Finding {
            id: "cpu".into(),
            unit: "percent",
            observed,
            threshold: Threshold::new(80.0, 95.0),
            message: "busy".into(),
            action: "stop something",
        };
        assert_eq!(finding(1.0).judge().action, "");
        assert_eq!(finding(80.0).judge().action, "stop something");
        // 79.999 is shown as 80 and still below the threshold
        assert_eq!(finding(79.999).judge().status, CheckStatus::Ok);
    }

    #[test]
    fn bytes_are_shown_in_the_largest_unit_that_fits() {
        let check = |count, expect: &str| assert_eq!(bytes(count), expect);
        check(0, "0 bytes");
        check(999, "999 bytes");
        check(1000, "1.0 kB");
        check(1_500_000_000, "1.5 GB");
        check(u64::MAX, "18.4 EB");
    }
}
