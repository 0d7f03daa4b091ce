// the thresholds of the health check in words, and what is wrong with those that are typed.
import type { NumberSetting } from "$lib/generated/NumberSetting";
import type { Threshold } from "$lib/generated/Threshold";
import type { ThresholdSetting } from "$lib/generated/ThresholdSetting";
import { count, decimal } from "$lib/format";

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

/** What is typed: a field that is empty holds nothing. */
export type Typed = number | null | undefined;

/** What is wrong with two typed thresholds, or nothing. */
export function thresholdProblem(setting: ThresholdSetting, warning: Typed, critical: Typed): string {
  const unit = unitWord(setting.unit);
  const inRange = (value: Typed) => typeof value === "number" && value > 0 && value <= setting.most;
  if (!inRange(warning) || !inRange(critical))
    return `Give numbers above 0, up to ${decimal(setting.most)} ${unit}.`;
  if ((warning ?? 0) > (critical ?? 0))
    return `The warning (${decimal(warning ?? 0)} ${unit}) comes after critical (${decimal(critical ?? 0)} ${unit}): lower the one or raise the other.`;
  return "";
}

/** What is wrong with a typed number, or nothing. */
export function numberProblem(setting: NumberSetting, value: Typed): string {
  const fits = typeof value === "number" && Number.isSafeInteger(value);
  if (fits && value >= setting.least && value <= setting.most) return "";
  return `Give a whole number from ${count(setting.least)} to ${count(setting.most)} ${setting.unit}.`;
}

export function sameThreshold(one: Threshold, other: Threshold): boolean {
  return one.warning === other.warning && one.critical === other.critical;
}
