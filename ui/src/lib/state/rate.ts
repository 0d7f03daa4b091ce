// how fast a running attempt is: over a short window, so that it follows the work and does not tremble.

const WINDOW_MS = 5000;
/** Less than this says nothing yet. */
const LEAST_MS = 1000;
/** How slowly the time left follows a change of speed: it is for planning, not for watching. */
const SMOOTHING_MS = 10_000;

export interface Pace {
  /** Units a second, or none while too little was seen. */
  speed: number | null;
  /** Milliseconds until the total is reached at the smoothed speed; none while that cannot be known. */
  left: number | null;
}

export class RateMeter {
  #attempt = 0;
  #samples: { at: number; done: number }[] = [];
  #smooth: number | null = null;

  observe(attempt: number, done: number, total: number | null, now: number): Pace {
    const last = this.#samples.at(-1);
    // a new attempt counts from the start again
    if (attempt !== this.#attempt || (last && done < last.done)) {
      this.#samples = [];
      this.#smooth = null;
    }
    this.#attempt = attempt;
    this.#samples.push({ at: now, done });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) >= WINDOW_MS)
      this.#samples.shift();
    const first = this.#samples[0];
    if (!first || now - first.at < LEAST_MS) return { speed: null, left: null };
    const speed = ((done - first.done) * 1000) / (now - first.at);
    const share = this.#smooth === null ? 1 : 1 - Math.exp((last ? last.at - now : 0) / SMOOTHING_MS);
    this.#smooth = (this.#smooth ?? speed) * (1 - share) + speed * share;
    const left = total === null || total <= done || this.#smooth <= 0 ? null : (total - done) / this.#smooth;
    return { speed, left: left === null ? null : left * 1000 };
  }
}
