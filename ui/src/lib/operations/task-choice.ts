// which tasks to list, as it stands in the address, under a saved name, and in a request.
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskState } from "$lib/generated/TaskState";
import type { Timestamp } from "$lib/generated/Timestamp";
import { AUDIT_RANGES } from "./audit";
import { TASK_STATES } from "./states";

/** The ranges of time that are offered, each ending now. */
export const TASK_RANGES = AUDIT_RANGES;

/** A filter whose time may be a word, so that a link or a saved filter means the same tomorrow. */
export interface TaskChoice extends TaskFilter {
  /** A key of `TASK_RANGES`, or nothing; then `since` and `until` are what counts. */
  range: string;
}

/** The filter that matches everything. */
export const ALL_TASKS: TaskFilter = {
  states: [],
  operations: [],
  host: null,
  group: null,
  requested_by: null,
  since: null,
  until: null,
  failed_as: "any",
  text: "",
};

export const EVERY_TASK: TaskChoice = { ...ALL_TASKS, range: "" };

/** What can be pressed to choose by how a task stands: lost is apart from failed. */
export type Standing = TaskState | "lost";
export const STANDINGS: readonly Standing[] = TASK_STATES.flatMap((state) =>
  state === "failed" ? [state, "lost" as const] : [state],
);

/** Those that are pressed under this filter. */
export function standings({ states, failed_as }: TaskFilter): Standing[] {
  return STANDINGS.filter((standing) => {
    if (standing === "lost") return states.includes("failed") && failed_as !== "error";
    return states.includes(standing) && (standing !== "failed" || failed_as !== "lost");
  });
}

/** The part of a filter that lists these and no others. */
export function filterOf(pressed: readonly Standing[]): Pick<TaskFilter, "states" | "failed_as"> {
  const [failed, lost] = [pressed.includes("failed"), pressed.includes("lost")];
  return {
    states: TASK_STATES.filter((state) => pressed.includes(state) || (state === "failed" && lost)),
    failed_as: failed === lost ? "any" : failed ? "error" : "lost",
  };
}

export function choiceFromQuery(query: URLSearchParams): TaskChoice {
  const listed = (key: string) => (query.get(key) ?? "").split(",").filter(Boolean);
  const time = (key: string): Timestamp | null => {
    const text = query.get(key) ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  };
  const states = listed("state").filter((state): state is TaskState =>
    TASK_STATES.some((known) => known === state),
  );
  const failed = query.get("failed");
  const range = query.get("range") ?? "";
  const ranged = Object.hasOwn(TASK_RANGES, range);
  return {
    states,
    operations: listed("operation"),
    host: query.get("host") || null,
    group: query.get("group") || null,
    requested_by: query.get("by") || null,
    since: ranged ? null : time("since"),
    until: ranged ? null : time("until"),
    failed_as: states.includes("failed") && (failed === "lost" || failed === "error") ? failed : "any",
    text: query.get("text") ?? "",
    range: ranged ? range : "",
  };
}

/** The address that shows this filter. */
export function filterHref(choice: TaskFilter & { range?: string }): string {
  const ranged = Boolean(choice.range);
  const pair = (key: string, value: string | null | undefined) =>
    value ? `${key}=${encodeURIComponent(value)}` : "";
  const parts = [
    choice.states.length > 0 ? `state=${choice.states.join(",")}` : "",
    choice.failed_as === "any" ? "" : `failed=${choice.failed_as}`,
    choice.operations.length > 0 ? `operation=${choice.operations.map(encodeURIComponent).join(",")}` : "",
    pair("host", choice.host),
    pair("group", choice.group),
    pair("by", choice.requested_by),
    pair("range", choice.range),
    pair("since", ranged ? null : choice.since?.toString()),
    pair("until", ranged ? null : choice.until?.toString()),
    pair("text", choice.text),
  ].filter(Boolean);
  return parts.length > 0 ? `#/tasks?${parts.join("&")}` : "#/tasks";
}

/** What to ask for; a range begins that long before now. */
export function taskFilter({ range, ...filter }: TaskChoice, now: Timestamp): TaskFilter {
  const ms = TASK_RANGES[range]?.ms;
  return ms === undefined ? filter : { ...filter, since: now - ms, until: null };
}
