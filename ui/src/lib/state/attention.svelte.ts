// what ended badly since the operator last looked, and how this host was at its last check.
import type { Backend, Stop } from "$lib/backend/backend";
import type { HealthRecord } from "$lib/generated/HealthRecord";
import type { Task } from "$lib/generated/Task";
import type { Timestamp } from "$lib/generated/Timestamp";
import { followChanges } from "./follow";
import { ALL_TASKS } from "./task-list.svelte";

const KEY = "upkeep.seen";
/** As many bad endings as are looked through; more than this is told as "or more". */
export const MOST_BAD = 50;
/** Who never looked is told of the last week. */
const FIRST_LOOK_MS = 7 * 24 * 3_600_000;
/** Any task may be the signal, and nobody needs this ten times a second. */
const READ_GAP_MS = 1000;

export function readSeen(storage: Pick<Storage, "getItem">, now: Timestamp): Timestamp {
  try {
    const stored = Number(storage.getItem(KEY) ?? Number.NaN);
    if (Number.isFinite(stored) && stored > 0) return stored;
  } catch {
    // storage can be forbidden; then every start is a first look
  }
  return now - FIRST_LOOK_MS;
}

export class AttentionState {
  /** Until when the operator has seen what ended badly. */
  seen: Timestamp = $state(readSeen(window.localStorage, Date.now()));
  /** The last check of this host that has a report; none when it was never checked. */
  health: HealthRecord | null = $state.raw(null);
  /** True once both were read. */
  loaded = $state(false);
  #ended: Task[] = $state.raw([]);
  readonly #backend: Backend;

  /** What ended badly since then, the newest end first. */
  readonly bad: Task[] = $derived(
    this.#ended
      .filter(({ finished_at }) => finished_at !== null && finished_at > this.seen)
      .sort((a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0)),
  );

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  follow(): Stop {
    return followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: ({ kind }) => kind === "task" || kind === "all",
      gapMs: READ_GAP_MS,
    }).stop;
  }

  /** Up to the newest that is shown: what ends while the button is pressed is not hidden. */
  markSeen(): void {
    const newest = this.bad[0]?.finished_at;
    if (newest == null) return;
    this.seen = newest;
    try {
      window.localStorage.setItem(KEY, String(newest));
    } catch {
      // it holds until the window closes
    }
  }

  async #read(): Promise<void> {
    try {
      const [page, health] = await Promise.all([
        this.#backend.listTasks({ ...ALL_TASKS, states: ["failed", "partial"] }, null, MOST_BAD),
        this.#backend.healthHistory(null, 1),
      ]);
      this.#ended = page.tasks;
      this.health = health.latest;
      this.loaded = true;
    } catch {
      // the overview reads the same database and says what is wrong; what was read stays
    }
  }
}
