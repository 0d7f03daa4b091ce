// asking for a task once more: with changes, as a command, and stopping it.
import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { cancelStages } from "$lib/operations/cancel-stages";
import { commandLine } from "$lib/operations/command-line";
import { fieldsOf, toParams } from "$lib/operations/forms";
import { fromLocalTime, localTime } from "$lib/operations/local-time";
import { filledFrom, namedElsewhere, withElsewhere } from "$lib/operations/run-changed";
import { accepted, aTask, aCleanup, detailOf, ended, NOW, operation, running } from "./builders";
import { FakeBackend } from "./fake";
import { click, eventually, find, openApp, query, settled, text } from "./window";

test.each([
  [{}, null, "upkeepctl trigger health-check"],
  [
    { cpu_window_ms: 900 },
    "desk-7",
    "upkeepctl trigger health-check --param cpu_window_ms=900 --host desk-7",
  ],
  [
    { dry_run: true, max_age_hours: 1.5 },
    null,
    "upkeepctl trigger health-check --param max_age_hours=1.5 --dry-run",
  ],
  [{ dry_run: false, plan: null }, null, "upkeepctl trigger health-check"],
  [
    { locations: ["scratch", "a b"] },
    null,
    `upkeepctl trigger health-check --param 'locations=["scratch","a b"]'`,
  ],
  [
    { note: "it's here; $(rm -rf ~)" },
    null,
    `upkeepctl trigger health-check --param 'note=it'\\''s here; $(rm -rf ~)'`,
  ],
  // a text that would be read as JSON is written as JSON
  [
    { a: "12", b: "true", c: "null", d: '"x"' },
    null,
    `upkeepctl trigger health-check --param 'a="12"' --param 'b="true"' --param 'c="null"' --param 'd="\\"x\\""'`,
  ],
  [
    { a: "", b: "plain", c: "two\nlines" },
    null,
    "upkeepctl trigger health-check --param a= --param b=plain --param 'c=two\nlines'",
  ],
  [{ on: true }, "-h", "upkeepctl trigger health-check --param on=true --host=-h"],
  [{ käse: "grün" }, "höst", "upkeepctl trigger health-check --param 'käse=grün' --host 'höst'"],
] as const)("%j on %s is %s", (params, host, expected) => {
  const task = aTask({ operation: "health-check", params: params as never, target_host: host });
  expect(commandLine(task)).toBe(expected);
});

const fields = (id: string) => fieldsOf(operation(id));
const choices = { locations: ["scratch", "renders"], run_stores: ["experiments"] };

test.each([
  ["health-check", { cpu_window_ms: 900 }],
  ["cleanup-temp-files", { max_age_hours: 5, exclude: ["*.keep", "a b"], min_size_bytes: 10 }],
  ["cleanup-temp-files", { max_age_hours: 48, locations: ["renders"] }],
  ["cleanup-runs", { max_age_hours: 720, history: false, run_stores: ["experiments"] }],
  ["log-statistics", { range_hours: 24 }],
] as const)("the form of %s is filled with %j and asks for the same", (id, params) => {
  const result = toParams(fields(id), filledFrom(fields(id), params as never, choices), choices);
  const all = id === "cleanup-runs" ? { max_age_hours: 720, history: false } : params;
  expect(result).toEqual({ ok: true, params: all });
});

test("places that this machine does not have stay as they were asked for", () => {
  const given = { max_age_hours: 24, locations: ["scratch", "attic"] };
  const of = fields("cleanup-temp-files");
  const elsewhere = namedElsewhere(of, given, choices);
  expect(elsewhere).toEqual({ locations: ["attic"] });
  expect(withElsewhere({ locations: ["scratch"] }, elsewhere, choices)).toEqual({
    locations: ["scratch", "attic"],
  });
  // all that this machine has were ticked, so the form names none
  expect(withElsewhere({}, elsewhere, choices)).toEqual({ locations: ["scratch", "renders", "attic"] });
  expect(withElsewhere({ a: 1 }, {}, choices)).toEqual({ a: 1 });
});

test("a task is asked for again with changes, from its own form", async () => {
  const backend = new FakeBackend();
  const task = ended("failed", {
    operation: "health-check",
    params: { cpu_window_ms: 900 },
    target_host: "web-02",
  });
  backend.update(detailOf(task));
  await openApp(backend, "#/tasks/task-1");
  await click("task-run-changed");
  const field = find("param-health-check-cpu-window-ms") as HTMLInputElement;
  expect(field.value).toBe("900");
  expect((find("run-changed-host") as HTMLInputElement).value).toBe("web-02");
  await fireEvent.input(field, { target: { value: "5" } });
  await settled();
  expect((find("run-changed-confirm") as HTMLButtonElement).disabled).toBe(true);
  await fireEvent.input(field, { target: { value: "1000" } });
  await settled();
  // the worker's own check has the last word, and the form stays
  backend.failing.trigger = { code: "invalid_parameters", message: "cpu_window_ms is odd", hint: "try 999" };
  await click("run-changed-confirm");
  expect(text("error-run-changed")).toContain("Cpu_window_ms is odd");
  expect(field.value).toBe("1000");
  backend.failing = {};
  await click("run-changed-confirm");
  expect(backend.triggered).toEqual([
    { operation: "health-check", params: { cpu_window_ms: 1000 }, host: "web-02" },
  ]);
  expect(query("run-changed")).toBeNull();
  expect(find("notice-task").querySelector("a")?.getAttribute("href")).toBe("#/tasks/new-task");
});

test("what deletes is previewed with the changes first, and the old plan is forgotten", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = () => accepted("preview");
  const params = { max_age_hours: 5, locations: ["attic"], dry_run: false, plan: "old", leave_out: [] };
  backend.update(detailOf(ended("succeeded", { params }), aCleanup()));
  await openApp(backend, "#/tasks/task-1");
  await click("task-run-changed");
  expect(text("run-changed-elsewhere")).toContain("attic is not configured on this machine");
  await fireEvent.input(find("param-cleanup-temp-files-max-age-hours"), { target: { value: "7" } });
  await settled();
  // nothing of this machine was named, so one of its places must be ticked or nothing here is
  await click("param-cleanup-temp-files-locations-scratch");
  await click("run-changed-confirm");
  await eventually(() => expect(backend.triggered).toHaveLength(1));
  expect(backend.triggered[0]?.params).toEqual({
    max_age_hours: 7,
    locations: ["scratch", "attic"],
    dry_run: true,
  });
});

test("a task page has the command that asks for the same", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("succeeded", { operation: "health-check", params: { cpu_window_ms: 900 } })));
  await openApp(backend, "#/tasks/task-1");
  expect(text("task-command")).toBe("upkeepctl trigger health-check --param cpu_window_ms=900");
});

test("what follows another task has no form of its own", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("succeeded", { operation: "restore-from-trash", params: { cleanup: "t" } })));
  await openApp(backend, "#/tasks/task-1");
  expect(find("task-run-again")).toBeTruthy();
  expect(query("task-run-changed")).toBeNull();
});

test("cancelling is told stage by stage", () => {
  const asked = { cancel_requested_at: NOW, cancel_requested_by: "anna" };
  const progress = { done: 1, total: null, unit: "files", message: "" };
  const check = (task: ReturnType<typeof aTask>, expected: string[]) =>
    expect(cancelStages(task).map(({ how, words }) => `${how}: ${words}`)).toEqual(expected);
  check(running({}), []);
  check(running(asked), [
    "done: Asked to stop by anna",
    "now: Waiting for the worker to see it",
    "later: Stopped",
  ]);
  check(running({ ...asked, lost: true }), [
    "done: Asked to stop by anna",
    "now: Its worker is gone and cannot see it",
    "later: Stopped",
  ]);
  check(running({ ...asked, progress: { ...progress, stopping: true } }), [
    "done: Asked to stop by anna",
    "now: The worker stops it",
    "later: Stopped",
  ]);
  check(ended("cancelled", { ...asked, finished_at: NOW + 400 }), [
    "done: Asked to stop by anna",
    "done: The worker stops it",
    "done: Stopped after 400 ms",
  ]);
  check(ended("succeeded", { ...asked, finished_at: NOW + 3000 }), [
    "done: Asked to stop by anna",
    "done: The worker stops it",
    "done: Too late: it had succeeded after 3 s",
  ]);
  check(ended("cancelled", { ...asked, started_at: null }), [
    "done: Asked to stop by anna",
    "done: Cancelled before it began",
  ]);
});

test("a running task that is to stop shows how far the wish has come", async () => {
  const backend = new FakeBackend();
  const task = running({ cancel_requested_at: Date.now(), cancel_requested_by: "anna" });
  backend.update(detailOf(task));
  await openApp(backend, "#/tasks/task-1");
  expect(text("task-state")).toBe("Asked to stop");
  expect(text("cancel-stages")).toContain("Waiting for the worker to see it");
  const progress = { done: 1, total: 2, unit: "files", message: "", stopping: true };
  backend.update(detailOf({ ...task, progress }));
  await settled();
  expect(text("task-state")).toBe("Stopping…");
  expect(text("cancel-stages")).toContain("The worker stops it");
});

test.each([
  ["2026-11-23T14:30", "2026-11-23T14:30"],
  ["2026-11-23 14:30", "2026-11-23T14:30"],
  ["2026-11-23", "2026-11-23T00:00"],
  ["2026-11-23T14:30:59.5", "2026-11-23T14:30"],
  ["  ", ""],
])("the time %s is %s", (typed, expected) => {
  const at = fromLocalTime(typed);
  expect(at === undefined ? at : localTime(at)).toBe(expected);
});

test.each(["2026-02-30", "2026-11-23T25:00", "yesterday", "23.11.2026"])("%s is no time", (typed) =>
  expect(fromLocalTime(typed)).toBeUndefined(),
);
