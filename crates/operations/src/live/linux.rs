//! The sampler over `/proc` and `/sys`.

use std::path::Path;
use std::time::{Duration, Instant};

use upkeep_contract::Timestamp;
use upkeep_contract::live::LiveSample;

use super::cpu::Cpu;
use super::devices::Devices;
use super::disks::Disks;
use super::memory;
use super::network::Network;
use super::pressure::Pressure;
use super::processes::Processes;
use super::rates::trusted;
use super::sensors::Sensors;
use super::text::{Kept, decimal, words};

/// What changes seldom is looked at this often: what is mounted, and the sensors.
const SELDOM: Duration = Duration::from_secs(5);

/// Samples this host. Keep it between samples: rates are those since the sample before.
#[derive(Debug)]
pub struct LiveSampler {
    stat: Kept,
    meminfo: Kept,
    loadavg: Kept,
    uptime: Kept,
    diskstats: Kept,
    net: Kept,
    pressure: Pressure,
    cpu: Cpu,
    disks: Disks,
    devices: Devices,
    network: Network,
    sensors: Sensors,
    processes: Processes,
    buffer: Vec<u8>,
    before: Option<(Instant, Timestamp)>,
    looked: Option<Instant>,
}

impl Default for LiveSampler {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveSampler {
    /// A sampler that has not looked at anything yet. It keeps a dozen files open.
    pub fn new() -> Self {
        let open = |name: &str| Kept::open(Path::new("/proc").join(name));
        Self {
            stat: open("stat"),
            meminfo: open("meminfo"),
            loadavg: open("loadavg"),
            uptime: open("uptime"),
            diskstats: open("diskstats"),
            net: open("self/net/dev"),
            pressure: Pressure::open(Path::new("/proc/pressure")),
            cpu: Cpu::default(),
            disks: Disks::default(),
            devices: Devices::default(),
            network: Network::default(),
            sensors: Sensors::default(),
            processes: Processes::open(c"/proc"),
            buffer: Vec::new(),
            before: None,
            looked: None,
        }
    }

    /// The host now. Blocks: for a fraction of a millisecond, and for some milliseconds when the processes of a
    /// crowded host are read.
    pub fn sample(&mut self, now: Timestamp) -> LiveSample {
        let begun = Instant::now();
        let mut live = self.sample_without_processes(now);
        live.processes = self.processes.sample(now, &mut self.buffer);
        live.took_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        live
    }

    /// The same with the processes, however short ago they were read: for a single look, and for measuring.
    pub fn sample_all(&mut self, now: Timestamp) -> LiveSample {
        self.processes.hurry();
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
        let buffer = &mut self.buffer;
        let mut live = LiveSample {
            at: now,
            interval_ms: time.and_then(|time| u32::try_from(time.as_millis()).ok()),
            temperatures: self.sensors.told(),
            pressure: self.pressure.sample(buffer),
            ..LiveSample::default()
        };
        if let Some(text) = self.stat.read(buffer) {
            live.cpu = self.cpu.sample(text, time.is_some());
        }
        if let Some(text) = self.meminfo.read(buffer) {
            (live.memory, live.swap) = memory::read(text);
        }
        live.load_average = self.loadavg.read(buffer).and_then(|text| {
            let mut all = words(text).map(decimal);
            Some([all.next()??, all.next()??, all.next()??])
        });
        if let Some(text) = self.uptime.read(buffer) {
            let seconds = words(text).next().and_then(decimal).unwrap_or(0.0);
            live.uptime_seconds = Duration::try_from_secs_f64(seconds).map_or(0, |up| up.as_secs());
        }
        if let Some(text) = self.diskstats.read(buffer) {
            let mounted = self.disks.devices();
            live.devices = self
                .devices
                .sample(text, time, &mounted, Path::new("/sys/block"));
        }
        live.disks = self.disks.sample(|numbers| self.devices.name(numbers));
        if let Some(text) = self.net.read(buffer) {
            live.interfaces = self.network.sample(text, time, Path::new("/sys/class/net"));
        }
        live.took_us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        live
    }
}
