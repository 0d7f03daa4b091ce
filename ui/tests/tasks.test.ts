import { cleanup, fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { parseRoute, router } from "$lib/state/router.svelte";
import { choiceFromQuery, EVERY_TASK, filterHref, standings, taskFilter } from "$lib/operations/task-choice";
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
import { ALL_TASKS, TaskList } from "$lib/state/task-list.svelte";
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
  expect(window.location.hash).toBe("#/tasks?state=failed&failed=error");
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

test("rows that say what they said stay the very same, and are not drawn anew", async () => {
  const backend = withTasks(3);
  const { listTasks } = backend;
  let reads = 0;
  backend.listTasks = async (...asked) => {
    const page = await listTasks(...asked);
    reads += 1;
    return structuredClone(page);
  };
  const list = new TaskList(backend, ALL_TASKS);
  const stop = list.follow();
  await eventually(() => expect(list.rows).toHaveLength(3));
  const { rows } = list;
  backend.changed({ kind: "all" });
  await eventually(() => expect(reads).toBe(2));
  await settled();
  expect(list.rows).toBe(rows);
  backend.update(detailOf(ended("cancelled", { id: "task-1", enqueued_at: NOW - 1000 })));
  backend.changed({ kind: "all" });
  await eventually(() => expect(list.rows[1]?.state).toBe("cancelled"));
  expect(list.rows[0]).toBe(rows[0]);
  expect(list.rows[2]).toBe(rows[2]);
  stop();
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
  const check = (choice: typeof EVERY_TASK) => {
    const route = parseRoute(filterHref(choice));
    expect(route.page === "tasks" && choiceFromQuery(route.query)).toEqual(choice);
  };
  check(EVERY_TASK);
  check({
    ...aFilter({
      states: ["failed"],
      operations: ["health-check"],
      host: "web 02",
      group: "g",
      requested_by: "anna & (desktop)",
      since: NOW - 1000,
      until: NOW,
      failed_as: "lost",
      text: "desk & 7?",
    }),
    range: "",
  });
  check({ ...EVERY_TASK, range: "week" });
  const read = (query: string) => choiceFromQuery(new URLSearchParams(query));
  expect(read("state=failed,bogus").states).toEqual(["failed"]);
  // a link of somebody else says whatever it likes
  expect(read("range=aeon&since=yesterday&failed=lost&until=-1")).toEqual(EVERY_TASK);
});

test("a range ends when it is asked for, and two times stay where they are", () => {
  const since = (choice: Partial<typeof EVERY_TASK>) => {
    const filter = taskFilter({ ...EVERY_TASK, ...choice }, NOW);
    expect(filter).not.toHaveProperty("range");
    return [filter.since, filter.until];
  };
  expect(since({ range: "hour" })).toEqual([NOW - 3_600_000, null]);
  expect(since({ since: 5, until: 9 })).toEqual([5, 9]);
  expect(since({})).toEqual([null, null]);
});

test("lost is apart from failed: its own word, its own filter, not among what failed by itself", async () => {
  const backend = new FakeBackend();
  const error = { kind: "lease_expired", message: "the worker stopped without a word", hint: "" };
  backend.update(detailOf(ended("failed", { id: "lost", lost: true, error })));
  backend.update(detailOf(ended("failed", { id: "broken" })));
  backend.update(detailOf(running({ id: "gone", lost: true })));
  backend.update(detailOf(running({ id: "runs" })));
  await openApp(backend, "#/tasks");
  const words = Object.fromEntries(
    all("task-row").map((row) => [row.dataset.taskId, row.querySelector(".badge")?.textContent.trim()]),
  );
  expect(words).toEqual({ lost: "Lost", broken: "Failed", gone: "Worker gone", runs: "Running" });
  await click("filter-lost");
  expect(ids()).toEqual(["lost"]);
  expect(window.location.hash).toBe("#/tasks?state=failed&failed=lost");
  await click("filter-failed");
  expect(ids().sort()).toEqual(["broken", "lost"]);
  await click("filter-lost");
  expect(ids()).toEqual(["broken"]);
  // a link to all that failed shows both, and says so
  expect(standings(aFilter({ states: ["failed"] }))).toEqual(["failed", "lost"]);
  await click("filter-queued");
  await click("filter-lost");
  await click("filter-failed");
  expect(standings(choiceFromQuery(new URLSearchParams(window.location.hash.split("?")[1])))).toEqual([
    "queued",
    "lost",
  ]);
});

test("who asked and when narrow the list and stand in the address", async () => {
  const backend = new FakeBackend();
  const hour = 3_600_000;
  const now = Date.now();
  const add = (id: string, requested_by: string, ago: number) =>
    backend.update(detailOf(ended("succeeded", { id, requested_by, enqueued_at: now - ago })));
  add("new", "anna@desk-7 (desktop)", 60_000);
  add("old", "anna@desk-7 (desktop)", 30 * hour);
  add("other", "bert@desk-8 (command line)", 120_000);
  await openApp(backend, "#/tasks");
  const offered = [...((find("filter-by") as HTMLInputElement).list?.options ?? [])].map(
    (option) => option.value,
  );
  expect(offered).toEqual(["anna@desk-7 (desktop)", "bert@desk-8 (command line)"]);
  await fireEvent.input(find("filter-by"), { target: { value: " Anna " } });
  await eventually(() => expect(ids()).toEqual(["new", "old"]));
  await fireEvent.change(find("filter-time"), { target: { value: "day" } });
  await settled();
  expect(ids()).toEqual(["new"]);
  expect(window.location.hash).toBe("#/tasks?by=Anna&range=day");
  await fireEvent.change(find("filter-time"), { target: { value: "between" } });
  await settled();
  expect(ids()).toEqual(["new", "old"]);
  const at = (ms: number) =>
    new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  await fireEvent.change(find("filter-until"), { target: { value: at(now - hour) } });
  await settled();
  expect(ids()).toEqual(["old"]);
  await fireEvent.change(find("filter-since"), { target: { value: at(now - 2 * hour) } });
  await settled();
  expect(text("tasks-empty")).toContain("No task matches");
  expect(window.location.hash).toMatch(/by=Anna&since=\d+&until=\d+$/);
});

test("a filter is saved under a name, chosen again on another day, and removed", async () => {
  window.localStorage.clear();
  await openApp(withTasks(6), "#/tasks");
  expect(query("filter-new"), "all tasks are no filter").toBeNull();
  await click("filter-failed");
  await fireEvent.change(find("filter-time"), { target: { value: "week" } });
  await settled();
  await click("filter-new");
  expect(document.activeElement).toBe(find("filter-name"));
  await click("filter-save");
  expect(document.body.textContent).toContain("Give it a name.");
  await fireEvent.input(find("filter-name"), { target: { value: "Broken this week" } });
  await click("filter-save");
  expect(query("filter-new")).toBeNull();
  cleanup();
  await openApp(withTasks(6), "#/tasks");
  expect(ids()).toHaveLength(6);
  const options = [...find("filter-saved").querySelectorAll("option")].map((option) => option.textContent);
  expect(options).toEqual(["Saved filters", "Broken this week"]);
  await fireEvent.change(find("filter-saved"), { target: { value: "Broken this week" } });
  await settled();
  expect(window.location.hash).toBe("#/tasks?state=failed&failed=error&range=week");
  await click("filter-remove");
  expect(query("filter-saved")).toBeNull();
  expect(JSON.parse(window.localStorage.getItem("upkeep.filters") ?? "")).toEqual([]);
});

test.each(["", "null", "{", '{"a":1}', '[1,null,{"name":3}]', '[{"name":"x","href":"#/settings"}]'])(
  "whatever storage holds, the page of tasks opens: %s",
  async (stored) => {
    window.localStorage.setItem("upkeep.filters", stored);
    await openApp(withTasks(2), "#/tasks");
    expect(ids()).toHaveLength(2);
    window.localStorage.clear();
  },
);

test("the arrow beyond the last row brings the next page, and who comes back goes on where they were", async () => {
  const backend = withTasks(70);
  await openApp(backend, "#/tasks");
  const last = all("task-row").at(-1) as HTMLElement;
  last.focus();
  await settled();
  await fireEvent.keyDown(last, { key: "ArrowDown" });
  await settled();
  expect(ids()).toHaveLength(70);
  await fireEvent.keyDown(last, { key: "ArrowDown" });
  expect(document.activeElement?.getAttribute("data-task-id")).toBe("task-50");
  const third = all("task-row")[2] as HTMLElement;
  third.focus();
  await settled();
  await fireEvent.keyDown(third, { key: "Enter" });
  cleanup();
  await openApp(backend, "#/tasks");
  expect(
    all("task-row")
      .filter((row) => row.tabIndex === 0)
      .map((row) => row.dataset.taskId),
  ).toEqual(["task-2"]);
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
