import { tick } from "svelte";
import { beforeEach, expect, test, vi } from "vitest";
import type { LiveSample } from "$lib/generated/LiveSample";
import { measuresOf, outerInterfaces, wholeDisks } from "$lib/operations/live";
import { History } from "$lib/state/history";
import { LiveState } from "$lib/state/live.svelte";
import { aSample, aWorker, NOW, someSettings, someVitals } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, setVisibility, settled, text } from "./window";

vi.mock("$lib/components/chart/draw", () => ({
  draw: () => ({ show: vi.fn(), resize: vi.fn(), repaint: vi.fn(), destroy: vi.fn() }),
}));

const LIVE = "#/health/live";
const SECOND = 1000;
let backend = new FakeBackend();
beforeEach(() => {
  backend = new FakeBackend();
  backend.settingsValue = someSettings({ host: "desk-7" });
});

async function sampled(...samples: LiveSample[]): Promise<void> {
  for (const sample of samples) for (const watcher of backend.liveWatchers) watcher.update(sample);
  await settled();
}
const watching = () => backend.liveWatchers.size;

/** The rows of a chart's table, each as its cells. */
async function rowsOf(chart: string): Promise<string[][]> {
  await click(`${chart}-table`);
  return [...find(chart).querySelectorAll("tbody tr")].map((row) =>
    [...row.querySelectorAll("td")].map((cell) => cell.textContent ?? ""),
  );
}

test("a history is a ring: an hour stays, and what is older goes", () => {
  const history = new History(5);
  for (let second = 1; second <= 8; second += 1) history.push(second * SECOND, [["a", second]]);
  const view = history.view(0);
  expect(view.times).toEqual([4000, 5000, 6000, 7000, 8000]);
  expect(view.column("a")).toEqual([4, 5, 6, 7, 8]);
  expect(history.view(7000).column("a")).toEqual([7, 8]);
  expect(view.column("never heard of")).toEqual([null, null, null, null, null]);
});

test("what is not told in a row is not known there, even where the ring comes round", () => {
  const history = new History(3);
  history.push(1, [["a", 1]]);
  history.push(2, [["a", null]]);
  history.push(3, []);
  history.push(4, [["a", 4]]);
  history.push(5, []);
  expect(history.view(0).column("a")).toEqual([null, 4, null]);
});

test("devices that come and go take no memory for ever", () => {
  const history = new History(10);
  for (let second = 1; second <= 10_000; second += 1) history.push(second, [[`veth${second}`, 1]]);
  expect(history.columns).toBeLessThan(40);
});

test("a clock that was set back begins a new history", () => {
  const history = new History(5);
  history.push(9000, [["a", 1]]);
  history.push(100, [["a", 2]]);
  expect(history.view(0).times).toEqual([100]);
  expect(history.view(0).column("a")).toEqual([2]);
});

test("what passes a partition, a bridge or the loopback is not counted twice", () => {
  const { devices, interfaces } = aSample();
  expect(wholeDisks(devices).map(({ name }) => name)).toEqual(["sda"]);
  expect(outerInterfaces(interfaces).map(({ name }) => name)).toEqual(["eth0"]);
  const without = interfaces.map((one) => ({ ...one, is_physical: false }));
  expect(outerInterfaces(without).map(({ name }) => name)).toEqual(["eth0"]);
  const kept = new Map(measuresOf(aSample()));
  expect(kept.get("disk.written")).toBe(3e6);
  expect(kept.get("network.received")).toBe(4e5);
  expect(kept.get("memory.reclaimable")).toBe(10e9);
});

test("rates that are not known are kept as not known, never as nothing", () => {
  const first = aSample().devices.map((device) => ({ ...device, read_bytes_per_second: null }));
  expect(new Map(measuresOf(aSample({ devices: first }))).get("disk.read")).toBeNull();
});

test("it samples only while its page is open and the window can be seen", async () => {
  await openLive();
  expect(watching()).toBe(1);
  setVisibility("hidden");
  expect(watching()).toBe(0);
  setVisibility("visible");
  expect(watching()).toBe(1);
  await openAnother("#/workers");
  expect(watching()).toBe(0);
  setVisibility("hidden");
  setVisibility("visible");
  expect(watching()).toBe(0);
});

async function openLive(): Promise<void> {
  await openApp(backend, LIVE);
  await loaded();
}

/** The live view is loaded when it is first looked at. */
async function loaded(): Promise<void> {
  await eventually(() => expect(query("live-host")).not.toBeNull());
  await settled();
}

async function openAnother(hash: string): Promise<void> {
  window.location.hash = hash;
  await eventually(() => expect(document.title).not.toContain(hash === LIVE ? "Workers" : "Health"));
  if (hash === LIVE) await loaded();
  else await settled();
}

test("a window that opens hidden samples nothing", () => {
  setVisibility("hidden");
  const stop = new LiveState(backend).follow();
  expect(watching()).toBe(0);
  stop();
});

test("pausing stops the sampling, and going on begins it again", async () => {
  await openLive();
  await sampled(aSample());
  await click("live-pause");
  expect(watching()).toBe(0);
  expect(text("live-status")).toContain("Paused: nothing is sampled");
  setVisibility("hidden");
  setVisibility("visible");
  expect(watching()).toBe(0);
  await click("live-pause");
  expect(watching()).toBe(1);
  // a stream that is opened twice would sample twice for a moment
  expect(backend.calls.filter((call) => call === "watchLive")).toHaveLength(2);
});

test("what was seen is still there after leaving, with a gap where nobody looked", async () => {
  await openLive();
  await sampled(aSample({ at: NOW }), aSample({ at: NOW + SECOND }));
  await openAnother("#/workers");
  await openAnother(LIVE);
  await sampled(aSample({ at: NOW + 90 * SECOND }));
  expect(text("live-cpu-chart-summary")).toContain("One stretch of time without values.");
  expect(await rowsOf("live-cpu-chart")).toHaveLength(3);
});

test("a range shows that much of the past", async () => {
  await openLive();
  await sampled(aSample({ at: NOW - 50 * 60 * SECOND }), aSample({ at: NOW }));
  expect(await rowsOf("live-load-chart")).toHaveLength(1);
  await click("live-load-chart-table");
  const range = find("live-range") as HTMLSelectElement;
  range.value = "1 hour";
  range.dispatchEvent(new Event("change", { bubbles: true }));
  await settled();
  expect(await rowsOf("live-load-chart")).toHaveLength(2);
});

test("every figure of a sample is shown", async () => {
  await openLive();
  await sampled(aSample());
  expect(text("live-cpu")).toContain("38 % busy on 2 cores");
  const cores = [...find("live-cores").querySelectorAll("[role=meter]")];
  expect(cores.map((core) => core.getAttribute("aria-valuetext"))).toEqual(["50 %", "25 %"]);
  expect(text("live-memory")).toContain("25 % used: 12 GB of 16 GB available");
  expect(text("live-memory")).toContain("Swap");
  const [root, share] = all("live-disk");
  expect(root?.textContent).toContain("60 %");
  expect(root?.textContent).toContain("25 %");
  expect(root?.textContent).toContain("1.5 MB/s");
  expect(share?.textContent).toContain("another machine answers for it");
  expect(all("live-interface").map((row) => row.dataset.name)).toEqual(["lo", "eth0"]);
  expect(all("live-interface")[1]?.textContent).toContain("rising");
  expect(text("live-load")).toContain("All tasks waited: CPU 0 %, Disks 1.5 %");
  expect(text("live-temperature")).toContain("61.4 °C");
  expect(text("live-processes")).toContain("rustc");
  expect(text("live-processes")).toContain("180 %");
  expect(text("live-queue")).toContain(
    "3 tasks waiting, 1 running. The oldest that is due has waited for 42 s.",
  );
  expect(text("live-status")).toContain("in 0.24 ms");
});

test("what a machine does not tell is said to be not known", async () => {
  await openLive();
  await sampled(
    aSample({
      pressure: [],
      temperatures: [],
      swap: { total_bytes: 0, used_bytes: 0 },
      devices: [],
      queue: null,
      load_average: null,
    }),
  );
  expect(text("live-no-pressure")).toContain("does not tell of pressure");
  expect(text("live-temperature")).toContain("No sensor of this machine tells");
  expect(text("live-no-swap")).toContain("no swap");
  expect(text("live-disks")).toContain("not known here");
  expect(text("live-no-queue")).toContain("cannot be reached");
});

test("the first sample has no rates, and says so", async () => {
  const first = aSample();
  first.cpu = { ...first.cpu, percent: null, user_percent: null, system_percent: null };
  first.cpu.cores = first.cpu.cores.map(({ core }) => ({ core, percent: null }));
  await openLive();
  await sampled(first);
  expect(text("live-cpu")).toContain("– busy");
  const core = find("live-cores").querySelector("[role=meter]");
  expect(core?.getAttribute("aria-valuetext")).toBe("not known yet");
});

test("sixty-four cores each have their bar", async () => {
  const sample = aSample();
  sample.cpu.cores = Array.from({ length: 64 }, (_, core) => ({ core, percent: core }));
  await openLive();
  await sampled(sample);
  expect(find("live-cores").querySelectorAll("[role=meter]")).toHaveLength(64);
});

test("processes stay shown between the samples that read them", async () => {
  await openLive();
  await sampled(aSample(), aSample({ at: NOW + SECOND, processes: null }));
  expect(text("live-processes")).toContain("postgres");
});

test("a sampler that is held up is told", async () => {
  await openLive();
  await sampled(aSample({ at: Date.now() - 20 * SECOND }));
  expect(text("live-late")).toContain("No sample for 20 s");
});

test("a stream that cannot be opened says why", async () => {
  await openLive();
  const { BackendError } = await import("$lib/backend/errors");
  const error = new BackendError({ code: "internal", message: "no way in", hint: "try again" });
  for (const watcher of backend.liveWatchers) watcher.failed(error);
  await tick();
  expect(text("error-live")).toContain("No way in");
});

async function choose(host: string): Promise<void> {
  const select = find("live-host") as HTMLSelectElement;
  const option = [...select.options].find(({ textContent }) => textContent?.startsWith(host));
  select.value = option?.value ?? "";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settled();
}

test("another host shows what its heartbeats carried, its age, and what is not known", async () => {
  const vitals = (at: number, cpu_percent: number) => someVitals({ at, cpu_percent });
  backend.workers = [
    aWorker({ host: "desk-7", vitals: vitals(NOW, 1) }),
    aWorker({ id: "far", host: "web-02", vitals: vitals(Date.now() - 40 * SECOND, 10) }),
  ];
  await openLive();
  await choose("web-02");
  expect(watching()).toBe(0);
  expect(text("live-old")).toContain("The last heartbeat from web-02 came 40 seconds ago");
  expect(text("live-unknown")).toContain("not known here");
  expect(text("live-remote")).toContain("CPU");
  backend.workers = [aWorker({ id: "far", host: "web-02", vitals: vitals(Date.now(), 90) })];
  backend.changed({ kind: "worker", worker_id: "far" });
  await eventually(() => expect(query("live-old")).toBeNull());
  expect((await rowsOf("remote-cpu-chart")).map(([cpu]) => cpu)).toEqual(["90 %", "10 %"]);
  await choose("desk-7");
  expect(watching()).toBe(1);
});

test("heartbeats read on another page are part of the history", async () => {
  backend.workers = [aWorker({ host: "web-02", vitals: someVitals({ at: NOW - SECOND, cpu_percent: 5 }) })];
  await openApp(backend, "#/workers");
  backend.workers = [aWorker({ host: "web-02", vitals: someVitals({ at: NOW, cpu_percent: 6 }) })];
  await openAnother(LIVE);
  await eventually(() => expect((find("live-host") as HTMLSelectElement).options).toHaveLength(2));
  await choose("web-02");
  expect((await rowsOf("remote-cpu-chart")).map(([cpu]) => cpu)).toEqual(["6 %", "5 %"]);
});

test("a host without heartbeats says so", async () => {
  backend.workers = [aWorker({ host: "web-03", vitals: null })];
  await openLive();
  await eventually(() => expect((find("live-host") as HTMLSelectElement).options).toHaveLength(2));
  await choose("web-03");
  expect(text("live-nothing")).toContain("Nothing is known of web-03 yet");
});
