// acting on every task under a filter: count first, show the count, ask, then act on exactly what was counted.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { BulkCount } from "$lib/generated/BulkCount";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { OperationDescription } from "$lib/generated/OperationDescription";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import { cancelledWords, ranAgainWords } from "$lib/operations/bulk";

export type BulkKind = "cancel" | "run_again";

export class BulkAction {
  readonly kind: BulkKind;
  /** Operations of the registry that delete. */
  readonly deleting: OperationDescription[];
  /** True when the operator may leave those out: the filter itself names no operation. */
  readonly mayLeaveOut: boolean;
  /** What was left out until the operator says otherwise. */
  leaveOut = $state(false);
  count: BulkCount | null = $state.raw(null);
  working = $state(false);
  /** What came of it, in words. */
  result: string | null = $state.raw(null);
  error: ErrorReply | null = $state.raw(null);
  readonly #filter: TaskFilter;
  readonly #registry: readonly OperationDescription[];
  readonly #backend: Backend;
  readonly #announce: (text: string) => void;
  /** Counts the counts, so that a late answer to an older question is dropped. */
  #turn = 0;

  constructor(
    kind: BulkKind,
    filter: TaskFilter,
    registry: readonly OperationDescription[],
    backend: Backend,
    announce: (text: string) => void,
  ) {
    this.kind = kind;
    this.#filter = filter;
    this.#registry = registry;
    this.#backend = backend;
    this.#announce = announce;
    this.deleting = registry.filter(({ deletes }) => deletes);
    this.mayLeaveOut =
      kind === "run_again" && filter.operations.length === 0 && registry.some(({ deletes }) => !deletes);
    this.leaveOut = this.mayLeaveOut && this.deleting.length > 0;
  }

  /** The filter that is counted and acted on. */
  get filter(): TaskFilter {
    if (!this.leaveOut) return this.#filter;
    // what follows another task moves that task's files, and is asked for there
    const harmless = this.#registry.filter(({ deletes, follows_a_task }) => !deletes && !follows_a_task);
    return { ...this.#filter, operations: harmless.map(({ id }) => id) };
  }

  /** Operations under the filter that delete; one that the registry does not know counts as deleting. */
  get deletes(): string[] {
    const { operations } = this.filter;
    if (operations.length === 0) return this.deleting.map(({ id }) => id);
    return operations.filter((id) => this.#registry.find((known) => known.id === id)?.deletes ?? true);
  }

  /** How many tasks it would act on. */
  get reach(): number {
    if (!this.count) return 0;
    return this.kind === "cancel" ? this.count.queued + this.count.running : this.count.finished;
  }

  async measure(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.count = null;
    this.error = null;
    try {
      const count = await this.#backend.countTasks(this.filter);
      if (turn === this.#turn) this.count = count;
    } catch (thrown) {
      if (turn === this.#turn) this.error = toErrorReply(thrown);
    }
  }

  async leaveOutDeleting(wanted: boolean): Promise<void> {
    this.leaveOut = wanted;
    await this.measure();
  }

  async perform(): Promise<void> {
    const { count, filter } = this;
    if (!count || this.reach === 0 || this.working || this.result !== null) return;
    this.working = true;
    this.error = null;
    try {
      this.result =
        this.kind === "cancel"
          ? cancelledWords(await this.#backend.cancelMatching(filter, count.at))
          : ranAgainWords(await this.#backend.runAgainMatching(filter, count.at));
      this.#announce(this.result);
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    } finally {
      this.working = false;
    }
  }
}
