// the thresholds of the health check in words.
import type { Threshold } from "$lib/generated/Threshold";

/** What is measured; a key that this UI does not know is shown as it is. */
const NAMES: Record<string, string> = {
  cpu: "CPU in use, over the window",
  memory: "Memory that is not available",
  swap: "Swap in use",
  disk: "Space in use, each file system",
  inodes: "Inodes in use, each file system",
  load: "Load over one minute",
  pressure_cpu: "Waiting for a processor, of the last minute",
  pressure_io: "Waiting for a disk, of the last minute",
  pressure_memory: "Waiting for memory, of the last minute",
  temperature: "Temperature, each sensor",
  runtime: "Async tasks alive in the worker",
  runtime_queue: "Async tasks waiting for a thread",
  queue: "Age of the oldest waiting task",
  failures: "Failed tasks within the last hour",
  workers: "Workers that fell silent",
  database: "Round trip to the database",
  disk_floor_bytes: "A large disk warns below, whatever its share",
  probe_limit_ms: "A probe may take at most",
};

const UNITS: Record<string, string> = { percent: "%", celsius: "°C", seconds: "s" };

export function thresholdName(key: string): string {
  return NAMES[key] ?? key;
}

export function unitWord(unit: string): string {
  return UNITS[unit] ?? unit;
}

export function sameThreshold(one: Threshold, other: Threshold): boolean {
  return one.warning === other.warning && one.critical === other.critical;
}
