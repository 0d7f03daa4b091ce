// how far a removal reaches, and from where on a person must type the number before it begins.
import { bytes, count, counted } from "$lib/format";
import { items, type Planned } from "./summary";

/**
 * Up to here one press is enough. A person can look through a list of some thousands, can make a thousand runs
 * anew, and knows the names of three machines; beyond that the press of a button no longer proves that the
 * number was read, and what the number says cannot be taken back.
 */
export const ONE_PRESS = {
  files: 10_000,
  runs: 1000,
  bytes: 100_000_000_000,
  hosts: 3,
} as const;

/** A number to be typed, and what it counts. */
export interface ToType {
  number: number;
  what: string;
}

/** `214 runs, 38 GB, on 12 hosts`. */
export function reachWords(plan: Planned, hosts: number): string {
  const size = `${plan.exact ? "" : "at most "}${bytes(plan.bytes)}`;
  return `${items(plan.files, plan.runs)}, ${size}, on ${counted(hosts, "host")}`;
}

/** What must be typed before a plan is executed; nothing for one that one press is enough for. */
export function toType(plan: Planned): ToType | null {
  if (plan.files <= ONE_PRESS.files && plan.runs <= ONE_PRESS.runs && plan.bytes <= ONE_PRESS.bytes) {
    return null;
  }
  return plan.runs > 0 ? typed(plan.runs, "run") : typed(plan.files, "file");
}

/** All of them together. */
export function together(plans: readonly Planned[]): Planned {
  return plans.reduce(
    (sum, plan) => ({
      files: sum.files + plan.files,
      runs: sum.runs + plan.runs,
      bytes: sum.bytes + plan.bytes,
      exact: sum.exact && plan.exact,
    }),
    { files: 0, runs: 0, bytes: 0, exact: true },
  );
}

/** The same before removing on many hosts, where only they can be counted. */
export function hostsToType(hosts: number): ToType | null {
  return hosts > ONE_PRESS.hosts ? typed(hosts, "host") : null;
}

function typed(number: number, what: string): ToType {
  return { number, what: number === 1 ? what : `${what}s` };
}

/** Whether somebody typed that number, with or without what parts its thousands. */
export function isTyped(text: string, { number }: ToType): boolean {
  const digits = text.replaceAll(/[\s.,'’\u{a0}\u{202f}]/gu, "");
  return /^\d+$/.test(digits) && Number(digits) === number;
}

/** `Type 12,345, the number of files, to remove them`. */
export function toTypeWords({ number, what }: ToType): string {
  return `Type ${count(number)}, the number of ${what}, to go on`;
}
