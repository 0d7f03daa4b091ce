// what an operator can do with many tasks at once, and how far a list looks back.
import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { TaskPage } from "$lib/generated/TaskPage";
import { aFilter, anOverview, aTask, detailOf, ended, NOW, running } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, setVisibility, settled, text } from "./window";

const LOCKED = { code: "database_unavailable" as const, message: "the database is locked", hint: "wait" };

function mixed(): FakeBackend {
  const backend = new FakeBackend();
  backend.update(detailOf(aTask({ id: "q1", target_host: "web-02" })));
  backend.update(detailOf(aTask({ id: "q2", operation: "health-check" })));
  backend.update(detailOf(running({ id: "r1" })));
  backend.update(detailOf(ended("failed", { id: "f1", operation: "health-check" })));
  backend.update(detailOf(ended("succeeded", { id: "f2" })));
  return backend;
}

const ids = () => all("task-row").map((row) => row.dataset.taskId);

test("a host narrows the list to what ran there or must, and stands in the address", async () => {
  const backend = mixed();
  await openApp(backend, "#/tasks");
  await fireEvent.change(find("filter-host"), { target: { value: " web-02 " } });
  await settled();
  expect(ids()).toEqual(["q1"]);
  expect(window.location.hash).toBe("#/tasks?host=web-02");
});

test("cancelling what matches shows the counts and the filter, and does nothing until confirmed", async () => {
  const backend = mixed();
  await openApp(backend, "#/tasks?operation=cleanup-temp-files");
  await click("bulk-cancel");
  expect(text("bulk-filter")).toBe("operation Clean temporary files");
  expect(text("bulk-count")).toBe("1 queued, 1 running, 1 finished");
  expect(text("bulk-words")).toContain(
    "1 waiting task will be cancelled at once. 1 running task will be asked to stop.",
  );
  expect(text("bulk-confirm")).toBe("Cancel 2 tasks");
  await click("bulk-close");
  expect(backend.bulkCancelled).toEqual([]);
});

test("a bulk cancel acts on the whole filter as it was counted, and says what it did", async () => {
  const backend = mixed();
  backend.bulkCancelOutcome = { cancelled: 2, requested: 1 };
  await openApp(backend, "#/tasks");
  await click("bulk-cancel");
  find("bulk-confirm").click();
  find("bulk-confirm").click();
  await settled();
  expect(backend.bulkCancelled).toEqual([{ filter: aFilter(), enqueuedBy: NOW }]);
  expect(text("bulk-result")).toBe("Cancelled 2 waiting tasks and asked 1 running one to stop.");
  expect(text("announcer")).toBe("Cancelled 2 waiting tasks and asked 1 running one to stop.");
  expect(query("bulk-confirm")).toBeNull();
  expect(document.activeElement).toBe(find("bulk-close"));
});

test("with nothing to cancel there is nothing to press", async () => {
  await openApp(mixed(), "#/tasks?state=failed");
  await click("bulk-cancel");
  expect(text("bulk-words")).toContain("nothing to cancel");
  expect(query("bulk-confirm")).toBeNull();
});

test("running again leaves out what deletes until the operator says otherwise", async () => {
  const backend = mixed();
  await openApp(backend, "#/tasks");
  await click("bulk-run-again");
  expect(text("bulk-filter")).toBe("operation Check health or Log statistics");
  expect(text("bulk-confirm")).toBe("Run 1 task again");
  expect(query("bulk-deletes")).toBeNull();
  await click("bulk-with-deleting");
  expect(text("bulk-filter")).toBe("every task, whatever it is");
  expect(text("bulk-deletes")).toContain("This deletes. Clean up old runs and Clean temporary files");
  expect(text("bulk-confirm")).toBe("Run 2 tasks again, deleting");
  await click("bulk-confirm");
  expect(backend.bulkRunAgain).toEqual([{ filter: aFilter(), enqueuedBy: NOW }]);
});

test("running a deleting operation again says that it deletes", async () => {
  const backend = mixed();
  await openApp(backend, "#/tasks?operation=cleanup-temp-files");
  await click("bulk-run-again");
  expect(query("bulk-with-deleting")).toBeNull();
  expect(text("bulk-deletes")).toContain("This deletes. Clean temporary files would remove files");
  expect(find("bulk-confirm").classList.contains("danger")).toBe(true);
});

test("an operation that the registry does not know counts as deleting", async () => {
  const backend = mixed();
  backend.update(detailOf(ended("succeeded", { id: "x", operation: "burn-everything" })));
  await openApp(backend, "#/tasks?operation=burn-everything");
  await click("bulk-run-again");
  expect(text("bulk-deletes")).toContain("Burn everything");
});

test("what was refused is told with the first reason", async () => {
  const backend = mixed();
  const first_refusal = { code: "refused" as const, message: "location `x` is gone", hint: "add it" };
  backend.bulkRunAgainOutcome = { queued: 3, already_queued: 1, refused: 2, first_refusal };
  await openApp(backend, "#/tasks?operation=health-check");
  await click("bulk-run-again");
  await click("bulk-confirm");
  expect(text("bulk-result")).toContain("Queued 3 new tasks");
  expect(text("bulk-result")).toContain("location `x` is gone");
});

test.each([["countTasks"], ["cancelMatching"]] as const)(
  "when %s fails the dialog says why",
  async (call) => {
    const backend = mixed();
    backend.failing[call] = LOCKED;
    await openApp(backend, "#/tasks");
    await click("bulk-cancel");
    if (call === "cancelMatching") await click("bulk-confirm");
    expect(text("error-bulk")).toContain("The database is locked");
    expect(query("bulk-result")).toBeNull();
  },
);

/** A long history in which every hundredth task failed, and an answer looks at forty. */
function history(): FakeBackend {
  const backend = new FakeBackend();
  for (let index = 0; index < 400; index += 1) {
    const state = index % 100 === 99 ? "failed" : "succeeded";
    const id = `h-${String(index).padStart(3, "0")}`;
    backend.update(detailOf(ended(state, { id, enqueued_at: NOW - index * 1000 })));
  }
  backend.mostLookedAt = 40;
  return backend;
}

/** Lets each read after the first wait until it is let go. */
function gated(backend: FakeBackend): { release: () => Promise<void>; asked: () => number } {
  const listTasks = backend.listTasks;
  const held: (() => void)[] = [];
  let asked = 0;
  backend.listTasks = async (...args): Promise<TaskPage> => {
    asked += 1;
    if (args[1] !== null) await new Promise<void>((resolve) => held.push(resolve));
    return listTasks(...args);
  };
  return {
    asked: () => asked,
    release: async () => {
      held.shift()?.();
      await settled();
    },
  };
}

test("a list whose answers come early goes on by itself to the end", async () => {
  await openApp(history(), "#/tasks?state=failed");
  await eventually(() => expect(ids()).toEqual(["h-099", "h-199", "h-299", "h-399"]));
  expect(query("load-more")).toBeNull();
  expect(query("stop-search")).toBeNull();
});

test("it goes on only until a page is full", async () => {
  const backend = history();
  await openApp(backend, "#/tasks?state=succeeded");
  await eventually(() => expect(ids().length).toBeGreaterThanOrEqual(50));
  await settled();
  expect(backend.calls.filter((call) => call === "listTasks")).toHaveLength(2);
  expect(text("load-more")).not.toContain("Loading");
});

test("meanwhile it says how far it looked and can be stopped and taken up again", async () => {
  const backend = history();
  const gate = gated(backend);
  await openApp(backend, "#/tasks?state=failed");
  expect(text("list-status")).toMatch(/None found yet\. Looked back to .*; searching further…/);
  expect(query("tasks-empty")).toBeNull();
  await gate.release();
  await click("stop-search");
  await gate.release();
  const asked = gate.asked();
  await settled();
  expect(gate.asked()).toBe(asked);
  expect(text("list-status")).not.toContain("searching further");
  expect(text("load-more")).toBe("Search further");
  await click("load-more");
  expect(gate.asked()).toBe(asked + 1);
});

test("a window that nobody sees searches no further, and goes on when it is looked at", async () => {
  const backend = history();
  const gate = gated(backend);
  await openApp(backend, "#/tasks?state=failed");
  setVisibility("hidden");
  await gate.release();
  const asked = gate.asked();
  await settled();
  expect(gate.asked()).toBe(asked);
  setVisibility("visible");
  await settled();
  expect(gate.asked()).toBeGreaterThan(asked);
});

test("leaving the page ends its search", async () => {
  const backend = history();
  const gate = gated(backend);
  await openApp(backend, "#/tasks?state=failed");
  window.location.hash = "#/settings";
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await settled();
  const asked = gate.asked();
  await gate.release();
  await settled();
  expect(gate.asked()).toBe(asked);
});

test("an answer that comes no further than the one before is not asked for without end", async () => {
  const backend = history();
  const listTasks = backend.listTasks;
  let asked = 0;
  backend.listTasks = async (filter, after, limit) => {
    asked += 1;
    const page = await listTasks(filter, after, limit);
    return after === null ? page : { tasks: [], next: after, searched_to: after.enqueued_at };
  };
  await openApp(backend, "#/tasks?state=failed");
  await settled();
  expect(asked).toBe(2);
  expect(text("load-more")).toBe("Search further");
});

test("what was searched already is not searched again when something changes", async () => {
  const backend = history();
  await openApp(backend, "#/tasks?text=nothing-like-it");
  await eventually(() => expect(text("tasks-empty")).toContain("No task matches"));
  const reads = () => backend.calls.filter((call) => call === "listTasks").length;
  const before = reads();
  backend.changed({ kind: "task", task_id: "h-000" });
  await eventually(() => expect(reads()).toBe(before + 1));
  await settled();
  expect(reads()).toBe(before + 1);
});

test("a queued row says what holds it", async () => {
  const backend = new FakeBackend();
  backend.update(detailOf(aTask({ id: "a", waiting: { reason: "limit_reached", hosts: ["desk-7"] } })));
  backend.update(detailOf(aTask({ id: "b", waiting: { reason: "turn" } })));
  backend.overviewValue = anOverview();
  await openApp(backend, "#/tasks");
  expect(all("row-waiting").map((line) => line.textContent?.trim())).toEqual([
    "Queued; another one runs on desk-7",
  ]);
});
