// what a chart over time is given.

/** A colour of `tokens.css`, by its name without the dashes. */
export type ChartColour =
  | "chart-1"
  | "chart-2"
  | "chart-3"
  | "chart-4"
  | "chart-5"
  | "chart-6"
  | "chart-7"
  | "chart-8"
  | "good"
  | "warn"
  | "bad"
  | "quiet";

export const CHART_COLOURS: readonly ChartColour[] = [
  "chart-1",
  "chart-2",
  "chart-3",
  "chart-4",
  "chart-5",
  "chart-6",
  "chart-7",
  "chart-8",
];

/** The colour of the nth series; they repeat after eight. */
export function chartColour(index: number): ChartColour {
  return CHART_COLOURS[index % CHART_COLOURS.length] ?? "chart-1";
}

export interface ChartSeries {
  label: string;
  /** One for each time; `null` where it is not known, which is drawn as a gap. */
  values: ArrayLike<number | null>;
  colour: ChartColour;
  /** Said in the table's head, when the label does not: `%`, `bytes/s`. */
  unit?: string;
  /** A dashed line tells two series apart without colour. */
  dashed?: boolean;
}

export type ChartKind = "line" | "area" | "bars";
