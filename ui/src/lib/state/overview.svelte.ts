// what the Overview page shows: the operations, their last reports, the workers.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { OperationDescription } from "$lib/generated/OperationDescription";
import type { OperationId } from "$lib/generated/OperationId";
import type { Overview } from "$lib/generated/Overview";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskId } from "$lib/generated/TaskId";
import { followChanges, type Follower } from "./follow";
import { OperationCard, type CardTools } from "./operation-card.svelte";

/** Whatever changes without a signal is told by the condition, which is looked at more often: this is for the rest. */
const AT_LEAST_EVERY_MS = 60_000;

export class OverviewState {
  value: Overview | null = $state.raw(null);
  /** Why it could not be read the last time; gone as soon as it can. */
  error: ErrorReply | null = $state.raw(null);
  /** The last run and the last preview of each operation with their reports. */
  lastRuns: ReadonlyMap<TaskId, TaskDetail> = $state.raw(new Map());
  readonly #backend: Backend;
  readonly #tools: Omit<CardTools, "changed">;
  readonly #cards: Record<OperationId, OperationCard> = {};
  #follower: Follower | null = null;

  constructor(tools: Omit<CardTools, "changed">) {
    this.#backend = tools.backend;
    this.#tools = tools;
  }

  card(operation: OperationDescription): OperationCard {
    return (this.#cards[operation.id] ??= new OperationCard(operation, {
      ...this.#tools,
      changed: () => this.#follower?.refresh(),
    }));
  }

  /** Reads at once and again on changes, until stopped. */
  follow(): Stop {
    const follower = followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: () => true,
      atLeastEveryMs: AT_LEAST_EVERY_MS,
    });
    this.#follower = follower;
    return () => {
      follower.stop();
      if (this.#follower === follower) this.#follower = null;
    };
  }

  /** Reads anew, while it is followed. */
  refresh(): void {
    this.#follower?.refresh();
  }

  /** One read, for a page that needs to know the operations and hosts and need not follow them. */
  async look(): Promise<void> {
    await this.#read();
  }

  async #read(): Promise<void> {
    try {
      const value = await this.#backend.overview();
      this.value = value;
      this.error = null;
      await this.#readLastRuns(value);
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }

  // a task that ended never changes, so each is read once
  async #readLastRuns(overview: Overview): Promise<void> {
    const ids = overview.operations
      .flatMap(({ last_run, last_preview }) => [last_run, last_preview])
      .flatMap((task) => (task ? [task.id] : []));
    if (ids.length === this.lastRuns.size && ids.every((id) => this.lastRuns.has(id))) return;
    const known = this.lastRuns;
    const details = await Promise.all(ids.map((id) => known.get(id) ?? this.#backend.taskDetail(id)));
    this.lastRuns = new Map(details.map((detail) => [detail.task.id, detail]));
  }
}
