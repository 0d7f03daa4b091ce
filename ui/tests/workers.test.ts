import { expect, test } from "vitest";
import { moment } from "$lib/format";
import { anOverview, aWorker, NOW, someVitals } from "./builders";
import { POINTS_MAX, withVitals } from "$lib/operations/courses";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const LOCKED = {
  code: "database_unavailable" as const,
  message: "the database is locked",
  hint: "try again",
};

function withWorkers(...workers: Parameters<typeof aWorker>[0][]): FakeBackend {
  const backend = new FakeBackend();
  backend.workers = workers.map((change, index) => aWorker({ id: `worker-${index}`, ...change }));
  return backend;
}

const row = (id: string) => {
  const found = all("worker-row").find((element) => element.dataset.workerId === id);
  if (!found) throw new Error(`no row of ${id}`);
  return found;
};
const words = (element: HTMLElement) => (element.textContent ?? "").replaceAll(/\s+/g, " ");

test("a worker shows what it is, what it performs, how it chooses and when it lived", async () => {
  await openApp(
    withWorkers({ pid: 991, version: "0.9.1", embedded: false, concurrency: 4, strategy: "lifo" }),
    "#/workers",
  );
  for (const said of ["process 991", "service", "0.9.1", "All 5 operations", "4 at once", "newest first"]) {
    expect(words(row("worker-0"))).toContain(said);
  }
  const times = [...row("worker-0").querySelectorAll("time")];
  expect(times).toHaveLength(2);
  expect(times.every((time) => time.title.includes("2026"))).toBe(true);
});

test("each state is a word, never only a colour", async () => {
  const states = ["active", "busy", "draining", "stale", "stopped"] as const;
  await openApp(withWorkers(...states.map((state) => ({ state }))), "#/workers");
  const shown = all("worker-state").map((badge) => badge.textContent?.trim());
  expect(shown.sort()).toEqual(["Active", "Busy", "Draining", "Stale", "Stopped"]);
});

test("vital signs of a host stand as meters with numbers, each disk by itself", async () => {
  await openApp(withWorkers({ vitals: someVitals() }), "#/workers");
  const meters = [...find("worker-host").querySelectorAll("[role=meter]")];
  expect(meters.map((meter) => meter.getAttribute("aria-label"))).toEqual([
    "CPU",
    "Memory",
    "Disk /",
    "Disk /home",
    "Disk /tmp",
  ]);
  expect(text("worker-host")).toContain("320 GB free of 1.5 TB");
  expect(text("worker-host")).toContain("Sampled");
});

test("a task in hand shows its progress and the way to it", async () => {
  const progress = { done: 30, total: 40, unit: "files", message: "removing" };
  const current_tasks = [{ task_id: "t-9", operation: "cleanup-temp-files", progress }];
  await openApp(withWorkers({ state: "busy", current_tasks }), "#/workers");
  expect(text("worker-task")).toContain("30 of 40 files");
  expect(find("worker-task").querySelector("a")?.getAttribute("href")).toBe("#/tasks/t-9");
});

test("drain says what happens, asks for that worker, and reads again", async () => {
  const backend = withWorkers({}, { host: "web-02" });
  await openApp(backend, "#/workers");
  const button = row("worker-1").querySelector<HTMLElement>("[data-testid=worker-drain]");
  expect(words(row("worker-1"))).toContain("finishes what it holds and claims nothing new");
  expect(button?.getAttribute("aria-label")).toBe("Drain: worker 4711 on web-02");
  button?.click();
  await settled();
  expect(backend.wishes).toEqual(["drain worker-1"]);
  expect(text("announcer")).toBe("Worker 4711 on web-02 drains");
  backend.workers = [aWorker({ id: "worker-1", state: "draining", drain_requested_by: "anna@desk-7" })];
  await eventually(() => expect(query("worker-resume")).not.toBeNull());
});

test("a drained worker says who asked and can be resumed", async () => {
  const backend = withWorkers({ state: "draining", drain_requested_by: "anna@desk-7" });
  await openApp(backend, "#/workers");
  expect(words(row("worker-0"))).toContain("Drained by anna@desk-7");
  await click("worker-resume");
  expect(backend.wishes).toEqual(["resume worker-0"]);
});

test("the focus stays on the button when draining begins", async () => {
  const backend = withWorkers({});
  await openApp(backend, "#/workers");
  find("worker-drain").focus();
  backend.workers = [aWorker({ id: "worker-0", state: "draining", drain_requested_by: "anna" })];
  await click("worker-drain");
  await eventually(() => expect(document.activeElement?.getAttribute("data-testid")).toBe("worker-resume"));
});

test("a request that failed says why and stays", async () => {
  const backend = withWorkers({});
  backend.failing.drainWorker = LOCKED;
  await openApp(backend, "#/workers");
  await click("worker-drain");
  expect(text("error-worker-action")).toContain("The database is locked");
});

test("a worker that is gone cannot be drained", async () => {
  await openApp(withWorkers({ state: "stale" }, { state: "stopped" }), "#/workers");
  expect(query("worker-drain")).toBeNull();
});

test("a stale worker says plainly what that means and links to its tasks", async () => {
  const heartbeat_at = NOW - 3_600_000;
  await openApp(withWorkers({ state: "stale", host: "web 02", heartbeat_at }), "#/workers");
  expect(text("worker-stale")).toContain(`No sign of life since ${moment(heartbeat_at, Date.now())}`);
  expect(text("worker-stale")).toContain("What it held is given to other workers");
  expect(find("worker-stale").querySelector("a")?.getAttribute("href")).toBe("#/tasks?host=web%2002");
});

test("without a worker the page teaches how to start one", async () => {
  await openApp(new FakeBackend(), "#/workers");
  expect(text("workers-empty")).toContain("upkeep-worker run");
  expect(text("workers-empty")).toContain("upkeep-worker@all");
  expect(text("workers-empty")).toContain("the built-in one: Start it now");
});

test("workers that cannot be read say why", async () => {
  const backend = new FakeBackend();
  backend.failing.listWorkers = LOCKED;
  await openApp(backend, "#/workers");
  expect(text("error-workers")).toContain("The database is locked");
});

test.each([
  { kind: "worker" as const, worker_id: "worker-0" },
  { kind: "task" as const, task_id: "t" },
  { kind: "all" as const },
])("the page follows changes: %j", async (change) => {
  const backend = withWorkers({});
  await openApp(backend, "#/workers");
  backend.workers = [aWorker({ id: "worker-0", state: "busy" })];
  backend.changed(change);
  await eventually(() => expect(text("worker-state")).toBe("Busy"));
});

test("the strip on the overview leads to the workers", async () => {
  const backend = new FakeBackend();
  backend.overviewValue = anOverview();
  await openApp(backend);
  expect(find("workers-link").getAttribute("href")).toBe("#/workers");
  expect(find("nav-workers").getAttribute("href")).toBe("#/workers");
});

test("the worker inside is started and stopped without a restart, and nothing is asked for", async () => {
  const backend = withWorkers({ state: "active" });
  await openApp(backend, "#/workers");
  expect(text("embedded-state")).toBe("Not running");
  await click("embedded-start");
  expect(text("embedded-state")).toBe("Running");
  await click("embedded-stop");
  expect(text("embedded-state")).toBe("Not running");
  expect(backend.wishes).toEqual(["begin", "end"]);
  expect(backend.triggered).toEqual([]);
});

test("stopping a worker that holds a task says what becomes of it, and offers to drain", async () => {
  const current_tasks = [{ task_id: "t", operation: "cleanup-runs", progress: null }];
  const backend = withWorkers({ id: "worker-inside", state: "busy", current_tasks });
  backend.embeddedValue = { running: "worker-inside", starts_with_app: true };
  await openApp(backend, "#/workers");
  await click("embedded-stop");
  expect(text("embedded-stop-dialog")).toContain("Clean up old runs");
  expect(text("embedded-stop-dialog")).toContain("No other worker is alive: it waits until one is");
  expect(backend.wishes).toEqual([]);
  await click("embedded-drain");
  expect(backend.wishes).toEqual(["drain worker-inside"]);
  await click("embedded-stop");
  await click("embedded-stop-now");
  expect(backend.wishes).toEqual(["drain worker-inside", "end"]);
});

test("workers that are gone are forgotten by a person, one or all of a host", async () => {
  const backend = withWorkers(
    { state: "active" },
    { state: "stale", pid: 12 },
    { state: "stopped" },
    { state: "stopped" },
  );
  await openApp(backend, "#/workers");
  expect(text("workers-total")).toContain("Stale 1");
  await click("worker-forget");
  expect(backend.wishes).toEqual(["forget worker-1"]);
  await eventually(() => expect(all("worker-row")).toHaveLength(3));
  await click("forget-stopped");
  expect(backend.wishes.at(-1)).toBe("forget worker-2 worker-3");
  await eventually(() => expect(all("worker-row")).toHaveLength(1));
});

test("without a worker the exact command is there, and what it lacks", async () => {
  const backend = withWorkers();
  backend.trouble = {
    worker_command: "UPKEEP_HOME='/srv/anna' upkeep-worker run",
    worker_command_lacks_password: true,
  };
  await openApp(backend, "#/workers");
  expect(text("worker-command")).toBe("UPKEEP_HOME='/srv/anna' upkeep-worker run");
  expect(text("worker-command-password")).toContain("UPKEEP_DATABASE_URL");
  await click("start-inside");
  expect(backend.wishes).toEqual(["begin"]);
});

test("a course holds what heartbeats brought, once each, and no more than it may", () => {
  const beat = (at: number, cpu: number) => aWorker({ vitals: someVitals({ at, cpu_percent: cpu }) });
  let courses = withVitals(new Map(), [beat(1, 10)]);
  courses = withVitals(courses, [beat(1, 10), beat(0, 99)]);
  expect(courses.get("desk-7")?.map(({ cpu }) => cpu)).toEqual([10]);
  for (let at = 2; at < 3 * POINTS_MAX; at += 1) courses = withVitals(courses, [beat(at, at)]);
  expect(courses.get("desk-7")).toHaveLength(POINTS_MAX);
  expect(courses.get("desk-7")?.at(-1)?.at).toBe(3 * POINTS_MAX - 1);
  expect(withVitals(courses, []).size).toBe(0);
});

test("the course of a host is drawn from its second heartbeat on, and says itself in words", async () => {
  const backend = withWorkers({ vitals: someVitals({ at: NOW - 3000, cpu_percent: 20 }) });
  await openApp(backend, "#/workers");
  expect(query("vitals-course")).toBeNull();
  backend.workers = [aWorker({ vitals: someVitals({ at: NOW, cpu_percent: 40 }) })];
  backend.changed({ kind: "worker", worker_id: "worker-0" });
  await eventually(() => expect(query("vitals-course")).not.toBeNull());
  const labels = all("sparkline").map((line) => line.getAttribute("aria-label"));
  expect(labels[0]).toBe("CPU of desk-7 over 3 s: now 40 %, from 20 % to 40 %");
});
