// live tasks: one stream for each task, shared by all that show it, closed when the last one leaves.
import { untrack } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import type { Backend, Stop } from "$lib/backend/backend";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { LogLine } from "$lib/generated/LogLine";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskId } from "$lib/generated/TaskId";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import { isFinal } from "$lib/operations/states";
import { secondsClock } from "$lib/format/clock.svelte";
import { type Pace, RateMeter } from "./rate";

/** Progress that is older than this tells no speed any more. */
const STALE_MS = 15_000;

export class TaskWatch {
  detail: TaskDetail | null = $state.raw(null);
  /** The number of the log's newest line. */
  logEnd = $state(0);
  /** The lines that the last message brought; who needs others reads them. */
  fresh: readonly LogLine[] = $state.raw([]);
  error: ErrorReply | null = $state.raw(null);
  #pace: (Pace & { at: number }) | null = $state.raw(null);
  readonly #meter = new RateMeter();

  /** Units a second over the last seconds; none while unknown. */
  get rate(): number | null {
    return this.#known?.speed ?? null;
  }

  /** Milliseconds until it is done, by a smoothed rate; none while unknown. */
  get left(): number | null {
    return this.#known?.left ?? null;
  }

  /** What was seen a while ago says nothing: the work may have stopped meanwhile. */
  get #known(): Pace | null {
    return this.#pace && secondsClock.now - this.#pace.at < STALE_MS ? this.#pace : null;
  }

  accept(update: TaskUpdate): void {
    this.detail = update.detail;
    this.error = null;
    this.fresh = update.log;
    // a stream that was opened again, or lags behind, names a shorter log
    this.logEnd = Math.max(this.logEnd, update.log_end);
    const { task } = update.detail;
    if (task.state !== "running" || !task.progress) {
      this.#pace = null;
      return;
    }
    const { done, total } = task.progress;
    const at = Date.now();
    this.#pace = { ...this.#meter.observe(task.attempt, done, total, at), at };
  }
}

interface Shared {
  watch: TaskWatch;
  users: number;
  stop: Stop;
  waiting: ((outcome: TaskDetail | ErrorReply) => void)[];
}

/** A task that ended while it was watched, or its stream's failure. */
export type Ending = { detail: TaskDetail } | { error: ErrorReply };

export class TaskWatches {
  readonly #backend: Backend;
  readonly #ended: (detail: TaskDetail) => void;
  readonly #shared = new SvelteMap<TaskId, Shared>();

  /** `ended` hears of each task that was seen alive, or was started here, and reached its final state. */
  constructor(backend: Backend, ended: (detail: TaskDetail) => void) {
    this.#backend = backend;
    this.#ended = ended;
  }

  /** The watch of a task that somebody acquired; reading it opens nothing. */
  find(taskId: TaskId): TaskWatch | null {
    return this.#shared.get(taskId)?.watch ?? null;
  }

  /** Opens the task's stream, or joins it. Each call is paid back with one `release`. */
  acquire(taskId: TaskId): Stop {
    // an effect that acquires must not run again because others come and go
    const shared = untrack(() => this.#shared.get(taskId) ?? this.#open(taskId));
    shared.users += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#release(taskId, shared);
    };
  }

  /** Waits for the end of a task that was started here, whichever page is shown meanwhile. */
  async ending(taskId: TaskId): Promise<Ending> {
    const release = this.acquire(taskId);
    const shared = this.#shared.get(taskId);
    try {
      const detail = shared?.watch.detail;
      if (!shared || (detail && isFinal(detail.task.state))) {
        return { detail: detail ?? (await this.#backend.taskDetail(taskId)) };
      }
      const outcome = await new Promise<TaskDetail | ErrorReply>((resolve) => shared.waiting.push(resolve));
      return "task" in outcome ? { detail: outcome } : { error: outcome };
    } finally {
      release();
    }
  }

  /** Opens streams again that may have died with the database. */
  reopen(): void {
    for (const [taskId, shared] of this.#shared) {
      const state = shared.watch.detail?.task.state;
      if (state !== undefined && isFinal(state)) continue;
      shared.stop();
      this.#listen(taskId, shared);
    }
  }

  #open(taskId: TaskId): Shared {
    const shared: Shared = { watch: new TaskWatch(), users: 0, stop: () => undefined, waiting: [] };
    this.#shared.set(taskId, shared);
    this.#listen(taskId, shared);
    return shared;
  }

  #listen(taskId: TaskId, shared: Shared): void {
    const { watch } = shared;
    shared.stop = this.#backend.watchTask(taskId, {
      update: (update) => {
        const before = watch.detail?.task.state;
        watch.accept(update);
        if (!isFinal(update.detail.task.state)) return;
        const seenAlive = before !== undefined && !isFinal(before);
        const startedHere = before === undefined && shared.waiting.length > 0;
        if (seenAlive || startedHere) this.#ended(update.detail);
        this.#settle(shared, update.detail);
      },
      failed: (error) => {
        watch.error = error.reply;
        this.#settle(shared, error.reply);
      },
    });
  }

  #settle(shared: Shared, outcome: TaskDetail | ErrorReply): void {
    for (const resolve of shared.waiting.splice(0)) resolve(outcome);
  }

  #release(taskId: TaskId, shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.stop();
    if (untrack(() => this.#shared.get(taskId)) === shared) this.#shared.delete(taskId);
  }
}
