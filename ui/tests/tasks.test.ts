import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { parseRoute, router } from "$lib/state/router.svelte";
import { filterFromQuery, filterHref } from "$lib/state/task-list.svelte";
import {
  accepted,
  aCleanup,
  aFilter,
  anAttempt,
  anEntry,
  aPreview,
  aTask,
  detailOf,
  ended,
  NOW,
  running,
} from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

function withTasks(count: number): FakeBackend {
  const backend = new FakeBackend();
  for (let index = 0; index < count; index += 1) {
    const state = index % 2 === 0 ? "succeeded" : "failed";
    backend.update(detailOf(ended(state, { id: `task-${index}`, enqueued_at: NOW - index * 1000 })));
  }
  return backend;
}

const ids = () => all("task-row").map((row) => row.dataset.taskId);

test("the newest come first, a page at a time, none twice", async () => {
  await openApp(withTasks(120), "#/tasks");
  expect(ids()).toHaveLength(50);
  expect(ids()[0]).toBe("task-0");
  await click("load-more");
  await click("load-more");
  expect(ids()).toHaveLength(120);
  expect(new Set(ids()).size).toBe(120);
  expect(query("load-more")).toBeNull();
});

test("states and operation narrow the list and stand in the address", async () => {
  const backend = withTasks(6);
  await openApp(backend, "#/tasks");
  await click("filter-failed");
  expect(ids()).toEqual(["task-1", "task-3", "task-5"]);
  expect(window.location.hash).toBe("#/tasks?state=failed");
  await click("filter-failed");
  expect(ids()).toHaveLength(6);
});

test("typing searches once, after a pause", async () => {
  const backend = withTasks(6);
  await openApp(backend, "#/tasks");
  const reads = () => backend.calls.filter((call) => call === "listTasks").length;
  const before = reads();
  for (const value of ["t", "task", "task-4"]) {
    await fireEvent.input(find("filter-text"), { target: { value } });
  }
  await eventually(() => expect(ids()).toEqual(["task-4"]));
  expect(reads()).toBe(before + 1);
});

test("newer tasks wait behind a button, and rows change in place", async () => {
  const backend = withTasks(3);
  await openApp(backend, "#/tasks");
  backend.update(detailOf(aTask({ id: "new-a", enqueued_at: NOW + 1000 })));
  backend.update(detailOf(ended("cancelled", { id: "task-1", enqueued_at: NOW - 1000 })));
  backend.changed({ kind: "task", task_id: "new-a" });
  await eventually(() => expect(text("show-newer")).toBe("1 new task — show"));
  expect(ids()).toEqual(["task-0", "task-1", "task-2"]);
  expect(all("task-row")[1]?.dataset.state).toBe("cancelled");
  await click("show-newer");
  expect(ids()).toEqual(["new-a", "task-0", "task-1", "task-2"]);
  expect(query("show-newer")).toBeNull();
});

test("a task that was cleaned from the history leaves the list", async () => {
  const backend = withTasks(3);
  await openApp(backend, "#/tasks");
  backend.details.delete("task-1");
  backend.changed({ kind: "all" });
  await eventually(() => expect(ids()).toEqual(["task-0", "task-2"]));
});

test("arrows move between rows, Tab stops at one, Enter opens it", async () => {
  await openApp(withTasks(3), "#/tasks");
  const stops = () => all("task-row").map((row) => row.tabIndex);
  expect(stops()).toEqual([0, -1, -1]);
  all("task-row")[0]?.focus();
  await fireEvent.keyDown(all("task-row")[0] as HTMLElement, { key: "ArrowDown" });
  await settled();
  expect(stops()).toEqual([-1, 0, -1]);
  expect(document.activeElement?.getAttribute("data-task-id")).toBe("task-1");
  await fireEvent.keyDown(document.activeElement as HTMLElement, { key: "Enter" });
  expect(window.location.hash).toBe("#/tasks/task-1");
});

test("an empty history teaches where tasks come from", async () => {
  await openApp(new FakeBackend(), "#/tasks");
  expect(text("tasks-empty")).toContain("Every press of a button on the Overview becomes a task here");
});

test("an empty answer to a filter says that it is the filter", async () => {
  await openApp(withTasks(3), "#/tasks?state=running");
  expect(text("tasks-empty")).toContain("No task matches");
});

test("a list that cannot be read says why", async () => {
  const backend = withTasks(3);
  backend.failing.listTasks = {
    code: "database_unavailable",
    message: "the disk is full",
    hint: "make room",
  };
  await openApp(backend, "#/tasks");
  expect(text("error-tasks")).toContain("The disk is full");
});

test.each([
  ["", "overview"],
  ["#/overview", "overview"],
  ["#/tasks", "tasks"],
  ["#/tasks/0190-ab", "task"],
  ["#/groups/0190-ab", "group"],
  ["#/groups", "tasks"],
  ["#/workers", "workers"],
  ["#/settings", "settings"],
  ["#/nonsense", "overview"],
])("the address %s is the page %s", (hash, page) => expect(parseRoute(hash).page).toBe(page));

test("a filter survives its address", () => {
  const filter = aFilter({
    states: ["failed"],
    operations: ["health-check"],
    host: "web 02",
    group: "g",
    text: "desk & 7?",
  });
  const route = parseRoute(filterHref(filter));
  expect(route.page === "tasks" && filterFromQuery(route.query)).toEqual(filter);
  expect(filterFromQuery(new URLSearchParams("state=failed,bogus")).states).toEqual(["failed"]);
});

test("a task shows its state, attempts, log, report and parameters", async () => {
  const backend = new FakeBackend();
  const error = { kind: "lease_expired", message: "the worker gave no sign of life", hint: "" };
  const task = ended("partial", { attempt: 2 });
  backend.update(
    {
      task,
      attempts: [
        anAttempt({ number: 1, pid: 11, outcome: "lost", error }),
        anAttempt({ number: 2, pid: 12, outcome: "partial" }),
      ],
      report: { ...aCleanup({ files_removed: 3, problems: [{ path: "/srv/x", reason: "read-only" }] }) },
    },
    [{ sequence: 1, attempt: 1, at: NOW, level: "warning", message: "kept one" }],
  );
  await openApp(backend, "#/tasks/task-1");
  expect(text("task-state")).toBe("Partial");
  expect(all("task-attempt").map((row) => row.dataset.outcome)).toEqual(["lost", "partial"]);
  expect(text("task-attempts")).toContain("desk-7, process 11");
  expect(text("task-log")).toContain("warning kept one");
  expect(text("report-problem")).toContain("read-only");
  expect(text("task-params")).toContain("max_age_hours");
  expect(find("task-raw").querySelector("pre")?.textContent).toContain('"outcome": "lost"');
});

test("log lines arrive as they are logged, each once", async () => {
  const backend = new FakeBackend();
  const line = (sequence: number) => ({
    sequence,
    attempt: 1,
    at: NOW,
    level: "info" as const,
    message: `line ${sequence}`,
  });
  backend.update(detailOf(running()), [line(1), line(2)]);
  await openApp(backend, "#/tasks/task-1");
  backend.update(detailOf(running()), [line(2), line(3)]);
  await settled();
  expect(all("log-line").map((row) => row.querySelector(".message")?.textContent)).toEqual([
    "line 1",
    "line 2",
    "line 3",
  ]);
});

test("earlier lines of a long log can be had", async () => {
  const backend = new FakeBackend();
  const lines = Array.from({ length: 1800 }, (_, index) => ({
    sequence: index + 1,
    attempt: 1,
    at: NOW,
    level: "info" as const,
    message: `line ${index + 1}`,
  }));
  backend.update(detailOf(ended("succeeded")), lines);
  await openApp(backend, "#/tasks/task-1");
  expect(all("log-line")).toHaveLength(500);
  await click("log-earlier");
  expect(all("log-line")).toHaveLength(1800);
  expect(query("log-earlier")).toBeNull();
});

test("run again of a cleanup makes a new preview and never repeats the old plan", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = ({ params }) => accepted(params.dry_run ? "preview" : "removal");
  const params = { max_age_hours: 5, dry_run: false, plan: "old-plan" };
  backend.update(detailOf(ended("succeeded", { params }), aCleanup()));
  await openApp(backend, "#/tasks/task-1");
  await click("task-run-again");
  expect(backend.triggered).toEqual([
    { operation: "cleanup-temp-files", params: { max_age_hours: 5, dry_run: true }, host: null },
  ]);
  const preview = ended("succeeded", {
    id: "preview",
    dry_run: true,
    params: { max_age_hours: 5, dry_run: true },
  });
  backend.update(detailOf(preview, aPreview([anEntry("/srv/scratch/a")])));
  await settled();
  await click("plan-confirm");
  expect(backend.triggered[1]?.params).toEqual({ max_age_hours: 5, dry_run: false, plan: "preview" });
  expect(backend.calls).not.toContain("runTaskAgain");
});

test("run again of a check starts at once and links the new task", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("succeeded", { operation: "health-check" })));
  await openApp(backend, "#/tasks/task-1");
  await click("task-run-again");
  expect(find("notice-task").querySelector("a")?.getAttribute("href")).toBe("#/tasks/task-1-again");
});

test("a saved report says where it is", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("succeeded"), aCleanup()));
  await openApp(backend, "#/tasks/task-1");
  await click("task-save-report");
  expect(text("notice-task")).toContain("Saved to /home/anna/report-task-1.json");
});

test("leaving a task closes its stream", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(running()));
  await openApp(backend, "#/tasks/task-1");
  expect(backend.watchersOf("task-1")).toBe(1);
  router.route = parseRoute("#/settings");
  await settled();
  expect(backend.watchersOf("task-1")).toBe(0);
});
