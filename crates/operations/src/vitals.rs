//! A host's vital signs, for workers' heartbeats, the dashboard and statistics.
//!
//! Cheap on purpose: reads only what it shows, and asks only file systems that this very
//! machine answers for. A file server that is away must not stop a heartbeat;
//! health-check looks at those, with a time limit.

use std::time::{Duration, Instant};

use sysinfo::{CpuRefreshKind, MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, System};
use upkeep_contract::Timestamp;
use upkeep_contract::worker::{DiskVitals, HostVitals};

use crate::probes::mounts::data_mounts;
use crate::probes::space;

/// Samples this host's vital signs. Keep it between samples: CPU use is that since the sample before.
#[derive(Debug)]
pub struct SystemSampler {
    /// None on a platform that sysinfo does not know: every figure is then zero or none.
    system: Option<System>,
    cpu_read: Option<Instant>,
    cpu_percent: Option<f64>,
}

impl Default for SystemSampler {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemSampler {
    /// The shortest time between two samples after which CPU use is measured anew.
    pub const SHORTEST_CPU_WINDOW: Duration = MINIMUM_CPU_UPDATE_INTERVAL;

    /// A sampler that has not looked at anything yet.
    pub fn new() -> Self {
        Self {
            system: System::new().ok(),
            cpu_read: None,
            cpu_percent: None,
        }
    }

    /// The vital signs now. Blocks for less than a millisecond on an ordinary host.
    pub fn sample(&mut self, now: Timestamp) -> HostVitals {
        HostVitals {
            disks: local_disks(),
            ..self.sample_without_disks(now)
        }
    }

    /// The vital signs without any file system being asked: nothing in it can hang.
    pub(crate) fn sample_without_disks(&mut self, now: Timestamp) -> HostVitals {
        self.read_cpu();
        let load_average =
            System::load_average().map_or([0.0; 3], |load| [load.one, load.five, load.fifteen]);
        let mut vitals = HostVitals {
            at: now,
            cpu_percent: self.cpu_percent,
            cpu_cores: 0,
            memory_total_bytes: 0,
            memory_available_bytes: 0,
            swap_total_bytes: 0,
            swap_used_bytes: 0,
            load_average,
            disks: Vec::new(),
            uptime_seconds: System::uptime().unwrap_or(0),
        };
        if let Some(system) = &mut self.system {
            system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram().with_swap());
            vitals.cpu_cores = u32::try_from(system.cpus().len()).unwrap_or(u32::MAX);
            vitals.memory_total_bytes = system.total_memory();
            vitals.memory_available_bytes = system.available_memory();
            vitals.swap_total_bytes = system.total_swap();
            vitals.swap_used_bytes = system.used_swap();
        }
        vitals
    }

    fn read_cpu(&mut self) {
        let Some(system) = &mut self.system else {
            return;
        };
        // sysinfo keeps its old figure within this time, and its very first one means nothing
        if self
            .cpu_read
            .is_some_and(|before| before.elapsed() < Self::SHORTEST_CPU_WINDOW)
        {
            return;
        }
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        let is_first = self.cpu_read.replace(Instant::now()).is_none();
        self.cpu_percent = (!is_first).then(|| hundredths(f64::from(system.global_cpu_usage())));
    }
}

/// The load average of the last minute.
pub(crate) fn load_of_last_minute() -> Result<f64, String> {
    System::load_average()
        .map(|load| load.one)
        .map_err(|error| error.to_string())
}

/// A figure as precise as it is worth: more digits would be noise in every log line.
pub(crate) fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn local_disks() -> Vec<DiskVitals> {
    let Ok(mounts) = data_mounts() else {
        return Vec::new();
    };
    mounts
        .into_iter()
        .filter(|mount| !mount.remote)
        .filter_map(|mount| {
            let space = space::measure(&mount.point).ok()?;
            (space.total_bytes > 0).then(|| DiskVitals {
                mount: mount.point.display().to_string(),
                file_system: mount.file_system,
                total_bytes: space.total_bytes,
                used_bytes: space.used_bytes(),
                available_bytes: space.available_bytes,
            })
        })
        .collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::Command;

    use upkeep_contract::{Clock, SystemClock};

    use super::*;

    fn output(program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn cpu_use_is_told_from_the_second_sample_on() {
        let mut sampler = SystemSampler::new();
        assert_eq!(sampler.sample(SystemClock.now()).cpu_percent, None);
        assert_eq!(
            sampler.sample(SystemClock.now()).cpu_percent,
            None,
            "too soon to mean anything"
        );
        std::thread::sleep(SystemSampler::SHORTEST_CPU_WINDOW);
        let percent = sampler.sample(SystemClock.now()).cpu_percent.unwrap();
        assert!((0.0..=100.0).contains(&percent), "{percent}");
    }

    #[test]
    fn figures_agree_with_what_the_system_says_elsewhere() {
        let vitals = SystemSampler::new().sample(SystemClock.now());
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let bytes = |key: &str| -> u64 {
            let line = meminfo
                .lines()
                .find(|line| line.starts_with(&format!("{key}:")))
                .unwrap();
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<u64>()
                .unwrap()
                * 1024
        };
        assert_eq!(vitals.memory_total_bytes, bytes("MemTotal"));
        assert_eq!(vitals.swap_total_bytes, bytes("SwapTotal"));
        // others take and give memory between the two readings: a tenth of all
        let difference = vitals
            .memory_available_bytes
            .abs_diff(bytes("MemAvailable"));
        assert!(difference < vitals.memory_total_bytes / 10, "{difference}");
        assert_eq!(
            vitals.cpu_cores.to_string(),
            output("nproc", &["--all"]).trim()
        );
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: u64 = uptime.split('.').next().unwrap().parse().unwrap();
        assert!(uptime.abs_diff(vitals.uptime_seconds) <= 2);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap();
        for (ours, theirs) in vitals.load_average.iter().zip(load.split(' ')) {
            let theirs: f64 = theirs.parse().unwrap();
            assert!((ours - theirs).abs() <= 0.5, "{ours} {theirs}");
        }
    }

    #[test]
    fn disks_agree_with_df() {
        let disks = SystemSampler::new().sample(SystemClock.now()).disks;
        assert!(disks.iter().any(|disk| disk.mount == "/"), "{disks:?}");
        for disk in disks {
            let text = output("df", &["-P", "-T", "-B1", "--", &disk.mount]);
            let fields: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
            assert_eq!(fields[1], disk.file_system);
            assert_eq!(
                fields[2].parse::<u64>().unwrap(),
                disk.total_bytes,
                "{text}"
            );
            // others write meanwhile: a hundredth of its size and a gibibyte
            let available: u64 = fields[4].parse().unwrap();
            let difference = available.abs_diff(disk.available_bytes);
            assert!(
                difference <= disk.total_bytes / 100 + (1 << 30),
                "{text} {disk:?}"
            );
        }
    }
}
