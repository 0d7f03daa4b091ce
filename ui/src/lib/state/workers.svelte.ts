// the workers, alive and gone, and what can be asked of them.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { Worker } from "$lib/generated/Worker";
import type { WorkerId } from "$lib/generated/WorkerId";
import { followChanges, type Follower } from "./follow";

/** A worker that dies sends no signal; this is how late the page may notice. */
const AT_LEAST_EVERY_MS = 10_000;

export class WorkersState {
  value: Worker[] | null = $state.raw(null);
  /** Why they could not be read the last time; gone as soon as they can. */
  error: ErrorReply | null = $state.raw(null);
  /** What went wrong with a request; stays until dismissed. */
  actionError: ErrorReply | null = $state.raw(null);
  readonly #backend: Backend;
  readonly #announce: (text: string) => void;
  readonly #seen: (workers: readonly Worker[]) => void;
  #follower: Follower | null = null;

  /** `seen` gets every list that was read. */
  constructor(
    backend: Backend,
    announce: (text: string) => void,
    seen: (workers: readonly Worker[]) => void = () => undefined,
  ) {
    this.#backend = backend;
    this.#announce = announce;
    this.#seen = seen;
  }

  follow(): Stop {
    const follower = followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: ({ kind }) => kind === "worker" || kind === "task" || kind === "all",
      atLeastEveryMs: AT_LEAST_EVERY_MS,
    });
    this.#follower = follower;
    return () => {
      follower.stop();
      if (this.#follower === follower) this.#follower = null;
    };
  }

  drain(worker: Worker): Promise<void> {
    return this.#ask(worker.id, "drain", `Worker ${worker.pid} on ${worker.host} drains`);
  }

  resume(worker: Worker): Promise<void> {
    return this.#ask(worker.id, "resume", `Worker ${worker.pid} on ${worker.host} claims tasks again`);
  }

  async #ask(workerId: WorkerId, wish: "drain" | "resume", said: string): Promise<void> {
    try {
      await (wish === "drain" ? this.#backend.drainWorker(workerId) : this.#backend.resumeWorker(workerId));
      this.actionError = null;
      this.#announce(said);
    } catch (thrown) {
      this.actionError = toErrorReply(thrown);
    }
    this.#follower?.refresh();
  }

  async #read(): Promise<void> {
    try {
      this.value = await this.#backend.listWorkers();
      this.#seen(this.value);
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }
}
