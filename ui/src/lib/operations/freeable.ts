// what a cleanup could free, as its last preview counted it. Nothing is looked at for this.
import type { OperationOverview } from "$lib/generated/OperationOverview";
import type { Timestamp } from "$lib/generated/Timestamp";
import { relativeTime } from "$lib/format";
import { readReport } from "./reports";
import { nothingMatched, plannedWords } from "./summary";

export interface Freeable {
  text: string;
  /** The preview that says so; none when there is none. */
  taskId: string | null;
}

/** `null` for an operation that frees nothing. */
export function freeable(entry: OperationOverview, report: unknown, now: Timestamp): Freeable | null {
  if (!entry.operation.deletes) return null;
  const preview = entry.last_preview;
  if (!preview || preview.finished_at === null) return { text: "not previewed yet", taskId: null };
  const when = relativeTime(preview.finished_at, now);
  const ran = entry.last_run?.finished_at ?? null;
  if (ran !== null && ran > preview.finished_at)
    return { text: "cleaned since the last preview", taskId: null };
  const read = readReport(report);
  if (read?.kind !== "cleanup") return { text: `previewed ${when}`, taskId: preview.id };
  const words = nothingMatched(read.report) ? "nothing" : plannedWords(read.report);
  return { text: `${words}, as previewed ${when} on ${read.report.host}`, taskId: preview.id };
}
