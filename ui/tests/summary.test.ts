import { expect, test } from "vitest";
import type { HealthCheck } from "$lib/generated/HealthCheck";
import { announcement, planned, reportSummary } from "$lib/operations/summary";
import { RateMeter } from "$lib/state/rate";
import {
  aCheck as anyCheck,
  aCleanup,
  aHealth,
  anEntry,
  aPreview,
  detailOf,
  ended,
  someStatistics,
} from "./builders";

function aCheck(id: string, status: HealthCheck["status"], observed: number | null): HealthCheck {
  return anyCheck(id, { status, observed });
}

test.each([
  [aCleanup({ files_removed: 12, bytes_removed: 4_000_000 }), "removed 12 files, 4 MB"],
  [aCleanup(), "there was nothing to remove"],
  [aCleanup({ files_matched: 2, problems_total: 2 }), "nothing was removed, 2 problems"],
  [
    aCleanup({ runs_removed: 3, files_removed: 214, bytes_removed: 3_200_000_000 }),
    "removed 3 runs, 214 files, 3.2 GB",
  ],
  [
    aCleanup({ files_removed: 1, bytes_removed: 10, directories_removed: 1 }),
    "removed 1 file, 1 empty folder, 10 B",
  ],
  [aPreview([anEntry("/a"), anEntry("/b")]), "would remove 2 files (8.2 kB)"],
  [aPreview([]), "there is nothing to remove"],
  [aHealth({ checks: [aCheck("cpu", "ok", 3)] }), "healthy: 1 check, all well"],
  [
    aHealth({
      status: "critical",
      checks: [
        aCheck("memory", "warning", 91),
        aCheck("disk:/var", "critical", 97),
        aCheck("swap", "warning", 88),
      ],
    }),
    "critical: disk /var 97 %, memory 91 % and 1 more",
  ],
  [
    aHealth({ status: "degraded", checks: [aCheck("pressure:io", "unknown", null)] }),
    "degraded: pressure io unknown",
  ],
  [someStatistics(), "17 tasks in 24 hours, 94 % succeeded; load 0.84"],
  [someStatistics({ queue: null }), "load 0.84"],
  [null, ""],
  [{ anything: 1 }, ""],
])("the report %# is told in one line", (report, expected) => expect(reportSummary(report)).toBe(expected));

test("a plan counts its list, not what was kept", () => {
  const report = aPreview([anEntry("/a"), anEntry("/b", { kind: "directory" })], {
    files_matched: 5,
    files_kept: 4,
  });
  expect(planned(report)).toEqual({ files: 1, runs: 0, bytes: 4096, exact: true });
});

test("a plan too long to list is counted by its totals without what was kept", () => {
  const report = aPreview([anEntry("/a")], { files_matched: 5000, files_kept: 4, entries_truncated: true });
  expect(planned(report)).toMatchObject({ files: 4996, exact: false });
});

test("a result is announced with its title, state and line", () => {
  const detail = detailOf(ended("succeeded"), aCleanup({ files_removed: 12, bytes_removed: 4e6 }));
  expect(announcement(detail)).toBe("Clean temporary files: succeeded, removed 12 files, 4 MB");
});

test("a failure is announced with its reason", () => {
  const error = { kind: "permanent", message: "the folder is missing", hint: "" };
  expect(announcement(detailOf(ended("failed", { error })))).toBe(
    "Clean temporary files: failed, the folder is missing",
  );
});

test("a rate needs a second, follows the work, and starts again with an attempt", () => {
  const meter = new RateMeter();
  const speed = (attempt: number, done: number, now: number) => meter.observe(attempt, done, null, now).speed;
  expect(speed(1, 0, 0)).toBeNull();
  expect(speed(1, 50, 500)).toBeNull();
  expect(speed(1, 100, 1000)).toBe(100);
  for (let second = 2; second <= 20; second += 1) speed(1, 100 + second * 10, second * 1000);
  expect(speed(1, 310, 21_000)).toBeCloseTo(10, 0);
  expect(speed(2, 5, 22_000)).toBeNull();
});

test("the time left follows slowly, and is unknown without a total or movement", () => {
  const meter = new RateMeter();
  expect(meter.observe(1, 0, 1000, 0).left).toBeNull();
  expect(meter.observe(1, 100, 1000, 1000).left).toBe(9000);
  // one quick second moves it less than the speed itself
  const quick = meter.observe(1, 400, 1000, 2000);
  expect(quick.speed).toBe(200);
  expect(quick.left).toBeGreaterThan(3000);
  expect(quick.left).toBeLessThan(6000);
  expect(meter.observe(1, 1000, 1000, 3000).left).toBeNull();
  expect(new RateMeter().observe(1, 5, null, 0).left).toBeNull();
  const still = new RateMeter();
  still.observe(1, 5, 10, 0);
  expect(still.observe(1, 5, 10, 2000)).toEqual({ speed: 0, left: null });
});
