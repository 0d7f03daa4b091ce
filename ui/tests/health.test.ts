import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { HealthCheck } from "$lib/generated/HealthCheck";
import type { HealthPoint } from "$lib/generated/HealthPoint";
import { changesSince, changeWords, courses, courseWords, grouped } from "$lib/operations/health";
import {
  accepted,
  aCheck,
  aHealth,
  anEntry,
  aPreview,
  aTask,
  detailOf,
  ended,
  NOW,
  running,
} from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const MINUTE = 60_000;
const REMEDY = {
  operation: "cleanup-temp-files",
  name: "scratch",
  path: "/srv/scratch",
  label: "preview cleaning scratch",
  params: { locations: ["scratch"] },
};

function point(id: string, checks: HealthCheck[], at = NOW): HealthPoint {
  return { task_id: id, checked_at: at, status: "healthy", checks };
}

/** A finished health check with what it found, so many minutes ago. */
function checked(backend: FakeBackend, id: string, minutes: number, checks: HealthCheck[], host = "desk-7") {
  const at = NOW - minutes * MINUTE;
  const task = ended("succeeded", {
    id,
    operation: "health-check",
    worker_host: host,
    enqueued_at: at,
    finished_at: at,
  });
  const status = checks.some((check) => check.status !== "ok") ? "degraded" : "healthy";
  backend.update(detailOf(task, aHealth({ host, checked_at: at, checks, status })));
}

const row = (id: string) => {
  const found = all("health-check").find((element) => element.dataset.check === id);
  if (!found) throw new Error(`no row of ${id}`);
  return found;
};
const words = (element: Element) => (element.textContent ?? "").replaceAll(/\s+/g, " ").trim();

test("a host that was never checked says what a check does and how to begin, and nothing begins", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/health");
  expect(text("health-empty")).toContain("desk-7 was not checked yet");
  expect(text("health-empty")).toContain("Check now");
  expect(query("health-latest")).toBeNull();
  expect(backend.triggered).toEqual([]);
});

test("the latest report stands in groups, the worst group and the worst check first", async () => {
  const backend = new FakeBackend();
  checked(backend, "h1", 1, [
    aCheck("cpu"),
    aCheck("memory", { status: "unknown", observed: null, message: "it could not be read" }),
    aCheck("disk:/", { status: "warning" }),
    aCheck("disk:/srv", { status: "critical", observed: 97, action: "remove something" }),
    aCheck("database", { unit: "ms", observed: 3 }),
  ]);
  await openApp(backend, "#/health");
  expect(all("health-group").map(words)).toEqual(["File systems", "This host", "Upkeep"]);
  expect(all("health-check").map((element) => element.dataset.check)).toEqual([
    "disk:/srv",
    "disk:/",
    "memory",
    "cpu",
    "database",
  ]);
  expect(words(row("disk:/srv"))).toContain("97 %");
  expect(words(row("disk:/srv"))).toContain("80 %");
  expect(words(row("disk:/srv"))).toContain("95 %");
  expect(words(row("disk:/srv"))).toContain("Remove something");
  expect(words(row("memory"))).toContain("Unknown–80 %");
  expect(text("health-status")).toBe("Degraded");
});

test("check now asks for one on the shown host, follows it, and shows what it found", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = () => accepted("h2");
  checked(backend, "h0", 60, [aCheck("cpu")], "web-02");
  checked(backend, "h1", 30, [aCheck("cpu")]);
  await openApp(backend, "#/health");
  await fireEvent.change(find("health-host"), { target: { value: "web-02" } });
  await settled();
  expect(text("health-latest")).toContain("web-02");
  const task = { id: "h2", operation: "health-check", worker_host: "web-02", enqueued_at: NOW };
  const progress = { done: 4, total: 13, unit: "checks", message: "looking at the file systems" };
  backend.update(detailOf(running({ ...task, progress })));
  await click("health-check-now");
  expect(backend.triggered).toEqual([{ operation: "health-check", params: {}, host: "web-02" }]);
  await eventually(() => expect(text("health-under-way")).toContain("4 of 13 checks"));
  // a second press asks for nothing
  await click("health-check-now");
  expect(backend.triggered).toHaveLength(1);
  const report = aHealth({ host: "web-02", checked_at: NOW, checks: [aCheck("cpu", { observed: 77 })] });
  backend.update(detailOf(ended("succeeded", { ...task, finished_at: NOW }), report));
  await settled();
  await eventually(() => expect(words(row("cpu"))).toContain("77 %"));
  expect(query("health-under-way")).toBeNull();
});

test("a remedy goes with one click to the preview of that location on that host", async () => {
  const backend = new FakeBackend();
  checked(
    backend,
    "h1",
    1,
    [aCheck("disk:/", { status: "warning", remedies: [REMEDY] }), aCheck("inodes:/")],
    "web-02",
  );
  await openApp(backend, "#/health");
  await fireEvent.change(find("health-host"), { target: { value: "web-02" } });
  await settled();
  expect(all("remedy")).toHaveLength(1);
  expect(text("remedy")).toBe("Preview cleaning scratch");
  expect(backend.triggered).toEqual([]);
  backend.update(
    detailOf(ended("succeeded", { id: "new-task", dry_run: true }), aPreview([anEntry("/srv/scratch/a")])),
  );
  await click("remedy");
  expect(backend.triggered).toEqual([
    {
      operation: "cleanup-temp-files",
      params: { locations: ["scratch"], dry_run: true },
      host: "web-02",
    },
  ]);
  await eventually(() => expect(text("plan-total")).toContain("1 file"));
});

test("what changed since the check before is named, the status first, and nothing is said to be nothing", async () => {
  const backend = new FakeBackend();
  checked(backend, "h1", 20, [aCheck("cpu"), aCheck("memory", { observed: 50 }), aCheck("disk:/old")]);
  checked(backend, "h2", 10, [
    aCheck("cpu", { observed: 90, status: "warning" }),
    aCheck("memory", { observed: 65 }),
    aCheck("disk:/new"),
  ]);
  await openApp(backend, "#/health");
  expect(all("health-change").map(words)).toEqual([
    "CPU: from OK to Warning",
    "Disk /new is new: OK",
    "Disk /old is no longer there (was OK)",
    "Memory: from 50 % to 65 %",
  ]);
  checked(backend, "h3", 1, [
    aCheck("cpu", { observed: 91, status: "warning" }),
    aCheck("memory", { observed: 66 }),
    aCheck("disk:/new"),
  ]);
  backend.changed({ kind: "task", task_id: "h3" });
  await eventually(() => expect(text("health-unchanged")).toContain("Nothing"));
});

test("the course of a check is a line with words, and the same figures as a table", async () => {
  const backend = new FakeBackend();
  [41, 55, null, 88].forEach((figure, index) =>
    checked(backend, `h${index}`, 40 - index * 10, [
      aCheck("memory", {
        observed: figure,
        status: figure === null ? "unknown" : figure > 80 ? "warning" : "ok",
      }),
    ]),
  );
  await openApp(backend, "#/health");
  const line = find("sparkline");
  expect(line.getAttribute("role")).toBe("img");
  expect(line.getAttribute("aria-label")).toBe(
    "memory, 4 checks: from 41 % to 88 %, between 41 % and 88 %; 2 not OK",
  );
  // the gap of the unknown one lifts the pen
  expect(line.querySelector("path")?.getAttribute("d")?.match(/M/g)).toHaveLength(2);
  expect(line.querySelectorAll("line")).toHaveLength(2);
  expect(all("health-course-row").map(words)).toEqual([
    expect.stringContaining("Warning88 %80 %95 %"),
    expect.stringContaining("Unknown–80 %95 %"),
    expect.stringContaining("OK55 %"),
    expect.stringContaining("OK41 %"),
  ]);
});

test("a last check that failed is told above the older report", async () => {
  const backend = new FakeBackend();
  checked(backend, "h1", 20, [aCheck("cpu")]);
  const error = { kind: "permanent", message: "config.toml, line 3: wrong", hint: "correct it" };
  backend.update(
    detailOf(ended("failed", { id: "h2", operation: "health-check", enqueued_at: NOW - MINUTE, error })),
  );
  await openApp(backend, "#/health");
  expect(text("health-last-failed")).toContain("how this host stands now is unknown");
  expect(text("health-last-failed")).toContain("line 3: wrong");
  expect(text("health-latest")).toContain("The last check that found something");
});

test("an error of reading is shown with what to do, and goes when reading works again", async () => {
  const backend = new FakeBackend();
  backend.failing.healthHistory = {
    code: "database_unavailable",
    message: "the database is locked",
    hint: "close the other program",
  };
  await openApp(backend, "#/health");
  expect(text("error-health")).toContain("Close the other program");
  backend.failing = {};
  backend.changed({ kind: "all" });
  await eventually(() => expect(query("error-health")).toBeNull());
});

test("a check that runs already is joined, and a blocked one says why it waits", async () => {
  const backend = new FakeBackend();
  checked(backend, "h1", 20, [aCheck("cpu")]);
  backend.onTrigger = () => accepted("h2", { reason: "no_worker", host: "desk-7", last_seen: null });
  backend.update(
    detailOf(aTask({ id: "h2", operation: "health-check", target_host: "web-99", enqueued_at: NOW })),
  );
  await openApp(backend, "#/health");
  await click("health-check-now");
  expect(text("notice-health")).toContain("Queued");
  expect(find("health-under-way").dataset.taskId).toBe("h2");
});

test("a task's own page offers the remedies of its report, too", async () => {
  const backend = new FakeBackend();
  checked(backend, "h1", 1, [aCheck("disk:/", { status: "critical", remedies: [REMEDY] })]);
  await openApp(backend, "#/tasks/h1");
  await eventually(() => expect(query("remedy")).not.toBeNull());
  await click("remedy");
  expect(backend.triggered[0]).toEqual({
    operation: "cleanup-temp-files",
    params: { locations: ["scratch"], dry_run: true },
    host: "desk-7",
  });
});

test("thresholds are judged by the console while they are typed, and saved when they were shown", async () => {
  const backend = new FakeBackend();
  const wrong = { code: "invalid_parameters" as const, message: "`health.memory` is odd", hint: "give 1" };
  backend.settingProblem = (change) =>
    change.kind === "threshold" && change.typed?.warning === "96x" ? wrong : null;
  await openApp(backend, "#/settings");
  const type = async (testid: string, value: string) => {
    await fireEvent.input(find(testid), { target: { value } });
    await settled();
  };
  expect(find("threshold-queue-warning").getAttribute("aria-label")).toContain("in seconds");
  await type("threshold-memory-warning", "96x");
  expect(text("threshold-memory")).toContain("`health.memory` is odd; give 1");
  expect(find("threshold-memory-warning").getAttribute("aria-invalid")).toBe("true");
  expect((find("draft-review") as HTMLButtonElement).disabled).toBe(true);
  await type("threshold-memory-warning", "96");
  expect(text("threshold-memory")).toContain("not saved");
  expect(backend.savedSettings).toEqual([]);
  await click("draft-review");
  await click("review-save");
  expect(backend.savedSettings).toEqual([
    [{ kind: "threshold", key: "memory", typed: { warning: "96", critical: "95" } }],
  ]);
  expect(backend.settingsValue.health.thresholds[0]?.threshold.warning).toBe(96);
  expect(text("announcer")).toContain("1 change saved");
  await click("threshold-memory-default");
  expect((find("threshold-memory-warning") as HTMLInputElement).value).toBe("80");
  await click("threshold-memory-undo");
  expect((find("threshold-memory-warning") as HTMLInputElement).value).toBe("96");
  expect(query("draft-bar")).toBeNull();
});

test("a number beside the thresholds goes into the same draft, and typing it back takes it out", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  const field = "number-probe_limit_ms-value";
  await fireEvent.input(find(field), { target: { value: "500" } });
  await settled();
  expect(backend.reviewed.at(-1)).toEqual([{ kind: "value", key: "health.probe_limit_ms", typed: "500" }]);
  await fireEvent.input(find(field), { target: { value: "2000" } });
  await settled();
  expect(query("draft-bar")).toBeNull();
});

test("courses hold what was there, oldest first, and say it in words", () => {
  const points = [
    point("c", [aCheck("cpu", { observed: 30 }), aCheck("load", { observed: 2, unit: "per core" })]),
    point("b", [aCheck("cpu", { observed: 10, status: "warning" })]),
    point("a", [aCheck("cpu", { observed: null, status: "unknown" })]),
  ];
  const found = courses(points);
  expect(found.get("cpu")?.moments.map(({ taskId }) => taskId)).toEqual(["a", "b", "c"]);
  const say = (id: string) => {
    const course = found.get(id);
    return course && courseWords(course);
  };
  expect(say("cpu")).toBe("3 checks: from 10 % to 30 %, between 10 % and 30 %; 2 not OK");
  expect(say("load")).toBe("1 check: 2 per core");
  const silent = courses([point("a", [aCheck("x", { observed: null, status: "unknown" })])]).get("x");
  expect(silent && courseWords(silent)).toBe("1 check, none with a figure");
});

test.each([
  ["a tenth of the critical threshold is notable", aCheck("cpu"), aCheck("cpu", { observed: 49.5 }), 1],
  ["less is not", aCheck("cpu"), aCheck("cpu", { observed: 49.4 }), 0],
  ["downwards counts, too", aCheck("cpu"), aCheck("cpu", { observed: 30 }), 1],
  ["without thresholds nothing is notable", unbound(1), unbound(99), 0],
  ["a figure that is missing did not move", aCheck("cpu", { observed: null }), aCheck("cpu"), 0],
])("%s", (_, before, after, changes) => {
  expect(changesSince(point("b", [after]), point("a", [before]))).toHaveLength(changes);
});

function unbound(observed: number): HealthCheck {
  return aCheck("odd", { warning: null, critical: null, observed });
}

test("a change of status hides the move, and words name both", () => {
  const after = aCheck("disk:/", { observed: 99, status: "critical" });
  const [change, ...more] = changesSince(point("b", [after]), point("a", [aCheck("disk:/")]));
  expect(more).toEqual([]);
  expect(change && changeWords(change)).toBe("disk /: from OK to Critical");
});

test("a check that this UI does not know has its place", () => {
  expect(grouped([aCheck("fan:1")]).map(({ name }) => name)).toEqual(["More"]);
  expect(grouped([])).toEqual([]);
});

test("the history of the shown host can be exported", async () => {
  const backend = new FakeBackend();
  checked(backend, "one", 5, [aCheck("memory")]);
  await openApp(backend, "#/health");
  await eventually(() => expect(query("health-export")).not.toBeNull());
  await click("health-export");
  expect(text("export-dialog")).toContain("of the health of desk-7");
});
