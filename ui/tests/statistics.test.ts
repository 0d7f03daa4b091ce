import { fireEvent } from "@testing-library/svelte";
import { expect, test } from "vitest";
import {
  fromLocalInput,
  hoursOf,
  queryFromAddress,
  shareInWords,
  statisticsHref,
  summaryOf,
  toLocalInput,
} from "$lib/operations/statistics";
import { accepted, NOW, someFigures } from "./builders";
import { FakeBackend } from "./fake";
import { click, find, openApp, query, settled, text } from "./window";

const DAY = { range: { kind: "day" }, host: null, operation: null };

test("the page shows the figures of the last day, its method and zone", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/statistics");
  expect(backend.statisticsAsked).toEqual([DAY]);
  expect(text("figure-ended")).toBe("17");
  expect(text("figure-success")).toBe("94 %");
  expect(text("by-operation")).toContain("Clean temporary files");
  expect(text("slowest")).toContain("web-02");
  expect(find("slowest").querySelector("a")?.getAttribute("href")).toBe("#/tasks/slow-1");
  expect(text("failing")).toContain("Cannot read /srv/spool");
  expect(text("statistics-now")).toContain("1 of 4");
  expect(text("statistics-method")).toContain("Europe/Berlin");
  expect(text("statistics-method")).toContain("Percentiles are exact");
  expect(text("statistics-summary")).toContain("17 tasks ended, 94 % succeeded");
});

test("range, host and operation are asked for and stand in the address", async () => {
  const backend = new FakeBackend();
  await openApp(backend, "#/statistics?range=week");
  expect(find("range-week")).toHaveProperty("checked", true);
  await click("range-all");
  await fireEvent.change(find("statistics-host"), { target: { value: " web-02 " } });
  await fireEvent.change(find("statistics-operation"), { target: { value: "health-check" } });
  await settled();
  expect(backend.statisticsAsked.at(-1)).toEqual({
    range: { kind: "all" },
    host: "web-02",
    operation: "health-check",
  });
  expect(window.location.hash).toBe("#/statistics?range=all&host=web-02&operation=health-check");
});

test("a range that ends before it begins is refused beside its fields", async () => {
  const backend = new FakeBackend();
  const range = { kind: "between" as const, from: NOW - 3_600_000, to: NOW };
  await openApp(backend, statisticsHref({ ...DAY, range } as never));
  const asked = backend.statisticsAsked.length;
  await fireEvent.change(find("range-to"), { target: { value: "2020-01-01T00:00" } });
  await settled();
  expect(document.body.textContent).toContain("It must end after it begins.");
  expect(backend.statisticsAsked).toHaveLength(asked);
});

test("an empty range says so and what to do, and still tells what is now", async () => {
  const backend = new FakeBackend();
  backend.statisticsValue = someFigures({ operations: [], counts: [], slowest: [], success_rate: null });
  await openApp(backend, "#/statistics");
  expect(text("statistics-empty")).toContain("Choose a longer range");
  expect(query("figures")).toBeNull();
  expect(text("statistics-now")).toContain("desk-7");
});

test("figures that cannot be read are an error with what to do", async () => {
  const backend = new FakeBackend();
  backend.failing.statistics = { code: "database_unavailable", message: "it is away", hint: "start it" };
  await openApp(backend, "#/statistics");
  expect(text("error-statistics")).toContain("It is away");
  expect(text("error-statistics")).toContain("Start it");
});

test("log statistics asks for the operation with the hours of the range", async () => {
  const backend = new FakeBackend();
  backend.onTrigger = () => accepted("log-1");
  await openApp(backend, "#/statistics?range=week");
  await click("statistics-log");
  expect(backend.triggered).toEqual([
    { operation: "log-statistics", params: { range_hours: 168 }, host: null },
  ]);
  expect(find("statistics-logged").getAttribute("href")).toBe("#/tasks/log-1");
});

test("addresses and queries are the same in both directions", () => {
  const check = (address: string, expected: unknown) => {
    const read = queryFromAddress(new URLSearchParams(address));
    expect(read).toEqual(expected);
    expect(queryFromAddress(new URLSearchParams(statisticsHref(read).split("?")[1]))).toEqual(read);
  };
  check("", DAY);
  check("range=century", DAY);
  check("range=between&from=5&to=5", DAY);
  check("range=between&from=1&to=5", { ...DAY, range: { kind: "between", from: 1, to: 5 } });
  check("range=hour&host=a%20b", { range: { kind: "hour" }, host: "a b", operation: null });
});

test("words of ranges and shares are honest", () => {
  expect(shareInWords(1)).toBe("100 %");
  expect(shareInWords(0.99999)).toBe("99.99 %");
  expect(shareInWords(0.5)).toBe("50 %");
  expect(hoursOf({ kind: "month" }, NOW)).toBe(720);
  expect(hoursOf({ kind: "between", from: NOW - 90 * 60_000, to: NOW }, NOW)).toBe(2);
  expect(hoursOf({ kind: "between", from: 0, to: 1 }, NOW)).toBe(87_660);
  expect(fromLocalInput(toLocalInput(NOW))).toBe(NOW);
  expect(fromLocalInput("")).toBeNull();
  expect(summaryOf(someFigures({ operations: [] }).queue)).toBe("No task ended in this range.");
});
