// what an operation returned, recognised by its shape: the report travels as free JSON.
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { HealthReport } from "$lib/generated/HealthReport";
import type { StatisticsReport } from "$lib/generated/StatisticsReport";
import { isObject } from "$lib/backend/json";

export type Report =
  | { kind: "cleanup"; report: CleanupReport }
  | { kind: "health"; report: HealthReport }
  | { kind: "statistics"; report: StatisticsReport };

/** The report in its type, or none when it is missing or of an operation that this UI does not know. */
export function readReport(value: unknown): Report | null {
  if (!isObject(value)) return null;
  if (typeof value.files_matched === "number" && Array.isArray(value.entries)) {
    return { kind: "cleanup", report: value as unknown as CleanupReport };
  }
  if (Array.isArray(value.checks) && typeof value.status === "string") {
    return { kind: "health", report: value as unknown as HealthReport };
  }
  if (isObject(value.runtime) && isObject(value.system)) {
    return { kind: "statistics", report: value as unknown as StatisticsReport };
  }
  return null;
}
