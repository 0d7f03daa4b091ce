//! Thresholds of the health checks, as the operator may set them.

use serde::Deserialize;

/// Warning and critical thresholds of one check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// At or above this the check warns.
    pub warning: f64,
    /// At or above this it is critical.
    pub critical: f64,
}

/// Thresholds of the health checks. What the file does not say is as in [`HealthSettings::default`].
#[derive(Clone, Debug, PartialEq)]
pub struct HealthSettings {
    /// Percent of all cores, mean over the window.
    pub cpu: Levels,
    /// Percent of memory not available.
    pub memory: Levels,
    /// Percent of swap in use.
    pub swap: Levels,
    /// Percent of each file system in use.
    pub disk: Levels,
    /// Below this many bytes available a large disk warns whatever its percentage.
    pub disk_floor_bytes: u64,
    /// Percent of each file system's inodes in use.
    pub inodes: Levels,
    /// One-minute load average per core.
    pub load: Levels,
    /// Async tasks alive in the worker.
    pub runtime: Levels,
}

impl Default for HealthSettings {
    fn default() -> Self {
        let levels = |warning, critical| Levels { warning, critical };
        Self {
            cpu: levels(90.0, 98.0),
            memory: levels(80.0, 95.0),
            swap: levels(80.0, 95.0),
            disk: levels(90.0, 95.0),
            disk_floor_bytes: 1 << 30,
            inodes: levels(90.0, 95.0),
            load: levels(1.0, 2.0),
            runtime: levels(100.0, 1000.0),
        }
    }
}

/// One check's table as written: each threshold may be left out.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LevelsTable {
    warning: Option<f64>,
    critical: Option<f64>,
}

impl LevelsTable {
    fn over(self, default: Levels) -> Levels {
        Levels {
            warning: self.warning.unwrap_or(default.warning),
            critical: self.critical.unwrap_or(default.critical),
        }
    }
}

/// `[health]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HealthTable {
    cpu: LevelsTable,
    memory: LevelsTable,
    swap: LevelsTable,
    disk: LevelsTable,
    disk_floor_bytes: Option<u64>,
    inodes: LevelsTable,
    load: LevelsTable,
    runtime: LevelsTable,
}

impl From<HealthTable> for HealthSettings {
    fn from(table: HealthTable) -> Self {
        let default = Self::default();
        Self {
            cpu: table.cpu.over(default.cpu),
            memory: table.memory.over(default.memory),
            swap: table.swap.over(default.swap),
            disk: table.disk.over(default.disk),
            disk_floor_bytes: table.disk_floor_bytes.unwrap_or(default.disk_floor_bytes),
            inodes: table.inodes.over(default.inodes),
            load: table.load.over(default.load),
            runtime: table.runtime.over(default.runtime),
        }
    }
}

impl HealthSettings {
    /// Each check's key with its thresholds and the largest number that makes sense for it.
    pub(crate) fn levels(&self) -> [(&'static str, Levels, f64); 7] {
        const PERCENT: f64 = 100.0;
        [
            ("cpu", self.cpu, PERCENT),
            ("memory", self.memory, PERCENT),
            ("swap", self.swap, PERCENT),
            ("disk", self.disk, PERCENT),
            ("inodes", self.inodes, PERCENT),
            ("load", self.load, 1_000.0),
            ("runtime", self.runtime, 1_000_000.0),
        ]
    }
}
