// test data that names only what matters.
import type { JsonValue } from "$lib/generated/serde_json/JsonValue";
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { HealthCheck } from "$lib/generated/HealthCheck";
import type { HealthReport } from "$lib/generated/HealthReport";
import type { HistoryRoom } from "$lib/generated/HistoryRoom";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LiveSample } from "$lib/generated/LiveSample";
import type { LocationSettings } from "$lib/generated/LocationSettings";
import type { OperationDescription } from "$lib/generated/OperationDescription";
import type { OperationOverview } from "$lib/generated/OperationOverview";
import type { Overview } from "$lib/generated/Overview";
import type { PlanEntry } from "$lib/generated/PlanEntry";
import type { RestoreReport } from "$lib/generated/RestoreReport";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { QueueStatistics } from "$lib/generated/QueueStatistics";
import type { StatisticsReport } from "$lib/generated/StatisticsReport";
import type { StatisticsView } from "$lib/generated/StatisticsView";
import type { Attempt } from "$lib/generated/Attempt";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { TakesEffect } from "$lib/generated/TakesEffect";
import type { Task } from "$lib/generated/Task";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import type { ValueKind } from "$lib/generated/ValueKind";
import type { ValueSetting } from "$lib/generated/ValueSetting";
import type { Waiting } from "$lib/generated/Waiting";
import { ALL_TASKS } from "$lib/operations/task-choice";
import type { Worker } from "$lib/generated/Worker";

/** Half past twelve on a Monday; everything below happens around it. */
export const NOW = Date.UTC(2026, 10, 23, 12, 30, 0);
const MINUTE = 60_000;

const age = (preset: number): JsonValue => ({
  type: "number",
  format: "double",
  minimum: 0,
  maximum: 876_600,
  default: preset,
});
const names: JsonValue = { type: ["array", "null"], items: { type: "string" } };
const flag = (preset: boolean): JsonValue => ({ type: "boolean", default: preset });

/** The registry, with schemas as schemars writes them. */
export const OPERATIONS: OperationDescription[] = [
  {
    id: "cleanup-runs",
    summary: "removes old runs",
    deletes: true,
    follows_a_task: false,
    parameters: {
      type: "object",
      properties: {
        max_age_hours: age(720),
        history: flag(true),
        run_stores: names,
        dry_run: flag(false),
        plan: { type: ["string", "null"] },
      },
    },
  },
  {
    id: "cleanup-temp-files",
    summary: "removes old files from configured locations",
    deletes: true,
    follows_a_task: false,
    parameters: {
      type: "object",
      properties: {
        max_age_hours: age(24),
        locations: names,
        exclude: { type: ["array", "null"], items: { type: "string" } },
        min_size_bytes: { type: ["integer", "null"], format: "uint64", minimum: 0, maximum: 2 ** 53 },
        dry_run: flag(false),
        plan: { type: ["string", "null"] },
      },
    },
  },
  {
    id: "health-check",
    summary: "checks this host",
    deletes: false,
    follows_a_task: false,
    parameters: {
      type: "object",
      properties: {
        cpu_window_ms: { type: "integer", format: "uint32", minimum: 200, maximum: 60_000, default: 500 },
      },
    },
  },
  {
    id: "log-statistics",
    summary: "logs figures",
    deletes: false,
    follows_a_task: false,
    parameters: {
      type: "object",
      properties: {
        range_hours: { type: "integer", format: "uint32", minimum: 1, maximum: 87_660, default: 24 },
      },
    },
  },
  {
    id: "restore-from-trash",
    summary: "puts back what a cleanup moved to the trash",
    deletes: false,
    follows_a_task: true,
    parameters: { type: "object", properties: { cleanup: { type: "string" } }, required: ["cleanup"] },
  },
];

export function operation(id: string): OperationDescription {
  const found = OPERATIONS.find((entry) => entry.id === id);
  if (!found) throw new Error(`no operation ${id}`);
  return found;
}

export function aTask(change: Partial<Task> = {}): Task {
  return {
    id: "task-1",
    operation: "cleanup-temp-files",
    params: { max_age_hours: 24, dry_run: false },
    dry_run: false,
    target_host: null,
    group_id: null,
    state: "queued",
    waiting: null,
    priority: 100,
    requested_by: "anna@desk-7 (desktop)",
    enqueued_at: NOW - 5 * MINUTE,
    run_after: NOW - 5 * MINUTE,
    attempt: 0,
    max_attempts: 3,
    timeout_ms: 3_600_000,
    worker: null,
    worker_host: null,
    started_at: null,
    finished_at: null,
    cancel_requested_at: null,
    cancel_requested_by: null,
    progress: null,
    error: null,
    rerun_of: null,
    lost: false,
    ...change,
  };
}

export function running(change: Partial<Task> = {}): Task {
  return aTask({
    state: "running",
    attempt: 1,
    worker: "worker-1",
    worker_host: "desk-7",
    started_at: NOW - 4 * MINUTE,
    ...change,
  });
}

export function ended(state: Task["state"], change: Partial<Task> = {}): Task {
  return running({ state, finished_at: NOW - 3 * MINUTE, ...change });
}

/** What a trigger answers when it made a task. */
export function accepted(task_id: string, waiting: Waiting = { reason: "turn" }): TriggerOutcome {
  return { status: "queued", task_id, waiting };
}

/** What a fan-out answers when each host got its task. */
export function fannedOut(group_id: string, hosts: string[], waiting?: Waiting): FanOutOutcome {
  const tasks = hosts.map((host) => ({ host, outcome: accepted(`${group_id}-${host}`, waiting) }));
  return { status: "queued", group_id, tasks };
}

export function aFilter(change: Partial<TaskFilter> = {}): TaskFilter {
  return { ...ALL_TASKS, ...change };
}

export function anAttempt(change: Partial<Attempt> = {}): Attempt {
  return {
    number: 1,
    worker: "0190f000-1111-7222-8333-00000000abcd",
    host: "desk-7",
    pid: 4711,
    started_at: NOW - 4 * MINUTE,
    ended_at: NOW - 3 * MINUTE,
    outcome: "failed",
    error: null,
    late: null,
    ...change,
  };
}

export function detailOf(task: Task, report: unknown = null): TaskDetail {
  return { task, attempts: [], report: report as JsonValue };
}

export function anEntry(path: string, change: Partial<PlanEntry> = {}): PlanEntry {
  return {
    kind: "file",
    location: "scratch",
    path,
    name: path.replace(/^\/srv\/scratch\//, ""),
    files: change.kind === "directory" ? 0 : 1,
    bytes: 4096,
    modified_at: NOW - 72 * 60 * MINUTE,
    ...change,
  };
}

export function aCleanup(change: Partial<CleanupReport> = {}): CleanupReport {
  return {
    outcome: "succeeded",
    dry_run: false,
    plan: null,
    host: "desk-7",
    files_matched: 0,
    bytes_matched: 0,
    files_removed: 0,
    files_trashed: 0,
    directories_removed: 0,
    bytes_removed: 0,
    files_kept: 0,
    files_failed: 0,
    runs_matched: 0,
    runs_removed: 0,
    locations: [],
    folders: [],
    ages: [],
    largest: [],
    entries: [],
    entries_truncated: false,
    kept: [],
    removed: [],
    problems: [],
    problems_total: 0,
    duration_ms: 12,
    ...change,
  };
}

export function aPreview(entries: PlanEntry[], change: Partial<CleanupReport> = {}): CleanupReport {
  return aCleanup({
    outcome: "preview",
    dry_run: true,
    files_matched: entries.length,
    bytes_matched: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    entries,
    ...change,
  });
}

export function aRestore(change: Partial<RestoreReport> = {}): RestoreReport {
  return {
    cleanup: "task-1",
    host: "desk-7",
    files_found: 0,
    files_restored: 0,
    files_failed: 0,
    directories_made: 0,
    restored: [],
    problems: [],
    problems_total: 0,
    duration_ms: 12,
    ...change,
  };
}

export function aHealth(change: Partial<HealthReport> = {}): HealthReport {
  return {
    status: "healthy",
    host: "desk-7",
    checked_at: NOW - MINUTE,
    cpu_window_ms: 500,
    checks: [],
    duration_ms: 510,
    ...change,
  };
}

export function aCheck(id: string, change: Partial<HealthCheck> = {}): HealthCheck {
  return {
    id,
    status: "ok",
    observed: 40,
    unit: "percent",
    warning: 80,
    critical: 95,
    message: `${id} as it is`,
    action: "",
    remedies: [],
    ...change,
  };
}

export function someVitals(change: Partial<HostVitals> = {}): HostVitals {
  return {
    at: NOW,
    cpu_percent: 17.4,
    cpu_cores: 8,
    memory_total_bytes: 33_440_000_000,
    memory_available_bytes: 20_810_000_000,
    swap_total_bytes: 8_000_000_000,
    swap_used_bytes: 120_000_000,
    load_average: [0.84, 0.7, 0.66],
    disks: [
      {
        mount: "/",
        file_system: "ext4",
        total_bytes: 500_000_000_000,
        used_bytes: 289_000_000_000,
        available_bytes: 211_000_000_000,
      },
      {
        mount: "/home",
        file_system: "ext4",
        total_bytes: 1_500_000_000_000,
        used_bytes: 1_180_000_000_000,
        available_bytes: 320_000_000_000,
      },
      {
        mount: "/tmp",
        file_system: "tmpfs",
        total_bytes: 16_000_000_000,
        used_bytes: 100_000_000,
        available_bytes: 15_900_000_000,
      },
    ],
    uptime_seconds: 871_233,
    ...change,
  };
}

export function someStatistics(change: Partial<StatisticsReport> = {}): StatisticsReport {
  const times = { count: 17, p50_ms: 240, p95_ms: 5100, p99_ms: 65_000, max_ms: 65_000 };
  return {
    host: "desk-7",
    logged_at: NOW,
    queue: {
      from: NOW - 24 * 60 * MINUTE,
      to: NOW,
      counts: [
        { operation: "cleanup-temp-files", state: "succeeded", count: 12 },
        { operation: "cleanup-temp-files", state: "failed", count: 1 },
        { operation: "health-check", state: "succeeded", count: 4 },
      ],
      success_rate: 16 / 17,
      duration: times,
      waiting: { ...times, p50_ms: 3 },
      throughput: [],
      queued_now: 0,
      running_now: 1,
      oldest_waiting_ms: null,
      host: null,
      operation: null,
      operations: [],
      slowest: [],
      failures: { looked_at: 0, hosts: [], errors: [] },
      method: "Exact, by nearest rank.",
    },
    runtime: { worker_threads: 8, alive_tasks: 14, global_queue_depth: 0, busy_percent: 0.4 },
    system: someVitals(),
    log_file: "/home/anna/.local/share/upkeep/logs/statistics.jsonl",
    ...change,
  };
}

export function aSample(change: Partial<LiveSample> = {}): LiveSample {
  const process = (pid: number, name: string, cpu_percent: number) => ({
    pid,
    name,
    cpu_percent,
    memory_bytes: pid * 1_000_000,
  });
  return {
    at: NOW,
    interval_ms: 1001,
    took_us: 240,
    uptime_seconds: 93_600,
    cpu: {
      percent: 37.5,
      user_percent: 30,
      system_percent: 7.5,
      iowait_percent: 2,
      steal_percent: 0,
      cores: [
        { core: 0, percent: 50 },
        { core: 1, percent: 25 },
      ],
    },
    memory: {
      total_bytes: 16e9,
      available_bytes: 12e9,
      used_bytes: 4e9,
      free_bytes: 2e9,
      cached_bytes: 9e9,
      buffers_bytes: 1e9,
    },
    swap: { total_bytes: 2e9, used_bytes: 5e8 },
    load_average: [1.5, 1.2, 0.9],
    pressure: [
      { kind: "cpu", some_percent: 12, full_percent: 0 },
      { kind: "io", some_percent: 3, full_percent: 1.5 },
    ],
    temperatures: [{ sensor: "coretemp Package", celsius: 61.4, critical_celsius: 100 }],
    disks: [
      {
        mount: "/",
        file_system: "ext4",
        device: "sda2",
        space: { total_bytes: 1e12, used_bytes: 6e11, available_bytes: 4e11, inodes: 1000, inodes_used: 250 },
      },
      { mount: "/srv/share", file_system: "nfs4", device: null, space: null },
    ],
    devices: [
      {
        name: "sda",
        is_whole_disk: true,
        read_bytes_per_second: 2e6,
        written_bytes_per_second: 3e6,
        reads_per_second: 20,
        writes_per_second: 30,
        busy_percent: 12,
        read_bytes: 1e12,
        written_bytes: 2e12,
      },
      {
        name: "sda2",
        is_whole_disk: false,
        read_bytes_per_second: 1e6,
        written_bytes_per_second: 1.5e6,
        reads_per_second: 10,
        writes_per_second: 15,
        busy_percent: 6,
        read_bytes: 1e12,
        written_bytes: 2e12,
      },
    ],
    interfaces: [
      {
        name: "lo",
        is_physical: false,
        received_bytes_per_second: 9e6,
        sent_bytes_per_second: 9e6,
        errors_per_second: 0,
        received_bytes: 1e9,
        sent_bytes: 1e9,
        errors: 0,
      },
      {
        name: "eth0",
        is_physical: true,
        received_bytes_per_second: 4e5,
        sent_bytes_per_second: 2e5,
        errors_per_second: 1,
        received_bytes: 5e9,
        sent_bytes: 1e9,
        errors: 7,
      },
    ],
    processes: {
      at: NOW,
      count: 212,
      hidden: 0,
      by_cpu: [process(900, "rustc", 180)],
      by_memory: [process(901, "postgres", 3)],
    },
    runtime: { worker_threads: 4, alive_tasks: 11, busy_percent: 1.2 },
    queue: { queued: 3, running: 1, oldest_waiting_ms: 42_000 },
    ...change,
  };
}

/** What the page of statistics shows: a day with two operations, one of which fails. */
export function someFigures(
  queue: Partial<QueueStatistics> = {},
  change: Partial<StatisticsView> = {},
): StatisticsView {
  const times = { count: 17, p50_ms: 240, p95_ms: 5100, p99_ms: 65_000, max_ms: 65_000 };
  const HOUR = 60 * MINUTE;
  return {
    computed_on: "desk-7",
    computed_at: NOW,
    took_ms: 12,
    zone: "Europe/Berlin",
    queue: {
      from: NOW - 24 * HOUR,
      to: NOW,
      host: null,
      operation: null,
      counts: [
        { operation: "cleanup-temp-files", state: "succeeded", count: 12 },
        { operation: "cleanup-temp-files", state: "failed", count: 1 },
        { operation: "health-check", state: "succeeded", count: 4 },
      ],
      success_rate: 16 / 17,
      duration: times,
      waiting: { ...times, p50_ms: 3 },
      operations: [
        {
          operation: "cleanup-temp-files",
          succeeded: 12,
          partial: 0,
          failed: 1,
          cancelled: 0,
          success_rate: 12 / 13,
          duration: times,
          waiting: times,
        },
        {
          operation: "health-check",
          succeeded: 4,
          partial: 0,
          failed: 0,
          cancelled: 0,
          success_rate: 1,
          duration: times,
          waiting: times,
        },
      ],
      throughput: Array.from({ length: 24 }, (_, hour) => ({
        from: NOW - (24 - hour) * HOUR,
        to: NOW - (23 - hour) * HOUR,
        succeeded: hour % 3 === 0 ? 2 : 0,
        partial: 0,
        failed: hour === 20 ? 1 : 0,
        cancelled: 0,
      })),
      slowest: [
        {
          task_id: "slow-1",
          operation: "cleanup-temp-files",
          host: "web-02",
          state: "succeeded",
          lost: false,
          finished_at: NOW - 2 * HOUR,
          duration_ms: 65_000,
        },
      ],
      failures: {
        looked_at: 1,
        hosts: [{ host: "web-02", failed: 1 }],
        errors: [
          { kind: "permanent", message: "cannot read /srv/spool", failed: 1, newest_task: "failed-1" },
        ],
      },
      queued_now: 2,
      running_now: 1,
      oldest_waiting_ms: 90_000,
      method: "Percentiles are exact (nearest rank).",
      ...queue,
    },
    runtime: { worker_threads: 8, alive_tasks: 14, global_queue_depth: 0, busy_percent: 0.4 },
    workers: { alive: 2, capacity: 4, busy: 1 },
    hosts: [{ host: "desk-7", vitals: someVitals() }],
    ...change,
  };
}

export function aWorker(change: Partial<Worker> = {}): Worker {
  return {
    id: "worker-1",
    host: "desk-7",
    pid: 4711,
    version: "0.1.0",
    embedded: true,
    operations: OPERATIONS.map(({ id }) => id),
    strategy: "priority",
    concurrency: 2,
    state: "active",
    drain_requested_by: null,
    started_at: NOW - 60 * MINUTE,
    heartbeat_at: NOW - 1000,
    vitals: null,
    current_tasks: [],
    ...change,
  };
}

export function anOverview(
  entries: Partial<Record<string, Partial<OperationOverview>>> = {},
  change: Partial<Overview> = {},
): Overview {
  return {
    operations: OPERATIONS.map((description) => ({
      operation: description,
      current: [],
      paused: null,
      last_run: null,
      last_success: null,
      last_preview: null,
      ...entries[description.id],
    })),
    workers: [aWorker()],
    configuration_error: null,
    ...change,
  };
}

export function aLocation(name: string, change: Partial<LocationSettings> = {}): LocationSettings {
  return {
    name,
    path: `/srv/${name}`,
    enabled: true,
    remove_empty_directories: false,
    only_own_files: false,
    allow_mount_root: false,
    trash: false,
    age_by: "modified",
    include: [],
    exclude: [],
    protect: [],
    keep_newest: 0,
    min_age_hours: 0,
    min_size_bytes: 0,
    ...change,
  };
}

export function someValues(change: Partial<Record<string, string>> = {}): ValueSetting[] {
  const number = (least: number, most: number, unit: string): ValueKind => ({
    kind: "number",
    least,
    most,
    unit,
  });
  const choices = ["priority", "fifo", "lifo", "weighted-random"];
  const all: [string, ValueKind, string, TakesEffect][] = [
    ["cleaning.plan_max_age_hours", number(1, 720, "hours"), "24", "next_task"],
    ["worker.embedded", { kind: "switch" }, "true", "next_app_start"],
    ["worker.concurrency", number(1, 256, "tasks"), "2", "next_worker_start"],
    ["worker.strategy", { kind: "choice", choices }, "priority", "next_worker_start"],
    ["worker.lease_seconds", number(2, 3600, "seconds"), "10", "next_worker_start"],
  ];
  return all.map(([key, kind, normal, takes_effect]) => ({
    key,
    kind,
    value: change[key] ?? normal,
    default: normal,
    takes_effect,
  }));
}

export function someRoom(change: Partial<HistoryRoom> = {}): HistoryRoom {
  return {
    at: NOW,
    tables: [
      { name: "tasks", rows: 1_204_311, bytes: 880_000_000 },
      { name: "attempts", rows: 1_310_002, bytes: 210_000_000 },
      { name: "task_log", rows: 9_020_000, bytes: 1_400_000_000 },
      { name: "audit", rows: 1_250_000, bytes: 310_000_000 },
      { name: "workers", rows: 12, bytes: 32_768 },
    ],
    database_bytes: 2_900_000_000,
    database_free_bytes: 40_000_000,
    artifacts_folder: "/home/anna/.local/share/upkeep/artifacts",
    artifacts: { files: 412, bytes: 61_000_000, unreadable: 0, ended: true, whole: true },
    host: "desk-7",
    ...change,
  };
}

export function someSettings(change: Partial<SettingsView> = {}): SettingsView {
  return {
    config_file: "/home/anna/.config/upkeep/config.toml",
    data_folder: "/home/anna/.local/share/upkeep",
    database: "sqlite:///home/anna/.local/share/upkeep/upkeep.db",
    database_variable: null,
    base: "base-1",
    values: someValues(),
    host: "desk-7",
    locations: [
      { settings: aLocation("scratch"), problem: null },
      { settings: aLocation("renders"), problem: null },
    ],
    run_stores: [
      {
        settings: {
          name: "experiments",
          path: "/srv/experiments/runs",
          enabled: true,
          include: [],
          finished_when: [],
          keep_newest: 5,
          allow_mount_root: false,
        },
        problem: null,
      },
    ],
    own_temporary: "/home/anna/.cache/upkeep/tmp",
    suggestions: [],
    health: {
      thresholds: [
        {
          key: "memory",
          unit: "percent",
          threshold: { warning: 80, critical: 95 },
          default: { warning: 80, critical: 95 },
          most: 100,
        },
        {
          key: "queue",
          unit: "seconds",
          threshold: { warning: 60, critical: 600 },
          default: { warning: 300, critical: 3600 },
          most: 31_536_000,
        },
      ],
      numbers: [{ key: "probe_limit_ms", unit: "ms", value: 2000, default: 2000, least: 100, most: 60_000 }],
    },
    error: null,
    ...change,
  };
}
