// what was read again and is as it was stays the same object, so that nothing is drawn anew for it.

/** The one before when both say the same, else the new one. Both came as JSON. */
export function kept<T>(before: T, now: T): T {
  return JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

/** The list before when it has the very same items in the same order, else the new one. */
export function keptList<T>(before: T[], now: T[]): T[] {
  const same = now.length === before.length && now.every((item, index) => item === before[index]);
  return same ? before : now;
}
