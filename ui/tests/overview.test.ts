import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import {
  accepted,
  aCleanup,
  aHealth,
  anEntry,
  anOverview,
  aPreview,
  aTask,
  aWorker,
  detailOf,
  ended,
  running,
  someSettings,
} from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const LOCKED: ErrorReply = {
  code: "database_unavailable",
  message: "the database is locked",
  hint: "close the other program",
};
const CLEAN = "cleanup-temp-files";

/** A backend whose previews are queued as `preview-1`, `preview-2`, … */
function withPreviews(): FakeBackend {
  const backend = new FakeBackend();
  let previews = 0;
  backend.onTrigger = ({ params }) => accepted(params.dry_run ? `preview-${(previews += 1)}` : "removal");
  return backend;
}

function previewed(id: string, paths: string[], params = { max_age_hours: 24, dry_run: true }) {
  const task = ended("succeeded", { id, dry_run: true, params });
  return detailOf(task, aPreview(paths.map((path) => anEntry(path))));
}

test("run on a deleting operation previews, lists, and removes exactly the plan that was shown", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`run-${CLEAN}`);
  expect(backend.triggered).toEqual([
    { operation: CLEAN, params: { max_age_hours: 24, dry_run: true }, host: null },
  ]);
  expect(query("plan-confirm")).toBeNull();

  backend.update(previewed("preview-1", ["/srv/scratch/a", "/srv/scratch/b"]));
  await settled();
  expect(all("plan-entry").map((row) => row.dataset.path)).toEqual(["/srv/scratch/a", "/srv/scratch/b"]);
  expect(text("plan-confirm")).toBe("Remove 2 files (8.2 kB)");
  expect(backend.triggered).toHaveLength(1);

  await click("plan-confirm");
  expect(backend.triggered[1]).toEqual({
    operation: CLEAN,
    params: { max_age_hours: 24, dry_run: false, plan: "preview-1" },
    host: null,
  });
  expect(query("plan-dialog")).toBeNull();
});

test("what is confirmed are the parameters of the preview, even when the form changed meanwhile", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`run-${CLEAN}`);
  await fireEvent.input(find(`param-${CLEAN}-max-age-hours`), { target: { value: "0" } });
  backend.update(previewed("preview-1", ["/srv/scratch/a"]));
  await settled();
  await click("plan-confirm");
  expect(backend.triggered[1]?.params.max_age_hours).toBe(24);
});

test("a click that takes less says so to preview and removal, and what was kept has its words", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await fireEvent.input(find(`param-${CLEAN}-exclude`), { target: { value: "*.log\n" } });
  await fireEvent.input(find(`param-${CLEAN}-min-size-bytes`), { target: { value: "10" } });
  await settled();
  expect(text(`param-${CLEAN}-less`)).toContain("Take less than Settings says: yes");
  await click(`run-${CLEAN}`);
  const asked = { max_age_hours: 24, exclude: ["*.log"], min_size_bytes: 10 };
  expect(backend.triggered[0]?.params).toEqual({ ...asked, dry_run: true });
  const reasons = ["excluded", "not_included", "protected", "too_small", "below_min_age", "newest"] as const;
  const kept = reasons.map((reason) => ({ reason, count: 1, examples: [`/srv/scratch/${reason}`] }));
  const task = ended("succeeded", { id: "preview-1", dry_run: true, params: { ...asked, dry_run: true } });
  backend.update(detailOf(task, aPreview([anEntry("/srv/scratch/a")], { kept })));
  await settled();
  const said = text("report-kept");
  for (const words of ["by a pattern", "no pattern", "protected name", "smaller", "younger", "the newest"])
    expect(said).toContain(words);
  await click("plan-confirm");
  expect(backend.triggered[1]?.params).toEqual({ ...asked, dry_run: false, plan: "preview-1" });
});

test("two clicks on the destructive button start one removal", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`run-${CLEAN}`);
  backend.update(previewed("preview-1", ["/srv/scratch/a"]));
  await settled();
  const button = find("plan-confirm");
  button.click();
  button.click();
  await settled();
  expect(backend.triggered.filter(({ params }) => params.dry_run === false)).toHaveLength(1);
});

test("keeping everything triggers nothing", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`preview-${CLEAN}`);
  backend.update(previewed("preview-1", ["/srv/scratch/a"]));
  await settled();
  await click("plan-close");
  expect(query("plan-dialog")).toBeNull();
  expect(backend.triggered).toHaveLength(1);
  expect(backend.cancelled).toEqual([]);
});

test("nothing to clean is said kindly, without a destructive button", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`run-${CLEAN}`);
  backend.update(previewed("preview-1", []));
  await settled();
  expect(text("plan-nothing")).toContain("Nothing to clean");
  expect(query("plan-confirm")).toBeNull();
});

test("closing while the preview works cancels it, and its late answer opens nothing", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`run-${CLEAN}`);
  await click("plan-close");
  expect(backend.cancelled).toEqual(["preview-1"]);
  backend.update(previewed("preview-1", ["/srv/scratch/a"]));
  await settled();
  expect(query("plan-dialog")).toBeNull();
});

test("closing before the request was answered still cancels the preview", async () => {
  const backend = withPreviews();
  await openApp(backend);
  find(`run-${CLEAN}`).click();
  await Promise.resolve();
  find("plan-close").click();
  await settled();
  expect(backend.cancelled).toEqual(["preview-1"]);
});

test("a preview that fails leaves its error and cure on the card", async () => {
  const backend = withPreviews();
  await openApp(backend);
  await click(`run-${CLEAN}`);
  const error = { kind: "permanent", message: "/srv/scratch does not exist", hint: "create it" };
  backend.update(detailOf(ended("failed", { id: "preview-1", dry_run: true, error })));
  await settled();
  expect(query("plan-dialog")).toBeNull();
  expect(text(`error-${CLEAN}`)).toContain("/srv/scratch does not exist");
  expect(text(`error-${CLEAN}`)).toContain("Create it");
});

test("somebody else's running preview is joined and not cancelled by closing", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = () => ({ status: "already_queued", task_id: "theirs" });
  backend.update(detailOf(running({ id: "theirs", dry_run: true })));
  await openApp(backend);
  await click(`run-${CLEAN}`);
  expect(text("plan-progress")).toContain("Already running: showing that preview");
  await click("plan-close");
  expect(backend.cancelled).toEqual([]);
});

test("a removal that runs already is said, and no plan is shown for it", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = () => ({ status: "already_queued", task_id: "theirs" });
  backend.update(detailOf(running({ id: "theirs" })));
  await openApp(backend);
  await click(`run-${CLEAN}`);
  expect(query("plan-dialog")).toBeNull();
  expect(text(`notice-${CLEAN}`)).toContain("Already running: showing that task");
});

test("a read-only operation runs without asking, and a second click says that it runs", async () => {
  const backend = new FakeBackend();
  let asked = 0;
  backend.onTrigger = () =>
    (asked += 1) === 1 ? accepted("check-1") : { status: "already_queued", task_id: "check-1" };
  await openApp(backend);
  find("run-health-check").click();
  find("run-health-check").click();
  await settled();
  expect(backend.triggered).toEqual([
    { operation: "health-check", params: { cpu_window_ms: 500 }, host: null },
    { operation: "health-check", params: { cpu_window_ms: 500 }, host: null },
  ]);
  expect(query("plan-dialog")).toBeNull();
  expect(text("notice-health-check")).toContain("Already running: showing that task");
});

test("an error stays while the page lives on and the operator looks elsewhere, until it is dismissed", async () => {
  const backend = new FakeBackend();
  backend.failing.trigger = LOCKED;
  await openApp(backend);
  await click("run-health-check");
  expect(text("error-health-check")).toContain("The database is locked");
  expect(text("error-health-check")).toContain("Close the other program");

  backend.changed({ kind: "all" });
  await settled();
  window.location.hash = "#/settings";
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await settled();
  expect(query("error-health-check")).toBeNull();
  window.location.hash = "#/overview";
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await settled();
  expect(query("error-health-check")).not.toBeNull();

  find("error-health-check").querySelector<HTMLElement>('[aria-label="Dismiss the error"]')?.click();
  await settled();
  expect(query("error-health-check")).toBeNull();
});

test("an error can be copied, hint and all", async () => {
  const backend = new FakeBackend();
  backend.failing.trigger = LOCKED;
  await openApp(backend);
  await click("run-health-check");
  let copied = "";
  Object.defineProperty(navigator, "clipboard", {
    value: { writeText: async (words: string) => void (copied = words) },
    configurable: true,
  });
  find("error-health-check").querySelector<HTMLElement>('[aria-label="Copy the error"]')?.click();
  await settled();
  expect(copied).toBe("the database is locked\nclose the other program");
});

test("progress is live, can be cancelled, and stopping is shown until it ends", async () => {
  const backend = new FakeBackend();
  const task = running({ progress: { done: 10, total: 200, unit: "files", message: "removing" } });
  backend.overviewValue = anOverview({ [CLEAN]: { current: [task] } });
  await openApp(backend);
  expect(text(`progress-${CLEAN}`)).toContain("10 of 200 files");

  backend.update(
    detailOf({ ...task, progress: { done: 150, total: 200, unit: "files", message: "removing" } }),
  );
  await settled();
  expect(text(`progress-${CLEAN}`)).toContain("150 of 200 files");
  expect(text(`progress-${CLEAN}`)).toContain("75 %");

  await click(`cancel-${CLEAN}`);
  expect(backend.cancelled).toEqual(["task-1"]);
  expect(text(`cancel-${CLEAN}`)).toBe("Stopping…");
  backend.update(detailOf({ ...task, cancel_requested_at: 1 }));
  await settled();
  expect(text(`cancel-${CLEAN}`)).toBe("Stopping…");
  expect(find(`cancel-${CLEAN}`).hasAttribute("disabled")).toBe(true);

  backend.update(detailOf({ ...task, state: "cancelled" }));
  await settled();
  expect(query(`progress-${CLEAN}`)).toBeNull();
});

test("a wish to cancel that failed says why and can be repeated", async () => {
  const backend = new FakeBackend();
  backend.overviewValue = anOverview({ [CLEAN]: { current: [running()] } });
  backend.failing.cancelTask = LOCKED;
  await openApp(backend);
  await click(`cancel-${CLEAN}`);
  expect(text(`error-${CLEAN}`)).toContain("The database is locked");
  expect(find(`cancel-${CLEAN}`).hasAttribute("disabled")).toBe(false);
});

test("reading the overview anew opens no second stream for a running task", async () => {
  const backend = new FakeBackend();
  const task = running();
  backend.overviewValue = anOverview({ [CLEAN]: { current: [task] } });
  await openApp(backend);
  const before = backend.calls.filter((call) => call === "overview").length;
  let opened = 0;
  const watchTask = backend.watchTask;
  backend.watchTask = (id, watcher) => {
    opened += 1;
    return watchTask(id, watcher);
  };
  backend.overviewValue = anOverview({ [CLEAN]: { current: [{ ...task }] } });
  backend.changed({ kind: "task", task_id: task.id });
  await eventually(() =>
    expect(backend.calls.filter((call) => call === "overview").length).toBeGreaterThan(before),
  );
  await settled();
  expect(opened).toBe(0);
  expect(backend.watchersOf(task.id)).toBe(1);
});

test("the last run shows its outcome in words, its line and the way to the task", async () => {
  const backend = new FakeBackend();
  const task = ended("partial", { id: "last" });
  backend.update(detailOf(task, aCleanup({ files_removed: 12, bytes_removed: 4e6, problems_total: 1 })));
  backend.overviewValue = anOverview({ [CLEAN]: { last_run: task } });
  await openApp(backend);
  expect(text(`last-run-${CLEAN}`)).toContain("Partial");
  expect(text(`last-run-${CLEAN}`)).toContain("Removed 12 files, 4 MB, 1 problem");
  expect(find(`last-run-${CLEAN}`).querySelector("a")?.getAttribute("href")).toBe("#/tasks/last");
  expect(find(`last-run-${CLEAN}`).querySelector("time")?.title).toContain("2026");
});

test("a failed last run shows its error and what to do", async () => {
  const backend = new FakeBackend();
  const error = { kind: "permanent", message: "the folder is missing", hint: "create it" };
  const task = ended("failed", { id: "last", error });
  backend.update(detailOf(task));
  backend.overviewValue = anOverview({ [CLEAN]: { last_run: task } });
  await openApp(backend);
  expect(text(`last-run-error-${CLEAN}`)).toContain("The folder is missing");
  expect(text(`last-run-error-${CLEAN}`)).toContain("Create it");
});

test("a last run whose worker was lost is called lost, not failed", async () => {
  const backend = new FakeBackend();
  const error = { kind: "lease_expired", message: "the worker is gone", hint: "start it again" };
  const task = ended("failed", { id: "last", error, lost: true });
  backend.update(detailOf(task));
  backend.overviewValue = anOverview({ [CLEAN]: { last_run: task } });
  await openApp(backend);
  expect(text(`last-run-${CLEAN}`)).toContain("Lost");
  expect(text(`last-run-${CLEAN}`)).not.toContain("Failed");
  expect(text(`last-run-error-${CLEAN}`)).toContain("Start it again");
});

test("the end of a task is announced on whichever page the operator is", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = () => accepted("check-1");
  await openApp(backend);
  await click("run-health-check");
  window.location.hash = "#/settings";
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await settled();
  backend.update(detailOf(ended("succeeded", { id: "check-1", operation: "health-check" })));
  await settled();
  expect(text("announcer")).toBe("Check health: succeeded");
  expect(backend.watchersOf("check-1")).toBe(0);
});

test("without a living worker the page names the command that starts one", async () => {
  const backend = new FakeBackend();
  backend.overviewValue = anOverview({}, { workers: [aWorker({ state: "stale" })] });
  await openApp(backend);
  expect(text("workers")).toContain("No worker is alive");
  expect(text("trouble-no-worker")).toContain("upkeep-worker run");
});

test("a queued retry says why and which attempt comes", async () => {
  const backend = new FakeBackend();
  const error = { kind: "transient", message: "the disk did not answer", hint: "" };
  backend.overviewValue = anOverview({ [CLEAN]: { current: [aTask({ attempt: 1, error })] } });
  await openApp(backend);
  expect(text(`progress-${CLEAN}`)).toContain("attempt 2 of 3");
  expect(text(`progress-${CLEAN}`)).toContain("the disk did not answer");
});

test("without a location the form says so and offers nothing to press", async () => {
  const backend = new FakeBackend();
  backend.settingsValue = someSettings({ locations: [] });
  await openApp(backend);
  expect(text(`card-${CLEAN}`)).toContain("No location is turned on");
  expect(find(`run-${CLEAN}`).hasAttribute("disabled")).toBe(true);
});

test("a broken configuration is told by the operation, not hidden behind a grey button", async () => {
  const backend = new FakeBackend();
  const error = { code: "invalid_configuration" as const, message: "line 3: unknown key `paht`", hint: "" };
  backend.settingsValue = someSettings({ locations: [], run_stores: [], error });
  backend.failing.trigger = error;
  await openApp(backend);
  expect(text(`card-${CLEAN}`)).not.toContain("No location is turned on");
  await click(`run-${CLEAN}`);
  expect(text(`error-${CLEAN}`)).toContain("unknown key `paht`");
});

test("a finished check shows both that it was made and how the host is", async () => {
  const backend = new FakeBackend();
  const task = ended("succeeded", { id: "last", operation: "health-check" });
  backend.update(detailOf(task, aHealth({ status: "critical" })));
  backend.overviewValue = anOverview({ "health-check": { last_run: task } });
  await openApp(backend);
  expect(text("last-run-health-check")).toContain("Succeeded");
  expect(text("last-health")).toBe("Critical");
});

test("leaving the overview ends the watch on vital signs", async () => {
  const backend = new FakeBackend();
  await openApp(backend);
  expect(backend.vitalsWatchers.size).toBe(1);
  window.location.hash = "#/settings";
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await settled();
  expect(backend.vitalsWatchers.size).toBe(0);
});
