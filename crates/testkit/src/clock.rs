//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use upkeep_contract::{Clock, SystemClock, Timestamp};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct FakeClock {
    // milliseconds that have passed
    elapsed: AtomicI64,
    // what the wall clock shows more than that
    set: AtomicI64,
}

impl FakeClock {
    /// A clock that stands at the present moment.
    pub fn at_present() -> Self {
        Self {
            elapsed: AtomicI64::new(0),
            set: AtomicI64::new(SystemClock.now().as_millis()),
        }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.elapsed.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the wall clock this many milliseconds forward, or back; no time passes.
    pub fn jump(&self, ms: i64) {
        self.set.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.elapsed.load(Ordering::SeqCst) + self.set.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.elapsed.load(Ordering::SeqCst)).unwrap())
    }
}
