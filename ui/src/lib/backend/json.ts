// names for what travels as free JSON: parameters and reports.
import type { JsonValue } from "$lib/generated/serde_json/JsonValue";

export type JsonObject = { [key in string]: JsonValue };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
