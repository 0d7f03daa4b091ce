// what whoever looks at a plan decides before it runs: what stays, and that the number was read.
import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { PlanEntry } from "$lib/generated/PlanEntry";
import { fates, keyOf, plannedWithout } from "$lib/operations/leaving-out";
import { hostsToType, isTyped, ONE_PRESS, reachWords, toType, toTypeWords } from "$lib/operations/reach";
import { accepted, anEntry, anOverview, aPreview, aWorker, detailOf, ended } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, find, openApp, query, settled, text } from "./window";

const CLEAN = "cleanup-temp-files";

const inScratch = (name: string, change: Partial<PlanEntry> = {}) =>
  anEntry(`/srv/scratch/${name}`, { bytes: 1000, ...change });
const folder = (name: string) => inScratch(name, { kind: "directory" });

/** The plan dialog over this preview. */
async function shown(report: CleanupReport): Promise<FakeBackend> {
  const backend = new FakeBackend();
  backend.onTrigger = ({ params }) => accepted(params.dry_run ? "preview-1" : "removal");
  await openApp(backend);
  await click(`run-${CLEAN}`);
  const params = { max_age_hours: 24, dry_run: true };
  backend.update(detailOf(ended("succeeded", { id: "preview-1", dry_run: true, params }), report));
  await settled();
  return backend;
}

function ticks(): HTMLInputElement[] {
  return all("plan-entry-goes").map((element) => {
    if (!(element instanceof HTMLInputElement)) throw new Error("no checkbox");
    return element;
  });
}

async function toggle(index: number): Promise<void> {
  ticks()[index]?.click();
  await settled();
}

async function type(testid: string, value: string): Promise<void> {
  await fireEvent.input(find(testid), { target: { value } });
  await settled();
}

const pressable = (testid: string) => find(testid).getAttribute("aria-disabled") === "false";

test("what is unticked is left out, the totals follow, and the rest of that very plan goes", async () => {
  const backend = await shown(aPreview([inScratch("a"), inScratch("b"), inScratch("c%FF")]));
  expect(ticks().map(({ checked }) => checked)).toEqual([true, true, true]);
  await toggle(0);
  await toggle(2);
  expect(text("plan-total")).toContain("1 file (1 kB)");
  expect(text("plan-confirm")).toBe("Remove 1 file (1 kB)");
  expect(text("plan-left-out")).toContain("2 listed entries stay");
  await toggle(0);
  expect(text("plan-total")).toContain("2 files (2 kB)");
  await click("plan-confirm");
  expect(backend.triggered[1]?.params).toEqual({
    max_age_hours: 24,
    dry_run: false,
    plan: "preview-1",
    leave_out: [{ kind: "file", location: "scratch", name: "c%FF" }],
  });
});

test("each tick says what it is of, and can be reached and pressed by keyboard", async () => {
  await shown(aPreview([inScratch("a"), inScratch("b")]));
  const [first] = ticks();
  expect(first?.getAttribute("aria-label")).toBe("Remove /srv/scratch/a");
  first?.focus();
  expect(document.activeElement).toBe(first);
  expect(first?.tabIndex).toBe(0);
});

test("letting everything go again takes back what was unticked", async () => {
  const backend = await shown(aPreview([inScratch("a"), inScratch("b")]));
  await toggle(1);
  await click("plan-clear");
  expect(query("plan-left-out")).toBeNull();
  await click("plan-confirm");
  expect(backend.triggered[1]?.params).not.toHaveProperty("leave_out");
});

test("when everything is left out there is nothing to press", async () => {
  const backend = await shown(aPreview([inScratch("a")]));
  await toggle(0);
  expect(text("plan-confirm")).toBe("Nothing is left to remove");
  expect(pressable("plan-confirm")).toBe(false);
  await click("plan-confirm");
  expect(backend.triggered).toHaveLength(1);
});

test("a folder stays with what is left out of it, and keeps what lies in it when it is left out", async () => {
  const entries = [inScratch("top/in/x"), inScratch("top/in/y"), folder("top/in"), folder("top")];
  const backend = await shown(aPreview(entries, { files_matched: 2, bytes_matched: 2000 }));
  const shownFates = () => all("plan-entry").map((row) => row.dataset.fate);
  await toggle(0);
  expect(shownFates()).toEqual(["left_out", "goes", "holds", "holds"]);
  await toggle(0);
  await toggle(2);
  expect(shownFates()).toEqual(["below", "below", "left_out", "holds"]);
  expect(ticks().map(({ disabled }) => disabled)).toEqual([true, true, false, true]);
  expect(text("plan-confirm")).toBe("Nothing is left to remove");
  await click("plan-clear");
  await toggle(2);
  await toggle(2);
  expect(shownFates()).toEqual(["goes", "goes", "goes", "goes"]);
  await click("plan-confirm");
  expect(backend.triggered[1]?.params).not.toHaveProperty("leave_out");
});

test("names that only begin alike are of other folders, and so is another location's", () => {
  const entries = [
    inScratch("top/x"),
    inScratch("topper/x"),
    folder("top"),
    folder("topper"),
    inScratch("top/x", { location: "other" }),
    inScratch("top", { kind: "run" }),
  ];
  const leftOut = new Set([keyOf(folder("top"))]);
  expect(fates(entries, leftOut)).toEqual(["below", "goes", "left_out", "goes", "goes", "goes"]);
});

test("an entry without a name cannot be left out", async () => {
  await shown(aPreview([inScratch("a", { name: "" }), inScratch("b")]));
  expect(ticks().map(({ disabled }) => disabled)).toEqual([true, false]);
});

test("runs are counted with the files they stand for", () => {
  const run = (name: string, files: number) =>
    inScratch(name, { kind: "run", location: "experiments", files, bytes: 10_000 });
  const report = aPreview([run("a", 7), run("b", 5)], {
    files_matched: 12,
    runs_matched: 2,
    bytes_matched: 20_000,
  });
  expect(plannedWithout(report, ["left_out", "goes"])).toMatchObject({ files: 5, runs: 1, bytes: 10_000 });
});

test("what is not listed cannot be left out, and the dialog says so", async () => {
  const report = aPreview([inScratch("a")], {
    entries_truncated: true,
    files_matched: 5000,
    bytes_matched: 5_000_000,
  });
  await shown(report);
  expect(text("plan-cut")).toContain("Only what is listed can be left out here");
  await toggle(0);
  expect(text("plan-confirm")).toContain("Remove 4,999 files");
});

test("a plan on a task's page is only read: there is nothing to tick", async () => {
  const backend = new FakeBackend();
  backend.update(
    detailOf(ended("succeeded", { id: "preview-1", dry_run: true }), aPreview([inScratch("a")])),
  );
  await openApp(backend, "#/tasks/preview-1");
  expect(all("plan-entry")).toHaveLength(1);
  expect(ticks()).toEqual([]);
  await click("task-run-plan");
  expect(ticks()).toHaveLength(1);
});

test("a number is asked for only above what one press is enough for", () => {
  const plan = { files: 0, runs: 0, bytes: 0, exact: true };
  const check = (change: Partial<typeof plan>, expected: object | null) =>
    expect(toType({ ...plan, ...change })).toEqual(expected);
  check({ files: ONE_PRESS.files }, null);
  check({ files: ONE_PRESS.files + 1 }, { number: 10_001, what: "files" });
  check({ files: 5, runs: ONE_PRESS.runs }, null);
  check({ files: 5, runs: ONE_PRESS.runs + 1 }, { number: 1001, what: "runs" });
  check({ files: 1, bytes: ONE_PRESS.bytes + 1 }, { number: 1, what: "file" });
  check({ files: 20_000, runs: 3 }, { number: 3, what: "runs" });
  expect(hostsToType(3)).toBeNull();
  expect(hostsToType(4)).toEqual({ number: 4, what: "hosts" });
  expect(toTypeWords({ number: 10_001, what: "files" })).toBe("Type 10,001, the number of files, to go on");
  expect(reachWords({ files: 9000, runs: 214, bytes: 38e9, exact: true }, 12)).toBe(
    "214 runs, 9,000 files, 38 GB, on 12 hosts",
  );
});

test.each([
  ["10001", true],
  [" 10,001 ", true],
  ["10 001", true],
  ["10'001", true],
  ["10000", false],
  ["", false],
  ["1e4", false],
  ["-10001", false],
])("typing %j for 10,001 is right: %s", (typed, right) =>
  expect(isTyped(typed, { number: 10_001, what: "files" })).toBe(right),
);

test("far-reaching removal waits for its number, which follows what is left out", async () => {
  const report = aPreview([inScratch("a")], {
    entries_truncated: true,
    files_matched: 12_000,
    bytes_matched: 38e9,
  });
  const backend = await shown(report);
  expect(text("plan-reach")).toContain("12,000 files, 38 GB, on 1 host");
  expect(pressable("plan-confirm")).toBe(false);
  await click("plan-confirm");
  expect(backend.triggered).toHaveLength(1);
  await type("plan-type", "12,000");
  expect(pressable("plan-confirm")).toBe(true);
  await toggle(0);
  expect(pressable("plan-confirm")).toBe(false);
  await type("plan-type", "11999");
  await fireEvent.keyDown(find("plan-type"), { key: "Enter" });
  await settled();
  expect(backend.triggered[1]?.params.leave_out).toHaveLength(1);
});

test("a usual removal asks for no number", async () => {
  await shown(aPreview([inScratch("a")]));
  expect(query("plan-type")).toBeNull();
  expect(pressable("plan-confirm")).toBe(true);
});

test("many hosts wait for their number, a few do not, and what only reads never asks", async () => {
  const backend = new FakeBackend();
  const hosts = ["a", "b", "c", "d"];
  const workers = hosts.map((host) => aWorker({ id: host, host }));
  backend.overviewValue = anOverview({}, { workers });
  await openApp(backend);
  const everyHost = (operation: string) =>
    fireEvent.change(find(`target-${operation}`), { target: { value: "every" } });
  await everyHost(CLEAN);
  await click(`run-${CLEAN}`);
  await click("fan-out-confirm");
  expect(backend.fannedOut).toEqual([]);
  await type("fan-out-type", "4");
  await click("fan-out-close");
  await click(`run-${CLEAN}`);
  // what was typed for the question before does not count
  expect(pressable("fan-out-confirm")).toBe(false);
  await type("fan-out-type", "4");
  await click("fan-out-confirm");
  expect(backend.fannedOut).toHaveLength(1);
  await everyHost("health-check");
  await click("run-health-check");
  expect(query("fan-out-dialog")).toBeNull();
  expect(backend.fannedOut).toHaveLength(2);
});
