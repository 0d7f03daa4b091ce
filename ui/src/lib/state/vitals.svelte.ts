// this host's vital signs: sampled only while a page shows them and the window can be seen.
import type { Backend, Stop } from "$lib/backend/backend";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { HostVitals } from "$lib/generated/HostVitals";
import { concernsEverything } from "$lib/operations/troubles";

export class Vitals {
  current: HostVitals | null = $state.raw(null);
  error: ErrorReply | null = $state.raw(null);
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Watches until stopped; a hidden window pauses it. */
  follow(): Stop {
    let stop: Stop | undefined;
    const adjust = () => {
      const wanted = document.visibilityState !== "hidden";
      if (wanted && !stop) {
        stop = this.#backend.watchVitals({
          update: (sample) => {
            this.current = sample;
            this.error = null;
          },
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
    adjust();
    document.addEventListener("visibilitychange", adjust);
    return () => {
      document.removeEventListener("visibilitychange", adjust);
      stop?.();
      stop = undefined;
    };
  }
}
