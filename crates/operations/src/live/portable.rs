//! The sampler over sysinfo, for platforms without `/proc`. What sysinfo does not tell stays unknown: pressure,
//! what the CPU's time was spent on, throughput of disks, inodes where the platform has none.

use std::time::{Duration, Instant};

use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Networks, ProcessRefreshKind, ProcessesToUpdate, System,
};
use upkeep_contract::Timestamp;
use upkeep_contract::live::{
    LiveCore, LiveInterface, LiveMemory, LiveProcess, LiveProcesses, LiveSample, LiveSwap,
};

use super::disks::Disks;
use super::pace::Pace;
use super::rates::{per_second, trusted};
use super::sensors::Sensors;
use crate::vitals::hundredths;

/// What changes seldom is looked at this often.
const SELDOM: Duration = Duration::from_secs(5);

/// Processes of each kind that are told.
const MOST: usize = 10;

/// Samples this host. Keep it between samples: rates are those since the sample before.
#[derive(Debug)]
pub struct LiveSampler {
    system: Option<System>,
    networks: Option<Networks>,
    carried: Vec<(String, [u64; 3])>,
    disks: Disks,
    sensors: Sensors,
    pace: Pace,
    processes_read: bool,
    before: Option<(Instant, Timestamp)>,
    looked: Option<Instant>,
}

impl Default for LiveSampler {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveSampler {
    /// A sampler that has not looked at anything yet.
    pub fn new() -> Self {
        Self {
            system: System::new().ok(),
            networks: Networks::new().ok(),
            carried: Vec::new(),
            disks: Disks::default(),
            sensors: Sensors::default(),
            pace: Pace::new(Duration::from_secs(2)),
            processes_read: false,
            before: None,
            looked: None,
        }
    }

    /// The host now.
    pub fn sample(&mut self, now: Timestamp) -> LiveSample {
        let begun = Instant::now();
        let mut live = self.sample_without_processes(now);
        live.processes = self.processes(now);
        live.took_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        live
    }

    /// The same with the processes, however short ago they were read: for a single look, and for measuring.
    pub fn sample_all(&mut self, now: Timestamp) -> LiveSample {
        self.pace.hurry();
        self.sample(now)
    }

    /// All but the processes.
    pub fn sample_without_processes(&mut self, now: Timestamp) -> LiveSample {
        let begun = Instant::now();
        let time = self.before.replace((begun, now)).and_then(|(at, said)| {
            trusted(begun.duration_since(at), now.as_millis() - said.as_millis())
        });
        if self
            .looked
            .is_none_or(|looked| begun.duration_since(looked) >= SELDOM)
        {
            self.looked = Some(begun);
            self.disks.look();
            self.sensors.look();
        }
        let mut live = LiveSample {
            at: now,
            interval_ms: time.and_then(|time| u32::try_from(time.as_millis()).ok()),
            uptime_seconds: System::uptime().unwrap_or(0),
            load_average: System::load_average()
                .ok()
                .map(|load| [load.one, load.five, load.fifteen]),
            temperatures: self.sensors.told(),
            disks: self.disks.sample(|_| None),
            interfaces: self.interfaces(time),
            ..LiveSample::default()
        };
        self.system(&mut live, time.is_some());
        live.took_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        live
    }

    fn system(&mut self, live: &mut LiveSample, with_rates: bool) {
        let Some(system) = &mut self.system else {
            return;
        };
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram().with_swap());
        let share = |percent: f32| with_rates.then(|| hundredths(f64::from(percent)));
        live.cpu.percent = share(system.global_cpu_usage());
        live.cpu.cores = (0..)
            .zip(system.cpus())
            .map(|(core, cpu)| LiveCore {
                core,
                percent: share(cpu.usage()),
            })
            .collect();
        let (total, available) = (system.total_memory(), system.available_memory());
        live.memory = LiveMemory {
            total_bytes: total,
            available_bytes: available.min(total),
            used_bytes: total.saturating_sub(available),
            free_bytes: system.free_memory(),
            cached_bytes: None,
            buffers_bytes: None,
        };
        live.swap = LiveSwap {
            total_bytes: system.total_swap(),
            used_bytes: system.used_swap(),
        };
    }

    fn interfaces(&mut self, time: Option<Duration>) -> Vec<LiveInterface> {
        let Some(networks) = &mut self.networks else {
            return Vec::new();
        };
        networks.refresh(true);
        let before = std::mem::take(&mut self.carried);
        let mut live = Vec::new();
        for (name, data) in networks.iter() {
            let name = name.to_string_lossy().into_owned();
            let errors = data.total_errors_on_received() + data.total_errors_on_transmitted();
            let after = [data.total_received(), data.total_transmitted(), errors];
            let known = before.iter().find(|(known, _)| *known == name);
            let rate = |which: usize| {
                let ((_, before), time) = known.zip(time)?;
                per_second(before[which], after[which], time)
            };
            live.push(LiveInterface {
                name: name.clone(),
                is_physical: !name.starts_with("lo"),
                received_bytes_per_second: rate(0),
                sent_bytes_per_second: rate(1),
                errors_per_second: rate(2),
                received_bytes: after[0],
                sent_bytes: after[1],
                errors,
            });
            self.carried.push((name, after));
        }
        live.sort_by(|left, right| left.name.cmp(&right.name));
        live
    }

    fn processes(&mut self, now: Timestamp) -> Option<LiveProcesses> {
        let system = self.system.as_mut()?;
        let begun = Instant::now();
        if !self.pace.may_begin(begun) {
            return None;
        }
        system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing()
                .with_cpu()
                .with_memory()
                .without_tasks(),
        );
        let is_first = !std::mem::replace(&mut self.processes_read, true);
        let mut all: Vec<LiveProcess> = system
            .processes()
            .iter()
            .map(|(pid, process)| LiveProcess {
                pid: pid.as_u32(),
                name: process.name().to_string_lossy().into_owned(),
                cpu_percent: (!is_first).then(|| hundredths(f64::from(process.cpu_usage()))),
                memory_bytes: process.memory(),
            })
            .collect();
        all.sort_by_key(|process| std::cmp::Reverse(process.memory_bytes));
        let by_memory = all.iter().take(MOST).cloned().collect();
        let cpu = |process: &LiveProcess| process.cpu_percent.unwrap_or(0.0);
        all.sort_by(|left, right| cpu(right).total_cmp(&cpu(left)));
        let live = LiveProcesses {
            at: now,
            count: u32::try_from(all.len()).unwrap_or(u32::MAX),
            hidden: 0,
            by_cpu: all
                .iter()
                .filter(|process| cpu(process) > 0.0)
                .take(MOST)
                .cloned()
                .collect(),
            by_memory,
        };
        self.pace.ended(begun, Instant::now());
        if is_first {
            self.pace.hurry();
        }
        Some(live)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use upkeep_contract::{Clock, SystemClock};

    use super::*;

    #[test]
    fn it_tells_the_same_of_this_host_as_the_kernels_files() {
        let (mut portable, mut exact) = (LiveSampler::new(), super::super::LiveSampler::new());
        let (first, _) = (
            portable.sample(SystemClock.now()),
            exact.sample(SystemClock.now()),
        );
        assert_eq!((first.interval_ms, first.cpu.percent), (None, None));
        std::thread::sleep(Duration::from_millis(400));
        let (portable, exact) = (
            portable.sample_all(SystemClock.now()),
            exact.sample(SystemClock.now()),
        );
        assert!(portable.cpu.percent.is_some());
        assert_eq!(portable.cpu.cores.len(), exact.cpu.cores.len());
        assert_eq!(portable.memory.total_bytes, exact.memory.total_bytes);
        assert_eq!(portable.swap.total_bytes, exact.swap.total_bytes);
        assert_eq!(portable.disks.len(), exact.disks.len());
        let names = |sample: &LiveSample| {
            let mut names: Vec<String> =
                sample.interfaces.iter().map(|it| it.name.clone()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&portable), names(&exact));
        assert!(
            portable
                .interfaces
                .iter()
                .all(|it| it.received_bytes_per_second.is_some())
        );
        assert!(
            portable
                .processes
                .is_some_and(|them| them.count > 1 && !them.by_memory.is_empty())
        );
    }
}
