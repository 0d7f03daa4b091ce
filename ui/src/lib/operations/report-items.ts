// the items of a report, one by one: what could not be done, what stays, what went; for looking through.
import { count } from "$lib/format";
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { RestoreReport } from "$lib/generated/RestoreReport";
import { KEPT_WORDS } from "./states";

export type ItemKind = "failed" | "kept" | "removed" | "trashed" | "restored";

export interface ReportItem {
  kind: ItemKind;
  path: string;
  reason: string;
}

/** The items with the same fate for the same reason. */
export interface ItemGroup {
  kind: ItemKind;
  reason: string;
  items: ReportItem[];
  /** How many there are, also those the report does not list. */
  total: number;
}

export const FATE_WORDS: Record<ItemKind, string> = {
  failed: "Could not be done",
  kept: "Kept",
  removed: "Removed",
  trashed: "Moved to the trash",
  restored: "Put back",
};

function group(kind: ItemKind, reason: string, paths: readonly string[], total: number): ItemGroup {
  return { kind, reason, items: paths.map((path) => ({ kind, path, reason })), total };
}

/** Reasons of the system's own words, the most frequent first. */
function problemGroups(problems: readonly { path: string; reason: string }[], total: number): ItemGroup[] {
  const paths = new Map<string, string[]>();
  for (const { path, reason } of problems) {
    const known = paths.get(reason);
    if (known) known.push(path);
    else paths.set(reason, [path]);
  }
  const groups = [...paths].map(([reason, of]) => group("failed", reason, of, of.length));
  groups.sort((a, b) => b.total - a.total);
  // nobody knows why those failed that are not listed
  const unlisted = total - problems.length;
  return unlisted > 0 ? [...groups, group("failed", "not listed here", [], unlisted)] : groups;
}

export function cleanupItems(report: CleanupReport): ItemGroup[] {
  const of = (trashed: boolean) =>
    report.removed.filter((entry) => entry.trashed === trashed).map(({ path }) => path);
  const kept = report.kept.map(({ reason, count: total, examples }) =>
    group("kept", KEPT_WORDS[reason], examples, total),
  );
  return [
    ...problemGroups(report.problems, report.problems_total),
    ...kept,
    group("trashed", "", of(true), report.files_trashed),
    group("removed", "", of(false), report.files_removed - report.files_trashed),
  ].filter(({ total }) => total > 0);
}

export function restoreItems(report: RestoreReport): ItemGroup[] {
  return [
    ...problemGroups(report.problems, report.problems_total),
    group("restored", "", report.restored, report.files_restored),
  ].filter(({ total }) => total > 0);
}

/** `12`, or `50 of 300` when not all are listed. */
export function listedOf(groups: readonly ItemGroup[]): string {
  const listed = groups.reduce((sum, { items }) => sum + items.length, 0);
  const total = groups.reduce((sum, group) => sum + group.total, 0);
  return listed < total ? `${count(listed)} of ${count(total)}` : count(total);
}

/** The items of the groups whose path or reason has this text, whatever its case. */
export function matching(groups: readonly ItemGroup[], text: string): ReportItem[] {
  const wanted = text.trim().toLowerCase();
  const items = groups.flatMap((group) => group.items);
  if (wanted === "") return items;
  return items.filter(
    ({ path, reason }) => path.toLowerCase().includes(wanted) || reason.toLowerCase().includes(wanted),
  );
}
