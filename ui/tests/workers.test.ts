import { expect, test } from "vitest";
import { moment } from "$lib/format";
import { anOverview, aWorker, NOW, someVitals } from "./builders";
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
  expect(text("workers-empty")).toContain("Settings");
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
