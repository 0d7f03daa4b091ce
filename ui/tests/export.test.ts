import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { aTask, detailOf, ended } from "./builders";
import { FakeBackend } from "./fake";
import { click, find, openApp, query, settled, text } from "./window";

async function begun(): Promise<FakeBackend> {
  const backend = new FakeBackend();
  await openApp(backend, "#/statistics?range=week");
  await click("statistics-export");
  await click("export-html");
  await click("export-start");
  return backend;
}

test("a report is asked for in the form that was chosen, and its path can be copied", async () => {
  const backend = await begun();
  expect(backend.exports[0]?.request).toEqual({
    subject: { of: "statistics", query: { range: { kind: "week" }, host: null, operation: null } },
    format: "html",
  });
  backend.exports[0]?.watcher.update({ status: "writing", done: 500, total: 2000 });
  await settled();
  expect(text("export-dialog")).toContain("500 of 2,000 rows");
  backend.exports[0]?.watcher.update({
    status: "saved",
    path: "/home/anna/upkeep-statistics-week-20261123T123000Z-2.html",
    renamed: true,
    rows: 2000,
    bytes: 81_000,
  });
  await settled();
  expect(text("export-path")).toBe("/home/anna/upkeep-statistics-week-20261123T123000Z-2.html");
  expect(text("export-saved")).toContain("That name was taken");
  expect(find("export-dialog").querySelector('[aria-label="Copy path"]')).not.toBeNull();
  expect(text("announcer")).toContain("saved with 2,000 rows");
  await click("export-done");
  expect(query("export-dialog")).toBeNull();
});

test("a report can be given up while it is written, and asked for again", async () => {
  const backend = await begun();
  backend.exports[0]?.watcher.update({ status: "writing", done: 500, total: null });
  await settled();
  await click("export-cancel");
  expect(backend.exports[0]?.stopped).toBe(true);
  expect(text("announcer")).toContain("Nothing was left behind");
  await click("export-start");
  expect(backend.exports).toHaveLength(2);
});

test("closing the dialog or leaving the page gives the report up", async () => {
  const backend = await begun();
  await fireEvent(find("export-dialog"), new Event("cancel", { cancelable: true }));
  await settled();
  expect(query("export-dialog")).toBeNull();
  expect(backend.exports[0]?.stopped).toBe(true);
});

test("a dismissed save dialog leaves the choice as it was", async () => {
  const backend = await begun();
  backend.exports[0]?.watcher.update({ status: "dismissed" });
  await settled();
  expect(find("export-html")).toHaveProperty("checked", true);
  expect(query("export-error")).toBeNull();
});

test("a report that cannot be written says why and what to do", async () => {
  const backend = await begun();
  backend.exports[0]?.watcher.update({
    status: "failed",
    error: { code: "io", message: "cannot write /mnt/full/x.html", hint: "choose another disk" },
  });
  await settled();
  expect(text("export-error")).toContain("Choose another disk");
  expect(query("export-start")).not.toBeNull();
});

test("the list of tasks is exported under its filter, and says how many there are", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(aTask({ id: "a" })));
  backend.update(detailOf(ended("failed", { id: "b" })));
  await openApp(backend, "#/tasks?state=failed");
  await click("tasks-export");
  await settled();
  expect(text("export-dialog")).toContain("of 1 task under this filter");
  await click("export-start");
  expect(backend.exports[0]?.request.subject).toMatchObject({ of: "tasks", filter: { states: ["failed"] } });
  expect(backend.exports[0]?.request.format).toBe("csv");
});

test("of which tasks the desktop tells is chosen in settings and kept", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  expect(find("notify-problems")).toHaveProperty("checked", true);
  await click("notify-off");
  expect(backend.preferencesValue).toEqual({ notify_of: "off" });
  backend.failing.savePreferences = { code: "io", message: "the disk is full", hint: "make room" };
  await click("notify-all");
  await settled();
  expect(text("error-notifications")).toContain("Make room");
  expect(find("notify-off")).toHaveProperty("checked", true);
});
