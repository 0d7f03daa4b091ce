// what can be done with one task, and what was said about it.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import { isObject, type JsonObject } from "$lib/backend/json";
import { exactTime } from "$lib/format";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { Remedy } from "$lib/generated/Remedy";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { Task } from "$lib/generated/Task";
import type { TaskId } from "$lib/generated/TaskId";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import { readReport } from "$lib/operations/reports";
import { isBlocked, waitingWords } from "$lib/operations/waiting";
import type { Asker, PlanFlow } from "./plan-flow.svelte";
import type { Notice } from "./operation-card.svelte";
import { taskHref } from "./router.svelte";
import type { TaskWatches } from "./watches.svelte";

export interface TaskPageTools {
  backend: Backend;
  watches: TaskWatches;
  plan: PlanFlow;
  announce: (text: string) => void;
}

export class TaskActions implements Asker {
  /** Stays until dismissed. */
  error: ErrorReply | null = $state.raw(null);
  notice: Notice | null = $state.raw(null);
  /** Said until the task itself says so, or the wish failed. */
  cancelling = $state(false);
  readonly #taskId: TaskId;
  readonly #tools: TaskPageTools;

  constructor(taskId: TaskId, tools: TaskPageTools) {
    this.#taskId = taskId;
    this.#tools = tools;
  }

  async cancel(): Promise<void> {
    this.cancelling = true;
    try {
      const outcome = await this.#tools.backend.cancelTask(this.#taskId);
      if (outcome === "already_finished") this.said("It had finished already");
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
      this.cancelling = false;
    }
  }

  /** What deletes goes through a new preview: the old plan says nothing about today. */
  async runAgain(task: Task, deletes: boolean): Promise<void> {
    this.notice = null;
    if (deletes && isObject(task.params)) {
      await this.#tools.plan.start(task.operation, task.params, task.target_host, this);
      return;
    }
    try {
      this.started(await this.#tools.backend.runTaskAgain(task.id));
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  /**
   * Asks for the operation with other parameters; what deletes shows its plan first. Rejects when that was not
   * accepted, so that the form stays open.
   */
  async runChanged(task: Task, params: JsonObject, host: string | null, deletes: boolean): Promise<void> {
    this.notice = null;
    if (deletes) void this.#tools.plan.start(task.operation, params, host, this);
    else this.started(await this.#tools.backend.trigger(task.operation, params, host));
  }

  /** Previews the cleanup that a health check of this host offers. */
  async remedy(remedy: Remedy, host: string | null): Promise<void> {
    this.notice = null;
    const params = isObject(remedy.params) ? remedy.params : {};
    await this.#tools.plan.start(remedy.operation, params, host, this);
  }

  /** Shows the plan of this preview; confirming removes what it lists. */
  runPlan(detail: TaskDetail): void {
    this.notice = null;
    this.#tools.plan.open(detail, this);
  }

  /** Asks for the task that puts back what this cleanup moved to the trash. */
  async restore(): Promise<void> {
    this.notice = null;
    try {
      // no host: the task itself says in whose trash the files lie
      this.started(await this.#tools.backend.trigger("restore-from-trash", { cleanup: this.#taskId }, null));
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  async saveReport(): Promise<void> {
    try {
      const saved = await this.#tools.backend.saveReport(this.#taskId);
      if (saved.status === "saved") this.said(`Saved to ${saved.path}`);
      else if (saved.status === "handed_over") this.said("The browser downloads the report");
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  async setPriority(priority: number): Promise<void> {
    try {
      const outcome = await this.#tools.backend.setPriority(this.#taskId, priority);
      this.said(
        outcome === "changed"
          ? `Its priority is ${priority} now`
          : "It no longer waits, so its priority stays as it was",
      );
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  /** Ends a task whose worker is gone. The worker, should it live after all, is protected by the answer. */
  async forceClose(): Promise<void> {
    try {
      const outcome = await this.#tools.backend.forceCloseTask(this.#taskId);
      if (outcome.status === "closed") this.said("Closed: the task is cancelled");
      else if (outcome.status === "not_running") this.said("It does not run any more; nothing changed");
      else {
        this.said(
          `Nothing changed: its worker is alive, it gave a sign of life at ${exactTime(outcome.heartbeat_at)}. Cancel the task instead, then the worker stops it in good order`,
        );
      }
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  started(outcome: TriggerOutcome): void {
    const blocked =
      outcome.status === "queued" && isBlocked(outcome.waiting)
        ? `: queued; ${waitingWords(outcome.waiting, Date.now())}`
        : "";
    const text =
      outcome.status === "already_queued"
        ? "Already running: showing that task"
        : `Started as a new task${blocked}`;
    this.said(text, outcome.task_id === this.#taskId ? null : taskHref(outcome.task_id));
    void this.#tools.watches.ending(outcome.task_id).catch(() => undefined);
  }

  failed(error: ErrorReply): void {
    this.error = error;
  }

  said(text: string, href: string | null = null): void {
    this.notice = { text, href };
    this.#tools.announce(text);
  }
}

/** Whether an operation removes something: what the registry says, or what its report looks like. */
export function deletesSomething(
  operation: string,
  registry: readonly { id: string; deletes: boolean }[],
  report: unknown,
): boolean {
  const known = registry.find((entry) => entry.id === operation);
  // unknown counts as deleting: then a plan is shown first
  return known?.deletes ?? (report === null || readReport(report)?.kind === "cleanup");
}
