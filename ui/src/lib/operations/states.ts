// states and statuses in words. A colour never stands alone: each has a word and an icon (see Badge).
import type { AttemptOutcome } from "$lib/generated/AttemptOutcome";
import type { CheckStatus } from "$lib/generated/CheckStatus";
import type { HealthStatus } from "$lib/generated/HealthStatus";
import type { KeptReason } from "$lib/generated/KeptReason";
import type { EntryKind } from "$lib/generated/EntryKind";
import type { LogLevel } from "$lib/generated/LogLevel";
import type { Task } from "$lib/generated/Task";
import type { TaskState } from "$lib/generated/TaskState";
import type { WorkerState } from "$lib/generated/WorkerState";

/** How a badge looks. */
export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

export interface Label {
  word: string;
  tone: Tone;
}

export const TASK_STATES: readonly TaskState[] = [
  "queued",
  "running",
  "succeeded",
  "partial",
  "failed",
  "cancelled",
];

const STATE_LABELS: Record<TaskState, Label> = {
  queued: { word: "Queued", tone: "quiet" },
  running: { word: "Running", tone: "info" },
  succeeded: { word: "Succeeded", tone: "good" },
  partial: { word: "Partial", tone: "warn" },
  failed: { word: "Failed", tone: "bad" },
  cancelled: { word: "Cancelled", tone: "quiet" },
};

export function isFinal(state: TaskState): boolean {
  return state !== "queued" && state !== "running";
}

export function stateLabel(state: TaskState): Label {
  return STATE_LABELS[state];
}

/** Apart from failed: nobody knows how far the work came. */
export const LOST_LABEL: Label = { word: "Lost", tone: "bad" };

/** The state as a person would say it: a task whose worker is gone does not run, and lost is not failed. */
export function taskLabel(task: Task): Label {
  if (task.state === "failed" && task.lost) return LOST_LABEL;
  if (task.state === "running" && task.lost) return { word: "Worker gone", tone: "bad" };
  if (task.state === "running" && task.cancel_requested_at !== null)
    return { word: task.progress?.stopping ? "Stopping…" : "Asked to stop", tone: "warn" };
  if (task.state === "queued" && task.attempt > 0) return { word: "Will try again", tone: "warn" };
  return stateLabel(task.state);
}

export const ATTEMPT_LABELS: Record<AttemptOutcome, Label> = {
  running: { word: "Running", tone: "info" },
  succeeded: { word: "Succeeded", tone: "good" },
  partial: { word: "Partial", tone: "warn" },
  failed: { word: "Failed", tone: "bad" },
  timed_out: { word: "Timed out", tone: "bad" },
  cancelled: { word: "Cancelled", tone: "quiet" },
  lost: { word: "Worker lost", tone: "bad" },
  released: { word: "Handed back", tone: "quiet" },
};

/** What an outcome means, for somebody who asks why a task is dead. */
export const ATTEMPT_WORDS: Record<AttemptOutcome, string> = {
  running: "",
  succeeded: "",
  partial: "it ended, but some items could not be done",
  failed: "it ended with an error",
  timed_out: "it took longer than allowed and was stopped",
  cancelled: "it was stopped because an operator cancelled the task",
  lost: "its worker gave no sign of life, so the task was taken from it",
  released: "its worker stopped in good order and handed the task back; this attempt is not counted",
};

export const WORKER_LABELS: Record<WorkerState, Label> = {
  active: { word: "Active", tone: "good" },
  busy: { word: "Busy", tone: "info" },
  draining: { word: "Draining", tone: "warn" },
  stale: { word: "Stale", tone: "bad" },
  stopped: { word: "Stopped", tone: "quiet" },
};

export const CHECK_LABELS: Record<CheckStatus, Label> = {
  ok: { word: "OK", tone: "good" },
  warning: { word: "Warning", tone: "warn" },
  critical: { word: "Critical", tone: "bad" },
  unknown: { word: "Unknown", tone: "quiet" },
};

export const HEALTH_LABELS: Record<HealthStatus, Label> = {
  healthy: { word: "Healthy", tone: "good" },
  degraded: { word: "Degraded", tone: "warn" },
  critical: { word: "Critical", tone: "bad" },
  unknown: { word: "Unknown", tone: "quiet" },
};

export const LEVEL_LABELS: Record<LogLevel, Label> = {
  info: { word: "info", tone: "quiet" },
  warning: { word: "warning", tone: "warn" },
  error: { word: "error", tone: "bad" },
};

/** Why something stays. */
export const KEPT_WORDS: Record<KeptReason, string> = {
  in_use: "in use: open or locked by a program",
  special_file: "a socket, pipe or device",
  odd_time: "its time is in the future or unreadable",
  changed: "changed since the preview",
  other_mount: "on another mount",
  other_owner: "belongs to another user",
  newest: "among the newest, which are always kept",
  unfinished: "still being written",
  other_location: "holds another location or run store",
  excluded: "left out by a pattern",
  not_included: "matches no pattern of what may go",
  protected: "a protected name, or below one",
  too_small: "smaller than what may go",
  below_min_age: "younger than its location allows",
  left_out: "left out when the plan was confirmed",
};

export const KIND_WORDS: Record<EntryKind, string> = {
  file: "file",
  symbolic_link: "link",
  directory: "folder",
  run: "run",
  task: "finished task",
  artifacts: "artifacts",
  worker: "worker",
};
