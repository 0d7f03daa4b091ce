// what an operator decides from, looks through afterwards, and takes back.
import { fireEvent } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";
import { timeLeft } from "$lib/format";
import type { DatabaseRoom } from "$lib/generated/DatabaseRoom";
import { historyRoom } from "$lib/operations/history-room";
import { cleanupItems, listedOf, matching, restoreItems } from "$lib/operations/report-items";
import { restoreSummary } from "$lib/operations/summary";
import { accepted, aCleanup, anEntry, aPreview, aRestore, aTask, detailOf, ended, running } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, find, openApp, query, settled, text } from "./window";

const MINUTE = 60_000;
const preview = () =>
  aPreview([anEntry("/srv/scratch/a"), anEntry("/srv/scratch/b")], {
    plan: "preview-1",
    folders: [
      { location: "scratch", folder: "renders", files: 1, bytes: 3000 },
      { location: "scratch", folder: ".", files: 1, bytes: 1000 },
    ],
    ages: [{ label: "1 to 7 days", files: 2, bytes: 4000 }],
    largest: [anEntry("/srv/scratch/b", { bytes: 3000 })],
    kept: [{ reason: "in_use", count: 300, examples: ["/srv/scratch/open", "/srv/scratch/open-2"] }],
  });
const ofPreview = () => detailOf(ended("succeeded", { id: "preview-1", dry_run: true }), preview());

const partial = () =>
  aCleanup({
    outcome: "partial",
    files_matched: 1305,
    files_removed: 1000,
    files_trashed: 1000,
    files_kept: 300,
    files_failed: 5,
    problems: [
      { path: "/srv/a/one", reason: "read-only" },
      { path: "/srv/a/two", reason: "permission denied" },
      { path: "/srv/b/three", reason: "permission denied" },
    ],
    problems_total: 5,
    kept: [{ reason: "in_use", count: 300, examples: ["/srv/b/Open"] }],
    removed: [
      { path: "/srv/gone/1", trashed: true },
      { path: "/srv/gone/2", trashed: true },
    ],
  });
const ofPartial = () => detailOf(ended("partial"), partial());

afterEach(() => vi.useRealTimers());

test("a cleanup of the history says what left the registry and how large the database is", async () => {
  const backend = new FakeBackend();
  const database = {
    outcome: "given_back",
    bytes_before: 376_000_000,
    bytes_after: 5_900_000,
    bytes_free: 0,
  } as const;
  backend.update(detailOf(ended("succeeded"), aCleanup({ workers: { matched: 3, removed: 3 }, database })));
  await openApp(backend, "#/tasks/task-1");
  expect(text("report-room")).toContain("The registry held 3 workers that are gone, of which 3 left it.");
  expect(text("report-room")).toContain("The database went from 376 MB to 5.9 MB.");
});

test("each thing that can become of the database's room is said", () => {
  const check = (change: Partial<DatabaseRoom>, ...expected: string[]) => {
    const database: DatabaseRoom = {
      outcome: "not_yet",
      bytes_before: 10_000_000,
      bytes_after: null,
      bytes_free: null,
      ...change,
    };
    expect(historyRoom(aCleanup({ dry_run: database.bytes_after === null, database }))).toEqual([
      expected.join(" "),
    ]);
  };
  const free = { bytes_after: 10_000_000, bytes_free: 4_000_000 };
  const takes = "The database takes 10 MB; 4 MB of it hold nothing and are used again.";
  check({}, "The database takes 10 MB.");
  check(
    { outcome: "partly", ...free, bytes_after: 6_000_000 },
    "The database went from 10 MB to 6 MB; 4 MB of it hold nothing and are used again.",
    "Others were at work, or this one ended early: the next cleanup goes on.",
  );
  check(
    { outcome: "needs_rewriting", ...free },
    takes,
    "It was made by an older Upkeep and shrinks only when it is rewritten, which can be asked for with the cleanup.",
  );
  check(
    { outcome: "too_large_to_rewrite", ...free },
    takes,
    "It is too large to be rewritten while others wait: stop the workers and do it by hand.",
  );
  check(
    { outcome: "left_to_server", bytes_after: 10_100_000 },
    "The database takes 10.1 MB.",
    "The server uses the room of what was removed again.",
  );
  expect(historyRoom(aCleanup())).toEqual([]);
});

test("a preview says how much lies where, how old it is, what is largest, what stays and why", async () => {
  const backend = new FakeBackend();
  backend.update(ofPreview());
  await openApp(backend, "#/tasks/preview-1");
  const rows = [...find("task-report").querySelectorAll("tr")].map((row) =>
    [...row.cells].map((cell) => cell.textContent.trim()).join(" | "),
  );
  expect(rows).toContain("renders | 1 | 3 kB | 75 %");
  expect(rows).toContain("directly in it | 1 | 1 kB | 25 %");
  expect(rows).toContain("1 to 7 days | 2 | 4 kB | 100 %");
  expect(text("largest-entry")).toContain("/srv/scratch/b");
  expect(text("report-kept")).toContain("300 entries");
  expect(text("kept-more")).toContain("1 more example /srv/scratch/open-2 The first 2 of 300.");
});

test("a plan is run from its preview's page, and one that is too old says so there", async () => {
  const backend = new FakeBackend();
  backend.update(ofPreview());
  await openApp(backend, "#/tasks/preview-1");
  await click("task-run-plan");
  expect(text("plan-dialog")).toContain("would be removed on desk-7");
  expect(find("plan-dialog").querySelectorAll("[data-testid='plan-entry']")).toHaveLength(2);
  expect(backend.triggered).toEqual([]);
  backend.failing = {
    trigger: { code: "conflict", message: "the plan preview-1 is 3 days old", hint: "preview again" },
  };
  await click("plan-confirm");
  expect(query("plan-dialog")).toBeNull();
  expect(text("error-task-action")).toContain("is 3 days old");
  backend.failing = {};
  await click("task-run-plan");
  await click("plan-confirm");
  expect(backend.triggered.at(-1)).toMatchObject({
    params: { dry_run: false, plan: "preview-1" },
    host: null,
  });
});

test("only a preview that ended with something to remove has a plan to run", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("cancelled", { id: "c", dry_run: true }), preview()));
  backend.update(detailOf(ended("succeeded", { id: "n", dry_run: true }), aPreview([])));
  await openApp(backend, "#/tasks/c");
  expect(query("task-run-plan")).toBeNull();
  await openApp(backend, "#/tasks/n");
  expect(query("task-run-plan")).toBeNull();
});

test("items are grouped by what came of them and why", () => {
  const groups = cleanupItems(partial());
  expect(groups.map((group) => [group.kind, group.reason, listedOf([group])])).toEqual([
    ["failed", "permission denied", "2"],
    ["failed", "read-only", "1"],
    ["failed", "not listed here", "0 of 2"],
    ["kept", "in use: open or locked by a program", "1 of 300"],
    ["trashed", "", "2 of 1,000"],
  ]);
  expect(matching(groups, "DENIED").map(({ path }) => path)).toEqual(["/srv/a/two", "/srv/b/three"]);
  expect(matching(groups, " open ").map(({ path }) => path)).toEqual(["/srv/b/Open"]);
  const restored = restoreItems(aRestore({ files_found: 1, files_restored: 1, restored: ["/srv/a"] }));
  expect(restored.map(({ kind, total }) => [kind, total])).toEqual([["restored", 1]]);
  // a reason may be called like something every object has
  const odd = aCleanup({ problems: [{ path: "/x", reason: "constructor" }], problems_total: 1 });
  expect(cleanupItems(odd).map(({ reason }) => reason)).toEqual(["constructor"]);
});

test("a partial outcome is looked through by reason and by text", async () => {
  const backend = new FakeBackend();
  backend.update(ofPartial());
  await openApp(backend, "#/tasks/task-1");
  const shown = () => [...all("report-problem"), ...all("report-item")].map((row) => row.dataset.path);
  expect(shown()).toHaveLength(6);
  const choose = async (value: string) => {
    await fireEvent.change(find("items-filter"), { target: { value } });
    await settled();
  };
  const write = async (value: string) => {
    await fireEvent.input(find("items-text"), { target: { value } });
    await settled();
  };
  await choose("failed permission denied");
  expect(shown()).toEqual(["/srv/a/two", "/srv/b/three"]);
  await write("/B/");
  expect(shown()).toEqual(["/srv/b/three"]);
  expect(text("items-found")).toBe("1 item");
  await choose("kept");
  expect(shown()).toEqual(["/srv/b/Open"]);
  await write("nowhere");
  expect(text("items-none")).toBe("No listed item contains that.");
  await write("");
  await choose("failed not listed here");
  expect(text("items-none")).toBe("None of these is listed in the report.");
});

test("a long list is shown bit by bit", async () => {
  const backend = new FakeBackend();
  const removed = Array.from({ length: 450 }, (_, index) => ({ path: `/srv/${index}`, trashed: false }));
  backend.update(detailOf(ended("succeeded"), aCleanup({ files_removed: 450, files_matched: 450, removed })));
  await openApp(backend, "#/tasks/task-1");
  expect(all("report-item")).toHaveLength(200);
  expect(text("items-more")).toBe("Show 200 more of 250");
  await click("items-more");
  await click("items-more");
  expect(all("report-item")).toHaveLength(450);
  expect(query("items-more")).toBeNull();
});

test("what went to the trash is put back by a task of its own, once it was said what goes back", async () => {
  const backend = new FakeBackend();
  backend.update(ofPartial());
  backend.onTrigger = () => accepted("restore-1");
  await openApp(backend, "#/tasks/task-1");
  await click("task-restore");
  expect(text("restore-dialog")).toContain("1,000 files would go back from the trash of desk-7");
  expect(text("restore-dialog")).toContain("2 of 1,000 are listed; all of them go back.");
  expect(all("restore-file").map((row) => row.textContent)).toEqual(["/srv/gone/1", "/srv/gone/2"]);
  expect(backend.triggered).toEqual([]);
  await click("restore-confirm");
  expect(backend.triggered).toEqual([
    { operation: "restore-from-trash", params: { cleanup: "task-1" }, host: null },
  ]);
  expect(query("restore-dialog")).toBeNull();
  expect(find("notice-task").querySelector("a")?.getAttribute("href")).toBe("#/tasks/restore-1");
});

test("what was deleted, or only looked at, offers nothing to restore", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(ended("succeeded", { id: "deleted" }), aCleanup({ files_removed: 3 })));
  backend.update(ofPreview());
  // a report of an earlier version says nothing of a trash
  const { files_trashed, removed, largest, ...older } = aCleanup({ files_removed: 3 });
  expect([files_trashed, removed, largest]).toEqual([0, [], []]);
  backend.update(detailOf(ended("succeeded", { id: "older" }), older));
  for (const id of ["deleted", "preview-1", "older"]) {
    await openApp(backend, `#/tasks/${id}`);
    expect(text("report-summary")).not.toBe("");
    expect(query("task-restore")).toBeNull();
  }
});

test("a refused restoration says why and stays", async () => {
  const backend = new FakeBackend();
  backend.update(ofPartial());
  backend.failing = { trigger: { code: "conflict", message: "nothing can be restored", hint: "look" } };
  await openApp(backend, "#/tasks/task-1");
  await click("task-restore");
  await click("restore-confirm");
  expect(text("error-task-action")).toContain("Nothing can be restored");
});

test("a restoration reports what is back and what is not", async () => {
  const backend = new FakeBackend();
  const report = aRestore({
    files_found: 3,
    files_restored: 2,
    files_failed: 1,
    restored: ["/srv/a", "/srv/b"],
    problems: [{ path: "/srv/c", reason: "something of that name is there now" }],
    problems_total: 1,
  });
  backend.update(detailOf(ended("partial", { operation: "restore-from-trash" }), report));
  await openApp(backend, "#/tasks/task-1");
  expect(text("report-summary")).toBe("Put back 2 files, 1 file could not be.");
  expect(text("report-problem")).toContain("something of that name is there now");
  expect(all("report-item").map((row) => row.dataset.kind)).toEqual(["restored", "restored"]);
  expect(restoreSummary(aRestore())).toBe("there was nothing to put back");
});

test("the overview has no card for what only follows another task", async () => {
  const backend = new FakeBackend();
  await openApp(backend);
  expect(query("card-cleanup-temp-files")).not.toBeNull();
  expect(query("card-restore-from-trash")).toBeNull();
});

test("counts, rate and time left are seen while it runs, and no rate that is long past", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
  const backend = new FakeBackend();
  const at = (done: number) =>
    detailOf(running({ progress: { done, total: 1000, unit: "files", message: "removing files" } }));
  backend.update(detailOf(aTask()));
  await openApp(backend, "#/tasks/task-1");
  backend.update(at(0));
  await settled();
  expect(text("progress-count")).toBe("0 of 1,000 files");
  expect(query("progress-rate")).toBeNull();
  expect(query("progress-left")).toBeNull();
  vi.setSystemTime(Date.now() + 2000);
  backend.update(at(20));
  await settled();
  expect(text("progress-count")).toBe("20 of 1,000 files");
  expect(text("progress-rate")).toBe("10 files/s");
  expect(text("progress-left")).toBe("about 2 min left");
  vi.advanceTimersByTime(20_000);
  await settled();
  expect(query("progress-rate")).toBeNull();
  expect(query("progress-left")).toBeNull();
});

test("the time left is said no more exactly than it is known", () => {
  const check = (milliseconds: number, expected: string) => expect(timeLeft(milliseconds)).toBe(expected);
  check(0, "a few seconds left");
  check(31_000, "about 35 s left");
  check(56_000, "about 1 min left");
  check(20 * MINUTE + 20_000, "about 20 min left");
  check(131 * MINUTE, "about 2 h 10 min left");
  check(48 * 60 * MINUTE, "more than a day left");
});
