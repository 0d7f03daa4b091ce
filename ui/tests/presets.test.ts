// what forms remember: the last used values and named ones, which fill a form and never start anything.
import { cleanup, fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { fieldsOf, presets, restored, toParams } from "$lib/operations/forms";
import { FormMemory } from "$lib/state/form-memory.svelte";
import { operation } from "./builders";
import { FakeBackend } from "./fake";
import { click, find, openApp, query, settled, text } from "./window";

const CHECK = "health-check";
const CLEAN = "cleanup-temp-files";
const KEY = "upkeep.forms";

async function type(testid: string, value: string): Promise<void> {
  await fireEvent.input(find(testid), { target: { value } });
  await settled();
}

function valueOf(testid: string): string {
  const element = find(testid);
  if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement) return element.value;
  throw new Error(`${testid} has no value`);
}

const options = (testid: string) =>
  [...find(testid).querySelectorAll("option")].map((option) => option.textContent);

test("a form opens with the values it was last used with, and typing alone remembers nothing", async () => {
  await openApp(new FakeBackend());
  await type(`param-${CHECK}-cpu-window-ms`, "900");
  cleanup();
  await openApp(new FakeBackend());
  expect(valueOf(`param-${CHECK}-cpu-window-ms`)).toBe("500");
  await type(`param-${CHECK}-cpu-window-ms`, "900");
  await click(`run-${CHECK}`);
  cleanup();
  const backend = new FakeBackend();
  await openApp(backend);
  expect(valueOf(`param-${CHECK}-cpu-window-ms`)).toBe("900");
  expect(backend.triggered).toEqual([]);
});

test("values are saved under a name, chosen and removed, and nothing runs by itself", async () => {
  const backend = new FakeBackend();
  await openApp(backend);
  // with nothing saved and nothing typed there is nothing to choose
  expect(query(`presets-${CLEAN}`)).toBeNull();
  await type(`param-${CLEAN}-max-age-hours`, "7");
  expect(text(`presets-${CLEAN}`)).toContain("As typed");
  await click(`preset-new-${CLEAN}`);
  expect(document.activeElement).toBe(find(`preset-name-${CLEAN}`));
  await click(`preset-save-${CLEAN}`);
  expect(text(`presets-${CLEAN}`)).toContain("Give it a name.");
  await type(`preset-name-${CLEAN}`, "A working day");
  await click(`preset-save-${CLEAN}`);
  expect(valueOf(`preset-${CLEAN}`)).toBe("A working day");

  await fireEvent.change(find(`preset-${CLEAN}`), { target: { value: "Defaults" } });
  await settled();
  expect(valueOf(`param-${CLEAN}-max-age-hours`)).toBe("24");
  cleanup();
  await openApp(backend);
  expect(options(`preset-${CLEAN}`)).toEqual(["Defaults", "A working day"]);
  expect(query(`presets-${CHECK}`)).toBeNull();
  await fireEvent.change(find(`preset-${CLEAN}`), { target: { value: "A working day" } });
  await settled();
  expect(valueOf(`param-${CLEAN}-max-age-hours`)).toBe("7");
  await click(`preset-remove-${CLEAN}`);
  expect(options(`preset-${CLEAN}`)).toEqual(["As typed", "Defaults"]);
  expect(backend.triggered).toEqual([]);
  expect(backend.fannedOut).toEqual([]);
});

test.each([
  ["no JSON", "{"],
  ["a list", "[]"],
  ["null", "null"],
  ["numbers", `{"${CLEAN}": 7}`],
  ["odd presets", `{"${CLEAN}": {"last": 7, "named": [1, {"name": 3}, {"name": "odd", "values": [[]]}]}}`],
  [
    "values of another time",
    `{"${CLEAN}": {"last": {"ages": {"max_age_hours": {"amount": 1, "unit": "weeks"}}}}}`,
  ],
  [
    "values out of range",
    `{"${CLEAN}": {"last": {"ages": {"max_age_hours": {"amount": -1, "unit": "days"}}}}}`,
  ],
])("%s in storage leaves the form as its schema says", async (_, stored) => {
  window.localStorage.setItem(KEY, stored);
  await openApp(new FakeBackend());
  expect(valueOf(`param-${CLEAN}-max-age-hours`)).toBe("24");
  expect(find(`run-${CLEAN}`).hasAttribute("disabled")).toBe(false);
});

test("of outdated values what still fits is kept", () => {
  const fields = fieldsOf(operation(CLEAN));
  const values = restored(fields, {
    ages: { max_age_hours: { amount: 3, unit: "days" }, gone: { amount: 1, unit: "hours" } },
    numbers: { min_size_bytes: "large" },
    texts: { exclude: "*.keep" },
    unticked: { locations: ["renders", 7] },
    switches: null,
  });
  expect(values).toEqual({
    ...presets(fields),
    ages: { max_age_hours: { amount: 3, unit: "days" } },
    texts: { exclude: "*.keep" },
    unticked: { locations: ["renders"] },
  });
  const choices = { locations: ["scratch", "renders"], run_stores: [] };
  expect(toParams(fields, values, choices)).toMatchObject({
    params: { max_age_hours: 72, locations: ["scratch"], exclude: ["*.keep"] },
  });
});

test("storage that is forbidden or full still holds until the window closes", () => {
  const fail = () => {
    throw new Error("forbidden");
  };
  const memory = new FormMemory({ getItem: fail, setItem: fail });
  expect(memory.last(CLEAN)).toBeUndefined();
  expect(memory.save(CLEAN, " mine ", 1)).toBe("");
  expect(memory.names(CLEAN)).toEqual(["mine"]);
  expect(memory.names("constructor")).toEqual([]);
});

test("names are bounded in number and length, and one saved again is replaced", () => {
  const memory = new FormMemory(window.localStorage);
  for (let number = 0; number < 20; number += 1) expect(memory.save(CLEAN, `n${number}`, number)).toBe("");
  expect(memory.save(CLEAN, "one more", 1)).toContain("remove one first");
  expect(memory.save(CLEAN, "n3", "new")).toBe("");
  expect(memory.values(CLEAN, "n3")).toBe("new");
  expect(memory.save(CLEAN, "x".repeat(61), 1)).toContain("at most 60");
  expect(memory.save(CLEAN, "Defaults", 1)).toContain("another name");
});
