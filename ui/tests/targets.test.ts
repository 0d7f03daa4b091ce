import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { Waiting } from "$lib/generated/Waiting";
import {
  accepted,
  anEntry,
  anOverview,
  aPreview,
  aTask,
  aWorker,
  detailOf,
  ended,
  fannedOut,
  NOW,
} from "./builders";
import { FakeBackend } from "./fake";
import { click, eventually, find, openApp, query, settled, text } from "./window";

const CLEAN = "cleanup-temp-files";
const CHECK = "health-check";

function onHosts(...hosts: string[]): FakeBackend {
  const backend = new FakeBackend();
  const workers = hosts.map((host) => aWorker({ id: `on-${host}`, host }));
  backend.overviewValue = anOverview({}, { workers });
  backend.onFanOut = () => fannedOut("group-1", hosts);
  return backend;
}

async function choose(operation: string, value: string): Promise<void> {
  await fireEvent.change(find(`target-${operation}`), { target: { value } });
  await settled();
}

async function typeHost(operation: string, value: string): Promise<void> {
  await fireEvent.input(find(`target-${operation}-host`), { target: { value } });
  await settled();
}

test("any worker may take it unless somebody says otherwise", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await click(`run-${CHECK}`);
  expect(backend.triggered[0]?.host).toBeNull();
});

test("the hosts of live workers that perform it are offered, with their number", async () => {
  const backend = onHosts("web-02", "desk-7");
  backend.overviewValue.workers.push(aWorker({ host: "gone", state: "stale" }));
  await openApp(backend);
  const options = [...find(`target-${CHECK}`).querySelectorAll("option")].map((option) => option.textContent);
  expect(options).toEqual(["Any worker", "desk-7", "web-02", "Every host (2 live)", "Another host…"]);
});

test("a named host is asked", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await choose(CHECK, "host web-02");
  await click(`run-${CHECK}`);
  expect(backend.triggered).toEqual([{ operation: CHECK, params: { cpu_window_ms: 500 }, host: "web-02" }]);
});

test("a host that was not seen yet can be typed, and without a name nothing can be pressed", async () => {
  const backend = onHosts("desk-7");
  await openApp(backend);
  await choose(CHECK, "other");
  expect(find(`run-${CHECK}`).hasAttribute("disabled")).toBe(true);
  await typeHost(CHECK, "  web-09 ");
  await click(`run-${CHECK}`);
  expect(backend.triggered[0]?.host).toBe("web-09");
});

test("a preview on a host is made there, and the plan says where it is executed", async () => {
  const backend = onHosts("desk-7", "web-02");
  backend.onTrigger = ({ params }) => accepted(params.dry_run ? "preview" : "removal");
  await openApp(backend);
  await choose(CLEAN, "host web-02");
  await click(`run-${CLEAN}`);
  expect(backend.triggered[0]?.host).toBe("web-02");
  const task = ended("succeeded", { id: "preview", dry_run: true });
  backend.update(detailOf(task, aPreview([anEntry("/srv/scratch/a")], { host: "web-02" })));
  await settled();
  expect(text("plan-total")).toContain("on web-02");
  await click("plan-confirm");
  expect(backend.triggered[1]).toMatchObject({ params: { plan: "preview", dry_run: false }, host: null });
});

test("what does not delete goes to every host at once and links to the group", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await choose(CHECK, "every");
  await click(`run-${CHECK}`);
  expect(backend.fannedOut).toEqual([{ operation: CHECK, params: { cpu_window_ms: 500 } }]);
  expect(backend.triggered).toEqual([]);
  expect(text(`notice-${CHECK}`)).toContain("Queued on 2 hosts");
  expect(find(`notice-${CHECK}`).querySelector("a")?.getAttribute("href")).toBe("#/groups/group-1");
  expect(text("announcer")).toBe("Queued on 2 hosts");
});

test("deleting on every host asks first, says what and where, and does nothing until then", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await choose(CLEAN, "every");
  await click(`run-${CLEAN}`);
  expect(backend.calls).not.toContain("triggerEveryHost");
  expect(backend.calls).not.toContain("trigger");
  expect(text("fan-out-dialog")).toContain("removes files on 2 hosts");
  expect(text("fan-out-dialog")).toContain("older than 24 hours");
  expect(text("fan-out-hosts")).toBe("desk-7web-02");
  await click("fan-out-close");
  expect(query("fan-out-dialog")).toBeNull();
  expect(backend.fannedOut).toEqual([]);
});

test("confirming deletes on every host once, however often it is pressed", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await choose(CLEAN, "every");
  await click(`run-${CLEAN}`);
  const button = find("fan-out-confirm");
  button.click();
  button.click();
  await settled();
  expect(backend.fannedOut).toEqual([{ operation: CLEAN, params: { max_age_hours: 24, dry_run: false } }]);
  expect(query("fan-out-dialog")).toBeNull();
});

test("a preview on every host is offered instead, and shown as a group", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await choose(CLEAN, "every");
  await click(`run-${CLEAN}`);
  await click("fan-out-preview");
  expect(backend.fannedOut).toEqual([{ operation: CLEAN, params: { max_age_hours: 24, dry_run: true } }]);
  expect(window.location.hash).toBe("#/groups/group-1");
});

test("the preview button with every host chosen asks nothing and deletes nothing", async () => {
  const backend = onHosts("desk-7", "web-02");
  await openApp(backend);
  await choose(CLEAN, "every");
  await click(`preview-${CLEAN}`);
  expect(query("fan-out-dialog")).toBeNull();
  expect(backend.fannedOut.map(({ params }) => params.dry_run)).toEqual([true]);
});

test("with no live host nothing is offered that would delete", async () => {
  const backend = onHosts();
  await openApp(backend);
  await choose(CLEAN, "every");
  await click(`run-${CLEAN}`);
  expect(text("fan-out-dialog")).toContain("nothing would be queued");
  expect(query("fan-out-confirm")).toBeNull();
});

test("a fan-out that failed leaves its error on the card", async () => {
  const backend = onHosts("desk-7");
  backend.failing.triggerEveryHost = { code: "refused", message: "location `x` is gone", hint: "add it" };
  await openApp(backend);
  await choose(CHECK, "every");
  await click(`run-${CHECK}`);
  expect(text(`error-${CHECK}`)).toContain("Location `x` is gone");
});

test.each<[Waiting, string]>([
  [{ reason: "no_worker", host: "web-02", last_seen: null }, "no worker on web-02"],
  [{ reason: "operation_paused", by: "anna", since: NOW }, "paused by anna"],
  [{ reason: "workers_draining", host: null }, "is draining"],
  [{ reason: "limit_reached", hosts: ["desk-7"] }, "another one runs on desk-7"],
])("a task that cannot begin says so at once, to eyes and ears: %j", async (waiting, words) => {
  const backend = onHosts("desk-7");
  backend.onTrigger = () => accepted("stuck", waiting);
  await openApp(backend);
  await click(`run-${CHECK}`);
  expect(text(`blocked-${CHECK}`)).toMatch(/^Queued; /);
  expect(text(`blocked-${CHECK}`)).toContain(words);
  expect(text("announcer")).toContain(words);
});

test("a task that only waits for its turn is not called out", async () => {
  const backend = onHosts("desk-7");
  await openApp(backend);
  await click(`run-${CHECK}`);
  expect(query(`blocked-${CHECK}`)).toBeNull();
});

test("the reason goes as soon as the task begins", async () => {
  const backend = onHosts("desk-7");
  backend.onTrigger = () => accepted("stuck", { reason: "workers_draining", host: null });
  await openApp(backend);
  await click(`run-${CHECK}`);
  expect(query(`blocked-${CHECK}`)).not.toBeNull();
  backend.update(detailOf(aTask({ id: "stuck", state: "running" })));
  await settled();
  expect(query(`blocked-${CHECK}`)).toBeNull();
});

test("the card of a task that waits tells why, and follows it when that changes", async () => {
  const backend = onHosts("desk-7");
  const waiting: Waiting = { reason: "no_worker", host: "web-02", last_seen: null };
  const task = aTask({ operation: CHECK, waiting });
  backend.update(detailOf(task));
  backend.overviewValue = anOverview({ [CHECK]: { current: [task] } });
  await openApp(backend);
  expect(text(`progress-${CHECK}`)).toContain("no worker on web-02");
  const drained = { ...task, waiting: { reason: "workers_draining" as const, host: null } };
  backend.overviewValue = anOverview({ [CHECK]: { current: [drained] } });
  backend.changed({ kind: "worker", worker_id: "w" });
  await eventually(() => expect(text(`progress-${CHECK}`)).toContain("is draining"));
});

test("a preview that cannot begin says why in its dialog", async () => {
  const backend = onHosts("desk-7");
  backend.onTrigger = () => accepted("stuck", { reason: "operation_paused", by: "anna", since: NOW });
  await openApp(backend);
  await click(`run-${CLEAN}`);
  expect(text("plan-progress")).toContain("Queued; paused by anna");
});

test("pause asks for that operation, and says so", async () => {
  const backend = onHosts("desk-7");
  await openApp(backend);
  await click(`pause-${CHECK}`);
  expect(backend.wishes).toEqual([`pause ${CHECK}`]);
  expect(text("announcer")).toBe("Check health is paused");
  find(`pause-${CHECK}`).focus();
  const paused = { operation: CHECK, by: "anna", since: NOW };
  backend.overviewValue = anOverview({ [CHECK]: { paused } });
  backend.changed({ kind: "operation", operation: CHECK });
  await eventually(() => expect(document.activeElement).toBe(query(`resume-${CHECK}`)));
});

test("a paused operation says who, since when and how many wait, can be triggered and resumed", async () => {
  const backend = onHosts("desk-7");
  const paused = { operation: CHECK, by: "anna@desk-7", since: NOW };
  const waits = (id: string) => aTask({ id, operation: CHECK });
  backend.overviewValue = anOverview({ [CHECK]: { paused, current: [waits("a"), waits("b")] } });
  await openApp(backend);
  expect(text(`paused-${CHECK}`)).toContain("Paused by anna@desk-7");
  expect(text(`paused-${CHECK}`)).toContain("2 tasks wait");
  expect(query(`pause-${CHECK}`)).toBeNull();
  expect(find(`run-${CHECK}`).hasAttribute("disabled")).toBe(false);
  await click(`resume-${CHECK}`);
  expect(backend.wishes).toEqual([`resume ${CHECK}`]);
});

test("a pause that failed leaves its error on the card", async () => {
  const backend = onHosts("desk-7");
  backend.failing.pauseOperation = { code: "database_unavailable", message: "locked", hint: "" };
  await openApp(backend);
  await click(`pause-${CHECK}`);
  expect(text(`error-${CHECK}`)).toContain("Locked");
});
