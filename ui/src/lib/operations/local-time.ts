// a time as a field of a form has it: in the zone of this machine, to the minute.
import type { Timestamp } from "$lib/generated/Timestamp";

/** `2026-11-23T14:30`; nothing for no time. */
export function localTime(at: Timestamp | null): string {
  if (at === null) return "";
  const date = new Date(at);
  const two = (number: number) => number.toString().padStart(2, "0");
  const day = `${date.getFullYear().toString().padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The time of such a text, which may have a space in its middle, or no time of day; null for an empty one. */
export function fromLocalTime(text: string): Timestamp | null | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const found = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?)?$/.exec(trimmed);
  if (!found) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = found
    .slice(1)
    .map((part) => Number(part || 0));
  const date = new Date(year, month - 1, day, hour, minute);
  // the 31st of a month that has 30 days is a slip, not the 1st of the next
  const same = date.getMonth() === month - 1 && date.getDate() === day && hour < 24 && minute < 60;
  return same ? date.getTime() : undefined;
}
