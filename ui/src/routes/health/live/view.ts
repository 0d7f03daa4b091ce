// what the panels share: the window of time that is shown, and lines out of its columns.
import { chartColour } from "$lib/components/chart/types";
import type { ChartSeries } from "$lib/components/chart/types";
import { bytes } from "$lib/format";
import type { View } from "$lib/state/history";

/** Samples come a second apart; more than this between two means that nobody looked. */
export const LIVE_GAP_MS = 3500;
/** Heartbeats come every three seconds by default, and are read when something changed or every ten. */
export const HEARTBEAT_GAP_MS = 30_000;

const MINUTE_MS = 60_000;
export interface Range {
  label: string;
  ms: number;
  /** A long chart moves by less than can be seen each second: its lines follow every so many samples. */
  every: number;
}
export const RANGES: readonly [Range, ...Range[]] = [
  { label: "5 minutes", ms: 5 * MINUTE_MS, every: 1 },
  { label: "15 minutes", ms: 15 * MINUTE_MS, every: 2 },
  { label: "1 hour", ms: 60 * MINUTE_MS, every: 5 },
];

/** A window of the history, and the span of time it stands for. */
export interface Shown {
  view: View;
  from: number;
  to: number;
}

export interface Line {
  key: string;
  label: string;
  unit?: string;
  dashed?: boolean;
}

/** The lines of a chart, each in a colour of its own. */
export function seriesOf({ view }: Shown, lines: readonly Line[]): ChartSeries[] {
  return lines.map(({ key, label, unit, dashed }, index) => ({
    label,
    values: view.column(key),
    colour: chartColour(index),
    ...(unit === undefined ? {} : { unit }),
    ...(dashed === undefined ? {} : { dashed }),
  }));
}

export function bytesPerSecond(value: number): string {
  return `${bytes(value)}/s`;
}

export function shownRate(value: number | null): string {
  return value === null ? "–" : bytesPerSecond(value);
}
