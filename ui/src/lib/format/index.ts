// the one place that turns values into words.
export { bytes, count, counted, decimal, percent, rate } from "./numbers";
export { listed, sentence, shortId } from "./words";
export {
  axisTime,
  clockTime,
  duration,
  exactTime,
  hours,
  machineTime,
  moment,
  relativeTime,
  timeLeft,
} from "./times";
