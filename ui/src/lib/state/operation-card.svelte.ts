// what a card remembers while the operator is on other pages: its form, what it said, the error that stays.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { JsonObject } from "$lib/backend/json";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { OperationDescription } from "$lib/generated/OperationDescription";
import type { TaskId } from "$lib/generated/TaskId";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import type { Waiting } from "$lib/generated/Waiting";
import { fieldsOf, presets, restored, sameValues, type Field, type FormValues } from "$lib/operations/forms";
import { hostOf, type Target } from "$lib/operations/targets";
import { title } from "$lib/operations/texts";
import { fanOutWords, isBlocked, waitingWords } from "$lib/operations/waiting";
import type { FanOutFlow } from "./fan-out-flow.svelte";
import { DEFAULTS, type FormMemory } from "./form-memory.svelte";
import type { Asker, PlanFlow } from "./plan-flow.svelte";
import { groupHref, taskHref } from "./router.svelte";
import type { TaskWatches } from "./watches.svelte";

export interface Notice {
  text: string;
  /** Where what it tells of can be seen. */
  href: string | null;
}

/** A task that was accepted and cannot begin yet. */
export interface Blocked {
  taskId: TaskId;
  waiting: Waiting;
}

export interface CardTools {
  backend: Backend;
  watches: TaskWatches;
  plan: PlanFlow;
  fanOut: FanOutFlow;
  memory: FormMemory;
  /** Something was started or stopped: the overview is worth reading anew. */
  changed: () => void;
  /** Says it to those who cannot see the card. */
  announce: (text: string) => void;
}

export class OperationCard implements Asker {
  readonly operation: OperationDescription;
  readonly fields: Field[];
  form: FormValues = $state({ ages: {}, numbers: {}, switches: {}, texts: {}, unticked: {} });
  /** Stays until dismissed. */
  error: ErrorReply | null = $state.raw(null);
  notice: Notice | null = $state.raw(null);
  /** Shown while that task still waits. */
  blocked: Blocked | null = $state.raw(null);
  target: Target = $state({ kind: "any" });
  readonly #tools: CardTools;

  constructor(operation: OperationDescription, tools: CardTools) {
    this.operation = operation;
    this.fields = fieldsOf(operation);
    this.form = restored(this.fields, tools.memory.last(operation.id));
    this.#tools = tools;
  }

  /** The presets that can be chosen, what the schema says among them. */
  get presetNames(): string[] {
    return [DEFAULTS, ...this.#tools.memory.names(this.operation.id)];
  }

  /** The preset whose values stand in the form; none when it was changed since. */
  get preset(): string | null {
    const same = (name: string) => sameValues(this.fields, this.#valuesOf(name), this.form);
    return this.presetNames.find(same) ?? null;
  }

  /** Fills the form, and does nothing else. */
  choosePreset(name: string): void {
    this.form = this.#valuesOf(name);
  }

  /** Remembers what stands in the form under a name; says why when it cannot be. */
  savePreset(name: string): string {
    const problem = this.#tools.memory.save(this.operation.id, name, $state.snapshot(this.form));
    if (problem === "") this.#tools.announce(`Saved as ${name.trim()}`);
    return problem;
  }

  removePreset(name: string): void {
    this.#tools.memory.remove(this.operation.id, name);
    this.#tools.announce(`Removed ${name}`);
  }

  #valuesOf(name: string): FormValues {
    if (name === DEFAULTS) return presets(this.fields);
    return restored(this.fields, this.#tools.memory.values(this.operation.id, name));
  }

  /** What deletes shows its plan first, or asks when it is for every host; everything else starts at once. */
  async run(params: JsonObject): Promise<void> {
    this.notice = null;
    this.blocked = null;
    const { backend, plan, fanOut, memory } = this.#tools;
    memory.use(this.operation.id, $state.snapshot(this.form));
    if (this.target.kind === "every") {
      await fanOut.start(this.operation, params, this);
    } else if (this.operation.deletes) {
      await plan.start(this.operation.id, params, hostOf(this.target), this);
    } else {
      await this.#attempt(async () =>
        this.started(await backend.trigger(this.operation.id, params, hostOf(this.target))),
      );
    }
  }

  /** Shows what would be removed, here or on every host. */
  async preview(params: JsonObject): Promise<void> {
    if (this.target.kind !== "every") return this.run(params);
    this.notice = null;
    this.#tools.memory.use(this.operation.id, $state.snapshot(this.form));
    await this.#tools.fanOut.preview(this.operation.id, params, this);
  }

  async pause(): Promise<void> {
    await this.#attempt(async () => {
      await this.#tools.backend.pauseOperation(this.operation.id);
      this.#tools.announce(`${title(this.operation.id)} is paused`);
      this.#tools.changed();
    });
  }

  async resume(): Promise<void> {
    await this.#attempt(async () => {
      await this.#tools.backend.resumeOperation(this.operation.id);
      this.#tools.announce(`${title(this.operation.id)} is resumed`);
      this.#tools.changed();
    });
  }

  async #attempt(perform: () => Promise<void>): Promise<void> {
    try {
      await perform();
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
    if (outcome.status === "already_queued") {
      this.said("Already running: showing that task", taskHref(outcome.task_id));
    } else if (isBlocked(outcome.waiting)) {
      this.blocked = { taskId: outcome.task_id, waiting: outcome.waiting };
      this.#tools.announce(`Queued; ${waitingWords(outcome.waiting, Date.now())}`);
    }
    // held until it ends, so that its result is announced on whichever page the operator is then
    void this.#tools.watches.ending(outcome.task_id).catch(() => undefined);
    this.#tools.changed();
  }

  fannedOut(outcome: FanOutOutcome): void {
    const href = outcome.status === "queued" ? groupHref(outcome.group_id) : null;
    this.said(fanOutWords(outcome, Date.now()), href);
    this.#tools.changed();
  }

  failed(error: ErrorReply): void {
    this.error = error;
  }

  said(text: string, href: string | null = null): void {
    this.notice = { text, href };
    this.#tools.announce(text);
  }
}
