//! How long a task waits after a transient error.

use std::time::Duration;

use upkeep_contract::Timestamp;

/// Exponential back-off with jitter and a cap.
///
/// The jitter keeps tasks that failed together from failing together again (see "Exponential
/// Backoff And Jitter", AWS Architecture Blog, 2015; here "equal jitter").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first attempt, before jitter.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            cap: Duration::from_mins(5),
        }
    }
}

impl Backoff {
    /// The wait after attempt number `attempt` (from 1), with `fraction` in 0 to 1 drawn by chance:
    /// half of the exponential wait for certain, the other half times the fraction.
    pub fn wait(self, attempt: u32, fraction: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        full.mul_f64(0.5 + 0.5 * fraction.clamp(0.0, 1.0))
    }
}

/// When a task that waits is due. A time further ahead than any wait can be was written while a clock
/// was wrong: it keeps nobody waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// Now.
    pub(crate) now: Timestamp,
    /// The latest time that a wait which begins now may name.
    pub(crate) latest: Timestamp,
}

impl Due {
    /// True when a task must wait until that time.
    pub(crate) fn waits_until(self, run_after: Timestamp) -> bool {
        run_after > self.now && run_after <= self.latest
    }
}

impl Backoff {
    /// What is due now.
    pub(crate) fn due(self, now: Timestamp) -> Due {
        Due {
            now,
            latest: now.plus(self.cap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff {
            first: Duration::from_secs(2),
            cap: Duration::from_secs(60),
        };
        let check = |attempt, fraction, expect_ms: u128| {
            assert_eq!(
                backoff.wait(attempt, fraction).as_millis(),
                expect_ms,
                "attempt {attempt}"
            );
        };
        check(1, 1.0, 2_000);
        check(1, 0.0, 1_000);
        check(2, 1.0, 4_000);
        check(5, 0.5, 24_000);
        check(6, 1.0, 60_000);
        check(u32::MAX, 1.0, 60_000);
    }
}
