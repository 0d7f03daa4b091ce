// ranges of statistics and their words; the address and the query of the page.
import type { Percentiles } from "$lib/generated/Percentiles";
import type { QueueStatistics } from "$lib/generated/QueueStatistics";
import type { StatisticsQuery } from "$lib/generated/StatisticsQuery";
import type { StatisticsRange } from "$lib/generated/StatisticsRange";
import { count, counted, duration, percent } from "$lib/format";

export const RANGES = ["hour", "day", "week", "month", "all", "between"] as const;
export type RangeKind = (typeof RANGES)[number];

export const RANGE_NAMES: Record<RangeKind, string> = {
  hour: "Hour",
  day: "Day",
  week: "Week",
  month: "30 days",
  all: "All",
  between: "From – to",
};

const HOUR = 3_600_000;
const HOURS: Record<Exclude<RangeKind, "all" | "between">, number> = {
  hour: 1,
  day: 24,
  week: 168,
  month: 720,
};

/** What the address asks for; a day where it asks for nothing that makes sense. */
export function queryFromAddress(search: URLSearchParams): StatisticsQuery {
  const wished = RANGES.find((kind) => kind === search.get("range")) ?? "day";
  const from = Number(search.get("from"));
  const to = Number(search.get("to"));
  const whole = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to;
  const range: StatisticsRange =
    wished !== "between" ? { kind: wished } : whole ? { kind: "between", from, to } : { kind: "day" };
  return { range, host: search.get("host") || null, operation: search.get("operation") || null };
}

export function statisticsHref(query: StatisticsQuery): string {
  const search = new URLSearchParams({ range: query.range.kind });
  if (query.range.kind === "between") {
    search.set("from", String(query.range.from));
    search.set("to", String(query.range.to));
  }
  if (query.host) search.set("host", query.host);
  if (query.operation) search.set("operation", query.operation);
  return `#/statistics?${search}`;
}

/** How many hours log-statistics has to look back for the same range; within what it accepts. */
export function hoursOf(range: StatisticsRange, now: number): number {
  if (range.kind === "all") return 87_660;
  if (range.kind !== "between") return HOURS[range.kind];
  return Math.min(87_660, Math.max(1, Math.ceil((now - range.from) / HOUR)));
}

/** For `<input type="datetime-local">`: local time without a zone. */
export function toLocalInput(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** None for what is no time. */
export function fromLocalInput(text: string): number | null {
  const at = text ? new Date(text).getTime() : NaN;
  return Number.isNaN(at) ? null : at;
}

export function endedIn(queue: QueueStatistics): number {
  return queue.operations.reduce(
    (sum, one) => sum + one.succeeded + one.partial + one.failed + one.cancelled,
    0,
  );
}

/** The page in a sentence or two, for those who listen. */
export function summaryOf(queue: QueueStatistics): string {
  const ended = endedIn(queue);
  if (ended === 0) return "No task ended in this range.";
  const rate = queue.success_rate === null ? "" : `, ${shareInWords(queue.success_rate)} succeeded`;
  const worked = queue.duration ? ` Half of them worked within ${duration(queue.duration.p50_ms)}.` : "";
  return `${counted(ended, "task")} ended${rate}.${worked} ${count(queue.queued_now)} wait and ${count(queue.running_now)} run now.`;
}

/** A share of 0.9987 is not 100 %. */
export function shareInWords(rate: number): string {
  if (rate < 1 && rate > 0.99) return `${(Math.floor(rate * 10_000) / 100).toFixed(2)} %`;
  return percent(rate * 100);
}

export function timesInWords(times: Percentiles | null): [string, string, string, string] {
  if (!times) return ["–", "–", "–", "–"];
  return [duration(times.p50_ms), duration(times.p95_ms), duration(times.p99_ms), duration(times.max_ms)];
}
