// how fast a running attempt is: over a short window, so that it follows the work and does not tremble.

const WINDOW_MS = 5000;
/** Less than this says nothing yet. */
const LEAST_MS = 1000;

export class RateMeter {
  #attempt = 0;
  #samples: { at: number; done: number }[] = [];

  /** Units a second, or none while too little was seen. */
  observe(attempt: number, done: number, now: number): number | null {
    const last = this.#samples.at(-1);
    // a new attempt counts from the start again
    if (attempt !== this.#attempt || (last && done < last.done)) this.#samples = [];
    this.#attempt = attempt;
    this.#samples.push({ at: now, done });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) >= WINDOW_MS)
      this.#samples.shift();
    const first = this.#samples[0];
    if (!first || now - first.at < LEAST_MS) return null;
    return ((done - first.done) * 1000) / (now - first.at);
  }
}
