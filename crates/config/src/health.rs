//! `[health]`: thresholds of the health checks, as the operator may set them.

use serde::Deserialize;
use upkeep_contract::thresholds::{HealthNumber, Measure, Threshold, Thresholds};

/// One check's table as written: each threshold may be left out.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LevelsTable {
    warning: Option<f64>,
    critical: Option<f64>,
}

impl LevelsTable {
    fn over(self, default: Threshold) -> Threshold {
        Threshold {
            warning: self.warning.unwrap_or(default.warning),
            critical: self.critical.unwrap_or(default.critical),
        }
    }
}

/// `[health]` as written. Its keys are those of [`Measure`] and [`HealthNumber`]; a test keeps it so.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HealthTable {
    cpu: LevelsTable,
    memory: LevelsTable,
    swap: LevelsTable,
    disk: LevelsTable,
    inodes: LevelsTable,
    load: LevelsTable,
    pressure_cpu: LevelsTable,
    pressure_io: LevelsTable,
    pressure_memory: LevelsTable,
    temperature: LevelsTable,
    runtime: LevelsTable,
    runtime_queue: LevelsTable,
    queue: LevelsTable,
    failures: LevelsTable,
    workers: LevelsTable,
    database: LevelsTable,
    disk_floor_bytes: Option<u64>,
    probe_limit_ms: Option<u64>,
}

impl HealthTable {
    fn levels(&self, measure: Measure) -> LevelsTable {
        match measure {
            Measure::Cpu => self.cpu,
            Measure::Memory => self.memory,
            Measure::Swap => self.swap,
            Measure::Disk => self.disk,
            Measure::Inodes => self.inodes,
            Measure::Load => self.load,
            Measure::PressureCpu => self.pressure_cpu,
            Measure::PressureIo => self.pressure_io,
            Measure::PressureMemory => self.pressure_memory,
            Measure::Temperature => self.temperature,
            Measure::Runtime => self.runtime,
            Measure::RuntimeQueue => self.runtime_queue,
            Measure::Queue => self.queue,
            Measure::Failures => self.failures,
            Measure::Workers => self.workers,
            Measure::Database => self.database,
        }
    }
}

impl From<HealthTable> for Thresholds {
    fn from(table: HealthTable) -> Self {
        let mut thresholds = Self::default();
        for measure in Measure::ALL {
            let threshold = table.levels(measure).over(measure.default_threshold());
            thresholds = thresholds.with(measure, threshold);
        }
        let number = |written: Option<u64>, number: HealthNumber| {
            written.unwrap_or_else(|| number.default_value())
        };
        thresholds.disk_floor_bytes = number(table.disk_floor_bytes, HealthNumber::DiskFloor);
        thresholds.probe_limit_ms = number(table.probe_limit_ms, HealthNumber::ProbeLimit);
        thresholds
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fields::fields_of;

    #[test]
    fn the_table_has_a_key_for_every_measure_and_number_and_no_other() {
        let written: BTreeSet<&str> = fields_of::<HealthTable>().iter().copied().collect();
        let designed: BTreeSet<&str> = Measure::ALL
            .iter()
            .map(|measure| measure.key())
            .chain(HealthNumber::ALL.iter().map(|number| number.key()))
            .collect();
        assert_eq!(written, designed);
    }

    #[test]
    fn each_key_sets_its_own_measure() {
        for measure in Measure::ALL {
            let key = measure.key();
            let table: HealthTable =
                toml::from_str(&format!("{key} = {{ warning = 0.5, critical = 0.75 }}")).unwrap();
            let expect = Thresholds::default().with(measure, Threshold::new(0.5, 0.75));
            assert_eq!(Thresholds::from(table), expect, "{key}");
        }
        let table: HealthTable =
            toml::from_str("disk_floor_bytes = 7\nprobe_limit_ms = 300").unwrap();
        let thresholds = Thresholds::from(table);
        assert_eq!(
            (thresholds.disk_floor_bytes, thresholds.probe_limit_ms),
            (7, 300)
        );
    }
}
