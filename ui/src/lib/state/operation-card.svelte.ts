// what a card remembers while the operator is on other pages: its form, what it said, the error that stays.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { JsonObject } from "$lib/backend/json";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { OperationDescription } from "$lib/generated/OperationDescription";
import type { TaskId } from "$lib/generated/TaskId";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import { fieldsOf, presets, type Field, type FormValues } from "$lib/operations/forms";
import type { Asker, PlanFlow } from "./plan-flow.svelte";
import type { TaskWatches } from "./watches.svelte";

export interface Notice {
  text: string;
  taskId: TaskId | null;
}

export interface CardTools {
  backend: Backend;
  watches: TaskWatches;
  plan: PlanFlow;
  /** Something was started or stopped: the overview is worth reading anew. */
  changed: () => void;
  /** Says it to those who cannot see the card. */
  announce: (text: string) => void;
}

export class OperationCard implements Asker {
  readonly operation: OperationDescription;
  readonly fields: Field[];
  form: FormValues = $state({ ages: {}, numbers: {}, switches: {}, unticked: {} });
  /** Stays until dismissed. */
  error: ErrorReply | null = $state.raw(null);
  notice: Notice | null = $state.raw(null);
  readonly #tools: CardTools;

  constructor(operation: OperationDescription, tools: CardTools) {
    this.operation = operation;
    this.fields = fieldsOf(operation);
    this.form = presets(this.fields);
    this.#tools = tools;
  }

  /** What deletes shows its plan first; everything else starts at once. */
  async run(params: JsonObject): Promise<void> {
    this.notice = null;
    if (this.operation.deletes) {
      await this.#tools.plan.start(this.operation.id, params, this);
      return;
    }
    try {
      this.started(await this.#tools.backend.trigger(this.operation.id, params));
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  /** True when the task was asked to stop, or had stopped by itself. */
  async cancel(taskId: TaskId): Promise<boolean> {
    try {
      const outcome = await this.#tools.backend.cancelTask(taskId);
      if (outcome === "already_finished") this.said("It had finished already");
      this.#tools.changed();
      return true;
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
      return false;
    }
  }

  started(outcome: TriggerOutcome): void {
    if (outcome.status === "already_queued") this.said("Already running: showing that task", outcome.task_id);
    // held until it ends, so that its result is announced on whichever page the operator is then
    void this.#tools.watches.ending(outcome.task_id).catch(() => undefined);
    this.#tools.changed();
  }

  failed(error: ErrorReply): void {
    this.error = error;
  }

  said(text: string, taskId: TaskId | null = null): void {
    this.notice = { text, taskId };
    this.#tools.announce(text);
  }
}
