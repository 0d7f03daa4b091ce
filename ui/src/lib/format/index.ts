// the one place that turns values into words.
export { bytes, count, counted, decimal, percent, rate } from "./numbers";
export { sentence } from "./words";
export { clockTime, duration, exactTime, hours, machineTime, relativeTime } from "./times";
