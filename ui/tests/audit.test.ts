import { expect, test } from "vitest";
import type { AuditEntry } from "$lib/generated/AuditEntry";
import { NOW } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const TASK = "01936e2a-7c4b-7000-8000-000000000001";

function trail(count: number): AuditEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    id: String(count - index).padStart(6, "0"),
    at: NOW - index * 60_000,
    who: index % 2 === 0 ? "anna@desk-7 (desktop)" : "bert@desk-8 (desktop)",
    what: index === 0 ? "drain" : "enqueue",
    subject: index === 0 ? "worker-1" : TASK,
    parameters: index === 0 ? null : { operation: "health-check", n: index },
  }));
}

async function opened(backend: FakeBackend, hash = "#/audit") {
  await openApp(backend, hash);
  return backend;
}

function choose(testid: string, value: string) {
  const field = find(testid) as HTMLSelectElement;
  field.value = value;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

test("each line says who did what, when, on what and with which parameters", async () => {
  const backend = new FakeBackend();
  backend.audit = trail(2);
  await opened(backend);
  const [first, second] = all("audit-row");
  expect(first?.textContent).toContain("Drained a worker");
  expect(first?.textContent).toContain("worker-1");
  expect(second?.textContent).toContain("bert@desk-8 (desktop)");
  expect(second?.textContent).toContain("Asked for a task: Check health");
  expect(second?.textContent).toContain('{"operation":"health-check","n":1}');
  expect(second?.querySelector("a")?.getAttribute("href")).toBe(`#/tasks/${TASK}`);
  expect(second?.querySelector("time")?.title).toContain("2026");
});

test("further pages come when asked for, and newer lines wait until they are", async () => {
  const backend = new FakeBackend();
  backend.audit = trail(70);
  await opened(backend);
  expect(all("audit-row")).toHaveLength(50);
  await click("load-more");
  await eventually(() => expect(all("audit-row")).toHaveLength(70));
  backend.audit = [...trail(1).map((entry) => ({ ...entry, id: "000071" })), ...backend.audit];
  backend.changed({ kind: "all" });
  await eventually(() => expect(text("show-newer")).toContain("1 new line"));
  expect(all("audit-row")).toHaveLength(70);
  await click("show-newer");
  expect(all("audit-row")).toHaveLength(71);
});

test("the choice narrows the trail and stands in the address", async () => {
  const backend = new FakeBackend();
  backend.audit = trail(120);
  await opened(backend);
  choose("audit-what", "drain");
  await eventually(() => expect(all("audit-row")).toHaveLength(1));
  expect(window.location.hash).toBe("#/audit?what=drain");
  choose("audit-what", "");
  choose("audit-range", "hour");
  await eventually(() => expect(window.location.hash).toBe("#/audit?range=hour"));
  await settled();
  choose("audit-what", "pause");
  await eventually(() => expect(text("audit-empty")).toContain("No line matches"));
});

test("a link can ask for the lines about one task, and the rest comes back with one press", async () => {
  const backend = new FakeBackend();
  backend.audit = trail(3);
  await opened(backend, `#/audit?subject=${TASK}`);
  expect(all("audit-row")).toHaveLength(2);
  find("audit-subject").querySelector("button")?.click();
  await eventually(() => expect(all("audit-row")).toHaveLength(3));
  expect(query("audit-subject")).toBeNull();
});

test("an empty trail teaches, and one that cannot be read says why", async () => {
  await opened(new FakeBackend());
  expect(text("audit-empty")).toContain("Nothing was asked for yet");
  const backend = new FakeBackend();
  backend.failing.listAudit = {
    code: "database_unavailable",
    message: "the database is locked",
    hint: "try again",
  };
  await opened(backend);
  expect(text("error-audit")).toContain("he database is locked");
});
