// the workers, alive and gone, and what can be asked of them.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { EmbeddedWorker } from "$lib/generated/EmbeddedWorker";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { Worker } from "$lib/generated/Worker";
import type { WorkerId } from "$lib/generated/WorkerId";
import { counted } from "$lib/format";
import { withVitals, type Courses } from "$lib/operations/courses";
import { followChanges, type Follower } from "./follow";

/** Heartbeats come every three seconds and are not signalled to screens, and a worker that dies sends nothing. */
const AT_LEAST_EVERY_MS = 3000;

export class WorkersState {
  value: Worker[] | null = $state.raw(null);
  /** The built-in worker. */
  embedded: EmbeddedWorker | null = $state.raw(null);
  /** How each host's vital signs went while the page was looked at. */
  courses: Courses = $state.raw(new Map());
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

  /** Starts the built-in worker. */
  begin(): Promise<void> {
    return this.#do(async () => {
      this.embedded = await this.#backend.beginEmbeddedWorker();
      this.#announce("The built-in worker runs");
    });
  }

  /** Stops it; what it holds goes back to the queue. */
  end(): Promise<void> {
    return this.#do(async () => {
      this.embedded = await this.#backend.endEmbeddedWorker();
      this.#announce("The built-in worker has stopped");
    });
  }

  /** Takes workers that are gone off the list. */
  forget(workers: readonly Worker[]): Promise<void> {
    return this.#do(async () => {
      const forgotten = await this.#backend.forgetWorkers(workers.map(({ id }) => id));
      this.#announce(`${counted(forgotten, "worker")} forgotten`);
    });
  }

  async #ask(workerId: WorkerId, wish: "drain" | "resume", said: string): Promise<void> {
    await this.#do(async () => {
      await (wish === "drain" ? this.#backend.drainWorker(workerId) : this.#backend.resumeWorker(workerId));
      this.#announce(said);
    });
  }

  async #do(wish: () => Promise<void>): Promise<void> {
    try {
      await wish();
      this.actionError = null;
    } catch (thrown) {
      this.actionError = toErrorReply(thrown);
    }
    this.#follower?.refresh();
  }

  async #read(): Promise<void> {
    try {
      const [workers, embedded] = await Promise.all([
        this.#backend.listWorkers(),
        this.#backend.embeddedWorker(),
      ]);
      this.value = workers;
      this.embedded = embedded;
      this.courses = withVitals(this.courses, workers);
      this.#seen(workers);
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }
}
