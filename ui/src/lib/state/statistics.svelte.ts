// figures over a range: read at once, and again while tasks change, but seldom: a long history takes a moment.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { StatisticsQuery } from "$lib/generated/StatisticsQuery";
import type { StatisticsView } from "$lib/generated/StatisticsView";
import { coalesced } from "./follow";

/** Figures that change under the eye cannot be read. */
const READ_GAP_MS = 5000;

export class StatisticsState {
  value: StatisticsView | null = $state.raw(null);
  /** Why they could not be read the last time; gone as soon as they can. */
  error: ErrorReply | null = $state.raw(null);
  readonly #backend: Backend;
  readonly #query: StatisticsQuery;

  constructor(backend: Backend, query: StatisticsQuery) {
    this.#backend = backend;
    this.#query = query;
  }

  follow(): Stop {
    const reads = coalesced(() => this.read(), READ_GAP_MS);
    const request = () => {
      if (document.visibilityState !== "hidden") reads.request();
    };
    const stopChanges = this.#backend.onChange((changes) => {
      if (changes.some(({ kind }) => kind === "task" || kind === "all")) request();
    });
    document.addEventListener("visibilitychange", request);
    request();
    return () => {
      stopChanges();
      document.removeEventListener("visibilitychange", request);
      reads.stop();
    };
  }

  async read(): Promise<void> {
    try {
      this.value = await this.#backend.statistics(this.#query);
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }
}
