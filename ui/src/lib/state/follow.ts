// re-reading on signals: never two reads at once, never more often than the gap, never while nobody can see it.
import { untrack } from "svelte";
import type { Backend, Stop } from "$lib/backend/backend";
import type { Change } from "$lib/generated/Change";

export interface Coalesced {
  /** Asks for a read; requests during one, or within the gap after it, become one more read. */
  request(): void;
  stop(): void;
}

export function coalesced(read: () => Promise<void>, gapMs: number): Coalesced {
  let running = false;
  let wanted = false;
  let stopped = false;
  let pause: ReturnType<typeof setTimeout> | undefined;

  async function run() {
    running = true;
    wanted = false;
    try {
      await read();
    } finally {
      running = false;
      if (!stopped) {
        pause = setTimeout(() => {
          pause = undefined;
          if (wanted) void run();
        }, gapMs);
      }
    }
  }

  return {
    request() {
      if (stopped) return;
      if (running || pause !== undefined) wanted = true;
      else void run();
    },
    stop() {
      stopped = true;
      clearTimeout(pause);
    },
  };
}

/** How long a page waits between two reads: quick enough for an eye, slow enough for a busy queue. */
const READ_GAP_MS = 200;

export interface Follow {
  backend: Backend;
  /** Reads anew what is shown; it deals with its own errors. */
  read: () => Promise<void>;
  /** Whether a change matters to what is shown. */
  concerns: (change: Change) => boolean;
  /** Reads also after this time without a signal, for what changes silently: a worker that stopped breathing. */
  atLeastEveryMs?: number;
  /** How long to wait between two reads, where a read costs more than usual. */
  gapMs?: number;
}

export interface Follower {
  /** Reads anew because of something this window itself did. */
  refresh(): void;
  stop: Stop;
}

/** Reads at once and again whenever something changed, while the window can be seen. */
export function followChanges({ backend, read, concerns, atLeastEveryMs, gapMs }: Follow): Follower {
  const reads = coalesced(read, gapMs ?? READ_GAP_MS);
  const visible = () => document.visibilityState !== "hidden";
  // what changed unseen is read when the window is looked at again
  let missed = false;

  const request = () => {
    // what a read looks at must not start the effect that follows anew
    if (visible()) untrack(() => reads.request());
    else missed = true;
  };
  const onVisibility = () => {
    if (!visible() || !(missed || atLeastEveryMs !== undefined)) return;
    missed = false;
    reads.request();
  };

  const stopChanges = backend.onChange((changes) => {
    if (changes.some(concerns)) request();
  });
  document.addEventListener("visibilitychange", onVisibility);
  // somebody who comes back from an editor or a file manager may have changed what no signal tells
  window.addEventListener("focus", request);
  const timer =
    atLeastEveryMs === undefined
      ? undefined
      : setInterval(() => visible() && reads.request(), atLeastEveryMs);
  request();

  return {
    refresh: request,
    stop() {
      stopChanges();
      document.removeEventListener("visibilitychange", onVisibility);
      window.removeEventListener("focus", request);
      clearInterval(timer);
      reads.stop();
    },
  };
}
