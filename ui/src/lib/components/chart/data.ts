// what a chart draws and says, worked out of what it is given. No chart library is known here.
import type { ChartSeries } from "./types";

/** A column of what is drawn; `null` is a gap. */
export type Column = (number | null)[];

/** Times in milliseconds, and one column for each series. */
export interface Drawable {
  times: number[];
  columns: Column[];
}

function known(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : value;
}

/**
 * Copies the series beside their times. Where two times lie further apart than `gapAfterMs`, a row
 * of nothing comes between, so that no line pretends to know what was there.
 */
export function withGaps(
  times: ArrayLike<number>,
  series: readonly ChartSeries[],
  gapAfterMs: number,
): Drawable {
  const shown: Drawable = { times: [], columns: series.map(() => []) };
  for (let index = 0; index < times.length; index += 1) {
    const at = times[index] ?? 0;
    const before = shown.times.at(-1);
    if (before !== undefined && at - before > gapAfterMs) {
      shown.times.push(before + 1);
      for (const column of shown.columns) column.push(null);
    }
    shown.times.push(at);
    series.forEach((one, place) => shown.columns[place]?.push(known(one.values[index])));
  }
  return shown;
}

/** Each series on top of those before it. What is not known adds nothing; a row of nothing stays a gap. */
export function stacked(columns: readonly Column[]): Column[] {
  const rows = columns[0]?.length ?? 0;
  const tops: Column[] = columns.map(() => []);
  for (let row = 0; row < rows; row += 1) {
    let top: number | null = null;
    columns.forEach((column, place) => {
      const value = column[row] ?? null;
      if (value !== null) top = (top ?? 0) + value;
      tops[place]?.push(top);
    });
  }
  return tops;
}

export interface SeriesSummary {
  label: string;
  /** The newest known value. */
  last: number;
  lowest: number;
  highest: number;
  mean: number;
}

/** None for a series of which nothing is known. */
export function summariseSeries(series: ChartSeries): SeriesSummary | null {
  let count = 0;
  let sum = 0;
  let last = 0;
  let lowest = Infinity;
  let highest = -Infinity;
  for (let index = 0; index < series.values.length; index += 1) {
    const value = known(series.values[index]);
    if (value === null) continue;
    count += 1;
    sum += value;
    last = value;
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  return count === 0 ? null : { label: series.label, last, lowest, highest, mean: sum / count };
}

/** How often the series break off although values come before and after. */
export function countGaps(times: ArrayLike<number>, gapAfterMs: number): number {
  let gaps = 0;
  for (let index = 1; index < times.length; index += 1) {
    if ((times[index] ?? 0) - (times[index - 1] ?? 0) > gapAfterMs) gaps += 1;
  }
  return gaps;
}

/** The whole chart in sentences, for those who cannot see it. */
export function summarise(
  times: ArrayLike<number>,
  series: readonly ChartSeries[],
  words: {
    format: (value: number) => string;
    formatTime: (at: number) => string;
    gapAfterMs: number;
  },
): string {
  const first = times[0];
  const last = times[times.length - 1];
  if (first === undefined || last === undefined) return "";
  const { format, formatTime } = words;
  const parts = [`From ${formatTime(first)} to ${formatTime(last)}.`];
  for (const one of series) {
    const summary = summariseSeries(one);
    parts.push(
      summary
        ? `${one.label}: last ${format(summary.last)}, lowest ${format(summary.lowest)}, highest ${format(summary.highest)}, mean ${format(summary.mean)}.`
        : `${one.label}: not known.`,
    );
  }
  const gaps = countGaps(times, words.gapAfterMs);
  if (gaps > 0) parts.push(`${gaps === 1 ? "One stretch" : `${gaps} stretches`} of time without values.`);
  return parts.join(" ");
}

/** The shortest time between two rows: the width of a bar. */
export function shortestStep(times: ArrayLike<number>): number | null {
  let step = Infinity;
  for (let index = 1; index < times.length; index += 1) {
    const between = (times[index] ?? 0) - (times[index - 1] ?? 0);
    if (between > 0) step = Math.min(step, between);
  }
  return Number.isFinite(step) ? step : null;
}
