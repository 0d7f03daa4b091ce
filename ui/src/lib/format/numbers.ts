// counts, bytes, shares and rates.
import { numberFormat } from "./intl";

const whole = numberFormat({ maximumFractionDigits: 0 });
const oneDigit = numberFormat({ maximumFractionDigits: 1 });
const twoDigits = numberFormat({ maximumFractionDigits: 2 });

export function count(value: number): string {
  return whole.format(value);
}

/** `1 file`, `214 files`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** At most two digits after the point, none when there is nothing to say. */
export function decimal(value: number): string {
  return twoDigits.format(value);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal units as file managers show them: 1 kB is 1000 bytes. */
export function bytes(value: number): string {
  let scaled = Math.max(0, value);
  let unit = 0;
  // 999.5 would be rounded up to 1,000 of the smaller unit
  while (scaled >= (unit === 0 ? 1000 : 999.5) && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || scaled >= 100 ? whole : oneDigit;
  return `${digits.format(scaled)} ${BYTE_UNITS[unit]}`;
}

/** A value from 0 to 100 as `91 %`. */
export function percent(value: number): string {
  return `${(value > 0 && value < 10 ? oneDigit : whole).format(value)} %`;
}

/** `1,200 files/s`; slow work is told by the minute. */
export function rate(perSecond: number, unit: string): string {
  if (perSecond >= 1) return `${count(perSecond)} ${unit}/s`;
  return `${oneDigit.format(perSecond * 60)} ${unit}/min`;
}
