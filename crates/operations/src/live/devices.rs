//! What is read from and written to disks, out of `/proc/diskstats`.

use std::path::Path;
use std::time::Duration;

use upkeep_contract::live::LiveDevice;

use super::rates::{per_second, rise, share};
use super::text::{lines, number, words};

/// The kernel counts in sectors of this size, whatever the disk's own are.
const SECTOR: u64 = 512;

/// A host with more is shown the first of them.
const DEVICES_MAX: usize = 48;

/// A device by its numbers, as the kernel counts for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counters {
    reads: u64,
    sectors_read: u64,
    writes: u64,
    sectors_written: u64,
    busy_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    numbers: (u32, u32),
    name: String,
    is_whole_disk: bool,
    counters: Counters,
}

impl Device {
    /// A device that was not there before.
    fn new(numbers: (u32, u32), name: &[u8], counters: Counters, blocks: &Path) -> Self {
        let name = String::from_utf8_lossy(name).into_owned();
        // only hardware, or what stands for it, has a device behind it; loops, RAM and volumes have none
        let is_whole_disk = blocks.join(name.replace('/', "!")).join("device").exists();
        Self {
            numbers,
            name,
            is_whole_disk,
            counters,
        }
    }
}

/// What was read last.
#[derive(Debug, Default)]
pub(super) struct Devices(Vec<Device>);

impl Devices {
    /// What the disks did since the last reading; no rates without a time. `mounted` are the devices that file
    /// systems lie on: of all others only whole disks are told. `blocks` is `/sys/block`.
    pub(super) fn sample(
        &mut self,
        diskstats: &[u8],
        time: Option<Duration>,
        mounted: &[(u32, u32)],
        blocks: &Path,
    ) -> Vec<LiveDevice> {
        let before = std::mem::take(&mut self.0);
        let mut live = Vec::with_capacity(before.len());
        for line in lines(diskstats) {
            let Some((numbers, name, counters)) = read_line(line) else {
                continue;
            };
            let place = before.get(self.0.len());
            let known = place
                .filter(|device| device.numbers == numbers && device.name.as_bytes() == name)
                .or_else(|| {
                    before
                        .iter()
                        .find(|device| device.numbers == numbers && device.name.as_bytes() == name)
                });
            let is_mounted = mounted.contains(&numbers);
            if known.is_none() && !is_mounted && counters == Counters::default() {
                continue;
            }
            let device = known.map_or_else(
                || Device::new(numbers, name, counters, blocks),
                |known| Device {
                    counters,
                    ..known.clone()
                },
            );
            if (device.is_whole_disk || is_mounted) && live.len() < DEVICES_MAX {
                let known = known.map(|known| known.counters);
                live.push(rates(&device, known, time));
            }
            self.0.push(device);
        }
        live
    }

    /// The name of the device with these numbers, when the system tells of its use.
    pub(super) fn name(&self, numbers: (u32, u32)) -> Option<String> {
        let device = self.0.iter().find(|device| device.numbers == numbers)?;
        Some(device.name.clone())
    }
}

fn read_line(line: &[u8]) -> Option<((u32, u32), &[u8], Counters)> {
    let mut parts = words(line);
    let mut small = || parts.next().and_then(number).map(u32::try_from)?.ok();
    let numbers = (small()?, small()?);
    let name = parts.next()?;
    // reads, merged, sectors, ms, writes, merged, sectors, ms, in flight, ms busy
    let mut next = || parts.next().and_then(number);
    let (reads, _, sectors_read, _) = (next()?, next()?, next()?, next()?);
    let (writes, _, sectors_written, _) = (next()?, next()?, next()?, next()?);
    let (_, busy_ms) = (next()?, next()?);
    let counters = Counters {
        reads,
        sectors_read,
        writes,
        sectors_written,
        busy_ms,
    };
    Some((numbers, name, counters))
}

fn rates(device: &Device, before: Option<Counters>, time: Option<Duration>) -> LiveDevice {
    let after = device.counters;
    let pair = before.zip(time);
    let rate = |of: fn(Counters) -> u64, unit: u64| {
        let (before, time) = pair?;
        per_second(of(before), of(after), time).map(|rate| rate * super::rates::float(unit))
    };
    LiveDevice {
        name: device.name.clone(),
        is_whole_disk: device.is_whole_disk,
        read_bytes_per_second: rate(|it| it.sectors_read, SECTOR),
        written_bytes_per_second: rate(|it| it.sectors_written, SECTOR),
        reads_per_second: rate(|it| it.reads, 1),
        writes_per_second: rate(|it| it.writes, 1),
        busy_percent: pair.and_then(|(before, time)| {
            let all = u64::try_from(time.as_millis()).ok()?;
            share(rise(before.busy_ms, after.busy_ms)?, all)
        }),
        read_bytes: after.sectors_read.saturating_mul(SECTOR),
        written_bytes: after.sectors_written.saturating_mul(SECTOR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Option<Duration> = Some(Duration::from_secs(1));

    fn blocks(disks: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for disk in disks {
            std::fs::create_dir_all(folder.path().join(disk).join("device")).unwrap();
        }
        folder
    }

    fn names(live: &[LiveDevice]) -> Vec<&str> {
        live.iter().map(|device| device.name.as_str()).collect()
    }

    #[test]
    fn whole_disks_and_what_is_mounted_are_told() {
        let blocks = blocks(&["sda"]);
        let text = b"7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n8 0 sda 9 0 9 0 9 0 9 0 0 9 0\n8 1 sda1 5 0 5 0 5 0 5 0 0 5 0\n\
            8 2 sda2 1 0 1 0 1 0 1 0 0 1 0\n253 0 dm-0 3 0 3 0 3 0 3 0 0 3 0\n";
        let mut devices = Devices::default();
        let live = devices.sample(text, None, &[(253, 0), (8, 1)], blocks.path());
        assert_eq!(names(&live), ["sda", "sda1", "dm-0"]);
        assert_eq!(live.iter().filter(|device| device.is_whole_disk).count(), 1);
        assert_eq!(devices.name((253, 0)).as_deref(), Some("dm-0"));
        assert_eq!(devices.name((0, 25)), None);
    }

    #[test]
    fn rates_are_of_the_time_between_and_none_for_what_is_new_or_began_anew() {
        let blocks = blocks(&["sda", "sdb", "sdc"]);
        let mut devices = Devices::default();
        let first =
            b"8 0 sda 10 0 100 0 20 0 200 0 0 1000 0\n8 16 sdb 10 0 100 0 20 0 200 0 0 500 0\n";
        let live = devices.sample(first, None, &[], blocks.path());
        assert_eq!(live[0].read_bytes_per_second, None);
        assert_eq!(live[0].read_bytes, 51_200);
        let second = b"8 0 sda 14 0 104 0 22 0 210 0 0 1250 0\n8 16 sdb 1 0 2 0 1 0 2 0 0 5 0\n8 32 sdc 1 0 2 0 1 0 2 0 0 5 0\n";
        let live = devices.sample(second, SECOND, &[], blocks.path());
        assert_eq!(live[0].read_bytes_per_second, Some(2048.0));
        assert_eq!(live[0].written_bytes_per_second, Some(5120.0));
        assert_eq!(
            (live[0].reads_per_second, live[0].writes_per_second),
            (Some(4.0), Some(2.0))
        );
        assert_eq!(live[0].busy_percent, Some(25.0));
        assert_eq!(
            live[1].read_bytes_per_second, None,
            "it was taken out and put in again"
        );
        assert_eq!(live[2].read_bytes_per_second, None, "it is new");
        let live = devices.sample(
            b"8 32 sdc 2 0 4 0 1 0 2 0 0 5 0\n",
            SECOND,
            &[],
            blocks.path(),
        );
        assert_eq!(names(&live), ["sdc"]);
        assert_eq!(
            live[0].reads_per_second,
            Some(1.0),
            "others that vanished do not shift it"
        );
    }

    #[test]
    fn another_disk_under_an_old_name_is_another() {
        let blocks = blocks(&["sda"]);
        let mut devices = Devices::default();
        devices.sample(b"8 0 sda 1 0 1 0 1 0 1 0 0 1 0\n", None, &[], blocks.path());
        let live = devices.sample(
            b"8 16 sda 9 0 9 0 9 0 9 0 0 9 0\n",
            SECOND,
            &[],
            blocks.path(),
        );
        assert_eq!(live[0].reads_per_second, None);
    }
}
