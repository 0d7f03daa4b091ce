import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { coalesced, followChanges } from "$lib/state/follow";
import { Vitals } from "$lib/state/vitals.svelte";
import { someVitals } from "./builders";
import { FakeBackend } from "./fake";
import { setVisibility } from "./window";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A read that takes as long as the test says, and notes whether two ever overlap. */
function slowRead(takesMs: number) {
  const seen = { reads: 0, running: 0, most: 0 };
  const read = async () => {
    seen.reads += 1;
    seen.running += 1;
    seen.most = Math.max(seen.most, seen.running);
    await new Promise((resolve) => setTimeout(resolve, takesMs));
    seen.running -= 1;
  };
  return { seen, read };
}

test("a hundred signals during one read become one more read", async () => {
  const { seen, read } = slowRead(50);
  const reads = coalesced(read, 200);
  for (let signal = 0; signal < 100; signal += 1) reads.request();
  await vi.advanceTimersByTimeAsync(5000);
  expect(seen).toMatchObject({ reads: 2, most: 1 });
});

test("reads never overlap, however slow they are", async () => {
  const { seen, read } = slowRead(900);
  const reads = coalesced(read, 100);
  for (let signal = 0; signal < 50; signal += 1) {
    reads.request();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(seen.most).toBe(1);
  expect(seen.reads).toBeGreaterThan(3);
  expect(seen.reads).toBeLessThan(8);
});

test("after the stop nothing is read", async () => {
  const { seen, read } = slowRead(10);
  const reads = coalesced(read, 100);
  reads.request();
  reads.request();
  reads.stop();
  reads.request();
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen.reads).toBe(1);
});

test("a hidden window reads nothing, and catches up when it is looked at", async () => {
  const backend = new FakeBackend();
  const { seen, read } = slowRead(1);
  const { stop } = followChanges({ backend, read, concerns: () => true });
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen.reads).toBe(1);

  setVisibility("hidden");
  for (let signal = 0; signal < 10; signal += 1) backend.changed({ kind: "all" });
  await vi.advanceTimersByTimeAsync(5000);
  expect(seen.reads).toBe(1);

  setVisibility("visible");
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen.reads).toBe(2);
  stop();
});

test("what sends no signal is read anew on coming back, and after a while, but never unseen", async () => {
  const backend = new FakeBackend();
  const { seen, read } = slowRead(1);
  const { stop } = followChanges({ backend, read, concerns: () => true, atLeastEveryMs: 10_000 });
  await vi.advanceTimersByTimeAsync(1000);
  window.dispatchEvent(new Event("focus"));
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen.reads).toBe(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen.reads).toBe(3);
  setVisibility("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.reads).toBe(3);
  stop();
  setVisibility("visible");
  window.dispatchEvent(new Event("focus"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.reads).toBe(3);
});

test("changes that do not concern what is shown read nothing", async () => {
  const backend = new FakeBackend();
  const { seen, read } = slowRead(1);
  const { stop } = followChanges({ backend, read, concerns: (change) => change.kind === "settings" });
  await vi.advanceTimersByTimeAsync(1000);
  backend.changed({ kind: "task", task_id: "task-1" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen.reads).toBe(1);
  stop();
});

test("vital signs are watched only while the window can be seen", () => {
  const backend = new FakeBackend();
  const vitals = new Vitals(backend);
  const watchers = () => backend.vitalsWatchers.size;

  const stop = vitals.follow();
  expect(watchers()).toBe(1);
  for (const watcher of backend.vitalsWatchers) watcher.update(someVitals({ cpu_percent: 42 }));
  expect(vitals.current?.cpu_percent).toBe(42);

  setVisibility("hidden");
  expect(watchers()).toBe(0);
  setVisibility("visible");
  expect(watchers()).toBe(1);

  stop();
  expect(watchers()).toBe(0);
  setVisibility("hidden");
  setVisibility("visible");
  expect(watchers()).toBe(0);
});

test("a window that opens hidden starts no sampling", () => {
  setVisibility("hidden");
  const backend = new FakeBackend();
  const stop = new Vitals(backend).follow();
  expect(backend.vitalsWatchers.size).toBe(0);
  stop();
});
