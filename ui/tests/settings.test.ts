import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { readAppearance } from "$lib/state/appearance.svelte";
import { aLocation, someSettings, someValues } from "./builders";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

/** Saves the draft as its review shows it. */
async function saveAll() {
  await click("draft-review");
  await click("review-save");
}

test("a location is added with the folder that was chosen", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("add-location");
  await fireEvent.input(find("place-name"), { target: { value: "builds" } });
  await click("place-choose");
  await click("place-save");
  expect(query("place-dialog")).toBeNull();
  expect(text("location-builds")).toContain("/srv/chosen");
});

test("a refused location is told while it is typed, and keeps the dialog", async () => {
  const backend = new FakeBackend();
  backend.settingProblem = (change) =>
    change.kind === "save_location" && change.location.path === "/"
      ? { code: "refused", message: "`/` is never cleaned", hint: "choose a folder" }
      : null;
  await openApp(backend, "#/settings");
  await click("add-location");
  expect(query("error-place")).toBeNull();
  await fireEvent.input(find("place-path"), { target: { value: "/" } });
  await settled();
  expect(text("error-place")).toContain("`/` is never cleaned");
  expect(text("error-place")).toContain("choose a folder");
  await click("place-save");
  expect(query("draft-bar")).toBeNull();
  expect((find("place-path") as HTMLInputElement).value).toBe("/");
});

test("editing starts from what is configured and names what it replaces", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("location-scratch-edit");
  expect((find("place-name") as HTMLInputElement).value).toBe("scratch");
  await click("place-only-own-files");
  await fireEvent.input(find("place-name"), { target: { value: "scratch-2" } });
  await click("place-save");
  expect(query("location-scratch")).toBeNull();
  expect(text("location-scratch-2")).toContain("own files only");
});

test("which files may go is typed line by line and told in the list", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("location-scratch-edit");
  expect((find("place-rules") as HTMLDetailsElement).open).toBe(false);
  const type = (testid: string, value: string) => fireEvent.input(find(testid), { target: { value } });
  await type("place-include", "*.tmp\n\n  build/**  \n");
  await type("place-exclude", "*.keep");
  await type("place-protect", ".git");
  await type("place-keep-newest", "3");
  await type("place-min-age-hours", "48.7");
  await type("place-min-size-bytes", "4096");
  await fireEvent.change(find("place-age-by"), { target: { value: "newest" } });
  await click("place-save");
  await saveAll();
  expect(backend.settingsValue.locations.at(-1)?.settings).toMatchObject({
    name: "scratch",
    age_by: "newest",
    include: ["*.tmp", "build/**"],
    exclude: ["*.keep"],
    protect: [".git"],
    keep_newest: 3,
    min_age_hours: 48,
    min_size_bytes: 4096,
  });
  const row = text("location-scratch");
  for (const words of [
    "only *.tmp and build/**",
    "never *.keep",
    "protects .git",
    "newest 3 files",
    "newest time",
  ])
    expect(row).toContain(words);
});

test("rules that are there stand open, and an emptied field means none", async () => {
  const backend = new FakeBackend();
  const settings = aLocation("scratch", { exclude: ["a", "b/**"], min_age_hours: 24 });
  backend.settingsValue = someSettings({ locations: [{ settings, problem: null }] });
  await openApp(backend, "#/settings");
  await click("location-scratch-edit");
  expect((find("place-rules") as HTMLDetailsElement).open).toBe(true);
  expect((find("place-exclude") as HTMLTextAreaElement).value).toBe("a\nb/**");
  await fireEvent.input(find("place-exclude"), { target: { value: "" } });
  await fireEvent.input(find("place-min-age-hours"), { target: { value: "" } });
  await click("place-save");
  await saveAll();
  expect(backend.settingsValue.locations.at(-1)?.settings).toEqual(aLocation("scratch"));
});

test("a refused pattern keeps what was typed and says what is wrong with it", async () => {
  const backend = new FakeBackend();
  backend.settingProblem = () => ({
    code: "invalid_parameters",
    message: "`include` has `/a`, which begins with `/`",
    hint: "patterns are relative to the location; write `a`",
  });
  await openApp(backend, "#/settings");
  await click("location-scratch-edit");
  await fireEvent.input(find("place-include"), { target: { value: "/a" } });
  await click("place-save");
  expect(text("error-place")).toContain("which begins with");
  expect((find("place-include") as HTMLTextAreaElement).value).toBe("/a");
});

test("closing the dialog changes nothing", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("location-scratch-edit");
  await fireEvent.input(find("place-name"), { target: { value: "other" } });
  await click("place-cancel");
  expect(query("place-dialog")).toBeNull();
  expect(query("location-scratch")).not.toBeNull();
  expect(query("draft-bar")).toBeNull();
});

test("removing is a change like any other, and the review says that no file is touched", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("location-scratch-remove");
  expect(query("location-scratch")).toBeNull();
  expect(backend.savedSettings).toEqual([]);
  await click("draft-review");
  expect(text("review-dialog")).toContain("No file is touched");
  await click("review-save");
  expect(backend.savedSettings).toEqual([[{ kind: "remove_location", name: "scratch" }]]);
});

test("a run store is saved with how many runs it keeps", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("add-run-store");
  await fireEvent.input(find("place-name"), { target: { value: "nightly" } });
  await fireEvent.input(find("place-path"), { target: { value: "/srv/nightly" } });
  await fireEvent.input(find("place-keep-newest"), { target: { value: "12" } });
  await click("place-save");
  expect(text("run-store-nightly")).toContain("keeps the newest 12 runs");
});

test("a run store says by which names and markers runs are known", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("run-store-experiments-edit");
  await fireEvent.input(find("place-include"), { target: { value: " run-*\n\n20??-* \n" } });
  await fireEvent.input(find("place-finished-when"), { target: { value: "DONE\nresult.json" } });
  await click("place-save");
  await saveAll();
  expect(backend.settingsValue.run_stores[0]?.settings).toMatchObject({
    include: ["run-*", "20??-*"],
    finished_when: ["DONE", "result.json"],
    keep_newest: 5,
  });
  expect(text("run-store-experiments")).toContain("only run-* and 20??-*");
  expect(text("run-store-experiments")).toContain("finished when it holds DONE or result.json");
  // what was saved stands there again, and emptied fields mean no rule
  await click("run-store-experiments-edit");
  expect((find("place-finished-when") as HTMLTextAreaElement).value).toBe("DONE\nresult.json");
  await fireEvent.input(find("place-finished-when"), { target: { value: "\n" } });
  await click("place-save");
  await saveAll();
  expect(backend.settingsValue.run_stores[0]?.settings.finished_when).toEqual([]);
});

test("a suggestion stays off until it is turned on", async () => {
  const backend = new FakeBackend();
  const settings = aLocation("thumbnails", { enabled: false });
  backend.settingsValue = someSettings({ suggestions: [{ settings, why: "drawn again when needed" }] });
  await openApp(backend, "#/settings");
  expect(text("suggestion-thumbnails")).toContain("Drawn again when needed");
  expect(query("location-thumbnails")).toBeNull();
  await click("suggestion-thumbnails-turn-on");
  expect(query("suggestion-thumbnails")).toBeNull();
  await saveAll();
  expect(backend.settingsValue.locations.at(-1)?.settings).toMatchObject({
    name: "thumbnails",
    enabled: true,
  });
  expect(query("suggestion-thumbnails")).toBeNull();
});

test("a location that cannot be cleaned says why and what to do", async () => {
  const backend = new FakeBackend();
  const problem = { code: "refused" as const, message: "does not exist", hint: "create it" };
  backend.settingsValue = someSettings({ locations: [{ settings: aLocation("scratch"), problem }] });
  await openApp(backend, "#/settings");
  expect(text("location-scratch-problem")).toContain("Does not exist");
  expect(text("location-scratch-problem")).toContain("Create it");
});

test("a broken file shows its line and cure and offers no editing", async () => {
  const backend = new FakeBackend();
  const error = {
    code: "invalid_configuration" as const,
    message: "line 7, key `path`: is relative",
    hint: "write /srv",
  };
  backend.settingsValue = someSettings({ locations: [], run_stores: [], error });
  await openApp(backend, "#/settings");
  expect(text("trouble-configuration")).toContain("ine 7, key `path`");
  expect(text("trouble-configuration")).toContain("Write /srv");
  expect(query("add-location")).toBeNull();
});

test("every change is shown with what was and what will be, and from when on, before it is saved", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await click("value-worker-embedded-field");
  await fireEvent.input(find("value-worker-concurrency-field"), { target: { value: "8" } });
  await fireEvent.change(find("value-worker-strategy-field"), { target: { value: "lifo" } });
  await settled();
  expect(text("draft-bar")).toContain("3 changes not saved yet");
  await click("draft-review");
  const cells = (row: HTMLElement) => [...row.children].map((cell) => cell.textContent?.trim()).join(" | ");
  const rows = all("difference").map(cells);
  expect(rows).toEqual([
    "Run the built-in worker | on | off | when Upkeep starts",
    "Tasks that a worker performs at once | 2 | 8 | when a worker starts",
    "Which waiting task comes first | by priority, then the oldest | the newest | when a worker starts",
  ]);
  expect(text("review-restart")).toContain("without a restart of Upkeep");
  expect(text("review-lines")).toContain("worker.concurrency");
  await click("review-back");
  expect(backend.savedSettings).toEqual([]);
  await click("draft-discard");
  expect((find("value-worker-concurrency-field") as HTMLInputElement).value).toBe("2");
  expect((find("value-worker-embedded-field") as HTMLInputElement).checked).toBe(true);
  expect(query("draft-bar")).toBeNull();
});

test("what could not be saved stays in the draft, with the reason", async () => {
  const backend = new FakeBackend();
  backend.failing.saveSettings = { code: "io", message: "the disk is full", hint: "make room" };
  await openApp(backend, "#/settings");
  await click("value-worker-embedded-field");
  await saveAll();
  expect(text("error-review")).toContain("The disk is full");
  expect((find("value-worker-embedded-field") as HTMLInputElement).checked).toBe(false);
});

test("a file that changed elsewhere is never written over unseen", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  await fireEvent.input(find("value-worker-concurrency-field"), { target: { value: "8" } });
  await settled();
  // between the look and the save somebody edits the file
  await click("draft-review");
  backend.settingsValue = {
    ...backend.settingsValue,
    base: "theirs",
    values: someValues({ "worker.strategy": "fifo" }),
  };
  await click("review-save");
  expect(backend.savedSettings).toEqual([]);
  expect(text("review-elsewhere")).toContain("changed elsewhere");
  expect(text("review-save")).toBe("Save on top of it");
  await click("review-save");
  expect(backend.savedSettings).toHaveLength(1);
  expect(query("review-dialog")).toBeNull();
});

test("a draft under way hears of a change made elsewhere, and a page without one shows it", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  backend.settingsValue = {
    ...backend.settingsValue,
    base: "second",
    values: someValues({ "worker.concurrency": "3" }),
  };
  backend.changed({ kind: "settings" });
  await eventually(() => expect(query("settings-changed-elsewhere")).not.toBeNull());
  expect((find("value-worker-concurrency-field") as HTMLInputElement).value).toBe("3");
  await fireEvent.input(find("value-worker-concurrency-field"), { target: { value: "8" } });
  await settled();
  expect(query("draft-elsewhere")).toBeNull();
  backend.settingsValue = { ...backend.settingsValue, base: "third" };
  backend.changed({ kind: "settings" });
  await eventually(() => expect(query("draft-elsewhere")).not.toBeNull());
  expect((find("value-worker-concurrency-field") as HTMLInputElement).value).toBe("8");
});

test("the database is told with its engine and who chose it", async () => {
  const backend = new FakeBackend();
  backend.settingsValue = someSettings({
    database: "postgres://anna@db/upkeep",
    database_variable: "UPKEEP_DATABASE_URL",
  });
  await openApp(backend, "#/settings");
  expect(text("settings-engine")).toContain("PostgreSQL");
  expect(text("settings-database-source")).toContain("UPKEEP_DATABASE_URL");
  expect(text("settings-database-source")).toContain("not shown");
});

test("the room of the history is counted once, and its preview is one click away", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/settings");
  expect(backend.calls.filter((call) => call === "historyRoom")).toHaveLength(1);
  expect(text("history-tasks")).toContain("1,204,311");
  expect(text("history-task_log")).toContain("1.4 GB");
  expect(text("history-artifacts")).toContain("412 files; 61 MB");
  expect(backend.triggered).toEqual([]);
  await click("history-preview");
  expect(backend.triggered).toMatchObject([
    { operation: "cleanup-runs", params: { dry_run: true }, host: null },
  ]);
  await click("history-count");
  expect(backend.calls.filter((call) => call === "historyRoom")).toHaveLength(2);
});

test("the appearance is applied and remembered", async () => {
  await openApp(new FakeBackend(), "#/settings");
  await click("appearance-dark");
  expect(document.documentElement.dataset.appearance).toBe("dark");
  expect(readAppearance(window.localStorage)).toBe("dark");
  await click("appearance-system");
  expect(document.documentElement.dataset.appearance).toBeUndefined();
});

test("an unreadable stored appearance means the system's", () => {
  expect(readAppearance({ getItem: () => "purple" })).toBe("system");
  expect(
    readAppearance({
      getItem: () => {
        throw new Error("forbidden");
      },
    }),
  ).toBe("system");
});
