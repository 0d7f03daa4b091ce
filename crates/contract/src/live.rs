//! This host at one moment, for the live dashboard.
//!
//! Rates are means since the sample before. They are missing, never guessed, in the first sample, after the
//! machine slept, and for a counter that began anew or is new itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Timestamp;

/// One sample of a host. What a platform or this machine does not tell is none or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveSample {
    /// When it was taken.
    pub at: Timestamp,
    /// Milliseconds since the sample before; none when there are no rates.
    pub interval_ms: Option<u32>,
    /// What taking it took, microseconds.
    pub took_us: u32,
    /// Seconds since the host started.
    #[ts(type = "number")]
    pub uptime_seconds: u64,
    /// The processors.
    pub cpu: LiveCpu,
    /// The memory.
    pub memory: LiveMemory,
    /// Swap.
    pub swap: LiveSwap,
    /// Load averages over 1, 5 and 15 minutes.
    pub load_average: Option<[f64; 3]>,
    /// Pressure stall information; empty where the kernel tells none.
    pub pressure: Vec<LivePressure>,
    /// Sensors; empty where there are none. At most five seconds old.
    pub temperatures: Vec<LiveTemperature>,
    /// Mounted file systems that hold data.
    pub disks: Vec<LiveDisk>,
    /// What is read from and written to disks.
    pub devices: Vec<LiveDevice>,
    /// Network interfaces.
    pub interfaces: Vec<LiveInterface>,
    /// The busiest processes; none in a sample in which they were not read anew.
    pub processes: Option<LiveProcesses>,
    /// The async runtime of the process that samples.
    pub runtime: Option<LiveRuntime>,
    /// The queue; none while the database cannot be reached.
    pub queue: Option<LiveQueue>,
}

/// The processors: percent, 0 to 100.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveCpu {
    /// Busy, all cores together. Waiting for disks is not busy.
    pub percent: Option<f64>,
    /// In programs.
    pub user_percent: Option<f64>,
    /// In the kernel, interrupts included.
    pub system_percent: Option<f64>,
    /// Idle while something waits for a disk.
    pub iowait_percent: Option<f64>,
    /// Taken by the machine that hosts this virtual one.
    pub steal_percent: Option<f64>,
    /// Each core that is turned on.
    pub cores: Vec<LiveCore>,
}

/// One logical core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveCore {
    /// Its number.
    pub core: u32,
    /// Busy, 0 to 100.
    pub percent: Option<f64>,
}

/// The memory, bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveMemory {
    /// In all.
    #[ts(type = "number")]
    pub total_bytes: u64,
    /// What programs could still get.
    #[ts(type = "number")]
    pub available_bytes: u64,
    /// What they could not: all but the available.
    #[ts(type = "number")]
    pub used_bytes: u64,
    /// Used for nothing.
    #[ts(type = "number")]
    pub free_bytes: u64,
    /// Contents of files, which give way when programs want memory. None where the platform does not say.
    #[ts(type = "number | null")]
    pub cached_bytes: Option<u64>,
    /// Buffers of block devices.
    #[ts(type = "number | null")]
    pub buffers_bytes: Option<u64>,
}

/// Swap, bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveSwap {
    /// In all; 0 without swap.
    #[ts(type = "number")]
    pub total_bytes: u64,
    /// In use.
    #[ts(type = "number")]
    pub used_bytes: u64,
}

/// How much of the last ten seconds was lost to waiting for one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LivePressure {
    /// `cpu`, `io` or `memory`.
    pub kind: String,
    /// Percent of the time in which some task waited.
    pub some_percent: f64,
    /// Percent of the time in which all tasks waited; some kernels do not tell it of the CPU.
    pub full_percent: Option<f64>,
}

/// One sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveTemperature {
    /// Its name.
    pub sensor: String,
    /// Degrees Celsius.
    pub celsius: f64,
    /// Above this its maker calls it critical.
    pub critical_celsius: Option<f64>,
}

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveDisk {
    /// Where it is mounted.
    pub mount: String,
    /// Its type, such as `ext4`.
    pub file_system: String,
    /// The device it lies on, as in [`LiveDevice::name`], when the system tells of its use.
    pub device: Option<String>,
    /// Its space; none when another machine answers for it, which might not answer.
    pub space: Option<LiveSpace>,
}

/// Space and inodes of a file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveSpace {
    /// Its size, bytes.
    #[ts(type = "number")]
    pub total_bytes: u64,
    /// In use, bytes.
    #[ts(type = "number")]
    pub used_bytes: u64,
    /// What an ordinary user may still write, bytes.
    #[ts(type = "number")]
    pub available_bytes: u64,
    /// Inodes in all; 0 where there is no fixed number.
    #[ts(type = "number")]
    pub inodes: u64,
    /// Inodes in use.
    #[ts(type = "number")]
    pub inodes_used: u64,
}

/// What is read from and written to one block device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveDevice {
    /// Its name, such as `sda` or `nvme0n1p2`.
    pub name: String,
    /// A disk of its own; a partition or a volume on one is none, and what passes it passes the disk, too.
    pub is_whole_disk: bool,
    /// Bytes read a second.
    pub read_bytes_per_second: Option<f64>,
    /// Bytes written a second.
    pub written_bytes_per_second: Option<f64>,
    /// Reads a second.
    pub reads_per_second: Option<f64>,
    /// Writes a second.
    pub writes_per_second: Option<f64>,
    /// Percent of the time in which it had something to do.
    pub busy_percent: Option<f64>,
    /// Bytes read since the host started.
    #[ts(type = "number")]
    pub read_bytes: u64,
    /// Bytes written since the host started.
    #[ts(type = "number")]
    pub written_bytes: u64,
}

/// One network interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveInterface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Hardware, or as good as that; bridges, tunnels and the loopback are not, and what passes them may
    /// pass the hardware, too.
    pub is_physical: bool,
    /// Bytes received a second.
    pub received_bytes_per_second: Option<f64>,
    /// Bytes sent a second.
    pub sent_bytes_per_second: Option<f64>,
    /// Errors a second, both ways.
    pub errors_per_second: Option<f64>,
    /// Bytes received since the interface began to count.
    #[ts(type = "number")]
    pub received_bytes: u64,
    /// Bytes sent since then.
    #[ts(type = "number")]
    pub sent_bytes: u64,
    /// Errors since then, both ways.
    #[ts(type = "number")]
    pub errors: u64,
}

/// The processes that take most. Read more seldom than all else: never within two seconds, and on a host with
/// many processes as seldom as keeps it below half a percent of a core.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveProcesses {
    /// When they were read.
    pub at: Timestamp,
    /// How many there are.
    pub count: u32,
    /// How many could not be read: they belong to others.
    pub hidden: u32,
    /// The ten that used most CPU since they were read before; empty at first.
    pub by_cpu: Vec<LiveProcess>,
    /// The ten that hold most memory.
    pub by_memory: Vec<LiveProcess>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveProcess {
    /// Its id.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
    /// Percent of one core, so that four busy threads are 400; none when it was not there before.
    pub cpu_percent: Option<f64>,
    /// Memory it holds in RAM, bytes; shared parts count in full.
    #[ts(type = "number")]
    pub memory_bytes: u64,
}

/// The async runtime of the process that samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveRuntime {
    /// Threads that run async tasks.
    pub worker_threads: u32,
    /// Async tasks that have begun and not ended.
    #[ts(type = "number")]
    pub alive_tasks: u64,
    /// Busy since the sample before, 0 to 100 of all its threads.
    pub busy_percent: Option<f64>,
}

/// The queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LiveQueue {
    /// Tasks that wait.
    #[ts(type = "number")]
    pub queued: u64,
    /// Tasks in hand.
    #[ts(type = "number")]
    pub running: u64,
    /// Age of the oldest task that waits and is due, milliseconds.
    #[ts(type = "number | null")]
    pub oldest_waiting_ms: Option<i64>,
}
