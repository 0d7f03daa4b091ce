import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { Task } from "$lib/generated/Task";
import {
  aCleanup,
  anEntry,
  anOverview,
  aPreview,
  aTask,
  aWorker,
  detailOf,
  ended,
  fannedOut,
  NOW,
  running,
} from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const CHECK = "health-check";

function group(operation: string, tasks: Record<string, Task>): FakeBackend {
  const backend = new FakeBackend();
  for (const [host, task] of Object.entries(tasks)) {
    backend.update(detailOf({ ...task, id: `t-${host}`, group_id: "g1", target_host: host, operation }));
  }
  const workers = Object.keys(tasks).map((host) => aWorker({ id: host, host }));
  backend.overviewValue = anOverview({}, { workers });
  return backend;
}

const error = { kind: "permanent", message: "the disk is full", hint: "make room" };

test("each host has a row with its state, reason, progress, error and link", async () => {
  const backend = group(CHECK, {
    a: ended("failed", { error }),
    b: aTask({ waiting: { reason: "no_worker", host: "b", last_seen: null } }),
    c: running({ progress: { done: 3, total: 4, unit: "checks", message: "looking" } }),
    d: ended("succeeded"),
  });
  await openApp(backend, "#/groups/g1");
  expect(all("group-row").map((row) => [row.dataset.host, row.dataset.state])).toEqual([
    ["a", "failed"],
    ["b", "queued"],
    ["c", "running"],
    ["d", "succeeded"],
  ]);
  const rows = all("group-row").map((row) => (row.textContent ?? "").replaceAll(/\s+/g, " "));
  expect(rows[0]).toContain("The disk is full Make room");
  expect(rows[1]).toContain("Queued; no worker on b that performs it has ever been seen");
  expect(rows[2]).toContain("3 of 4 checks");
  expect(rows[3]).toContain("1 min");
  const links = all("group-row").map((row) => row.querySelector("a")?.getAttribute("href"));
  expect(links).toEqual(["#/tasks/t-a", "#/tasks/t-b", "#/tasks/t-c", "#/tasks/t-d"]);
});

test("the totals count states and those that cannot begin", async () => {
  const backend = group(CHECK, {
    a: ended("failed", { error }),
    b: aTask({ waiting: { reason: "operation_paused", by: "anna", since: NOW } }),
    c: ended("failed", { error }),
  });
  await openApp(backend, "#/groups/g1");
  expect(text("group-totals")).toBe("2 of 3 have ended: 1 Queued, 2 Failed, 1 cannot begin yet");
});

test("a preview on every host says for each what would go", async () => {
  const backend = group("cleanup-temp-files", {
    a: ended("succeeded", { dry_run: true }),
    b: running({ dry_run: true }),
  });
  const task = ended("succeeded", { id: "t-a", group_id: "g1", target_host: "a", dry_run: true });
  backend.update(detailOf(task, aPreview([anEntry("/srv/a"), anEntry("/srv/b")])));
  await openApp(backend, "#/groups/g1");
  await eventually(() => expect(all("group-row")[0]?.textContent).toContain("Would remove 2 files (8.2 kB)"));
  const reads = () => backend.calls.filter((call) => call === "taskDetail").length;
  expect(reads()).toBe(1);
});

test("the page follows its tasks", async () => {
  const backend = group(CHECK, { a: running(), b: ended("succeeded") });
  await openApp(backend, "#/groups/g1");
  backend.update(
    detailOf(ended("succeeded", { id: "t-a", group_id: "g1", target_host: "a", operation: CHECK })),
  );
  backend.changed({ kind: "task", task_id: "t-a" });
  await eventually(() => expect(text("group-totals")).toContain("All have ended: 2 Succeeded"));
});

test("repeating names the hosts it asks again and links the new group", async () => {
  const backend = group(CHECK, {
    a: ended("failed", { error }),
    b: ended("succeeded"),
    c: ended("cancelled"),
  });
  backend.onRepeat = () => fannedOut("g2", ["a", "c"]);
  await openApp(backend, "#/groups/g1");
  expect(text("group-repeat")).toBe("Repeat for 2 hosts");
  const words = document.getElementById(find("group-repeat").getAttribute("aria-describedby") ?? "");
  expect(words?.textContent).toContain("Only where it failed, was cancelled or was never begun: a and c");
  await click("group-repeat");
  expect(backend.repeated).toEqual(["g1"]);
  expect(text("notice-group")).toContain("Queued on 2 hosts");
  expect(find("notice-group").querySelector("a")?.getAttribute("href")).toBe("#/groups/g2");
});

test("where every host succeeded there is nothing to repeat", async () => {
  await openApp(group(CHECK, { a: ended("succeeded") }), "#/groups/g1");
  expect(query("group-repeat")).toBeNull();
});

test("repeating a removal asks first", async () => {
  const backend = group("cleanup-temp-files", { a: ended("failed", { error }), b: ended("succeeded") });
  await openApp(backend, "#/groups/g1");
  await click("group-repeat");
  expect(backend.repeated).toEqual([]);
  expect(text("repeat-dialog")).toContain("removes files on 1 host");
  await click("repeat-confirm");
  expect(backend.repeated).toEqual(["g1"]);
});

test("repeating previews asks nothing, and what the finished ones list is removed after a question", async () => {
  const params = { max_age_hours: 24, dry_run: true };
  const backend = group("cleanup-temp-files", {
    a: ended("succeeded", { dry_run: true, params }),
    b: ended("failed", { dry_run: true, params, error }),
  });
  await openApp(backend, "#/groups/g1");
  await click("group-repeat");
  expect(backend.repeated).toEqual(["g1"]);
  await click("group-remove");
  expect(backend.executed).toEqual([]);
  expect(text("execute-dialog")).toContain("removes exactly what each preview lists");
  expect(text("execute-dialog")).toContain("on 1 host");
  await click("execute-confirm");
  expect(backend.executed).toEqual(["g1"]);
});

test("what previews list on many hosts is added up, and a far-reaching removal waits for its number", async () => {
  const backend = group("cleanup-temp-files", {
    a: ended("succeeded", { dry_run: true }),
    b: ended("succeeded", { dry_run: true }),
  });
  for (const host of ["a", "b"]) {
    const detail = [...backend.details.values()].find(({ task }) => task.target_host === host);
    if (!detail) throw new Error(`no task on ${host}`);
    const report = aPreview([], { files_matched: 6000, bytes_matched: 1e9, entries_truncated: true });
    backend.details.set(detail.task.id, detailOf(detail.task, report));
  }
  await openApp(backend, "#/groups/g1");
  await click("group-remove");
  expect(text("execute-reach")).toBe("12,000 files, 2 GB, on 2 hosts");
  await click("execute-confirm");
  expect(backend.executed).toEqual([]);
  await fireEvent.input(find("execute-type"), { target: { value: "12000" } });
  await settled();
  await click("execute-confirm");
  expect(backend.executed).toEqual(["g1"]);
});

test("a removal is not offered while a preview is still at work", async () => {
  const backend = group("cleanup-temp-files", {
    a: ended("succeeded", { dry_run: true }),
    b: running({ dry_run: true }),
  });
  await openApp(backend, "#/groups/g1");
  expect(query("group-remove")).toBeNull();
});

test("a group that is not there says so", async () => {
  await openApp(new FakeBackend(), "#/groups/gone");
  expect(text("error-group")).toContain("Group gone does not exist");
});

test("a task of a fan-out leads to its group", async () => {
  const backend = group(CHECK, { a: ended("succeeded") });
  backend.update(detailOf(ended("succeeded", { id: "t-a", group_id: "g1", target_host: "a" }), aCleanup()));
  await openApp(backend, "#/tasks/t-a");
  expect(find("task-group").getAttribute("href")).toBe("#/groups/g1");
});

test("the list of tasks can be narrowed to a fan-out by a link, and widened again", async () => {
  const backend = group(CHECK, { a: ended("succeeded"), b: ended("succeeded") });
  backend.update(detailOf(ended("succeeded", { id: "other" })));
  await openApp(backend, "#/tasks?group=g1");
  expect(all("task-row")).toHaveLength(2);
  expect(text("filter-group")).toBe("Fan-out g1");
  find("filter-group").querySelector("button")?.click();
  await settled();
  expect(all("task-row")).toHaveLength(3);
  expect(window.location.hash).toBe("#/tasks");
});
