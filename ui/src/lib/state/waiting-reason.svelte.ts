// why one task waits, kept true: workers come and go and operations are paused without any change of the task itself.
import type { Backend, Stop } from "$lib/backend/backend";
import type { TaskId } from "$lib/generated/TaskId";
import type { Waiting } from "$lib/generated/Waiting";
import { followChanges } from "./follow";

/** A worker that dies sends no signal; this is how late the reason may be. */
const AT_LEAST_EVERY_MS = 10_000;

export class WaitingReason {
  /** None before the first answer, or when it does not wait any more. */
  current: Waiting | null = $state.raw(null);
  readonly #taskId: TaskId;
  readonly #backend: Backend;

  constructor(taskId: TaskId, backend: Backend) {
    this.#taskId = taskId;
    this.#backend = backend;
  }

  follow(): Stop {
    return followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: ({ kind }) => kind !== "settings",
      atLeastEveryMs: AT_LEAST_EVERY_MS,
    }).stop;
  }

  async #read(): Promise<void> {
    try {
      this.current = (await this.#backend.taskDetail(this.#taskId)).task.waiting;
    } catch {
      // the task's own stream tells why it cannot be read
      this.current = null;
    }
  }
}
