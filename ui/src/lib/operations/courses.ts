// how the vital signs of hosts went: what heartbeats brought while somebody looked, and no more than fits a small line.
import type { Worker } from "$lib/generated/Worker";
import type { Timestamp } from "$lib/generated/Timestamp";
import { usedShare } from "./vitals";

/** Heartbeats come every three seconds: five minutes of them. */
export const POINTS_MAX = 100;

export interface VitalsPoint {
  at: Timestamp;
  /** Percent; none for the first sample of a worker. */
  cpu: number | null;
  memory: number | null;
  load: number;
}

export type Courses = ReadonlyMap<string, readonly VitalsPoint[]>;

/** The courses with what these workers sent last. A host that is no longer listed is forgotten. */
export function withVitals(courses: Courses, workers: readonly Worker[]): Courses {
  const next = new Map<string, readonly VitalsPoint[]>();
  for (const { host, vitals } of workers) {
    const known = next.get(host) ?? courses.get(host) ?? [];
    const last = known.at(-1);
    // two workers of one host sample at different moments; what is older than the newest is no news
    if (!vitals || (last && vitals.at <= last.at)) {
      next.set(host, known);
      continue;
    }
    const point: VitalsPoint = {
      at: vitals.at,
      cpu: vitals.cpu_percent,
      memory: usedShare(vitals.memory_total_bytes, vitals.memory_available_bytes),
      load: vitals.load_average[0],
    };
    next.set(host, [...known, point].slice(-POINTS_MAX));
  }
  return next;
}
