// the log of a task: any part of it, however long, and where a text stands in it.
import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import type { LogLine } from "$lib/generated/LogLine";
import { MOST_HITS, pieces, TaskLog } from "$lib/state/task-log.svelte";
import { detailOf, ended, NOW, running } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const line = (sequence: number, message = `line ${sequence}`): LogLine => ({
  sequence,
  attempt: 1,
  at: NOW + sequence,
  level: "info",
  message,
});

const many = (count: number, message?: (sequence: number) => string): LogLine[] =>
  Array.from({ length: count }, (_, index) => line(index + 1, message?.(index + 1)));

const shown = () => all("log-line").map((row) => Number(row.dataset.line));

async function openLog(lines: LogLine[], task = ended("succeeded")): Promise<FakeBackend> {
  const backend = new FakeBackend();
  backend.update(detailOf(task), lines);
  await openApp(backend, "#/tasks/task-1");
  return backend;
}

test("log lines arrive as they are logged, each once", async () => {
  const backend = await openLog([line(1), line(2)], running());
  backend.update(detailOf(running()), [line(3)]);
  await settled();
  expect(all("log-line").map((row) => row.querySelector(".message")?.textContent)).toEqual([
    "line 1",
    "line 2",
    "line 3",
  ]);
  expect(text("log-length")).toBe("3 lines");
});

test("of a long log only what can be seen is drawn and read, whichever part it is", async () => {
  const backend = await openLog(many(1_000_000));
  await settled();
  expect(shown().at(-1)).toBe(1_000_000);
  expect(shown().length).toBeLessThan(80);
  const box = find("log-box");
  for (const place of [0, 10_000_000, 19_000_000]) {
    box.scrollTop = place;
    await fireEvent.scroll(box);
    await eventually(() => expect(shown()).toContain(place / 20 + 5));
    expect(shown().length).toBeLessThan(80);
  }
  expect(backend.calls.filter((call) => call === "taskLog").length).toBeLessThan(12);
});

test("it follows the newest line until the operator scrolls up, and again when asked to", async () => {
  const backend = await openLog(many(300), running());
  backend.update(detailOf(running()), many(400).slice(300));
  await settled();
  expect(shown()).toContain(400);
  const box = find("log-box");
  box.scrollTop = 100;
  await fireEvent.scroll(box);
  expect((find("log-follow") as HTMLInputElement).checked).toBe(false);
  backend.update(detailOf(running()), many(500).slice(400));
  await settled();
  expect(shown()).not.toContain(500);
  await click("log-follow");
  expect(shown()).toContain(500);
});

test("a text is searched through the whole log, and hits are stepped through", async () => {
  const backend = await openLog(many(5000, (at) => (at % 1000 === 7 ? `Removed ${at}` : `kept ${at}`)));
  backend.linesLookedAt = 900;
  await fireEvent.input(find("log-search"), { target: { value: "removed" } });
  await eventually(() => expect(text("log-hits")).toBe("Line 7: hit 1 of 5"));
  await eventually(() => expect(shown()).toContain(7));
  expect(document.querySelector("mark")?.textContent).toBe("Removed");
  await click("log-next");
  await eventually(() => expect(shown()).toContain(1007));
  expect(text("log-hits")).toBe("Line 1,007: hit 2 of 5");
  await click("log-previous");
  await click("log-previous");
  expect(text("log-hits")).toBe("Line 4,007: hit 5 of 5");
  await fireEvent.keyDown(find("log-search"), { key: "Enter" });
  expect(text("log-hits")).toBe("Line 7: hit 1 of 5");
  await fireEvent.keyDown(find("log-search"), { key: "Enter", shiftKey: true });
  expect(text("log-hits")).toBe("Line 4,007: hit 5 of 5");
  await fireEvent.input(find("log-search"), { target: { value: "nowhere" } });
  await eventually(() => expect(text("log-hits")).toBe("No line contains it"));
  await fireEvent.keyDown(find("log-search"), { key: "Escape" });
  await fireEvent.input(find("log-search"), { target: { value: "" } });
  await eventually(() => expect(query("log-next")).toBeNull());
});

test("hits are counted up to a bound, and beyond it when the operator steps there", async () => {
  const backend = new FakeBackend();
  backend.linesLookedAt = 1000;
  backend.logs.set("t", many(MOST_HITS + 2500));
  const log = new TaskLog("t", backend);
  log.grew(MOST_HITS + 2500, []);
  log.search.begin("line");
  await eventually(() => expect(log.search.searching).toBe(false));
  expect([log.search.hits.length, log.search.more]).toEqual([MOST_HITS, true]);
  log.search.current = MOST_HITS - 1;
  log.search.next();
  await eventually(() => expect(log.search.more).toBe(false));
  expect(log.search.line).toBe(MOST_HITS + 1);
  log.search.previous();
  expect(log.search.line).toBe(MOST_HITS);
  // what is logged meanwhile is searched, too
  backend.logs.set("t", many(MOST_HITS + 2600));
  log.grew(MOST_HITS + 2600, []);
  await eventually(() => expect(log.search.hits.length).toBe(MOST_HITS + 2600));
});

test("a later search is not answered by an earlier one", async () => {
  const backend = new FakeBackend();
  backend.logs.set("t", [line(1, "one"), line(2, "two")]);
  const log = new TaskLog("t", backend);
  log.grew(2, []);
  log.search.begin("one");
  log.search.begin("two");
  await settled();
  expect(log.search.hits).toEqual([2]);
  log.search.begin("");
  await settled();
  expect([log.search.hits, log.search.searching]).toEqual([[], false]);
});

test("a part that cannot be read says so, and is read when it can", async () => {
  const backend = new FakeBackend();
  backend.logs.set("t", many(300));
  const log = new TaskLog("t", backend);
  log.grew(300, []);
  backend.failing.taskLog = { code: "database_unavailable", message: "away", hint: "" };
  log.want(1, 20);
  await settled();
  expect(log.error?.message).toBe("away");
  backend.failing = {};
  log.want(1, 20);
  await settled();
  expect([log.error, log.line(20)?.message, log.line(301)]).toEqual([null, "line 20", null]);
});

test.each([
  ["Removed it", "removed", ["", "Removed", " it"]],
  ["aXa", "x", ["a", "X", "a"]],
  ["aaa", "aa", ["", "aa", "a"]],
  ["none", "x", ["none"]],
  ["Größe İ x", "X", ["Größe İ ", "x", ""]],
  ["any", "", ["any"]],
])("%s is cut at each %s", (message, wanted, expected) => expect(pieces(message, wanted)).toEqual(expected));
