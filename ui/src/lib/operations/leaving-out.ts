// which entries of a plan stay because they were left out, and what the rest adds up to.
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { EntryKind } from "$lib/generated/EntryKind";
import type { PlanEntry } from "$lib/generated/PlanEntry";
import type { PlanEntryRef } from "$lib/generated/PlanEntryRef";
import type { ToType } from "./reach";
import { planned, type Planned } from "./summary";

/** What becomes of a listed entry. */
export type Fate =
  | "goes"
  /** Left out itself. */
  | "left_out"
  /** A folder above it is left out, which keeps all that lies in it. */
  | "below"
  /** A folder that something left out lies in. */
  | "holds";

/** What whoever looks at a plan decides before it is executed, as the dialog needs it. */
export interface PlanDecision {
  /** What becomes of each listed entry. */
  readonly fates: readonly Fate[];
  /** What still goes. */
  readonly plan: Planned;
  /** How many of the listed ones stay. */
  readonly staying: number;
  /** Nothing would go: neither of what is listed nor beyond. */
  readonly nothingGoes: boolean;
  /** The number to be typed first, if any. */
  readonly toType: ToType | null;
  /** What was typed to show that the number was read. */
  typed: string;
  /** Whether the plan may be executed. */
  readonly ready: boolean;
  /** Lets an entry go, or leaves it out. */
  set(entry: PlanEntry, goes: boolean): void;
  /** Leaves nothing out. */
  clear(): void;
}

const RUN_KINDS: readonly EntryKind[] = ["run", "task"];

/** Which entry it is, among all of the plan. */
export function keyOf({ kind, location, name }: PlanEntryRef): string {
  return `${kind} ${location} ${name}`;
}

export function refOf({ kind, location, name }: PlanEntry): PlanEntryRef {
  return { kind, location, name };
}

/** Without its name an entry cannot be told from others: its path is too long, or its preview is of an older Upkeep. */
export function canBeLeftOut({ name }: PlanEntry): boolean {
  return (name ?? "") !== "";
}

/** The folders above an entry, as keys. */
function above({ location, name }: PlanEntryRef): string[] {
  const keys: string[] = [];
  for (let end = name.indexOf("/"); end >= 0; end = name.indexOf("/", end + 1)) {
    keys.push(keyOf({ kind: "directory", location, name: name.slice(0, end) }));
  }
  return keys;
}

/** What becomes of each listed entry, in their order. */
export function fates(entries: readonly PlanEntry[], leftOut: ReadonlySet<string>): Fate[] {
  if (leftOut.size === 0) return entries.map(() => "goes");
  const holding = new Set<string>();
  const first = entries.map((entry): Fate => {
    if (!canBeLeftOut(entry)) return "goes";
    const folders = above(entry);
    const fate: Fate = leftOut.has(keyOf(entry))
      ? "left_out"
      : folders.some((folder) => leftOut.has(folder))
        ? "below"
        : "goes";
    if (fate !== "goes") for (const folder of folders) holding.add(folder);
    return fate;
  });
  return entries.map((entry, index) => {
    const fate = first[index] ?? "goes";
    return fate === "goes" && holding.has(keyOf(entry)) ? "holds" : fate;
  });
}

/** What still goes when these stay; the fates are those of the report's entries. */
export function plannedWithout(report: CleanupReport, of: readonly Fate[]): Planned {
  const all = planned(report);
  const rest = { ...all };
  report.entries.forEach((entry, index) => {
    if ((of[index] ?? "goes") === "goes" || entry.kind === "directory") return;
    rest.files -= entry.files;
    rest.bytes -= entry.bytes;
    if (RUN_KINDS.includes(entry.kind)) rest.runs -= 1;
  });
  return {
    ...rest,
    files: Math.max(0, rest.files),
    runs: Math.max(0, rest.runs),
    bytes: Math.max(0, rest.bytes),
  };
}
