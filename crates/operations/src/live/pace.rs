//! How often something costly may be looked at: as often as it keeps below half a percent of a core.

use std::time::{Duration, Instant};

/// The rest is so many times as long as the work.
const REST: u32 = 199;

/// When the next look may begin.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    shortest: Duration,
    not_before: Option<Instant>,
}

impl Pace {
    /// Never two looks within `shortest`.
    pub fn new(shortest: Duration) -> Self {
        Self {
            shortest,
            not_before: None,
        }
    }

    /// Whether it is time to look.
    pub fn may_begin(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|not_before| now >= not_before)
    }

    /// A look has ended: the next one waits, the longer this one took.
    pub fn ended(&mut self, begun: Instant, ended: Instant) {
        let rest = ended.duration_since(begun).saturating_mul(REST);
        self.not_before = Some(begun + rest.max(self.shortest));
    }

    /// The next look need not wait.
    pub fn hurry(&mut self) {
        self.not_before = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_looked_at_seldom() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::new(Duration::from_secs(2));
        assert!(pace.may_begin(start));
        pace.ended(start, at(1));
        assert!(!pace.may_begin(at(1999)) && pace.may_begin(at(2000)));
        pace.ended(start, at(50));
        assert!(
            !pace.may_begin(at(9949)) && pace.may_begin(at(9950)),
            "half a percent"
        );
        pace.hurry();
        assert!(pace.may_begin(at(51)));
    }
}
