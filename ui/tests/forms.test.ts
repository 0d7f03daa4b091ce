import { expect, test } from "vitest";
import { fieldsOf, presets, toParams, type Choices, type FormValues } from "$lib/operations/forms";
import { operation } from "./builders";

const CHOICES: Choices = { locations: ["scratch", "renders"], run_stores: ["experiments"] };

function check(id: string, change: (values: FormValues) => void, expected: object, choices = CHOICES) {
  const fields = fieldsOf(operation(id));
  const values = presets(fields);
  change(values);
  expect(toParams(fields, values, choices)).toMatchObject(expected);
}

test.each([
  ["cleanup-runs", { max_age_hours: 720, history: true }],
  ["cleanup-temp-files", { max_age_hours: 24 }],
  ["health-check", { cpu_window_ms: 500 }],
  ["log-statistics", { range_hours: 24 }],
])("%s starts with the defaults of its schema and names no location", (id, params) => {
  const fields = fieldsOf(operation(id));
  expect(toParams(fields, presets(fields), CHOICES)).toEqual({ ok: true, params });
});

test("the age comes first, whatever the order of the schema", () => {
  const schema = operation("cleanup-runs");
  const properties = Object.entries(Object(schema.parameters).properties).reverse();
  const fields = fieldsOf({
    ...schema,
    parameters: JSON.parse(JSON.stringify({ properties: Object.fromEntries(properties) })),
  });
  expect(fields.map(({ key }) => key)).toEqual(["max_age_hours", "history", "run_stores"]);
});

test("thirty days are shown as days and sent as hours", () => {
  const values = presets(fieldsOf(operation("cleanup-runs")));
  expect(values.ages.max_age_hours).toEqual({ amount: 30, unit: "days" });
});

test("a unit multiplies what is sent", () =>
  check("cleanup-temp-files", (values) => (values.ages.max_age_hours = { amount: 2, unit: "days" }), {
    ok: true,
    params: { max_age_hours: 48 },
  }));

test("an unticked location leaves the others named", () =>
  check("cleanup-temp-files", (values) => (values.unticked.locations = ["renders"]), {
    ok: true,
    params: { locations: ["scratch"] },
  }));

test("no ticked location is refused, never sent as all", () =>
  check("cleanup-temp-files", (values) => (values.unticked.locations = ["renders", "scratch"]), {
    ok: false,
    problems: { locations: "Tick at least one location." },
  }));

test("no location turned on says so", () =>
  check(
    "cleanup-temp-files",
    () => undefined,
    { ok: false, problems: { locations: expect.stringContaining("turned on") } },
    { locations: [], run_stores: [] },
  ));

test("no run store ticked is an empty list, which means none", () =>
  check("cleanup-runs", (values) => (values.unticked.run_stores = ["experiments"]), {
    ok: true,
    params: { history: true, run_stores: [] },
  }));

test("neither history nor run store is refused", () =>
  check(
    "cleanup-runs",
    (values) => {
      values.unticked.run_stores = ["experiments"];
      values.switches.history = false;
    },
    { ok: false, problems: { history: expect.any(String) } },
  ));

test.each([[null], [-1], [1e9]])("an age of %s is refused", (amount) =>
  check("cleanup-temp-files", (values) => (values.ages.max_age_hours = { amount, unit: "hours" }), {
    ok: false,
    problems: { max_age_hours: expect.stringContaining("Give") },
  }),
);

test("what a click leaves out is sent line by line, and nothing when nothing is typed", () => {
  check(
    "cleanup-temp-files",
    (values) => {
      values.texts.exclude = "*.log\n\n data/** \n";
      values.numbers.min_size_bytes = 4096;
    },
    { ok: true, params: { exclude: ["*.log", "data/**"], min_size_bytes: 4096 } },
  );
  const narrowing = fieldsOf(operation("cleanup-temp-files")).filter(({ narrows }) => narrows);
  expect(narrowing.map(({ key }) => key)).toEqual(["min_size_bytes", "exclude"]);
});

test("a size below zero is refused", () =>
  check("cleanup-temp-files", (values) => (values.numbers.min_size_bytes = -1), {
    ok: false,
    problems: { min_size_bytes: expect.stringContaining("Give 0 to") },
  }));

test("a number outside its range names the range", () =>
  check("health-check", (values) => (values.numbers.cpu_window_ms = 10), {
    ok: false,
    problems: { cpu_window_ms: "Give 200 to 60,000 ms." },
  }));

test("a fifth operation gets a form from its schema alone", () => {
  const fields = fieldsOf({
    id: "compact-archive",
    summary: "",
    deletes: false,
    follows_a_task: false,
    parameters: {
      properties: { wait_ms: { type: "integer", minimum: 1, default: 5 }, deep: { type: "boolean" } },
    },
  });
  expect(fields).toEqual([
    {
      kind: "number",
      key: "wait_ms",
      label: "Wait",
      preset: 5,
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
      unit: "ms",
    },
    { kind: "switch", key: "deep", label: "Deep", preset: false },
  ]);
});
