// the only file that knows uPlot. It is loaded when the first chart is shown, never with the first page.
//
// uPlot asks the navigator for its language as soon as it is loaded, and a C locale has none that is valid.
import "$lib/format/language";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { axisTime } from "$lib/format";
import { type Drawable, shortestStep, stacked } from "./data";
import type { ChartKind, ChartSeries } from "./types";

export interface Look {
  kind: ChartKind;
  stacked: boolean;
  series: readonly Pick<ChartSeries, "label" | "dashed">[];
  format: (value: number) => string;
  /** The row that is pointed at; none when the pointer left. */
  pointed: (row: number | null) => void;
}

export interface Frame {
  /** The span of time shown; none takes that of the data. */
  from: number | null;
  to: number | null;
  /** The ends of the scale of values; a top of none follows the data. */
  bottom: number;
  top: number | null;
  /** A top that follows the data is never lower than this, so that noise about zero looks like nothing. */
  leastTop: number;
}

/** Colours as the canvas wants them, and the font. */
export interface Paint {
  text: string;
  grid: string;
  font: string;
  lines: string[];
  fills: string[];
}

export interface Drawn {
  show(data: Drawable, frame: Frame): void;
  resize(width: number, height: number): void;
  repaint(): void;
  destroy(): void;
}

const LINE_WIDTH = 1.5;

function xRange(data: Drawable, frame: Frame, kind: ChartKind): [number, number] {
  const first = frame.from ?? data.times[0] ?? 0;
  const last = data.times.at(-1) ?? first;
  const end = frame.to ?? (kind === "bars" ? last + (shortestStep(data.times) ?? 1) : last);
  return [first, Math.max(end, first + 1)];
}

/** A free top leaves a little room above the highest value. */
function yRange(highest: number | null, frame: Frame): [number, number] {
  if (frame.top !== null) return [frame.bottom, frame.top];
  const top = Math.max(highest ?? 0, frame.leastTop) * 1.05;
  return [frame.bottom, top > frame.bottom ? top : frame.bottom + 1];
}

/** Draws a chart into an element. `paint` is asked again at every repainting, so that it follows light and dark. */
export type Draw = (element: HTMLElement, look: Look, paint: () => Paint) => Drawn;

export const draw: Draw = (element, look, paint) => {
  let current: Frame = { from: null, to: null, bottom: 0, top: null, leastTop: 0 };
  let shown: Drawable = { times: [], columns: look.series.map(() => []) };
  let colours = paint();
  // what lies on top of others is drawn first, so that those below cover their part of it
  const order = look.series.map((_, index) => index);
  if (look.stacked) order.reverse();

  const series = order.map((index): uPlot.Series => {
    const base: uPlot.Series = {
      label: look.series[index]?.label ?? "",
      stroke: () => colours.lines[index] ?? "",
      width: LINE_WIDTH,
      points: { size: 4 },
    };
    if (look.series[index]?.dashed) base.dash = [5, 3];
    if (look.kind === "area") base.fill = () => colours.fills[index] ?? "";
    if (look.kind === "bars") {
      const bars = uPlot.paths.bars?.({ size: [0.85, 60], align: 1 });
      if (bars) base.paths = bars;
      base.fill = () => colours.lines[index] ?? "";
      base.points = { show: false };
    }
    return base;
  });

  const chart = new uPlot(
    {
      width: Math.max(1, element.clientWidth),
      height: Math.max(1, element.clientHeight),
      ms: 1,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      padding: [6, 18, 0, 0],
      scales: {
        x: { time: true, range: () => xRange(shown, current, look.kind) },
        y: {
          range: (_, __, highest) => yRange(highest, current),
        },
      },
      axes: [
        {
          stroke: () => colours.text,
          grid: { stroke: () => colours.grid, width: 1 },
          ticks: { show: false },
          font: colours.font,
          size: 22,
          gap: 4,
          space: 70,
          values: (_, splits, __, ___, step) => splits.map((at) => axisTime(at, step)),
        },
        {
          stroke: () => colours.text,
          grid: { stroke: () => colours.grid, width: 1 },
          ticks: { show: false },
          font: colours.font,
          gap: 4,
          space: 28,
          size: (self, values) => {
            if (!values?.length) return 40;
            self.ctx.font = colours.font;
            const widest = Math.max(...values.map((value) => self.ctx.measureText(value).width));
            return Math.ceil(widest) + 10;
          },
          values: (_, splits) => splits.map((value) => look.format(value)),
        },
      ],
      series: [{}, ...series],
      hooks: {
        setCursor: [(self) => look.pointed(self.cursor.idx ?? null)],
      },
    },
    [[], ...order.map(() => [])] as uPlot.AlignedData,
    element,
  );

  function show(data: Drawable, frame: Frame) {
    const columns = look.stacked ? stacked(data.columns) : data.columns;
    shown = { times: data.times, columns };
    current = frame;
    chart.setData([data.times, ...order.map((index) => columns[index] ?? [])] as uPlot.AlignedData);
  }

  return {
    show,
    resize(width, height) {
      chart.setSize({ width: Math.max(1, width), height: Math.max(1, height) });
    },
    repaint() {
      colours = paint();
      chart.redraw(true, true);
    },
    destroy() {
      chart.destroy();
    },
  };
};
