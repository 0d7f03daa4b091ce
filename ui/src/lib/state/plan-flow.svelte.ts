// from "clean this" to "yes, remove exactly that": the only way in this UI that deletes on one host.
//
// a preview task is performed first; what is confirmed names that preview's plan and its accepted parameters.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import { isObject, type JsonObject } from "$lib/backend/json";
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { OperationId } from "$lib/generated/OperationId";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskId } from "$lib/generated/TaskId";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import type { Waiting } from "$lib/generated/Waiting";
import { readReport } from "$lib/operations/reports";
import { PlanChoice } from "./plan-choice.svelte";
import type { TaskWatches } from "./watches.svelte";

/** Who asked, and is told what came of it. */
export interface Asker {
  started(outcome: TriggerOutcome): void;
  failed(error: ErrorReply): void;
  said(text: string): void;
}

export type PlanStage =
  | { kind: "closed" }
  | {
      kind: "previewing";
      operation: OperationId;
      taskId: TaskId | null;
      joined: boolean;
      /** Why it waited when it was accepted; none before, or when it was there already. */
      waiting: Waiting | null;
    }
  | {
      kind: "ready";
      operation: OperationId;
      detail: TaskDetail;
      report: CleanupReport;
      /** What is decided before it is executed. */
      choice: PlanChoice;
      confirming: boolean;
    };

export class PlanFlow {
  stage: PlanStage = $state.raw({ kind: "closed" });
  readonly #backend: Backend;
  readonly #watches: TaskWatches;
  #asker: Asker | null = null;
  /** Counts the flows, so that the answer to one that was closed is dropped. */
  #turn = 0;

  constructor(backend: Backend, watches: TaskWatches) {
    this.#backend = backend;
    this.#watches = watches;
  }

  /** Previews on the host, or on any; what is confirmed later runs where the preview was made. */
  async start(operation: OperationId, params: JsonObject, host: string | null, asker: Asker): Promise<void> {
    if (this.stage.kind !== "closed") {
      asker.said("Already running: showing that preview");
      return;
    }
    this.#turn += 1;
    const turn = this.#turn;
    this.#asker = asker;
    this.stage = { kind: "previewing", operation, taskId: null, joined: false, waiting: null };
    try {
      const detail = await this.#preview(turn, operation, params, host);
      if (detail && turn === this.#turn) this.#show(operation, detail);
    } catch (thrown) {
      if (turn === this.#turn) this.#end((to) => to.failed(toErrorReply(thrown)));
    }
  }

  /** Shows a preview that was made before; whether its plan may still be run, the answer to confirming says. */
  open(detail: TaskDetail, asker: Asker): void {
    if (this.stage.kind !== "closed") return;
    this.#turn += 1;
    this.#asker = asker;
    this.#show(detail.task.operation, detail);
  }

  /** The finished preview, or none when the flow ended before. */
  async #preview(
    turn: number,
    operation: OperationId,
    params: JsonObject,
    host: string | null,
  ): Promise<TaskDetail | null> {
    const wanted: JsonObject = { ...params, dry_run: true };
    delete wanted.plan;
    const outcome = await this.#backend.trigger(operation, wanted, host);
    const joined = outcome.status === "already_queued";
    if (turn !== this.#turn) {
      // closed while the request was on its way: nobody wants its answer
      if (!joined) void this.#backend.cancelTask(outcome.task_id).catch(() => undefined);
      return null;
    }
    if (joined) {
      const { task } = await this.#backend.taskDetail(outcome.task_id);
      if (turn !== this.#turn) return null;
      if (!task.dry_run) {
        // what runs already is the removal itself; there is nothing to preview
        this.#end((to) => to.started(outcome));
        return null;
      }
    }
    const waiting = outcome.status === "queued" ? outcome.waiting : null;
    this.stage = { kind: "previewing", operation, taskId: outcome.task_id, joined, waiting };
    const ending = await this.#watches.ending(outcome.task_id);
    if (turn !== this.#turn) return null;
    if ("error" in ending) {
      this.#end((to) => to.failed(ending.error));
      return null;
    }
    return ending.detail;
  }

  #show(operation: OperationId, detail: TaskDetail): void {
    const { task } = detail;
    if (task.state === "cancelled") {
      this.#end((to) => to.said("The preview was cancelled; nothing was removed"));
      return;
    }
    const read = readReport(detail.report);
    if (task.state === "failed" || read?.kind !== "cleanup") {
      this.#end((to) => to.failed(previewError(detail)));
      return;
    }
    const { report } = read;
    this.stage = {
      kind: "ready",
      operation,
      detail,
      report,
      choice: new PlanChoice(report),
      confirming: false,
    };
  }

  /** Removes what the shown plan lists, without what was left out. */
  async confirm(): Promise<void> {
    const { stage } = this;
    if (stage.kind !== "ready" || stage.confirming || !stage.choice.ready) return;
    this.stage = { ...stage, confirming: true };
    const { task } = stage.detail;
    const accepted = isObject(task.params) ? task.params : {};
    const params: JsonObject = { ...accepted, dry_run: false, plan: stage.report.plan ?? task.id };
    const { leaveOut } = stage.choice;
    if (leaveOut.length > 0) params.leave_out = leaveOut.map((entry) => ({ ...entry }));
    try {
      // no host: the plan itself says where it was made
      const outcome = await this.#backend.trigger(stage.operation, params, null);
      this.#end((to) => to.started(outcome));
    } catch (thrown) {
      this.#end((to) => to.failed(toErrorReply(thrown)));
    }
  }

  /** Closes without removing; a preview that was started here and still works is cancelled. */
  close(): void {
    const { stage } = this;
    if (stage.kind === "closed" || (stage.kind === "ready" && stage.confirming)) return;
    const asker = this.#asker;
    this.#end(() => undefined);
    if (stage.kind === "previewing" && stage.taskId !== null && !stage.joined) {
      this.#backend.cancelTask(stage.taskId).catch((thrown: unknown) => asker?.failed(toErrorReply(thrown)));
    }
  }

  #end(tell: (asker: Asker) => void): void {
    this.#turn += 1;
    this.stage = { kind: "closed" };
    const asker = this.#asker;
    this.#asker = null;
    if (asker) tell(asker);
  }
}

function previewError(detail: TaskDetail): ErrorReply {
  const { error } = detail.task;
  if (error) return { code: "internal", message: error.message, hint: error.hint };
  return {
    code: "internal",
    message: "the preview ended without a plan",
    hint: "look at the log of the preview on the Tasks page, then try again",
  };
}
