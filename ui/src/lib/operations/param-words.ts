// parameters in words, for a question that must say what is about to happen.
import type { JsonValue } from "$lib/generated/serde_json/JsonValue";
import type { JsonObject } from "$lib/backend/json";
import { hours, listed } from "$lib/format";
import { sizeWords } from "./choice";

const names = (value: JsonValue | undefined): string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];

/** One line for each parameter that says something; what is named nowhere means all that a host has turned on. */
export function paramWords(operation: string, params: JsonObject): string[] {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(params)) {
    if (value === null || ["dry_run", "plan", "leave_out", "locations", "run_stores"].includes(key)) continue;
    if (key === "max_age_hours" && typeof value === "number") {
      lines.push(value === 0 ? "everything, however new it is" : `what is older than ${hours(value)}`);
    } else if (key === "exclude") {
      if (names(value).length > 0) lines.push(`never ${listed(names(value), 8)}`);
    } else if (key === "min_size_bytes" && typeof value === "number") {
      if (value > 0) lines.push(`nothing smaller than ${sizeWords(value)}`);
    } else if (key === "history")
      lines.push(value === true ? "finished tasks in the history" : "not the history");
    else
      lines.push(`${key.replaceAll("_", " ")}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  if (operation === "cleanup-temp-files") lines.push(placesWords("location", names(params.locations)));
  if (operation === "cleanup-runs") {
    // none named is not the same as none wished for
    const none = Array.isArray(params.run_stores) && params.run_stores.length === 0;
    lines.push(none ? "no run store" : placesWords("run store", names(params.run_stores)));
  }
  return lines;
}

function placesWords(what: string, chosen: string[]): string {
  if (chosen.length === 0) return `in every ${what} that is turned on for each host`;
  return `in the ${what}${chosen.length === 1 ? "" : "s"} ${listed(chosen, 8)}`;
}
