// which files of a location may go, as a person writes it: patterns line by line, and words for a list.
import type { AgeBy } from "$lib/generated/AgeBy";
import type { LocationSettings } from "$lib/generated/LocationSettings";
import { bytes, count, counted, hours, listed } from "$lib/format";

export type PatternList = "include" | "exclude" | "protect";
export type Limit = "keep_newest" | "min_age_hours" | "min_size_bytes";
export type Choice = Pick<LocationSettings, PatternList | Limit | "age_by">;

/** Everything that is old enough, by the time of its content. */
export const ANY_FILE: Choice = {
  age_by: "modified",
  include: [],
  exclude: [],
  protect: [],
  keep_newest: 0,
  min_age_hours: 0,
  min_size_bytes: 0,
};

export const AGE_BY_WORDS: Record<AgeBy, string> = {
  modified: "its content was written",
  accessed: "it was last read",
  changed: "it, its name, owner or permissions changed",
  created: "it was made (stays where the disk does not know)",
  newest: "the newest of written, changed and made",
};

const AGE_BY_SHORT: Record<AgeBy, string> = {
  modified: "",
  accessed: "age since last read",
  changed: "age since last change",
  created: "age since made",
  newest: "age by the newest time",
};

const SHOWN = 3;

export function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** What was chosen beyond age, one phrase for each rule. */
export function choiceWords(choice: Choice): string[] {
  return [
    choice.include.length > 0 ? `only ${listed(choice.include, SHOWN)}` : "",
    choice.exclude.length > 0 ? `never ${listed(choice.exclude, SHOWN)}` : "",
    choice.protect.length > 0 ? `protects ${listed(choice.protect, SHOWN)}` : "",
    choice.keep_newest > 0 ? `keeps the newest ${counted(choice.keep_newest, "file")}` : "",
    choice.min_age_hours > 0 ? `at least ${hours(choice.min_age_hours)} old` : "",
    choice.min_size_bytes > 0 ? `from ${sizeWords(choice.min_size_bytes)}` : "",
    AGE_BY_SHORT[choice.age_by],
  ].filter(Boolean);
}

/** Rounded for reading, but never to a size that is not meant. */
export function sizeWords(size: number): string {
  return size < 1000 || size % 1000 !== 0 ? `${count(size)} bytes` : bytes(size);
}

/** An emptied field means none; a part of a file, an hour or a byte means nothing. */
export function tidied(location: LocationSettings): LocationSettings {
  // an emptied number field gives null, whatever its type says
  const whole = (value: number | null) => Math.max(0, Math.floor(Number(value ?? 0)));
  return {
    ...location,
    keep_newest: whole(location.keep_newest),
    min_age_hours: whole(location.min_age_hours),
    min_size_bytes: whole(location.min_size_bytes),
  };
}
