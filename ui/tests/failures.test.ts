import { expect, test, vi } from "vitest";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import { ConditionState } from "$lib/state/condition.svelte";
import { quoted, troublesOf } from "$lib/operations/troubles";
import {
  aLocation,
  anEntry,
  anOverview,
  aPreview,
  aWorker,
  detailOf,
  ended,
  NOW,
  someSettings,
} from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, setVisibility, settled, text } from "./window";

const AWAY: ErrorReply = {
  code: "database_unavailable",
  message: "the database cannot be used: connection refused",
  hint: "check that the database server runs",
};
const CLEAN = "cleanup-temp-files";

async function goTo(hash: string): Promise<void> {
  window.location.hash = hash;
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await settled();
}

test("what concerns everything is told once, above every page, and not again by each", async () => {
  const backend = new FakeBackend();
  backend.trouble = { database_error: AWAY, workers_alive: null };
  backend.failing = { overview: AWAY, listTasks: AWAY, listWorkers: AWAY, listAudit: AWAY, settings: AWAY };
  await openApp(backend);
  for (const page of ["overview", "tasks", "workers", "audit", "settings"]) {
    await goTo(`#/${page}`);
    expect(text("trouble-database-unavailable")).toContain("connection refused");
    expect(query(`error-${page}`), page).toBeNull();
  }
  expect(text("trouble-database-unavailable")).toContain("Check that the database server runs");
});

test("the last known content stays, marked as old, and recovers by itself with a shorter wait", async () => {
  const backend = new FakeBackend();
  await openApp(backend);
  expect(query(`card-${CLEAN}`)).not.toBeNull();
  backend.trouble = { database_error: AWAY, workers_alive: null };
  backend.failing = { overview: AWAY };
  window.dispatchEvent(new Event("focus"));
  await settled();
  expect(text("trouble-age")).toContain("may be old");
  expect(query(`card-${CLEAN}`)).not.toBeNull();
  expect(find(`card-${CLEAN}`).closest(".page")?.classList.contains("old")).toBe(true);
  expect(text("announcer")).toBe("The database cannot be used");
  backend.trouble = {};
  backend.failing = {};
  await eventually(() => expect(query("trouble-database-unavailable")).toBeNull());
  expect(text("announcer")).toBe("All is well again");
  expect(find(`card-${CLEAN}`).closest(".page")?.classList.contains("old")).toBe(false);
});

test("a page's own error is shown by the page while the installation is well", async () => {
  const backend = new FakeBackend();
  backend.failing = { listTasks: AWAY };
  await openApp(backend, "#/tasks");
  expect(text("error-tasks")).toContain("connection refused");
});

test("trouble is looked at sooner and then later again, and a hidden window looks at nothing", async () => {
  vi.useFakeTimers();
  const backend = new FakeBackend();
  backend.trouble = { database_error: AWAY };
  const looks = () => backend.calls.filter((call) => call === "condition").length;
  const condition = new ConditionState(
    backend,
    () => undefined,
    () => undefined,
  );
  const stop = condition.follow();
  await vi.advanceTimersByTimeAsync(999);
  expect(looks()).toBe(1);
  await vi.advanceTimersByTimeAsync(2);
  expect(looks()).toBe(2);
  await vi.advanceTimersByTimeAsync(2000);
  expect(looks()).toBe(3);
  setVisibility("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks()).toBe(3);
  setVisibility("visible");
  await vi.advanceTimersByTimeAsync(1);
  expect(looks()).toBe(4);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks()).toBe(4);
  vi.useRealTimers();
});

test("the overview hears of a worker that died in silence, and reads nothing while all stays as it was", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const backend = new FakeBackend();
  const reads = () => backend.calls.filter((call) => call === "overview").length;
  await openApp(backend);
  expect(find("workers").dataset.alive).toBe("1");
  const before = reads();
  await vi.advanceTimersByTimeAsync(25_000);
  expect(reads()).toBe(before);
  backend.overviewValue = { ...backend.overviewValue, workers: [] };
  await vi.advanceTimersByTimeAsync(11_000);
  expect(reads()).toBe(before + 1);
  expect(find("workers").dataset.alive).toBe("0");
  vi.useRealTimers();
});

test("each code has its own words, and a cause hides what only follows from it", async () => {
  const backend = new FakeBackend();
  const well = await backend.condition();
  const kinds = (change: Partial<typeof well>) =>
    troublesOf({ ...well, ...change }, null).map(({ kind }) => kind);
  const error = (code: ErrorReply["code"]): ErrorReply => ({ code, message: "m", hint: "" });
  expect(kinds({})).toEqual([]);
  expect(kinds({ database_error: error("database_damaged"), workers_alive: null })).toEqual([
    "database-damaged",
  ]);
  expect(kinds({ database_error: error("database_newer") })).toEqual(["database-newer"]);
  expect(kinds({ database_error: error("disk_full"), disk_full: true, workers_alive: 0 })).toEqual([
    "disk-full",
  ]);
  expect(kinds({ configuration_error: error("invalid_configuration"), workers_alive: 0 })).toEqual([
    "configuration",
    "no-worker",
  ]);
  expect(troublesOf(null, error("invalid_configuration"))[0]?.kind).toBe("installation");
  expect(quoted("/srv/anna's")).toBe("'/srv/anna'\\''s'");
});

test("the status line says that all is well only when somebody looked", async () => {
  const backend = new FakeBackend();
  await openApp(backend);
  expect(text("wellness")).toContain("Nothing is known to be wrong");
  expect(text("wellness")).toContain("never checked");
});

test("what ended badly is listed with its reason until it is marked as seen", async () => {
  const backend = new FakeBackend();
  const error = { kind: "permanent" as const, message: "the folder is missing", hint: "create it" };
  const task = ended("failed", { id: "bad", error, finished_at: Date.now() - 60_000 });
  backend.update(detailOf(task));
  backend.overviewValue = anOverview({ [CLEAN]: { last_run: task } });
  await openApp(backend);
  expect(find("wellness").dataset.tone).toBe("bad");
  expect(text("ended-badly")).toContain("The folder is missing");
  expect(find("ended-badly").querySelector("li a")?.getAttribute("href")).toBe("#/tasks/bad");
  await click("mark-seen");
  expect(query("ended-badly")).toBeNull();
  expect(window.localStorage.getItem("upkeep.seen")).toBe(String(task.finished_at));
});

test("what could be freed comes from the last preview, with its age, and not after a cleanup", async () => {
  const backend = new FakeBackend();
  const preview = ended("succeeded", { id: "p", dry_run: true, finished_at: Date.now() - 3_600_000 });
  backend.update(detailOf(preview, aPreview([anEntry("/srv/a")])));
  backend.overviewValue = anOverview({ [CLEAN]: { last_preview: preview } });
  await openApp(backend);
  expect(text(`freeable-${CLEAN}`)).toBe("1 file (4.1 kB), as previewed 1 hour ago on desk-7");
  const run = ended("succeeded", { id: "r", finished_at: Date.now() });
  backend.update(detailOf(run));
  backend.overviewValue = anOverview({ [CLEAN]: { last_preview: preview, last_run: run } });
  backend.changed({ kind: "all" });
  await eventually(() => expect(text(`freeable-${CLEAN}`)).toContain("cleaned since"));
  expect(text("freeable-cleanup-runs")).toBe("not previewed yet");
  expect(backend.triggered).toEqual([]);
});

test("a first run leads from a suggestion to its preview, and counts only when asked", async () => {
  const backend = new FakeBackend();
  const own = aLocation("own", { path: "/home/anna/.cache/upkeep/tmp" });
  const suggestions = [{ settings: aLocation("downloads"), why: "old downloads" }];
  backend.settingsValue = someSettings({
    locations: [{ settings: own, problem: null }],
    run_stores: [],
    suggestions,
  });
  await openApp(backend);
  expect(backend.calls).not.toContain("watchSuggestionAmount");
  await click("first-sizes");
  const amount = { files: 2, bytes: 5000, unreadable: 0, ended: false, whole: false };
  backend.amountWatchers.get("downloads")?.update(amount);
  await settled();
  expect(text("first-amount-downloads")).toBe("at least 5 kB in 2 files");
  await click("first-sizes-stop");
  expect(backend.amountWatchers.size).toBe(0);
  find("first-choice-downloads").querySelector("input")?.click();
  await settled();
  await click("first-add");
  await click("first-preview");
  expect(backend.triggered).toEqual([
    {
      operation: CLEAN,
      params: { max_age_hours: 24, locations: ["downloads"], dry_run: true },
      host: "desk-7",
    },
  ]);
});

test("with a location of the operator's own there is no first run", async () => {
  const backend = new FakeBackend();
  backend.overviewValue = anOverview({}, { workers: [aWorker({ heartbeat_at: NOW })] });
  await openApp(backend);
  expect(all("first-run")).toEqual([]);
});
