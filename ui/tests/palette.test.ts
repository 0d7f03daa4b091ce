import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { matchingCommands, type Command } from "$lib/operations/commands";
import { FakeBackend } from "./fake";
import { all, click, eventually, find, openApp, query, settled, text } from "./window";

const press = async (key: string, target: EventTarget = window, more: KeyboardEventInit = {}) => {
  await fireEvent.keyDown(target as Window, { key, ...more });
  await settled();
};
const openPalette = () => press("k", window, { ctrlKey: true });
const ids = () => all("palette-option").map((option) => option.dataset.command);

async function type(words: string) {
  const field = find("palette-text") as HTMLInputElement;
  await fireEvent.input(field, { target: { value: words } });
  await settled();
}

test("every typed word must begin a word of the command; names that begin so come first", () => {
  const commands: Command[] = [
    { id: "a", section: "Operations", name: "Check health", words: "run" },
    { id: "b", section: "Go to", name: "Health" },
    { id: "c", section: "Go to", name: "Failed tasks" },
  ].map((command) => ({ ...command, run: () => undefined }));
  const check = (typed: string, expected: string[]) =>
    expect(matchingCommands(commands, typed).map(({ id }) => id)).toEqual(expected);
  check("", ["a", "b", "c"]);
  check("heal", ["b", "a"]);
  check("run heal", ["a"]);
  check("TASK", ["c"]);
  check("ealth", []);
});

test("the palette opens by key, filters, moves with the arrows and goes where Enter says", async () => {
  await openApp(new FakeBackend());
  await openPalette();
  expect(ids()).toContain("go-tasks");
  await type("go to");
  const field = find("palette-text");
  await press("ArrowDown", field);
  const selected = all("palette-option").find((option) => option.getAttribute("aria-selected") === "true");
  expect(selected?.dataset.command).toBe(ids()[1]);
  expect(field.getAttribute("aria-activedescendant")).toBe(selected?.id);
  await type("failed");
  await press("Enter", find("palette-text"));
  expect(window.location.hash).toBe("#/tasks?state=failed");
  expect(query("palette")).toBeNull();
});

test("an operation that deletes nothing starts from the palette, one that deletes shows its plan", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/workers");
  await openPalette();
  await eventually(() => expect(ids()).toContain("run-health-check"));
  await type("check health");
  await press("Enter", find("palette-text"));
  expect(backend.triggered.map(({ operation }) => operation)).toEqual(["health-check"]);
  await openPalette();
  await type("temporary");
  await press("Enter", find("palette-text"));
  await eventually(() => expect(backend.triggered).toHaveLength(2));
  expect(backend.triggered[1]?.params.dry_run).toBe(true);
});

test("what fits nothing says so, and Escape closes", async () => {
  await openApp(new FakeBackend());
  await openPalette();
  await type("zzz");
  expect(text("palette-none")).toContain("No command");
  await fireEvent(find("palette"), new Event("cancel", { cancelable: true }));
  await settled();
  expect(query("palette")).toBeNull();
});

test("letters go to pages, a slash to the search, a question mark to the list of keys", async () => {
  await openApp(new FakeBackend(), "#/overview");
  await press("g");
  await press("t");
  await eventually(() => expect(window.location.hash).toBe("#/tasks"));
  await settled();
  await eventually(() => expect(query("filter-text")).not.toBeNull());
  await press("/");
  expect(document.activeElement).toBe(find("filter-text"));
  // while typing a letter is a letter
  await press("g", find("filter-text"));
  await press("w", find("filter-text"));
  expect(window.location.hash).toBe("#/tasks");
  find("filter-text").blur();
  await press("?");
  expect(text("keys-dialog")).toContain("Go to Workers");
  // and while a dialog is open the page behind it does not move
  await press("g");
  await press("w");
  expect(window.location.hash).toBe("#/tasks");
});

test("a letter alone goes nowhere, and the frame has a button for those who do not know the keys", async () => {
  await openApp(new FakeBackend(), "#/overview");
  await press("t");
  expect(window.location.hash).toBe("#/overview");
  await click("open-palette");
  expect(ids()).toContain("go-workers");
});
