// what the card says beside its button.
import { expect, test } from "vitest";
import { diskOf, preflight, type Asked } from "$lib/operations/preflight";
import { aLocation, anOverview, aTask, aWorker, NOW, running, someSettings, someVitals } from "./builders";
import { FakeBackend } from "./fake";
import { find, openApp, query, text } from "./window";

const CLEAN = "cleanup-temp-files";

function asked(change: Partial<Asked> = {}, current = [] as ReturnType<typeof aTask>[]): Asked {
  const entry = anOverview({ [CLEAN]: { current } }).operations.find(
    ({ operation }) => operation.id === CLEAN,
  );
  if (!entry) throw new Error("no entry");
  return {
    entry,
    workers: [aWorker()],
    target: { kind: "any" },
    params: { max_age_hours: 24 },
    settings: null,
    ...change,
  };
}

test.each([
  [[], "none", "No worker that can do this is alive"],
  [[aWorker({ state: "stale" })], "none", "No worker that can do this is alive"],
  [[aWorker({ operations: ["health-check"] })], "none", "No worker that can do this is alive"],
  [[aWorker()], "go", "A worker is ready on desk-7"],
  [[aWorker(), aWorker({ host: "web-02" })], "go", "Workers are ready on desk-7 and web-02"],
  [["a", "b", "c", "d"].map((host) => aWorker({ host })), "go", "Workers are ready on 4 hosts"],
  [[aWorker({ state: "draining" })], "wait", "Every worker that can do this is draining"],
  [
    [aWorker({ concurrency: 1, current_tasks: [{ task_id: "t", operation: CLEAN, progress: null }] })],
    "wait",
    "Every worker is busy on desk-7: it will wait its turn",
  ],
] as const)("case %#: who would do it", (workers, ready, who) =>
  expect(preflight(asked({ workers }))).toMatchObject({ ready, who }),
);

test("a named host needs a worker of its own", () => {
  const target = { kind: "host", host: "web-09" } as const;
  expect(preflight(asked({ target }))).toMatchObject({
    ready: "none",
    who: "No worker that can do this is alive on web-09",
  });
  const workers = [aWorker(), aWorker({ host: "web-09" })];
  expect(preflight(asked({ target, workers })).who).toBe("A worker is ready on web-09");
});

test("the very same is told from anything else that goes on", () => {
  const preview = { max_age_hours: 24, dry_run: true, exclude: null };
  const check = (current: ReturnType<typeof aTask>[], expected: string, change: Partial<Asked> = {}) =>
    expect(preflight(asked(change, current)).going).toBe(expected);
  check([], "");
  check([aTask({ params: preview })], "The very same is asked for already: a click shows it");
  check([running(), aTask({ params: { max_age_hours: 1 } })], "Already 1 running, 1 waiting");
  check([aTask({ params: preview, target_host: "web-02" })], "Already 1 waiting");
  check([aTask({ params: preview })], "Already 1 waiting", { params: null });
});

test("room is that of the file systems the chosen locations of this host lie on", () => {
  const workers = [aWorker({ vitals: someVitals() })];
  const at = (name: string, path: string) => ({ settings: aLocation(name, { path }), problem: null });
  const settings = someSettings({
    locations: [at("scratch", "/home/anna/scratch"), at("tmp", "/tmp"), at("var", "/var/tmp")],
  });
  const room = (change: Partial<Asked>) => preflight(asked({ workers, settings, ...change })).room;
  expect(room({})).toBe("320 GB free on /home, 15.9 GB free on /tmp, 211 GB free on /");
  expect(room({ params: { locations: ["tmp"] } })).toBe("15.9 GB free on /tmp");
  expect(room({ target: { kind: "host", host: "web-02" } })).toBe("");
  expect(room({ target: { kind: "every" } })).toBe("");
  expect(room({ workers: [aWorker()] })).toBe("");
  expect(room({ settings: null })).toBe("");
  const { disks } = someVitals();
  expect(diskOf("/homestead", disks)?.mount).toBe("/");
  expect(diskOf("/home", disks)?.mount).toBe("/home");
});

test("the card says it in one line, with the last success", async () => {
  const backend = new FakeBackend();
  backend.overviewValue = anOverview({ [CLEAN]: { last_run: running(), last_success: NOW - 3_600_000 } });
  await openApp(backend);
  expect(find(`preflight-${CLEAN}`).dataset.ready).toBe("go");
  expect(text(`preflight-${CLEAN}`)).toContain("A worker is ready on desk-7");
  expect(text(`preflight-${CLEAN}`)).toContain("Last succeeded");
  expect(text("preflight-health-check")).not.toContain("succeeded");
});

test("without a worker the card names the exact command", async () => {
  const backend = new FakeBackend();
  backend.overviewValue = anOverview({ [CLEAN]: { last_run: running() } }, { workers: [] });
  await openApp(backend);
  expect(text(`preflight-${CLEAN}`)).toContain("Start it with upkeep-worker run");
  expect(find(`preflight-${CLEAN}`).querySelector('[aria-label="Copy: upkeep-worker run"]')).not.toBeNull();
  expect(text(`preflight-${CLEAN}`)).toContain("None of its last runs succeeded");
  expect(query(`run-${CLEAN}`)?.hasAttribute("disabled")).toBe(false);
});
