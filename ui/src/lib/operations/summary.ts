// one line on what came of a task: for cards, lists and the live region.
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { EntryKind } from "$lib/generated/EntryKind";
import type { HealthCheck } from "$lib/generated/HealthCheck";
import type { RestoreReport } from "$lib/generated/RestoreReport";
import type { HealthReport } from "$lib/generated/HealthReport";
import type { StatisticsReport } from "$lib/generated/StatisticsReport";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import { bytes, count, counted, decimal, hours, percent } from "$lib/format";
import { readReport } from "./reports";
import { HEALTH_LABELS, taskLabel } from "./states";
import { title } from "./texts";

/** `3 runs, 214 files` or `214 files`. */
export function items(files: number, runs: number): string {
  const parts = runs > 0 ? [counted(runs, "run")] : [];
  if (files > 0 || runs === 0) parts.push(counted(files, "file"));
  return parts.join(", ");
}

export interface Planned {
  files: number;
  runs: number;
  bytes: number;
  /** False when the bytes include some of what is kept. */
  exact: boolean;
}

/**
 * What a preview's plan would remove. The list itself says it exactly while it is whole and holds only files;
 * beyond that the totals do, without what was counted as kept.
 */
export function planned(report: CleanupReport): Planned {
  const onlyFiles = report.entries.every(({ kind }) => FILE_KINDS.includes(kind));
  if (!report.entries_truncated && onlyFiles && report.entries.length > 0) {
    const files = report.entries.filter(({ kind }) => kind !== "directory");
    const sum = files.reduce((total, entry) => total + entry.bytes, 0);
    return { files: files.length, runs: 0, bytes: sum, exact: true };
  }
  return {
    files: Math.max(0, report.files_matched - report.files_kept),
    runs: report.runs_matched,
    bytes: report.bytes_matched,
    exact: report.files_kept === 0,
  };
}

/** `214 files (3.2 GB)`. */
export function plannedWords(report: CleanupReport): string {
  return wordsOf(planned(report));
}

export function wordsOf(plan: Planned): string {
  return `${items(plan.files, plan.runs)} (${plan.exact ? "" : "at most "}${bytes(plan.bytes)})`;
}

const FILE_KINDS: readonly string[] = ["file", "symbolic_link", "directory"] satisfies EntryKind[];

export function nothingMatched(report: CleanupReport): boolean {
  return (
    report.entries.length === 0 && report.runs_matched === 0 && report.files_matched <= report.files_kept
  );
}

export function cleanupSummary(report: CleanupReport): string {
  const problems = report.problems_total > 0 ? `, ${counted(report.problems_total, "problem")}` : "";
  if (report.dry_run) {
    if (nothingMatched(report)) return `there is nothing to remove${problems}`;
    return `would remove ${plannedWords(report)}${problems}`;
  }
  if (report.files_removed === 0 && report.runs_removed === 0 && report.directories_removed === 0) {
    const nothing = nothingMatched(report) ? "there was nothing to remove" : "nothing was removed";
    return `${nothing}${problems}`;
  }
  const folders =
    report.directories_removed > 0 && report.runs_removed === 0
      ? `, ${counted(report.directories_removed, "empty folder")}`
      : "";
  if (report.files_trashed > 0 && report.files_trashed === report.files_removed) {
    return `moved ${counted(report.files_trashed, "file")} to the trash${folders}${problems}`;
  }
  const trashed = report.files_trashed > 0 ? ` (${count(report.files_trashed)} to the trash)` : "";
  return `removed ${items(report.files_removed, report.runs_removed)}${trashed}${folders}, ${bytes(report.bytes_removed)}${problems}`;
}

export function restoreSummary(report: RestoreReport): string {
  if (report.files_found === 0) return "there was nothing to put back";
  const failed = report.files_failed > 0 ? `, ${counted(report.files_failed, "file")} could not be` : "";
  return `put back ${counted(report.files_restored, "file")}${failed}`;
}

/** `memory`, `disk /var`, `pressure io`. */
export function checkName(id: string): string {
  const [kind = id, subject] = [
    id.split(":", 1)[0],
    id.includes(":") ? id.slice(id.indexOf(":") + 1) : undefined,
  ];
  const name = kind === "cpu" ? "CPU" : kind;
  if (subject === undefined) return kind === "runtime" ? "async tasks" : name;
  if (kind === "runtime") return "async tasks waiting";
  if (kind === "queue") return "failed tasks";
  return `${name} ${subject}`;
}

/** What a check observed, with its unit. */
export function observed(value: number | null, unit: string): string {
  if (value === null) return "–";
  switch (unit) {
    case "percent":
      return percent(value);
    case "celsius":
      return `${decimal(value)} °C`;
    case "seconds":
      return `${decimal(value)} s`;
    case "tasks":
    case "workers":
      return counted(value, unit.slice(0, -1));
    default:
      return `${decimal(value)} ${unit}`.trim();
  }
}

const WORST_FIRST = { critical: 0, warning: 1, unknown: 2, ok: 3 };

export function worstFirst(checks: readonly HealthCheck[]): HealthCheck[] {
  return [...checks].sort((a, b) => WORST_FIRST[a.status] - WORST_FIRST[b.status]);
}

export function healthSummary(report: HealthReport): string {
  const status = HEALTH_LABELS[report.status].word.toLowerCase();
  const wrong = worstFirst(report.checks).filter((check) => check.status !== "ok");
  if (wrong.length === 0) return `${status}: ${counted(report.checks.length, "check")}, all well`;
  const named = wrong
    .slice(0, 2)
    .map((check) =>
      check.observed === null
        ? `${checkName(check.id)} unknown`
        : `${checkName(check.id)} ${observed(check.observed, check.unit)}`,
    );
  const more = wrong.length > 2 ? ` and ${wrong.length - 2} more` : "";
  return `${status}: ${named.join(", ")}${more}`;
}

export function statisticsSummary(report: StatisticsReport): string {
  const load = `load ${decimal(report.system.load_average[0])}`;
  const { queue } = report;
  if (!queue) return load;
  const tasks = queue.counts.reduce((sum, row) => sum + row.count, 0);
  const range = hours(Math.round((queue.to - queue.from) / 36_000) / 100);
  const success = queue.success_rate === null ? "" : `, ${percent(queue.success_rate * 100)} succeeded`;
  return `${counted(tasks, "task")} in ${range}${success}; ${load}`;
}

/** What the report says in one line; empty without a report. */
export function reportSummary(value: unknown): string {
  const read = readReport(value);
  if (!read) return "";
  switch (read.kind) {
    case "cleanup":
      return cleanupSummary(read.report);
    case "restore":
      return restoreSummary(read.report);
    case "health":
      return healthSummary(read.report);
    case "statistics":
      return statisticsSummary(read.report);
  }
}

/** `Clean temporary files: succeeded, removed 12 files, 4 MB`. */
export function announcement(detail: TaskDetail): string {
  const { task } = detail;
  const name = task.dry_run ? `${title(task.operation)}, preview` : title(task.operation);
  const rest = task.state === "failed" && task.error ? task.error.message : reportSummary(detail.report);
  return `${name}: ${taskLabel(task).word.toLowerCase()}${rest ? `, ${rest}` : ""}`;
}
