// a task's request as the command that asks for the same from a terminal.
//
// the program takes a value as JSON when it can be read as JSON, and as a text otherwise.
import { isObject } from "$lib/backend/json";
import type { JsonValue } from "$lib/generated/serde_json/JsonValue";
import type { Task } from "$lib/generated/Task";

/** `upkeepctl trigger cleanup-temp-files --param max_age_hours=24 --host desk-7`, for a POSIX shell. */
export function commandLine(task: Pick<Task, "operation" | "params" | "target_host">): string {
  const params = isObject(task.params) ? Object.entries(task.params) : [];
  const words = ["upkeepctl", "trigger", task.operation];
  for (const [key, value] of params) {
    // a switch of its own, and off unless it is given
    if (key === "dry_run" || value === null || value === undefined) continue;
    words.push("--param", `${key}=${valueText(value)}`);
  }
  if (isObject(task.params) && task.params.dry_run === true) words.push("--dry-run");
  // in one word, so that a name that begins with a dash is no option
  if (task.target_host?.startsWith("-")) words.push(`--host=${task.target_host}`);
  else if (task.target_host !== null) words.push("--host", task.target_host);
  return words.map(quoted).join(" ");
}

/** A text stays as it is unless it would be read as something else. */
function valueText(value: JsonValue): string {
  return typeof value === "string" && !isJson(value) ? value : JSON.stringify(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Within single quotes a POSIX shell changes nothing; a quote itself stands outside of them. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
