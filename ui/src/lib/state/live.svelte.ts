// the live dashboard: this host from second to second, sampled only while its page is open and the window can be
// seen, and other hosts as their heartbeats tell. What was seen stays for an hour, with a gap where nobody looked.
import { untrack } from "svelte";
import type { Backend, Stop } from "$lib/backend/backend";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { LiveProcesses } from "$lib/generated/LiveProcesses";
import type { LiveSample } from "$lib/generated/LiveSample";
import type { Worker } from "$lib/generated/Worker";
import { measuresOf, measuresOfVitals } from "$lib/operations/live";
import { concernsEverything } from "$lib/operations/troubles";
import { byHost } from "$lib/operations/workers";
import { History } from "./history";

/** Heartbeats come every few seconds: an hour of them, and a little more. */
const HEARTBEATS = 1500;
/** Of more hosts than this the ones heard longest ago are forgotten. */
const MOST_HOSTS = 64;

export class LiveState {
  /** The newest sample of this host. */
  sample: LiveSample | null = $state.raw(null);
  /** The newest that was told of its processes; they are read more seldom. */
  processes: LiveProcesses | null = $state.raw(null);
  error: ErrorReply | null = $state.raw(null);
  /** The operator wants it to stand still: nothing is sampled then. */
  paused = $state(false);
  /** Rises with every sample: whoever shows the history reads it. */
  version = $state(0);
  readonly history = new History();
  readonly #backend: Backend;
  readonly #others = new Map<string, History>();
  #adjust: () => void = () => undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Samples until stopped; a hidden window and a pause interrupt it. */
  follow(): Stop {
    let stop: Stop | undefined;
    const adjust = () => {
      const wanted = document.visibilityState !== "hidden" && !this.paused;
      if (wanted && !stop) {
        stop = this.#backend.watchLive({
          update: (sample) => this.#accept(sample),
          failed: (error) => {
            // what concerns every page is told above them
            if (!concernsEverything(error.reply)) this.error = error.reply;
          },
        });
      } else if (!wanted && stop) {
        stop();
        stop = undefined;
      }
    };
    this.#adjust = adjust;
    // the effect that follows must not begin anew because of a pause
    untrack(adjust);
    document.addEventListener("visibilitychange", adjust);
    return () => {
      document.removeEventListener("visibilitychange", adjust);
      this.#adjust = () => undefined;
      stop?.();
      stop = undefined;
    };
  }

  pause(paused: boolean): void {
    this.paused = paused;
    this.#adjust();
  }

  /** Keeps what heartbeats told, whichever page read them. */
  hear(workers: readonly Worker[]): void {
    for (const { host, vitals } of byHost(workers)) {
      if (!vitals) continue;
      const history = this.#others.get(host) ?? new History(HEARTBEATS);
      if (history.last !== null && vitals.at <= history.last) continue;
      history.push(vitals.at, measuresOfVitals(vitals));
      // entered anew, so that the one heard longest ago stands first
      this.#others.delete(host);
      this.#others.set(host, history);
      const [oldest] = this.#others.keys();
      if (this.#others.size > MOST_HOSTS && oldest !== undefined) this.#others.delete(oldest);
    }
    this.version += 1;
  }

  /** What heartbeats told of a host; none when nothing was heard of it. */
  heard(host: string): History | null {
    return this.#others.get(host) ?? null;
  }

  #accept(sample: LiveSample): void {
    this.sample = sample;
    if (sample.processes) this.processes = sample.processes;
    this.error = null;
    this.history.push(sample.at, measuresOf(sample));
    this.version += 1;
  }
}
