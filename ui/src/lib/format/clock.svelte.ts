// the present, for texts that grow old: it ticks only while something on a visible page reads it.
import { createSubscriber } from "svelte/reactivity";

class Clock {
  readonly #subscribe: () => void;

  constructor(stepMs: number) {
    this.#subscribe = createSubscriber((update) => {
      let timer: ReturnType<typeof setInterval> | undefined;
      const follow = () => {
        clearInterval(timer);
        timer = undefined;
        if (document.visibilityState === "hidden") return;
        update();
        timer = setInterval(update, stepMs);
      };
      follow();
      document.addEventListener("visibilitychange", follow);
      return () => {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", follow);
      };
    });
  }

  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

/** For relative times. */
export const slowClock = new Clock(10_000);
/** For what is running. */
export const secondsClock = new Clock(1000);
