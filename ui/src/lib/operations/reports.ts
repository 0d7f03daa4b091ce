// what an operation returned, recognised by its shape: the report travels as free JSON.
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { RestoreReport } from "$lib/generated/RestoreReport";
import type { HealthReport } from "$lib/generated/HealthReport";
import type { StatisticsReport } from "$lib/generated/StatisticsReport";
import { isObject } from "$lib/backend/json";

export type Report =
  | { kind: "cleanup"; report: CleanupReport }
  | { kind: "restore"; report: RestoreReport }
  | { kind: "health"; report: HealthReport }
  | { kind: "statistics"; report: StatisticsReport };

/** The report in its type, or none when it is missing or of an operation that this UI does not know. */
export function readReport(value: unknown): Report | null {
  if (!isObject(value)) return null;
  if (typeof value.files_matched === "number" && Array.isArray(value.entries)) {
    // a worker of an earlier version, or a task of the past, did not say these
    const unsaid = { files_trashed: 0, largest: [], removed: [] };
    const kept = Array.isArray(value.kept) ? value.kept : [];
    const report = { ...unsaid, ...value, kept: kept.map((it) => ({ examples: [], ...(it as object) })) };
    return { kind: "cleanup", report: report as unknown as CleanupReport };
  }
  if (typeof value.files_restored === "number" && Array.isArray(value.restored)) {
    return { kind: "restore", report: value as unknown as RestoreReport };
  }
  if (Array.isArray(value.checks) && typeof value.status === "string") {
    const checks = value.checks.map((check) => ({ remedies: [], ...(check as object) }));
    return { kind: "health", report: { ...value, checks } as unknown as HealthReport };
  }
  if (isObject(value.runtime) && isObject(value.system)) {
    return { kind: "statistics", report: value as unknown as StatisticsReport };
  }
  return null;
}
