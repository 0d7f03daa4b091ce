// the form of an operation filled with the parameters of a task, and back again.
import type { JsonObject } from "$lib/backend/json";
import type { JsonValue } from "$lib/generated/serde_json/JsonValue";
import { ageIn, type Choices, type Field, type FormValues, restored } from "./forms";

const names = (value: JsonValue | undefined): string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];

/** What the task was asked for, in the fields; what has no field, or does not fit, is as the schema says. */
export function filledFrom(
  fields: readonly Field[],
  params: JsonObject,
  choices: Choices | null,
): FormValues {
  const values: FormValues = { ages: {}, numbers: {}, switches: {}, texts: {}, unticked: {} };
  for (const field of fields) {
    const value = params[field.key];
    if (field.kind === "age") {
      if (typeof value === "number") values.ages[field.key] = ageIn(value);
    } else if (field.kind === "number") {
      if (typeof value === "number" || value === null) values.numbers[field.key] = value;
    } else if (field.kind === "switch") {
      if (typeof value === "boolean") values.switches[field.key] = value;
    } else if (field.kind === "patterns") {
      values.texts[field.key] = names(value).join("\n");
    } else if (Array.isArray(value)) {
      // none named means all that are turned on
      const chosen = names(value);
      values.unticked[field.key] = (choices?.[field.source] ?? []).filter((name) => !chosen.includes(name));
    }
  }
  return restored(fields, values);
}

/** What the task names and this machine does not know: places of another host, or ones that are gone. */
export function namedElsewhere(
  fields: readonly Field[],
  params: JsonObject,
  choices: Choices | null,
): Record<string, string[]> {
  const elsewhere: Record<string, string[]> = {};
  for (const field of fields) {
    if (field.kind !== "choice") continue;
    const unknown = names(params[field.key]).filter(
      (name) => !(choices?.[field.source] ?? []).includes(name),
    );
    if (unknown.length > 0) elsewhere[field.key] = unknown;
  }
  return elsewhere;
}

/** Names these again beside what was ticked; a form that ticks all names none, and then they would be lost. */
export function withElsewhere(
  params: JsonObject,
  elsewhere: Record<string, string[]>,
  choices: Choices | null,
): JsonObject {
  const all = { ...params };
  for (const [key, unknown] of Object.entries(elsewhere)) {
    const here = params[key] === undefined ? choices?.[key as keyof Choices] : names(params[key]);
    all[key] = [...(here ?? []), ...unknown];
  }
  return all;
}
