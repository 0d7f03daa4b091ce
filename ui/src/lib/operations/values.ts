// the settings in words: what each key means, and when a change of it begins to hold.
import type { SettingDifference } from "$lib/generated/SettingDifference";
import type { TakesEffect } from "$lib/generated/TakesEffect";
import { thresholdName, unitWord } from "./thresholds";

interface Words {
  name: string;
  help: string;
}

/** A key that this UI does not know is shown as it is. */
const VALUES: Record<string, Words> = {
  "cleaning.plan_max_age_hours": {
    name: "A preview may be executed for",
    help: "An older plan is refused: what was seen long ago is previewed again.",
  },
  "worker.embedded": {
    name: "Run the built-in worker",
    help: "It runs inside Upkeep itself. Without it, tasks wait for an upkeep-worker run.",
  },
  "worker.concurrency": {
    name: "Tasks that a worker performs at once",
    help: "What deletes runs one at a time on a host whatever stands here.",
  },
  "worker.strategy": { name: "Which waiting task comes first", help: "" },
  "worker.lease_seconds": {
    name: "A silent worker loses its tasks after",
    help: "Short finds a dead worker soon, long bears a disk that is slow.",
  },
};

const CHOICES: Record<string, string> = {
  priority: "by priority, then the oldest",
  fifo: "the oldest",
  lifo: "the newest",
  "weighted-random": "by chance, weighted by priority",
};

const EFFECTS: Record<TakesEffect, string> = {
  next_task: "with the next task",
  next_worker_start: "when a worker starts",
  next_app_start: "when Upkeep starts",
};

export function valueWords(key: string): Words {
  return VALUES[key] ?? { name: key, help: "" };
}

export function choiceName(choice: string): string {
  return CHOICES[choice] ?? choice;
}

export function effectWords(effect: TakesEffect): string {
  return EFFECTS[effect];
}

/** What a line of the review is about. */
export function differenceName({ key }: SettingDifference): string {
  const [table = "", ...rest] = key.split(".");
  if (table === "locations" || table === "run_stores") {
    const [name = "", field = ""] = rest;
    const kind = table === "locations" ? "Location" : "Run store";
    return `${kind} ${name}: ${field.replaceAll("_", " ")}`;
  }
  if (table === "health") return `Health check: ${thresholdName(rest.join("."))}`;
  return valueWords(key).name;
}

/** A value of the review, read aloud. */
export function differenceValue(key: string, value: string | null): string {
  if (value === null) return "not there";
  if (value === "true") return "on";
  if (value === "false") return "off";
  if (key === "worker.strategy") return choiceName(value);
  if (!key.startsWith("health.")) return value;
  const unit = value.split(" ").slice(3).join(" ");
  return unit === "" ? value : value.replace(unit, unitWord(unit));
}
