// the audit trail in words.
import { isObject } from "$lib/backend/json";
import type { AuditEntry } from "$lib/generated/AuditEntry";
import type { AuditFilter } from "$lib/generated/AuditFilter";
import type { Timestamp } from "$lib/generated/Timestamp";
import { title } from "./texts";

/** What can have been done, as `AuditEntry.what` names it. */
export const AUDIT_WORDS: Record<string, string> = {
  enqueue: "Asked for a task",
  enqueue_duplicate: "Asked again for a task that waited already",
  cancel: "Cancelled a task",
  cancel_matching: "Cancelled all tasks that matched",
  run_again_matching: "Ran all tasks again that matched",
  repeat_group: "Repeated a fan-out where it had not succeeded",
  force_close: "Closed a task by force",
  set_priority: "Changed a priority",
  pause: "Paused an operation",
  resume: "Resumed an operation",
  drain: "Drained a worker",
  undrain: "Resumed a worker",
  start_worker: "Started a worker",
  stop_worker: "Stopped a worker",
  forget_workers: "Forgot workers that are gone",
  change_settings: "Changed settings",
};

/** The line's deed, with the operation when one was asked for. */
export function deed({ what, parameters }: AuditEntry): string {
  const operation = isObject(parameters) ? parameters.operation : undefined;
  if (typeof operation !== "string") return auditWords(what);
  return `${auditWords(what)}: ${title(operation)}`;
}

export function auditWords(what: string): string {
  const words = what.replaceAll("_", " ");
  return AUDIT_WORDS[what] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whether the subject is a task with a page of its own. */
export function isAboutTask({ what, subject }: AuditEntry): boolean {
  return (
    /^(enqueue|enqueue_duplicate|cancel|force_close|set_priority)$/.test(what) &&
    /^[0-9a-f-]{36}$/.test(subject)
  );
}

const HOUR = 3_600_000;
/** The ranges that are offered, each ending now. */
export const AUDIT_RANGES: Record<string, { word: string; ms: number }> = {
  hour: { word: "The last hour", ms: HOUR },
  day: { word: "The last 24 hours", ms: 24 * HOUR },
  week: { word: "The last 7 days", ms: 7 * 24 * HOUR },
  month: { word: "The last 30 days", ms: 30 * 24 * HOUR },
};

/** A filter as it stands in the address: the range stays a word, so that a link means the same tomorrow. */
export interface AuditChoice {
  what: string;
  subject: string;
  text: string;
  range: string;
}

export const ALL_AUDIT: AuditChoice = { what: "", subject: "", text: "", range: "" };

export function auditChoice(query: URLSearchParams): AuditChoice {
  const range = query.get("range") ?? "";
  return {
    what: query.get("what") ?? "",
    subject: query.get("subject") ?? "",
    text: query.get("text") ?? "",
    range: range in AUDIT_RANGES ? range : "",
  };
}

export function auditHref(choice: AuditChoice): string {
  const parts = (Object.entries(choice) as [string, string][])
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return parts.length > 0 ? `#/audit?${parts.join("&")}` : "#/audit";
}

export function auditFilter({ what, subject, text, range }: AuditChoice, now: Timestamp): AuditFilter {
  const ms = AUDIT_RANGES[range]?.ms;
  return {
    what: what === "" ? [] : [what],
    subject: subject || null,
    text,
    from: ms === undefined ? null : now - ms,
    until: null,
  };
}
