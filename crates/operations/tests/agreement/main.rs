//! The live sampler says what independent sources say: the kernel's own files, `df`, `free`, `nproc`, and Python's
//! psutil, asked side by side.
//!
//! Counters only rise, so ours must lie between psutil's before and after: no tolerance. What moves up and down is
//! asked for again a few times, with the tolerance stated, because others use the machine between two readings.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod sources;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::thread::sleep;
use std::time::Duration;

use sources::{Psutil, number, output};
use upkeep_contract::live::LiveSample;
use upkeep_contract::{Clock, SystemClock};
use upkeep_operations::LiveSampler;

/// So often is asked before a difference is believed.
const TRIES: usize = 12;

fn sample(sampler: &mut LiveSampler) -> LiveSample {
    sampler.sample_all(SystemClock.now())
}

/// Asks again until both sources agree, and fails with the last difference.
#[track_caller]
fn agree(mut differ: impl FnMut() -> Option<String>) {
    let mut last = None;
    for _ in 0..TRIES {
        last = differ();
        if last.is_none() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("{}", last.unwrap());
}

fn apart(what: &str, ours: f64, theirs: f64, tolerance: f64) -> Option<String> {
    ((ours - theirs).abs() > tolerance)
        .then(|| format!("{what}: ours {ours}, theirs {theirs}, tolerance {tolerance}"))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a machine's memory")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

#[test]
fn memory_and_swap_agree_with_free_and_psutil() {
    let mut psutil = Psutil::start();
    let mut sampler = LiveSampler::new();
    agree(|| {
        let free = output("free", &["-b", "-w"]);
        let row = |name: &str| -> Vec<u64> {
            let line = free.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).map(number).collect()
        };
        let (of_memory, of_swap) = (row("Mem:"), row("Swap:"));
        let theirs = psutil.ask("memory()");
        let live = sample(&mut sampler);
        assert_eq!(live.memory.total_bytes, of_memory[0]);
        assert_eq!(live.swap.total_bytes, of_swap[0]);
        assert_eq!(theirs["total"], live.memory.total_bytes);
        assert_eq!(theirs["swap_total"], live.swap.total_bytes);
        // two hundredths of all: compilers take and give hundreds of megabytes meanwhile
        let tolerance = float(live.memory.total_bytes) * 0.02;
        let memory = &live.memory;
        let pairs = [
            ("free, free", memory.free_bytes, of_memory[2]),
            ("buffers, free", memory.buffers_bytes.unwrap(), of_memory[4]),
            ("cached, free", memory.cached_bytes.unwrap(), of_memory[5]),
            ("available, free", memory.available_bytes, of_memory[6]),
            (
                "available, psutil",
                memory.available_bytes,
                theirs["available"].as_u64().unwrap(),
            ),
            (
                "cached, psutil",
                memory.cached_bytes.unwrap(),
                theirs["cached"].as_u64().unwrap(),
            ),
            (
                "buffers, psutil",
                memory.buffers_bytes.unwrap(),
                theirs["buffers"].as_u64().unwrap(),
            ),
            ("swap used, free", live.swap.used_bytes, of_swap[1]),
        ];
        assert_eq!(
            memory.used_bytes,
            memory.total_bytes - memory.available_bytes
        );
        pairs
            .iter()
            .find_map(|(what, ours, theirs)| apart(what, float(*ours), float(*theirs), tolerance))
    });
}

#[test]
fn cores_agree_with_nproc_psutil_and_the_kernels_list() {
    let live = sample(&mut LiveSampler::new());
    let cores = live.cpu.cores.len();
    // `--all` counts what is installed, the list and psutil what is turned on
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    let counted: usize = online
        .trim()
        .split(',')
        .map(|range| match range.split_once('-') {
            Some((first, last)) => {
                last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1
            }
            None => 1,
        })
        .sum();
    assert_eq!(cores, counted, "{online}");
    assert_eq!(Psutil::start().ask("psutil.cpu_count()"), cores);
    assert!(cores as u64 <= number(output("nproc", &["--all"]).trim()));
}

#[test]
fn cpu_use_agrees_with_psutil_over_the_same_second() {
    let mut psutil = Psutil::start();
    agree(|| {
        let mut sampler = LiveSampler::new();
        psutil.ask("cpu()");
        sample(&mut sampler);
        // busy on one core for a part of the time, so that there is something to agree on
        let until = std::time::Instant::now() + Duration::from_millis(600);
        while std::time::Instant::now() < until {
            std::hint::spin_loop();
        }
        sleep(Duration::from_millis(400));
        let live = sample(&mut sampler).cpu;
        let theirs = psutil.ask("cpu()");
        // the two read within some milliseconds of each other: five of a hundred for all, ten for a single core
        let mut differences = vec![
            apart(
                "busy",
                live.percent.unwrap(),
                theirs["percent"].as_f64().unwrap(),
                5.0,
            ),
            apart(
                "user",
                live.user_percent.unwrap(),
                theirs["user"].as_f64().unwrap(),
                5.0,
            ),
            apart(
                "system",
                live.system_percent.unwrap(),
                theirs["system"].as_f64().unwrap(),
                5.0,
            ),
            apart(
                "iowait",
                live.iowait_percent.unwrap(),
                theirs["iowait"].as_f64().unwrap(),
                5.0,
            ),
        ];
        for (core, theirs) in live.cores.iter().zip(theirs["cores"].as_array().unwrap()) {
            let what = format!("core {}", core.core);
            differences.push(apart(
                &what,
                core.percent.unwrap_or(0.0),
                theirs.as_f64().unwrap(),
                10.0,
            ));
        }
        differences.into_iter().flatten().next()
    });
}

#[test]
fn load_and_uptime_agree_with_the_kernel_and_psutil() {
    let mut psutil = Psutil::start();
    agree(|| {
        let file = std::fs::read_to_string("/proc/loadavg").unwrap();
        let theirs = psutil.ask("psutil.getloadavg()");
        let live = sample(&mut LiveSampler::new());
        let started = psutil.ask("psutil.boot_time()").as_f64().unwrap();
        let up = f64::from(u32::try_from(live.at.as_millis() / 1000).unwrap()) - started;
        // psutil's start of the host is a whole second
        assert!(
            (float(live.uptime_seconds) - up).abs() <= 3.0,
            "{} {up}",
            live.uptime_seconds
        );
        let loads = live.load_average.unwrap();
        let pairs = loads
            .iter()
            .zip(file.split(' '))
            .zip(theirs.as_array().unwrap());
        // the kernel counts anew every five seconds; a busy machine moves by less than one meanwhile
        pairs.fold(None, |found, ((ours, file), psutil)| {
            found
                .or_else(|| apart("load, /proc", *ours, file.parse().unwrap(), 1.0))
                .or_else(|| apart("load, psutil", *ours, psutil.as_f64().unwrap(), 1.0))
        })
    });
}

#[test]
fn space_and_inodes_agree_with_df_and_psutil() {
    let mut psutil = Psutil::start();
    let mut sampler = LiveSampler::new();
    let mounts = sample(&mut sampler).disks;
    assert!(mounts.iter().any(|disk| disk.mount == "/"), "{mounts:?}");
    for mount in mounts
        .iter()
        .filter(|disk| disk.space.is_some())
        .map(|disk| &disk.mount)
    {
        agree(|| {
            let df = |kind: &str| -> Vec<u64> {
                let text = output("df", &["-P", kind, "--", mount]);
                let line = text.lines().nth(1).unwrap().to_owned();
                line.split_whitespace()
                    .skip(1)
                    .take(3)
                    .map(number)
                    .collect()
            };
            let (bytes, inodes) = (df("-B1"), df("-i"));
            let theirs = psutil.ask(&format!("disk({mount:?})"));
            let disks = sample(&mut sampler).disks;
            let Some(space) = disks
                .into_iter()
                .find(|disk| disk.mount == *mount)
                .and_then(|disk| disk.space)
            else {
                return Some(format!("{mount} vanished"));
            };
            assert_eq!(space.total_bytes, bytes[0], "{mount}");
            assert_eq!(space.inodes, inodes[0], "{mount}");
            assert_eq!(theirs["total"], space.total_bytes, "{mount}");
            // a hundredth of its size: others write meanwhile
            let tolerance = float(space.total_bytes) * 0.01;
            apart(
                "used, df",
                float(space.used_bytes),
                float(bytes[1]),
                tolerance,
            )
            .or_else(|| {
                apart(
                    "available, df",
                    float(space.available_bytes),
                    float(bytes[2]),
                    tolerance,
                )
            })
            .or_else(|| {
                apart(
                    "used, psutil",
                    float(space.used_bytes),
                    theirs["used"].as_f64().unwrap(),
                    tolerance,
                )
            })
            .or_else(|| {
                apart(
                    "available, psutil",
                    float(space.available_bytes),
                    theirs["free"].as_f64().unwrap(),
                    tolerance,
                )
            })
            .or_else(|| {
                apart(
                    "inodes used, df",
                    float(space.inodes_used),
                    float(inodes[1]),
                    float(space.inodes) * 0.01 + 1000.0,
                )
            })
        });
    }
}

#[test]
fn counters_of_disks_lie_between_psutils_and_rates_are_theirs() {
    let mut psutil = Psutil::start();
    let mut sampler = LiveSampler::new();
    let read = |psutil: &mut Psutil| psutil.ask("disks()");
    let before = read(&mut psutil);
    let first = sample(&mut sampler);
    // something to count, on whatever lies below this folder
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let mut file = std::fs::File::create(folder.path().join("written")).unwrap();
    file.write_all(&vec![7; 8 << 20]).unwrap();
    file.sync_all().unwrap();
    sleep(Duration::from_millis(300));
    let second = sample(&mut sampler);
    let after = read(&mut psutil);
    let seconds = f64::from(second.interval_ms.unwrap()) / 1000.0;
    for device in &second.devices {
        let between = |name: &str, ours: u64| {
            let of = |psutil: &serde_json::Value| psutil[&device.name][name].as_u64();
            // psutil leaves out devices that were never used
            let (Some(low), Some(high)) = (of(&before), of(&after)) else {
                return;
            };
            assert!(
                (low..=high).contains(&ours),
                "{} {name}: {low} {ours} {high}",
                device.name
            );
        };
        between("read", device.read_bytes);
        between("written", device.written_bytes);
        let earlier = first
            .devices
            .iter()
            .find(|earlier| earlier.name == device.name)
            .unwrap();
        let rose = float(device.written_bytes - earlier.written_bytes);
        let by_rate = device.written_bytes_per_second.unwrap() * seconds;
        // the interval is told in whole milliseconds
        assert!(
            (rose - by_rate).abs() <= rose * 0.01 + 1024.0,
            "{rose} {by_rate}"
        );
    }
    // where the folder lies on a disk that counts, the eight megabytes were seen
    let number = rustix::fs::stat(folder.path()).unwrap().st_dev;
    let numbers = format!(
        "{:>4} {:>7} ",
        rustix::fs::major(number),
        rustix::fs::minor(number)
    );
    let stat = std::fs::read_to_string("/proc/diskstats").unwrap();
    if let Some(line) = stat.lines().find(|line| line.starts_with(&numbers)) {
        let name = line.split_whitespace().nth(2).unwrap();
        let device = second
            .devices
            .iter()
            .find(|device| device.name == name)
            .unwrap();
        assert!(device.written_bytes_per_second.unwrap() * seconds >= float(8 << 20) * 0.99);
    }
    assert_eq!(file.metadata().unwrap().size(), 8 << 20);
}

#[test]
fn counters_of_the_network_lie_between_psutils_and_rates_are_theirs() {
    let mut psutil = Psutil::start();
    let mut sampler = LiveSampler::new();
    let before = psutil.ask("network()");
    sample(&mut sampler);
    let sent = 4 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sender = std::thread::spawn(move || {
        TcpStream::connect(address)
            .unwrap()
            .write_all(&vec![7; sent])
            .unwrap();
    });
    let mut received = Vec::new();
    listener
        .accept()
        .unwrap()
        .0
        .read_to_end(&mut received)
        .unwrap();
    sender.join().unwrap();
    assert_eq!(received.len(), sent);
    sleep(Duration::from_millis(200));
    let live = sample(&mut sampler);
    let after = psutil.ask("network()");
    for interface in &live.interfaces {
        let between = |name: &str, ours: u64| {
            let of = |psutil: &serde_json::Value| psutil[&interface.name][name].as_u64();
            let (Some(low), Some(high)) = (of(&before), of(&after)) else {
                return;
            };
            assert!(
                (low..=high).contains(&ours),
                "{} {name}: {low} {ours} {high}",
                interface.name
            );
        };
        between("received", interface.received_bytes);
        between("sent", interface.sent_bytes);
        between("errors", interface.errors);
    }
    let lo = live
        .interfaces
        .iter()
        .find(|interface| interface.name == "lo")
        .unwrap();
    let carried =
        lo.received_bytes_per_second.unwrap() * f64::from(live.interval_ms.unwrap()) / 1000.0;
    // headers come on top, and others may talk over the loopback as well
    assert!(carried >= float(sent as u64) * 0.99, "{carried}");
}

#[test]
fn pressure_is_what_the_kernel_says() {
    agree(|| {
        let live = sample(&mut LiveSampler::new());
        for kind in ["cpu", "memory", "io"] {
            let ours = live.pressure.iter().find(|one| one.kind == kind);
            let text = std::fs::read_to_string(format!("/proc/pressure/{kind}"));
            let Ok(text) = text else {
                assert!(
                    ours.is_none(),
                    "{kind} is not told by this kernel: {ours:?}"
                );
                continue;
            };
            let theirs: f64 = text
                .split("some avg10=")
                .nth(1)?
                .split(' ')
                .next()?
                .parse()
                .unwrap();
            // the kernel counts anew every two seconds
            if let Some(difference) = apart(kind, ours.unwrap().some_percent, theirs, 5.0) {
                return Some(difference);
            }
        }
        None
    });
}

#[test]
fn the_largest_processes_are_those_of_psutil() {
    let mut psutil = Psutil::start();
    let mut sampler = LiveSampler::new();
    agree(|| {
        let before = psutil.ask("processes()");
        let live = sample(&mut sampler).processes.unwrap();
        let after = psutil.ask("processes()");
        let count = |theirs: &serde_json::Value| theirs.as_object().unwrap().len();
        let (low, high) = (
            count(&before).min(count(&after)),
            count(&before).max(count(&after)),
        );
        // some begin and end between the readings
        if !(low.saturating_sub(10)..=high + 10).contains(&(live.count as usize)) {
            return Some(format!("ours {}, theirs {low} to {high}", live.count));
        }
        let mut agreed = 0;
        for process in &live.by_memory {
            let of =
                |theirs: &serde_json::Value| theirs[process.pid.to_string()]["memory"].as_u64();
            let (Some(first), Some(second)) = (of(&before), of(&after)) else {
                continue;
            };
            // a tenth: some grow and shrink meanwhile
            let (low, high) = (
                float(first.min(second)) * 0.9,
                float(first.max(second)) * 1.1,
            );
            if !(low..=high).contains(&float(process.memory_bytes)) {
                return Some(format!("{process:?}: theirs {first} to {second}"));
            }
            let name = before[process.pid.to_string()]["name"].as_str().unwrap();
            if name != process.name {
                return Some(format!("{process:?} is called {name} by psutil"));
            }
            agreed += 1;
        }
        (agreed < 3).then(|| format!("only {agreed} lived long enough to be compared"))
    });
}
