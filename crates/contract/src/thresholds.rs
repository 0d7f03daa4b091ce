//! The thresholds of the health checks: which there are, their units, ranges and defaults.
//!
//! One table for everybody: the configuration reads and checks by it, Settings shows it, health-check judges by it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use schemars::JsonSchema;

/// Warning and critical thresholds of one check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Threshold {
    /// At or above this the check warns.
    pub warning: f64,
    /// At or above this it is critical.
    pub critical: f64,
}

impl Threshold {
    /// Thresholds from two numbers of the check's unit.
    pub const fn new(warning: f64, critical: f64) -> Self {
        Self { warning, critical }
    }
}

/// What is measured and held against thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Use of all cores, mean over the window.
    Cpu,
    /// Memory that is not available.
    Memory,
    /// Swap in use.
    Swap,
    /// Each file system's space in use.
    Disk,
    /// Each file system's inodes in use.
    Inodes,
    /// One-minute load average for each core.
    Load,
    /// Share of the last minute in which some task waited for a processor.
    PressureCpu,
    /// Share of the last minute in which some task waited for a disk.
    PressureIo,
    /// Share of the last minute in which some task waited for memory.
    PressureMemory,
    /// Each sensor's temperature; a lower limit of its maker goes before.
    Temperature,
    /// Async tasks alive in the worker.
    Runtime,
    /// Async tasks that wait for a thread of the worker.
    RuntimeQueue,
    /// Age of the oldest task that waits and is due.
    Queue,
    /// Tasks that failed within the last hour.
    Failures,
    /// Workers that stopped without a farewell.
    Workers,
    /// One round trip to the database.
    Database,
}

/// What is said of a measure.
struct Said {
    key: &'static str,
    unit: &'static str,
    default: Threshold,
    most: f64,
}

const fn said(
    key: &'static str,
    unit: &'static str,
    warning: f64,
    critical: f64,
    most: f64,
) -> Said {
    Said {
        key,
        unit,
        default: Threshold::new(warning, critical),
        most,
    }
}

impl Measure {
    /// All of them, in the order of the configuration's documentation.
    pub const ALL: [Self; 16] = [
        Self::Cpu,
        Self::Memory,
        Self::Swap,
        Self::Disk,
        Self::Inodes,
        Self::Load,
        Self::PressureCpu,
        Self::PressureIo,
        Self::PressureMemory,
        Self::Temperature,
        Self::Runtime,
        Self::RuntimeQueue,
        Self::Queue,
        Self::Failures,
        Self::Workers,
        Self::Database,
    ];

    /// Why these defaults, in docs/health.md.
    const fn said(self) -> Said {
        match self {
            Self::Cpu => said("cpu", "percent", 90.0, 98.0, 100.0),
            Self::Memory => said("memory", "percent", 80.0, 95.0, 100.0),
            Self::Swap => said("swap", "percent", 80.0, 95.0, 100.0),
            Self::Disk => said("disk", "percent", 90.0, 95.0, 100.0),
            Self::Inodes => said("inodes", "percent", 90.0, 95.0, 100.0),
            Self::Load => said("load", "per core", 1.0, 2.0, 1000.0),
            Self::PressureCpu => said("pressure_cpu", "percent", 80.0, 98.0, 100.0),
            Self::PressureIo => said("pressure_io", "percent", 40.0, 80.0, 100.0),
            Self::PressureMemory => said("pressure_memory", "percent", 10.0, 40.0, 100.0),
            Self::Temperature => said("temperature", "celsius", 85.0, 95.0, 150.0),
            Self::Runtime => said("runtime", "tasks", 100.0, 1000.0, 1_000_000.0),
            Self::RuntimeQueue => said("runtime_queue", "tasks", 100.0, 1000.0, 1_000_000.0),
            Self::Queue => said("queue", "seconds", 300.0, 3600.0, 31_536_000.0),
            Self::Failures => said("failures", "tasks", 1.0, 10.0, 1_000_000.0),
            Self::Workers => said("workers", "workers", 1.0, 5.0, 10_000.0),
            Self::Database => said("database", "ms", 100.0, 1000.0, 600_000.0),
        }
    }

    /// Its key below `[health]`.
    pub const fn key(self) -> &'static str {
        self.said().key
    }

    /// The unit of the observed figure and of both thresholds.
    pub const fn unit(self) -> &'static str {
        self.said().unit
    }

    /// The thresholds when the configuration says none.
    pub const fn default_threshold(self) -> Threshold {
        self.said().default
    }

    /// The largest threshold that makes sense; the least is anything above zero.
    pub const fn most(self) -> f64 {
        self.said().most
    }

    /// The measure of this key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.key() == key)
    }

    /// Whether these thresholds can be used.
    ///
    /// # Errors
    /// [`ThresholdFault`] when one is out of range or the warning comes after the critical one.
    pub fn check(self, threshold: Threshold) -> Result<(), ThresholdFault> {
        let most = self.most();
        for (key, value) in [
            ("warning", threshold.warning),
            ("critical", threshold.critical),
        ] {
            if !(value > 0.0 && value <= most) {
                return Err(ThresholdFault::OutOfRange { key, value, most });
            }
        }
        if threshold.warning > threshold.critical {
            return Err(ThresholdFault::WarningAboveCritical(threshold));
        }
        Ok(())
    }
}

/// Why thresholds cannot be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ThresholdFault {
    /// One of the two is not above zero, is above the most, or is no number.
    OutOfRange {
        /// `warning` or `critical`.
        key: &'static str,
        /// What was found.
        value: f64,
        /// The most that is allowed.
        most: f64,
    },
    /// It would be critical before it warned.
    WarningAboveCritical(Threshold),
}

/// A number of the health check that is no pair of thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthNumber {
    /// With less available a large disk warns, whatever its percentage.
    DiskFloor,
    /// How long any one probe may take.
    ProbeLimit,
}

impl HealthNumber {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::DiskFloor, Self::ProbeLimit];

    /// Its key below `[health]`; it ends with its unit.
    pub const fn key(self) -> &'static str {
        match self {
            Self::DiskFloor => "disk_floor_bytes",
            Self::ProbeLimit => "probe_limit_ms",
        }
    }

    /// Its unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::DiskFloor => "bytes",
            Self::ProbeLimit => "ms",
        }
    }

    /// Its value when the configuration says none.
    pub const fn default_value(self) -> u64 {
        match self {
            Self::DiskFloor => 1 << 30,
            Self::ProbeLimit => 2000,
        }
    }

    /// What it may be. A floor of 0 is none; below a tenth of a second a busy disk looks dead, and
    /// nobody waits longer than a minute.
    pub const fn range(self) -> std::ops::RangeInclusive<u64> {
        match self {
            // as far as TOML's and JavaScript's whole numbers reach
            Self::DiskFloor => 0..=(1 << 53),
            Self::ProbeLimit => 100..=60_000,
        }
    }

    /// The number of this key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|number| number.key() == key)
    }
}

/// The thresholds of all checks, and the numbers beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    levels: [Threshold; Measure::ALL.len()],
    /// Below this many bytes available a disk warns whatever its percentage, but only when it is larger than ten times this.
    pub disk_floor_bytes: u64,
    /// How long any one probe may take, milliseconds.
    pub probe_limit_ms: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            levels: Measure::ALL.map(Measure::default_threshold),
            disk_floor_bytes: HealthNumber::DiskFloor.default_value(),
            probe_limit_ms: HealthNumber::ProbeLimit.default_value(),
        }
    }
}

impl Thresholds {
    /// The thresholds of one measure.
    pub fn of(&self, measure: Measure) -> Threshold {
        self.levels[measure as usize]
    }

    /// The same with other thresholds for one measure.
    #[must_use]
    pub fn with(mut self, measure: Measure, threshold: Threshold) -> Self {
        self.levels[measure as usize] = threshold;
        self
    }

    /// The same thresholds for every measure, and no floor.
    #[must_use]
    pub fn all(threshold: Threshold) -> Self {
        Self {
            levels: [threshold; Measure::ALL.len()],
            disk_floor_bytes: 0,
            ..Self::default()
        }
    }

    /// A number that is no pair of thresholds.
    pub fn number(&self, number: HealthNumber) -> u64 {
        match number {
            HealthNumber::DiskFloor => self.disk_floor_bytes,
            HealthNumber::ProbeLimit => self.probe_limit_ms,
        }
    }
}

/// One pair of thresholds as Settings shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ThresholdSetting {
    /// Its key below `[health]`.
    pub key: String,
    /// The unit of all its numbers.
    pub unit: String,
    /// What holds now.
    pub threshold: Threshold,
    /// What holds when the configuration says nothing.
    pub default: Threshold,
    /// The largest number that makes sense; the least is anything above zero.
    pub most: f64,
}

/// One number of the health check as Settings shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NumberSetting {
    /// Its key below `[health]`.
    pub key: String,
    /// Its unit.
    pub unit: String,
    /// What holds now.
    #[ts(type = "number")]
    pub value: u64,
    /// What holds when the configuration says nothing.
    #[ts(type = "number")]
    pub default: u64,
    /// The least it may be.
    #[ts(type = "number")]
    pub least: u64,
    /// The most it may be.
    #[ts(type = "number")]
    pub most: u64,
}

/// What Settings shows of the health check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HealthSettingsView {
    /// Every pair of thresholds, in the order of the checks.
    pub thresholds: Vec<ThresholdSetting>,
    /// The numbers beside them.
    pub numbers: Vec<NumberSetting>,
}

impl From<&Thresholds> for HealthSettingsView {
    fn from(thresholds: &Thresholds) -> Self {
        let pair = |measure: Measure| ThresholdSetting {
            key: measure.key().to_owned(),
            unit: measure.unit().to_owned(),
            threshold: thresholds.of(measure),
            default: measure.default_threshold(),
            most: measure.most(),
        };
        let number = |number: HealthNumber| NumberSetting {
            key: number.key().to_owned(),
            unit: number.unit().to_owned(),
            value: thresholds.number(number),
            default: number.default_value(),
            least: *number.range().start(),
            most: *number.range().end(),
        };
        Self {
            thresholds: Measure::ALL.map(pair).into(),
            numbers: HealthNumber::ALL.map(number).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_measure_has_a_key_of_its_own_and_defaults_that_can_be_used() {
        let keys: BTreeSet<&str> = Measure::ALL.iter().map(|measure| measure.key()).collect();
        assert_eq!(keys.len(), Measure::ALL.len());
        let thresholds = Thresholds::default();
        for (place, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, place, "the list is in the enum's order");
            assert_eq!(measure.check(measure.default_threshold()), Ok(()));
            assert_eq!(Measure::of_key(measure.key()), Some(measure));
            assert_eq!(thresholds.of(measure), measure.default_threshold());
        }
        for number in HealthNumber::ALL {
            assert!(number.range().contains(&number.default_value()));
            assert_eq!(HealthNumber::of_key(number.key()), Some(number));
        }
        assert_eq!(Measure::of_key("disks"), None);
    }

    #[test]
    fn warning_comes_before_critical_and_both_are_in_range() {
        let check = |warning: f64, critical: f64, good: bool| {
            let result = Measure::Disk.check(Threshold::new(warning, critical));
            assert_eq!(result.is_ok(), good, "{warning} {critical}: {result:?}");
        };
        check(90.0, 95.0, true);
        check(95.0, 95.0, true);
        check(0.1, 100.0, true);
        check(96.0, 95.0, false);
        check(0.0, 95.0, false);
        check(-1.0, 95.0, false);
        check(90.0, 100.1, false);
        check(f64::NAN, 95.0, false);
        check(90.0, f64::NAN, false);
        check(90.0, f64::INFINITY, false);
    }

    #[test]
    fn one_threshold_changes_alone() {
        let changed = Thresholds::default().with(Measure::Swap, Threshold::new(1.0, 2.0));
        for measure in Measure::ALL {
            let expect = match measure {
                Measure::Swap => Threshold::new(1.0, 2.0),
                other => other.default_threshold(),
            };
            assert_eq!(changed.of(measure), expect);
        }
    }
}
