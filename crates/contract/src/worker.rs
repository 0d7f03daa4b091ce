//! Workers as the console shows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::task::Progress;
use crate::{OperationId, TaskId, Timestamp, WorkerId};

/// What a worker is doing. `Stale` is derived from its heartbeat, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Alive and waiting for tasks.
    Active,
    /// Alive and performing at least one task.
    Busy,
    /// Finishing what it holds, claiming nothing new.
    Draining,
    /// Its heartbeat stopped without a farewell.
    Stale,
    /// It ended in good order.
    Stopped,
}

/// In which order a worker takes the tasks that are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimStrategy {
    /// Lower priority number first, then the oldest.
    #[default]
    Priority,
    /// The oldest first.
    Fifo,
    /// The newest first.
    Lifo,
    /// By chance, weight 1/(priority+1).
    WeightedRandom,
}

impl ClaimStrategy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Priority, Self::Fifo, Self::Lifo, Self::WeightedRandom];

    /// Its name in the database, in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Fifo => "fifo",
            Self::Lifo => "lifo",
            Self::WeightedRandom => "weighted-random",
        }
    }

    /// The strategy of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.as_str() == name)
    }
}

/// A host's vital signs at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct HostVitals {
    /// When they were sampled.
    pub at: Timestamp,
    /// CPU use since the sample before, 0 to 100 over all cores; none for the very first sample.
    pub cpu_percent: Option<f64>,
    /// Logical cores.
    pub cpu_cores: u32,
    /// Memory in all, bytes.
    #[ts(type = "number")]
    pub memory_total_bytes: u64,
    /// Memory that programs could still get, bytes (`MemAvailable`).
    #[ts(type = "number")]
    pub memory_available_bytes: u64,
    /// Swap in all, bytes.
    #[ts(type = "number")]
    pub swap_total_bytes: u64,
    /// Swap in use, bytes.
    #[ts(type = "number")]
    pub swap_used_bytes: u64,
    /// Load averages over 1, 5 and 15 minutes.
    pub load_average: [f64; 3],
    /// Mounted file systems that hold data.
    pub disks: Vec<DiskVitals>,
    /// Seconds since the host started.
    #[ts(type = "number")]
    pub uptime_seconds: u64,
}

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DiskVitals {
    /// Where it is mounted.
    pub mount: String,
    /// Its type, such as `ext4` or `tmpfs`.
    pub file_system: String,
    /// Its size, bytes.
    #[ts(type = "number")]
    pub total_bytes: u64,
    /// In use, bytes. `df` takes its percentage from this and what is available: what is kept
    /// back for root is neither.
    #[ts(type = "number")]
    pub used_bytes: u64,
    /// What an ordinary user may still write, bytes.
    #[ts(type = "number")]
    pub available_bytes: u64,
}

/// A task that a worker holds right now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct CurrentTask {
    /// The task.
    pub task_id: TaskId,
    /// What it does.
    pub operation: OperationId,
    /// How far it has come.
    pub progress: Option<Progress>,
}

/// A worker process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Worker {
    /// Its id, new at every start.
    pub id: WorkerId,
    /// The host it lives on.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Upkeep's version it runs.
    pub version: String,
    /// True when it lives inside the desktop app.
    pub embedded: bool,
    /// What it can perform.
    pub operations: Vec<OperationId>,
    /// In which order it takes tasks.
    pub strategy: ClaimStrategy,
    /// How many tasks it performs at once.
    pub concurrency: u32,
    /// What it is doing.
    pub state: WorkerState,
    /// The operator who asked it to drain; it claims nothing until somebody resumes it.
    pub drain_requested_by: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// Its last sign of life.
    pub heartbeat_at: Timestamp,
    /// Its host's vital signs, as of its last heartbeat.
    pub vitals: Option<HostVitals>,
    /// What it holds.
    pub current_tasks: Vec<CurrentTask>,
}

/// The worker inside the desktop app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct EmbeddedWorker {
    /// The one that runs in this very app; none when none does.
    pub running: Option<WorkerId>,
    /// Whether one starts with the app; none when the configuration cannot be read.
    pub starts_with_app: Option<bool>,
}
