//! How long a task waits after a transient error.

use std::time::Duration;

use upkeep_contract::Timestamp;

use crate::Queue;
use crate::engine::Statement;

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

/// Which times to wait for have come. One further off than the longest wait was written before the
/// clock was set back, and nobody waits for that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) now: Timestamp,
    pub(crate) longest: Timestamp,
}

impl Due {
    /// Adds the condition that a task is due.
    pub(crate) fn push(self, statement: &mut Statement) {
        statement.push("(run_after <= ").push_bind(self.now);
        statement
            .push(" OR run_after > ")
            .push_bind(self.longest)
            .push(")");
    }

    /// Whether that time has come.
    pub(crate) fn has_come(self, run_after: Timestamp) -> bool {
        run_after <= self.now || run_after > self.longest
    }
}

impl Queue {
    /// What is due now.
    pub(crate) fn due(&self) -> Due {
        let now = self.now();
        Due {
            now,
            longest: now.plus(self.backoff.cap),
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
