// the small form of an operation, drawn from the schema of its parameters, and what it sends.
//
// it refuses only what a person can mend at once; the operation's own validation has the last word.
import type { OperationDescription } from "$lib/generated/OperationDescription";
import { isObject, type JsonObject } from "$lib/backend/json";
import { decimal } from "$lib/format";
import { lines } from "./choice";

export type AgeUnit = "hours" | "days";
export type ChoiceSource = "locations" | "run_stores";

interface Common {
  key: string;
  label: string;
  /** Narrows what the configuration chooses; shown only when asked for. */
  narrows?: true;
}
export type Field =
  | (Common & { kind: "age"; preset: number; least: number; most: number })
  | (Common & {
      kind: "number";
      /** `null` for one that may be left empty. */
      preset: number | null;
      least: number;
      most: number;
      unit: string;
    })
  | (Common & { kind: "switch"; preset: boolean })
  | (Common & { kind: "patterns" })
  | (Common & { kind: "choice"; source: ChoiceSource });

/** What stands in the fields. `null` is an empty or unreadable number. */
export interface FormValues {
  ages: Record<string, { amount: number | null; unit: AgeUnit }>;
  numbers: Record<string, number | null>;
  switches: Record<string, boolean>;
  /** One pattern a line. */
  texts: Record<string, string>;
  /** What was unticked, so that a location added later is ticked like the others. */
  unticked: Record<string, string[]>;
}

/** Names that can be chosen: those turned on. */
export type Choices = Record<ChoiceSource, string[]>;

export type FormResult =
  { ok: true; params: JsonObject } | { ok: false; problems: Partial<Record<string, string>> };

const HOURS_IN: Record<AgeUnit, number> = { hours: 1, days: 24 };

const LABELS: Record<string, string> = {
  max_age_hours: "Older than",
  locations: "Locations",
  run_stores: "Run stores",
  history: "Finished tasks in the history",
  rewrite_database: "Rewrite a database file that cannot shrink otherwise (others wait)",
  cpu_window_ms: "Average CPU over",
  range_hours: "Queue figures of the past",
  exclude: "Never these (one pattern a line)",
  min_size_bytes: "Nothing smaller than",
};

/** What can only take less than the configuration says. */
const NARROWING = ["exclude", "min_size_bytes"];

const ORDER: Record<Field["kind"], number> = { age: 0, number: 1, switch: 2, choice: 3, patterns: 4 };

/** Set by the page itself, never by a field. */
const NOT_ASKED = ["dry_run", "plan", "leave_out"];

export function fieldsOf(operation: OperationDescription): Field[] {
  const schema = operation.parameters;
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const fields = Object.entries(schema.properties).flatMap(([key, property]) => {
    if (NOT_ASKED.includes(key) || !isObject(property)) return [];
    const field = fieldOf(key, property);
    if (!field) return [];
    return NARROWING.includes(key) ? [{ ...field, narrows: true as const }] : [field];
  });
  // a schema has no order of its own
  return fields.sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
}

function fieldOf(key: string, property: JsonObject): Field | null {
  const label = LABELS[key] ?? readable(key);
  if (key === "locations" || key === "run_stores") return { kind: "choice", key, label, source: key };
  if (key === "exclude") return { kind: "patterns", key, label };
  const types = Array.isArray(property.type) ? property.type : [property.type];
  if (types.includes("boolean")) return { kind: "switch", key, label, preset: property.default === true };
  if (!types.includes("number") && !types.includes("integer")) return null;
  const least = typeof property.minimum === "number" ? property.minimum : 0;
  const most = typeof property.maximum === "number" ? property.maximum : Number.MAX_SAFE_INTEGER;
  const given = typeof property.default === "number" ? property.default : null;
  const preset = given ?? (types.includes("null") ? null : least);
  if (key === "max_age_hours" && preset !== null) return { kind: "age", key, label, preset, least, most };
  return { kind: "number", key, label, preset, least, most, unit: unitOf(key) };
}

function readable(key: string): string {
  const words = key.replace(/_(ms|hours|bytes)$/, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function unitOf(key: string): string {
  if (key.endsWith("_ms")) return "ms";
  if (key.endsWith("_bytes")) return "bytes";
  return key.endsWith("_hours") ? "hours" : "";
}

/** The amount and unit in which a person would say these hours. */
export function ageIn(hours: number): { amount: number; unit: AgeUnit } {
  return hours >= 48 && hours % 24 === 0
    ? { amount: hours / 24, unit: "days" }
    : { amount: hours, unit: "hours" };
}

export function presets(fields: readonly Field[]): FormValues {
  const values: FormValues = { ages: {}, numbers: {}, switches: {}, texts: {}, unticked: {} };
  for (const field of fields) {
    if (field.kind === "age") values.ages[field.key] = ageIn(field.preset);
    else if (field.kind === "number") values.numbers[field.key] = field.preset;
    else if (field.kind === "switch") values.switches[field.key] = field.preset;
    else if (field.kind === "patterns") values.texts[field.key] = "";
    else values.unticked[field.key] = [];
  }
  return values;
}

/**
 * What was remembered, as far as it still fits these fields. Whatever does not is as the schema says: storage may
 * hold anything, and the form must open with any of it.
 */
export function restored(fields: readonly Field[], stored: unknown): FormValues {
  const values = presets(fields);
  const of = (part: keyof FormValues, key: string): unknown => {
    const group: unknown = isRecord(stored) ? stored[part] : undefined;
    return isRecord(group) && Object.hasOwn(group, key) ? group[key] : undefined;
  };
  for (const field of fields) {
    const { key } = field;
    if (field.kind === "age") {
      const age = of("ages", key);
      if (!isRecord(age) || (age.unit !== "hours" && age.unit !== "days")) continue;
      const { amount, unit } = age;
      if (typeof amount !== "number") continue;
      if (numberProblem(field, ageHours({ amount, unit })) === null) values.ages[key] = { amount, unit };
    } else if (field.kind === "number") {
      const number = of("numbers", key);
      if (number !== null && typeof number !== "number") continue;
      if (numberProblem(field, number) === null) values.numbers[key] = number;
    } else if (field.kind === "switch") {
      const on = of("switches", key);
      if (typeof on === "boolean") values.switches[key] = on;
    } else if (field.kind === "patterns") {
      const text = of("texts", key);
      if (typeof text === "string") values.texts[key] = text;
    } else {
      const names = of("unticked", key);
      if (Array.isArray(names))
        values.unticked[key] = names.filter((name) => typeof name === "string").sort();
    }
  }
  return values;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether two forms say the same. */
export function sameValues(fields: readonly Field[], a: FormValues, b: FormValues): boolean {
  return JSON.stringify(restored(fields, a)) === JSON.stringify(restored(fields, b));
}

export function ageHours(age: { amount: number | null; unit: AgeUnit } | undefined): number | null {
  return age?.amount == null ? null : age.amount * HOURS_IN[age.unit];
}

/** What to send, or what is wrong with which field. The choices are none while the configuration is unknown or broken. */
export function toParams(fields: readonly Field[], values: FormValues, known: Choices | null): FormResult {
  const params: JsonObject = {};
  const choices = known ?? { locations: [], run_stores: [] };
  const problems: Partial<Record<string, string>> = {};
  for (const field of fields) {
    if (field.kind === "switch") {
      params[field.key] = values.switches[field.key] ?? field.preset;
    } else if (field.kind === "patterns") {
      const patterns = lines(values.texts[field.key] ?? "");
      if (patterns.length > 0) params[field.key] = patterns;
    } else if (field.kind === "choice") {
      // what is not known cannot be chosen from: nothing is named, and the operation says what is wrong
      if (!known) continue;
      const unticked = values.unticked[field.key] ?? [];
      const ticked = choices[field.source].filter((name) => !unticked.includes(name));
      // nothing named means all that are turned on, on whichever host performs it
      if (ticked.length < choices[field.source].length) params[field.key] = ticked;
      if (field.source === "locations" && ticked.length === 0) {
        problems[field.key] =
          choices.locations.length === 0
            ? "No location is turned on, so there is nothing to clean."
            : "Tick at least one location.";
      }
    } else {
      const value =
        field.kind === "age" ? ageHours(values.ages[field.key]) : (values.numbers[field.key] ?? null);
      const problem = numberProblem(field, value);
      if (problem) problems[field.key] = problem;
      else if (value !== null) params[field.key] = value;
    }
  }
  if (known && params.history === false && nothingTicked(fields, params, choices)) {
    problems.history = "Tick the history or at least one run store.";
  }
  return Object.keys(problems).length > 0 ? { ok: false, problems } : { ok: true, params };
}

function nothingTicked(fields: readonly Field[], params: JsonObject, choices: Choices): boolean {
  if (!fields.some((field) => field.key === "run_stores")) return false;
  const ticked = params.run_stores;
  return choices.run_stores.length === 0 || (Array.isArray(ticked) && ticked.length === 0);
}

function numberProblem(field: Field & { kind: "age" | "number" }, value: number | null): string | null {
  if (value === null && field.preset === null) return null;
  if (value === null || Number.isNaN(value)) return "Give a number.";
  if (value >= field.least && value <= field.most) return null;
  const unit = field.kind === "age" ? "hours" : field.unit;
  return `Give ${decimal(field.least)} to ${decimal(field.most)} ${unit}.`.replace(/ \.$/, ".");
}
