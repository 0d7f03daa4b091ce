import { render } from "@testing-library/svelte";
import { tick } from "svelte";
import { beforeEach, expect, test, vi } from "vitest";
import TimeChart from "$lib/components/TimeChart.svelte";
import { countGaps, shortestStep, stacked, summarise, withGaps } from "$lib/components/chart/data";
import type { Look } from "$lib/components/chart/draw";
import type { ChartSeries } from "$lib/components/chart/types";
import { axisTime, percent } from "$lib/format";
import { click, eventually, find, query, text } from "./window";

const canvas = vi.hoisted(() => ({ draw: vi.fn() }));
vi.mock("$lib/components/chart/draw", () => ({ draw: canvas.draw }));

const SECOND = 1000;
const noon = new Date(2026, 10, 23, 12, 0, 0).getTime();
const at = (seconds: number) => noon + seconds * SECOND;
const cpu = (values: (number | null)[]): ChartSeries => ({ label: "CPU", values, colour: "chart-1" });

const drawing = { show: vi.fn(), resize: vi.fn(), repaint: vi.fn(), destroy: vi.fn() };
let look: Look | null = null;
beforeEach(() => {
  for (const step of Object.values(drawing)) step.mockReset();
  canvas.draw.mockReset().mockImplementation((_: HTMLElement, wanted: Look) => {
    look = wanted;
    return drawing;
  });
});

const props = (change: Record<string, unknown> = {}) => ({
  title: "CPU use",
  times: [at(0), at(1), at(2)],
  series: [cpu([10, 20, 60])],
  format: percent,
  ...change,
});
const drawnTimes = () => (drawing.show.mock.lastCall?.[0] as { times: number[] }).times;

test("time without values breaks the line instead of bridging it", () => {
  const shown = withGaps([at(0), at(1), at(60), at(61)], [cpu([1, 2, 3, 4])], 2500);
  expect(shown.times).toEqual([at(0), at(1), at(1) + 1, at(60), at(61)]);
  expect(shown.columns).toEqual([[1, 2, null, 3, 4]]);
  expect(countGaps([at(0), at(1), at(60), at(61)], 2500)).toBe(1);
});

test("what is no number is a gap", () => {
  expect(withGaps([at(0), at(1), at(2)], [cpu([NaN, null, 3])], Infinity).columns).toEqual([[null, null, 3]]);
});

test("series lie on top of each other, and a row of nothing stays a gap", () => {
  expect(
    stacked([
      [1, null, null],
      [2, 5, null],
    ]),
  ).toEqual([
    [1, null, null],
    [3, 5, null],
  ]);
});

test("a bar is as wide as the shortest step", () => {
  expect(shortestStep([at(0), at(60), at(90)])).toBe(30 * SECOND);
  expect(shortestStep([at(0)])).toBeNull();
});

test("the summary says from when to when, the last, lowest, highest and mean value, and gaps", () => {
  const words = { format: percent, formatTime: (time: number) => axisTime(time, SECOND), gapAfterMs: 2500 };
  expect(summarise([at(0), at(1), at(60)], [cpu([10, 20, 60])], words)).toBe(
    "From 12:00:00 to 12:01:00. CPU: last 60 %, lowest 10 %, highest 60 %, mean 30 %. One stretch of time without values.",
  );
  expect(summarise([at(0)], [cpu([null])], words)).toContain("CPU: not known.");
  expect(summarise([], [], words)).toBe("");
});

test("marks on the axis are as exact as the distance between them", () => {
  const check = (time: number, step: number, expected: string) => expect(axisTime(time, step)).toBe(expected);
  check(at(5), SECOND, "12:00:05");
  check(at(0), 60 * SECOND, "12:00");
  expect(axisTime(new Date(2026, 10, 23).getTime(), 3600 * SECOND)).toMatch(/23/);
  expect(axisTime(at(0), 86_400 * SECOND)).toMatch(/Nov/);
  expect(axisTime(at(0), 31 * 86_400 * SECOND)).toMatch(/Nov.*2026/);
});

test("a chart is a named image that its summary describes", async () => {
  render(TimeChart, props());
  await eventually(() => expect(drawing.show).toHaveBeenCalled());
  const image = find("chart").querySelector("[role=img]");
  const named = (attribute: string) =>
    document.getElementById(image?.getAttribute(attribute) ?? "")?.textContent?.trim();
  expect(named("aria-labelledby")).toBe("CPU use");
  expect(named("aria-describedby")).toContain("highest 60 %");
  expect(look?.format(50)).toBe("50 %");
});

test("the newest values stand beside the colours, and those that are pointed at instead", async () => {
  render(TimeChart, props());
  await eventually(() => expect(drawing.show).toHaveBeenCalled());
  expect(text("chart")).toContain("CPU 60 %");
  look?.pointed(1);
  await tick();
  expect(text("chart")).toContain("CPU 20 %");
});

test("the table holds the same figures, the newest first", async () => {
  render(TimeChart, props({ series: [{ ...cpu([10, null, 60]), unit: "%" }] }));
  await click("chart-table");
  expect(find("chart").querySelector("[role=region]")?.getAttribute("aria-label")).toBe("CPU use, table");
  const cells = [...find("chart").querySelectorAll("tbody td")].map((cell) => cell.textContent);
  expect(cells).toEqual(["60 %", "not known", "10 %"]);
  expect(find("chart").querySelector("thead")?.textContent).toContain("CPU (%)");
  expect(find("chart").querySelector("button")?.getAttribute("aria-pressed")).toBe("true");
});

test("every row of a long chart can be reached", async () => {
  const times = Array.from({ length: 3600 }, (_, index) => at(index));
  render(TimeChart, props({ times, series: [cpu(times.map(() => 1))] }));
  await click("chart-table");
  const rows = () => find("chart").querySelectorAll("tbody tr").length;
  expect(rows()).toBe(60);
  const more = () =>
    [...find("chart").querySelectorAll("button")].find((button) => button.textContent?.includes("Show more"));
  for (let page = 0; page < 30 && more(); page += 1) {
    more()?.click();
    await tick();
  }
  expect(rows()).toBe(3600);
});

test("a live chart's table stands still until it is asked", async () => {
  const { rerender } = render(TimeChart, props({ live: true }));
  await click("chart-table");
  await rerender(props({ live: true, times: [at(0), at(1), at(2), at(3)], series: [cpu([10, 20, 60, 70])] }));
  expect(text("chart")).not.toContain("70 %");
  [...find("chart").querySelectorAll("button")].at(-1)?.click();
  await tick();
  expect(text("chart")).toContain("70 %");
});

test("new values are drawn into the chart that is there; other series make another", async () => {
  const { rerender } = render(TimeChart, props());
  await eventually(() => expect(drawing.show).toHaveBeenCalledTimes(1));
  await rerender(props({ times: [at(0), at(1)], series: [cpu([1, 2])] }));
  expect(drawing.show).toHaveBeenCalledTimes(2);
  expect(drawnTimes()).toEqual([at(0), at(1)]);
  expect(canvas.draw).toHaveBeenCalledTimes(1);
  await rerender(props({ series: [{ ...cpu([1, 2, 3]), label: "Other" }] }));
  expect(canvas.draw).toHaveBeenCalledTimes(2);
  expect(drawing.destroy).toHaveBeenCalledTimes(1);
});

test("with less motion asked for, a live chart moves every ten seconds only", async () => {
  vi.spyOn(window, "matchMedia").mockImplementation(
    (query) =>
      ({
        matches: query.includes("reduced-motion"),
        addEventListener: () => undefined,
        removeEventListener: () => undefined,
      }) as unknown as MediaQueryList,
  );
  const moved = (seconds: number) =>
    props({
      live: true,
      from: at(seconds - 300),
      to: at(seconds),
      times: [at(seconds)],
      series: [cpu([seconds])],
    });
  const { rerender } = render(TimeChart, moved(0));
  await eventually(() => expect(drawing.show).toHaveBeenCalledTimes(1));
  for (let seconds = 1; seconds <= 10; seconds += 1) await rerender(moved(seconds));
  expect(drawing.show).toHaveBeenCalledTimes(2);
});

test("choosing light or dark draws it anew in its colours", async () => {
  render(TimeChart, props());
  await eventually(() => expect(drawing.show).toHaveBeenCalled());
  document.documentElement.dataset.appearance = "dark";
  await eventually(() => expect(drawing.repaint).toHaveBeenCalled());
  delete document.documentElement.dataset.appearance;
});

test("a chart that cannot be drawn shows its figures and says so", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  canvas.draw.mockImplementation(() => {
    throw new Error("no canvas");
  });
  render(TimeChart, props());
  await eventually(() => expect(text("chart")).toContain("The chart cannot be drawn here"));
  expect(find("chart").querySelectorAll("tbody tr")).toHaveLength(3);
});

test("a chart without values says so and loads nothing", async () => {
  render(TimeChart, props({ times: [], series: [cpu([])], empty: "No task ended in this time." }));
  await tick();
  expect(text("chart")).toContain("No task ended in this time.");
  expect(query("chart-table")).toBeNull();
  expect(canvas.draw).not.toHaveBeenCalled();
});
