// points in time and spans of it. Relative for the eye, exact for the hover and for machines.
import type { Timestamp } from "$lib/generated/Timestamp";
import { dateFormat } from "./intl";
import { count, decimal } from "./numbers";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const exactFormat = dateFormat({ dateStyle: "medium", timeStyle: "long" });
const dayFormat = dateFormat({ dateStyle: "medium" });
const clockFormat = dateFormat({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minutesFormat = dateFormat({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const axisDayFormat = dateFormat({ day: "numeric", month: "short" });
const monthFormat = dateFormat({ month: "short", year: "numeric" });

/** `23 Nov 2026, 12:56:35 CET`. */
export function exactTime(at: Timestamp): string {
  return exactFormat.format(at);
}

/** `12:56:35`, for lines of a log. */
export function clockTime(at: Timestamp): string {
  return clockFormat.format(at);
}

/** `12:03`, or `22 Nov 2026, 12:03` when that was not today. */
export function moment(at: Timestamp, now: Timestamp): string {
  const minutes = minutesFormat.format(at);
  const day = dayFormat.format(at);
  return day === dayFormat.format(now) ? minutes : `${day}, ${minutes}`;
}

/** `12:56:35`, `12:56`, `23 Nov`, `Nov 2026`: a mark on an axis whose marks lie `stepMs` apart. */
export function axisTime(at: Timestamp, stepMs: number): string {
  if (stepMs >= 28 * DAY) return monthFormat.format(at);
  const midnight = minutesFormat.format(at) === "00:00";
  if (stepMs >= DAY || (stepMs >= MINUTE && midnight)) return axisDayFormat.format(at);
  return stepMs >= MINUTE ? minutesFormat.format(at) : clockFormat.format(at);
}

/** For `<time datetime>`. */
export function machineTime(at: Timestamp): string {
  return new Date(at).toISOString();
}

function ago(value: number, unit: string): string {
  return `${value} ${unit}${value === 1 ? "" : "s"} ago`;
}

/** `just now`, `3 minutes ago`, `yesterday`'s `1 day ago`, a date after a month. */
export function relativeTime(at: Timestamp, now: Timestamp): string {
  const past = now - at;
  // clocks of hosts differ a little; a few seconds ahead are still now
  if (past < -10 * SECOND) return exactTime(at);
  if (past < 10 * SECOND) return "just now";
  if (past < MINUTE) return ago(Math.floor(past / SECOND / 10) * 10, "second");
  if (past < HOUR) return ago(Math.floor(past / MINUTE), "minute");
  if (past < DAY) return ago(Math.floor(past / HOUR), "hour");
  if (past < 30 * DAY) return ago(Math.floor(past / DAY), "day");
  return dayFormat.format(at);
}

/** `84 ms`, `3.2 s`, `1 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < SECOND) return `${Math.round(span)} ms`;
  if (span < 10 * SECOND) return `${decimal(Math.floor(span / 100) / 10)} s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return twoParts(span, MINUTE, "min", SECOND, "s");
  if (span < DAY) return twoParts(span, HOUR, "h", MINUTE, "min");
  return twoParts(span, DAY, "d", HOUR, "h");
}

function twoParts(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const first = Math.floor(span / large);
  const second = Math.floor((span % large) / small);
  return second === 0
    ? `${count(first)} ${largeName}`
    : `${count(first)} ${largeName} ${second} ${smallName}`;
}

/** `a few seconds left`, `about 35 s left`, `about 3 min left`: no more exact than it can be known. */
export function timeLeft(milliseconds: number): string {
  if (milliseconds < 5 * SECOND) return "a few seconds left";
  if (milliseconds < 55 * SECOND) return `about ${Math.ceil(milliseconds / SECOND / 5) * 5} s left`;
  if (milliseconds < HOUR) return `about ${Math.round(milliseconds / MINUTE)} min left`;
  if (milliseconds < DAY)
    return `about ${duration(Math.round(milliseconds / 10 / MINUTE) * 10 * MINUTE)} left`;
  return "more than a day left";
}

/** Hours as a person says them: `90 minutes`, `24 hours`, `30 days`. */
export function hours(value: number): string {
  if (value > 0 && value < 2) {
    const minutes = Math.round(value * 60);
    return minutes === 60 ? "1 hour" : `${count(minutes)} minute${minutes === 1 ? "" : "s"}`;
  }
  if (value >= 48 && value % 24 === 0) return `${count(value / 24)} days`;
  return `${decimal(value)} hours`;
}
