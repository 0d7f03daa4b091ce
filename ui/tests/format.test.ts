import { afterEach, describe, expect, test, vi } from "vitest";
import { bytes, counted, duration, hours, percent, rate, relativeTime } from "$lib/format";
import { ensureValidLanguage, safeLocale } from "$lib/format/intl";
import { NOW } from "./builders";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [0, "0 B"],
  [1, "1 B"],
  [999, "999 B"],
  [1000, "1 kB"],
  [1500, "1.5 kB"],
  [99_960, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1 MB"],
  [3_207_000_000, "3.2 GB"],
  [214_000_000_000, "214 GB"],
  [5e15, "5 PB"],
  [-4, "0 B"],
])("%d bytes are written as %s", (value, expected) => expect(bytes(value)).toBe(expected));

test.each([
  [0, "0 ms"],
  [84, "84 ms"],
  [3249, "3.2 s"],
  [9999, "9.9 s"],
  [59_999, "59 s"],
  [65 * SECOND, "1 min 5 s"],
  [2 * HOUR + 10 * MINUTE, "2 h 10 min"],
  [3 * HOUR, "3 h"],
  [3 * DAY + 4 * HOUR, "3 d 4 h"],
  [-5, "0 ms"],
])("%d milliseconds last %s", (value, expected) => expect(duration(value)).toBe(expected));

test.each([
  [3 * SECOND, "just now"],
  [-3 * SECOND, "just now"],
  [45 * SECOND, "40 seconds ago"],
  [MINUTE, "1 minute ago"],
  [59 * MINUTE, "59 minutes ago"],
  [25 * HOUR, "1 day ago"],
  [29 * DAY, "29 days ago"],
])("%d ms before now is %s", (past, expected) => expect(relativeTime(NOW - past, NOW)).toBe(expected));

test("what is older than a month, or lies ahead, is told by its date", () => {
  expect(relativeTime(NOW - 60 * DAY, NOW)).toContain("2026");
  expect(relativeTime(NOW + HOUR, NOW)).toContain("2026");
});

test.each([
  [0, "files", "0 files"],
  [1, "files", "1 file"],
  [1214, "files", "1,214 files"],
])("%d %s are counted as %s", (value, _, expected) => expect(counted(value, "file")).toBe(expected));

test.each([
  [0, "0 %"],
  [0.43, "0.4 %"],
  [91.4, "91 %"],
  [100, "100 %"],
])("a share of %d is %s", (value, expected) => expect(percent(value)).toBe(expected));

test.each([
  [1200.4, "1,200 files/s"],
  [0.5, "30 files/min"],
])("a rate of %d is %s", (value, expected) => expect(rate(value, "files")).toBe(expected));

test.each([
  [0, "0 hours"],
  [0.5, "30 minutes"],
  [1, "1 hour"],
  [24, "24 hours"],
  [720, "30 days"],
  [30, "30 hours"],
])("%d hours are said as %s", (value, expected) => expect(hours(value)).toBe(expected));

describe("under LANG=C", () => {
  afterEach(() => vi.unstubAllGlobals());

  test("the tag that the webview gives is refused by Intl itself", () => {
    expect(() => new Intl.NumberFormat("C")).toThrow(RangeError);
  });

  test("formatters work although the language is C", async () => {
    vi.stubGlobal("navigator", { language: "C", languages: ["C"] });
    vi.resetModules();
    const fresh = await import("$lib/format");
    expect(fresh.bytes(1_234_000)).toBe("1.2 MB");
    expect(fresh.exactTime(NOW)).toContain("2026");
  });

  test("the navigator is given a language that libraries accept", () => {
    const navigator = { language: "C", languages: ["C"] } as unknown as Navigator;
    ensureValidLanguage(navigator);
    expect(() => new Intl.DateTimeFormat(navigator.languages)).not.toThrow();
    expect(navigator.language).toBe("en-GB");
  });

  test("a valid language stays", () => {
    const navigator = { language: "de-AT", languages: ["de-AT"] } as unknown as Navigator;
    ensureValidLanguage(navigator);
    expect(navigator.language).toBe("de-AT");
  });

  test.each([
    [["C"], "en-GB"],
    [[undefined, ""], "en-GB"],
    [["POSIX", "en-US"], "en-US"],
    [["de-DE", "en-AU"], "en-AU"],
    [["en_GB.UTF-8"], "en-GB"],
  ])("of %j the locale is %s", (wished, expected) => expect(safeLocale(wished)).toBe(expected));
});
