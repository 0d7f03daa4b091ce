// what can be known of and done with one task: why it waits, its priority, its attempts, closing it by force.
import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { Task } from "$lib/generated/Task";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import { anAttempt, aTask, aWorker, detailOf, ended, NOW, running } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

function showing(task: Task, rest: Partial<TaskDetail> = {}): FakeBackend {
  const backend = new FakeBackend();
  backend.update({ ...detailOf(task), ...rest });
  return backend;
}

const PAGE = "#/tasks/task-1";

test("a queued task says why it waits", async () => {
  const waiting = { reason: "no_worker" as const, host: "web-02", last_seen: null };
  await openApp(showing(aTask({ waiting, target_host: "web-02" })), PAGE);
  expect(text("task-waiting")).toBe("Queued; no worker on web-02 that performs it has ever been seen");
});

test("the reason follows workers that come and go, although the task itself does not change", async () => {
  const backend = showing(aTask({ waiting: { reason: "no_worker", host: null, last_seen: null } }));
  await openApp(backend, PAGE);
  backend.details.set("task-1", detailOf(aTask({ waiting: { reason: "workers_draining", host: null } })));
  backend.changed({ kind: "worker", worker_id: "w" });
  await eventually(() =>
    expect(text("task-waiting")).toBe("Queued; every worker that may take it is draining"),
  );
});

async function setPriority(value: string): Promise<void> {
  await fireEvent.input(find("task-priority"), { target: { value } });
  await click("task-set-priority");
}

test("the priority of a queued task can be changed", async () => {
  const backend = showing(aTask());
  await openApp(backend, PAGE);
  expect(find("task-priority")).toMatchObject({ value: "100" });
  expect(find("task-set-priority").hasAttribute("disabled")).toBe(true);
  await setPriority("5");
  expect(backend.priorities).toEqual([["task-1", 5]]);
  expect(text("notice-task")).toContain("Its priority is 5 now");
});

test.each(["-1", "1.5", ""])("%j is no priority", async (value) => {
  const backend = showing(aTask());
  await openApp(backend, PAGE);
  await setPriority(value);
  expect(backend.priorities).toEqual([]);
});

test("a task that started meanwhile keeps its priority, and that is said", async () => {
  const backend = showing(aTask());
  backend.priorityOutcome = "not_queued";
  await openApp(backend, PAGE);
  await setPriority("5");
  expect(text("notice-task")).toContain("It no longer waits");
});

test("a running task has no priority to change", async () => {
  await openApp(showing(running()), PAGE);
  expect(query("task-priority")).toBeNull();
});

test("each attempt tells who, how it ended in words, its error and what to do", async () => {
  const error = { kind: "lease_expired", message: "no sign of life for 10 s", hint: "look at the host" };
  const attempts = [
    anAttempt({ outcome: "lost", error, host: "web-02", pid: 77 }),
    anAttempt({ number: 2, outcome: "timed_out" }),
  ];
  await openApp(showing(ended("failed", { attempt: 2, max_attempts: 2, error }), { attempts }), PAGE);
  const [first, second] = all("task-attempt").map((row) => (row.textContent ?? "").replaceAll(/\s+/g, " "));
  for (const said of [
    "Worker lost",
    "Its worker gave no sign of life, so the task was taken from it",
    "web-02, process 77",
    "worker …0000abcd",
    "No sign of life for 10 s",
    "Look at the host",
    "1 min",
  ]) {
    expect(first).toContain(said);
  }
  expect(second).toContain("It took longer than allowed and was stopped");
  expect(text("task-dead")).toContain("Each of its 2 attempts is used up");
});

test("a task that failed for good before its attempts ran out says so", async () => {
  await openApp(showing(ended("failed"), { attempts: [anAttempt()] }), PAGE);
  expect(text("task-dead")).toContain("trying again would not mend");
});

test("what a worker said too late is told, and that it changed nothing", async () => {
  const late = {
    at: NOW,
    outcome: "failed" as const,
    error: { kind: "io", message: "the disk is full", hint: "make room" },
  };
  const attempts = [
    anAttempt({ outcome: "lost", late: { at: NOW, outcome: "succeeded", error: null } }),
    anAttempt({ number: 2, outcome: "lost", late }),
  ];
  await openApp(showing(ended("failed"), { attempts }), PAGE);
  const said = all("attempt-late").map((line) => (line.textContent ?? "").replaceAll(/\s+/g, " ").trim());
  expect(said[0]).toMatch(/^Came back .* and said: succeeded; it changed nothing\.$/);
  expect(said[1]).toContain("said: failed (the disk is full; make room); it changed nothing.");
});

test.each([
  [
    "stale",
    [aWorker({ state: "stale", pid: 77, host: "web-02" })],
    "process 77 on web-02, gave no sign of life",
  ],
  ["stopped", [aWorker({ state: "stopped" })], "has stopped"],
  ["unknown", [aWorker({ id: "another" })], "is not known any more"],
])("a running task whose worker is %s can be closed by force, after asking", async (_, workers, words) => {
  const backend = showing(running());
  backend.workers = workers;
  await openApp(backend, PAGE);
  expect(text("worker-gone")).toContain(words);
  await click("task-force-close");
  expect(backend.forceClosed).toEqual([]);
  expect(text("force-close-dialog")).toContain("The task becomes cancelled and is not tried again");
  await click("force-close-confirm");
  expect(backend.forceClosed).toEqual(["task-1"]);
  expect(query("force-close-dialog")).toBeNull();
  expect(text("notice-task")).toContain("Closed: the task is cancelled");
});

test.each(["active", "busy", "draining"] as const)(
  "a task whose worker is %s cannot be closed by force",
  async (state) => {
    const backend = showing(running());
    backend.workers = [aWorker({ state })];
    await openApp(backend, PAGE);
    expect(query("task-force-close")).toBeNull();
  },
);

test("nothing is offered while the workers are not known", async () => {
  const backend = showing(running());
  backend.failing.listWorkers = { code: "database_unavailable", message: "locked", hint: "" };
  await openApp(backend, PAGE);
  expect(query("task-force-close")).toBeNull();
});

test("a worker that turns out to live leads to the advice to cancel instead", async () => {
  const backend = showing(running());
  backend.workers = [aWorker({ state: "stale" })];
  backend.forceCloseOutcome = { status: "worker_alive", heartbeat_at: NOW };
  await openApp(backend, PAGE);
  await click("task-force-close");
  await click("force-close-confirm");
  expect(text("notice-task")).toContain("Nothing changed: its worker is alive");
  expect(text("notice-task")).toContain("Cancel the task instead");
});

test("the offer goes when the worker breathes again", async () => {
  const backend = showing(running());
  backend.workers = [aWorker({ state: "stale" })];
  await openApp(backend, PAGE);
  expect(query("task-force-close")).not.toBeNull();
  backend.workers = [aWorker({ state: "busy" })];
  backend.changed({ kind: "worker", worker_id: "worker-1" });
  await eventually(() => expect(query("task-force-close")).toBeNull());
});

test("running a cleanup again previews it on the host it was for", async () => {
  const backend = showing(ended("succeeded", { target_host: "web-02" }));
  await openApp(backend, PAGE);
  await click("task-run-again");
  expect(backend.triggered[0]).toMatchObject({ host: "web-02", params: { dry_run: true } });
  await settled();
});
