// what the reports of a host say together: how each check moved, and what changed since the one before.
import type { CheckPoint } from "$lib/generated/CheckPoint";
import type { CheckStatus } from "$lib/generated/CheckStatus";
import type { HealthCheck } from "$lib/generated/HealthCheck";
import type { HealthPoint } from "$lib/generated/HealthPoint";
import type { TaskId } from "$lib/generated/TaskId";
import type { Timestamp } from "$lib/generated/Timestamp";
import { counted } from "$lib/format";
import { CHECK_LABELS } from "./states";
import { checkName, observed } from "./summary";

/** A check at one time; a check that was not there is not a moment. */
export interface Moment {
  taskId: TaskId;
  at: Timestamp;
  status: CheckStatus;
  observed: number | null;
  warning: number | null;
  critical: number | null;
}

/** One check over the last reports, the oldest first. */
export interface Course {
  id: string;
  unit: string;
  moments: Moment[];
}

/** The course of every check, by its id. Points come the newest first. */
export function courses(points: readonly HealthPoint[]): Map<string, Course> {
  const found = new Map<string, Course>();
  for (const point of [...points].reverse()) {
    for (const check of point.checks) {
      const course = found.get(check.id) ?? { id: check.id, unit: check.unit, moments: [] };
      course.unit = check.unit;
      course.moments.push({
        taskId: point.task_id,
        at: point.checked_at,
        status: check.status,
        observed: check.observed,
        warning: check.warning,
        critical: check.critical,
      });
      found.set(check.id, course);
    }
  }
  return found;
}

/** The course in words: `12 checks: from 41 % to 88 %, at most 91 %; 2 not OK`. */
export function courseWords(course: Course): string {
  const figures = course.moments.flatMap((moment) => (moment.observed === null ? [] : [moment.observed]));
  const wrong = course.moments.filter(({ status }) => status !== "ok").length;
  const checks = counted(course.moments.length, "check");
  const first = figures[0];
  const last = figures.at(-1);
  if (first === undefined || last === undefined) return `${checks}, none with a figure`;
  const say = (value: number) => observed(value, course.unit);
  const moved = figures.length === 1 || first === last ? say(last) : `from ${say(first)} to ${say(last)}`;
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  const range = least === most ? "" : `, between ${say(least)} and ${say(most)}`;
  return `${checks}: ${moved}${range}${wrong > 0 ? `; ${wrong} not OK` : ""}`;
}

export type HealthChange =
  | { kind: "appeared"; id: string; status: CheckStatus }
  | { kind: "gone"; id: string; status: CheckStatus }
  | { kind: "status"; id: string; from: CheckStatus; to: CheckStatus }
  | { kind: "moved"; id: string; from: number; to: number; unit: string };

/** From this share of its critical threshold on, a move is worth telling while the status stays. */
export const NOTABLE_SHARE = 0.1;

const BADNESS: Record<CheckStatus, number> = { ok: 0, unknown: 1, warning: 2, critical: 3 };

/** What is different from the report before; the worst first. */
export function changesSince(now: HealthPoint, before: HealthPoint): HealthChange[] {
  const was = new Map(before.checks.map((check) => [check.id, check]));
  const is = new Map(now.checks.map((check) => [check.id, check]));
  const found: (HealthChange & { weight: number })[] = [];
  for (const check of now.checks) {
    const old = was.get(check.id);
    if (!old) {
      found.push({
        kind: "appeared",
        id: check.id,
        status: check.status,
        weight: BADNESS[check.status],
      });
    } else if (old.status !== check.status) {
      const weight = 4 + BADNESS[check.status];
      found.push({ kind: "status", id: check.id, from: old.status, to: check.status, weight });
    } else if (movedNotably(old, check)) {
      const [from, to] = [old.observed ?? 0, check.observed ?? 0];
      found.push({ kind: "moved", id: check.id, from, to, unit: check.unit, weight: -1 });
    }
  }
  for (const check of before.checks) {
    if (!is.has(check.id)) found.push({ kind: "gone", id: check.id, status: check.status, weight: 0 });
  }
  return found.sort((a, b) => b.weight - a.weight);
}

function movedNotably(old: CheckPoint, check: CheckPoint): boolean {
  if (old.observed === null || check.observed === null) return false;
  const scale = check.critical ?? check.warning;
  return scale !== null && Math.abs(check.observed - old.observed) >= scale * NOTABLE_SHARE;
}

/** `memory: from OK to Warning`. */
export function changeWords(change: HealthChange): string {
  const name = checkName(change.id);
  switch (change.kind) {
    case "appeared":
      return `${name} is new: ${CHECK_LABELS[change.status].word}`;
    case "gone":
      return `${name} is no longer there (was ${CHECK_LABELS[change.status].word})`;
    case "status":
      return `${name}: from ${CHECK_LABELS[change.from].word} to ${CHECK_LABELS[change.to].word}`;
    case "moved":
      return `${name}: from ${observed(change.from, change.unit)} to ${observed(change.to, change.unit)}`;
  }
}

export interface CheckGroup {
  name: string;
  checks: HealthCheck[];
}

const GROUPS: readonly [string, readonly string[]][] = [
  ["This host", ["cpu", "memory", "swap", "load", "pressure", "temperature"]],
  ["File systems", ["disk", "inodes"]],
  ["Upkeep", ["runtime", "queue", "workers", "database"]],
];
const OTHERS = "More";

const WORST_FIRST: Record<CheckStatus, number> = { critical: 0, warning: 1, unknown: 2, ok: 3 };

/** Checks by what they are about; the group and the check that stand worst come first. */
export function grouped(checks: readonly HealthCheck[]): CheckGroup[] {
  const groups: CheckGroup[] = [...GROUPS.map(([name]) => name), OTHERS].map((name) => ({
    name,
    checks: [],
  }));
  for (const check of checks) {
    const kind = check.id.split(":", 1)[0] ?? "";
    const place = GROUPS.findIndex(([, kinds]) => kinds.includes(kind));
    groups[place === -1 ? GROUPS.length : place]?.checks.push(check);
  }
  for (const group of groups) group.checks.sort((a, b) => WORST_FIRST[a.status] - WORST_FIRST[b.status]);
  const worst = (group: CheckGroup) => WORST_FIRST[group.checks[0]?.status ?? "ok"];
  return groups.filter((group) => group.checks.length > 0).sort((a, b) => worst(a) - worst(b));
}
