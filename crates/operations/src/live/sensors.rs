//! Temperatures. Some sensors take milliseconds to answer, so they are asked more seldom than all else.

use upkeep_contract::live::LiveTemperature;

use crate::probes::temperature;

/// A host with more is shown the first of them.
const SENSORS_MAX: usize = 64;

/// What the sensors told last.
#[derive(Debug, Default)]
pub(super) struct Sensors {
    asked: temperature::Sensors,
    told: Vec<LiveTemperature>,
}

impl Sensors {
    /// Asks them.
    pub(super) fn look(&mut self) {
        let told = self.asked.read().into_iter().take(SENSORS_MAX);
        self.told = told
            .map(|one| LiveTemperature {
                sensor: one.sensor,
                celsius: one.celsius,
                critical_celsius: one.critical,
            })
            .collect();
    }

    /// What they told when they were asked.
    pub(super) fn told(&self) -> Vec<LiveTemperature> {
        self.told.clone()
    }
}
