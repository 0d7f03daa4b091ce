import { expect, test } from "vitest";
import type { UsualDuration } from "$lib/generated/UsualDuration";
import { compared, usualWords } from "$lib/operations/earlier";
import { aCleanup, detailOf, ended, NOW, running } from "./builders";
import { FakeBackend } from "./fake";
import { all, eventually, openApp, query, text } from "./window";

const usual = (low: number, high: number): UsualDuration => ({
  low_ms: low * 1000,
  high_ms: high * 1000,
  runs: 9,
  scaled: false,
});

test("time left is a range that shrinks, then a bound, then a warning", () => {
  const check = (elapsed: number, expected: string | null, late = false) => {
    const words = usualWords(usual(60, 180), elapsed * 1000);
    if (expected === null) expect(words).toBeNull();
    else expect(words).toEqual({ text: expect.stringContaining(expected), late });
  };
  check(0, "1 min to 3 min left");
  check(30, "30 s to 2 min 30 s left");
  check(90, "At most 1 min 30 s left");
  check(185, "any moment");
  check(217, "Longer than usual: most runs like this one took at most 3 min", true);
});

test("what is over at once is not forecast, but noticed when it is not over", () => {
  expect(usualWords(usual(0.1, 0.4), 100)).toBeNull();
  expect(usualWords(usual(0.1, 0.4), 5000)).toBeNull();
  expect(usualWords(usual(0.1, 0.4), 6000)?.late).toBe(true);
});

test("two runs stand side by side: how they ended, what was freed, what stayed and why", () => {
  const now = detailOf(
    ended("partial", { id: "now" }),
    aCleanup({ files_removed: 5, bytes_removed: 1000, kept: [{ reason: "in_use", count: 2, examples: [] }] }),
  );
  const before = detailOf(
    ended("succeeded", { id: "before" }),
    aCleanup({ files_removed: 9, bytes_removed: 1000, kept: [] }),
  );
  const rows = new Map(compared(now, before).map((row) => [row.what, row]));
  expect(rows.get("Files removed")).toMatchObject({ now: "5", before: "9", differs: true });
  expect(rows.get("Freed")?.differs).toBe(false);
  expect([...rows.keys()].some((what) => what.startsWith("Kept: "))).toBe(true);
  expect(rows.get("Ended as")?.differs).toBe(true);
  expect(rows.has("Runs removed"), "nothing in both").toBe(false);
});

test("a report is shown beside the run before, with the way to it", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("succeeded", { id: "now" }), aCleanup({ files_removed: 5 })));
  backend.earlier.set("now", {
    previous: detailOf(ended("succeeded", { id: "before" }), aCleanup({ files_removed: 9 })),
    usual: null,
  });
  await openApp(backend, "#/tasks/now");
  await eventually(() => expect(text("task-previous")).toContain("Files removed"));
  expect(all("compared-row").length).toBeGreaterThan(2);
  expect(document.querySelector("[data-testid=task-previous] a")?.getAttribute("href")).toBe(
    "#/tasks/before",
  );
});

test("a running task says how long it may take, and nothing when that is not known", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(running({ id: "now", started_at: NOW })));
  await openApp(backend, "#/tasks/now");
  expect(query("usual-time")).toBeNull();
  const forecast = new FakeBackend();
  forecast.update(detailOf(running({ id: "later", started_at: Date.now() })));
  forecast.earlier.set("later", { previous: null, usual: usual(600, 900) });
  await openApp(forecast, "#/tasks/later");
  await eventually(() => expect(text("usual-time")).toContain("10 min to 15 min left"));
});
