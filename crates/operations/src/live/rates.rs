//! Rates out of counters. A counter that went back began anew, and tells no rate until the next sample.

use std::time::Duration;

use crate::vitals::hundredths;

/// By how much a counter rose; none when it began anew.
pub(super) fn rise(before: u64, after: u64) -> Option<u64> {
    after.checked_sub(before)
}

/// How much a counter rose, by the second.
pub(super) fn per_second(before: u64, after: u64, time: Duration) -> Option<f64> {
    let rise = rise(before, after)?;
    (!time.is_zero()).then(|| hundredths(float(rise) / time.as_secs_f64()))
}

/// The share of a whole, 0 to 100; none of nothing.
#[cfg(any(test, target_os = "linux"))]
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| hundredths((float(part) / float(whole) * 100.0).clamp(0.0, 100.0)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no counter rises by 2^52 between two samples"
)]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

/// The time between two samples, for rates. None when the clocks disagree: the machine slept, or its clock
/// was set, and what rose meanwhile rose in a time that nobody knows.
pub(super) fn trusted(by_own_clock: Duration, by_wall_clock_ms: i64) -> Option<Duration> {
    const TOLERANCE_MS: i64 = 1500;
    let own = i64::try_from(by_own_clock.as_millis()).ok()?;
    let agree = own.abs_diff(by_wall_clock_ms) <= TOLERANCE_MS.unsigned_abs();
    (agree && !by_own_clock.is_zero()).then_some(by_own_clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_never_negative() {
        let second = Duration::from_secs(1);
        let check =
            |before, after, time, expect| assert_eq!(per_second(before, after, time), expect);
        check(10, 20, second, Some(10.0));
        check(10, 20, second * 4, Some(2.5));
        check(10, 10, second, Some(0.0));
        check(10, 9, second, None);
        check(u64::MAX, 0, second, None);
        check(10, 20, Duration::ZERO, None);
    }

    #[test]
    fn a_share_stays_between_nothing_and_all() {
        assert_eq!(share(1, 4), Some(25.0));
        assert_eq!(share(5, 4), Some(100.0));
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn a_machine_that_slept_has_no_rates() {
        let check = |own, wall, expect: bool| {
            let time = Duration::from_millis(own);
            assert_eq!(trusted(time, wall), expect.then_some(time), "{own} {wall}");
        };
        check(1000, 1001, true);
        check(1000, 2400, true);
        check(1000, 3_600_000, false);
        // the clock was set back
        check(1000, -5000, false);
        check(0, 0, false);
        // held up, but awake
        check(30_000, 30_001, true);
    }
}
