// the Health page: which host, what its last checks found, and what can be begun from there.
//
// looking starts nothing: a check begins with the button, a cleanup with a remedy's preview and its plan.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import { isObject } from "$lib/backend/json";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { HealthHistory } from "$lib/generated/HealthHistory";
import type { Remedy } from "$lib/generated/Remedy";
import type { TaskId } from "$lib/generated/TaskId";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import { isBlocked, waitingWords } from "$lib/operations/waiting";
import { followChanges, type Follower } from "./follow";
import type { Notice } from "./operation-card.svelte";
import type { Asker, PlanFlow } from "./plan-flow.svelte";
import { taskHref } from "./router.svelte";
import type { TaskWatches } from "./watches.svelte";

/** As many reports as the courses show. */
const REPORTS = 100;
/** A read fetches a hundred reports, and any task of the queue may be the signal for it. */
const READ_GAP_MS = 1000;

const OPERATION = "health-check";

export interface HealthTools {
  backend: Backend;
  watches: TaskWatches;
  plan: PlanFlow;
  announce: (text: string) => void;
}

export class HealthState implements Asker {
  /** The host that was chosen; none is this machine. */
  host: string | null = $state.raw(null);
  value: HealthHistory | null = $state.raw(null);
  /** Why it could not be read the last time; gone as soon as it can. */
  error: ErrorReply | null = $state.raw(null);
  /** What went wrong with a request; stays until dismissed. */
  actionError: ErrorReply | null = $state.raw(null);
  notice: Notice | null = $state.raw(null);
  /** The check that was asked for here and has not ended. */
  asked: { taskId: TaskId; host: string } | null = $state.raw(null);
  readonly #tools: HealthTools;
  #follower: Follower | null = null;

  constructor(tools: HealthTools) {
    this.#tools = tools;
  }

  /** The check under way on the shown host. */
  get current(): TaskId | null {
    if (this.asked && this.asked.host === this.value?.host) return this.asked.taskId;
    return this.value?.current ?? null;
  }

  follow(): Stop {
    const follower = followChanges({
      backend: this.#tools.backend,
      read: () => this.#read(),
      concerns: ({ kind }) => kind === "task" || kind === "worker" || kind === "all",
      gapMs: READ_GAP_MS,
    });
    this.#follower = follower;
    return () => {
      follower.stop();
      if (this.#follower === follower) this.#follower = null;
    };
  }

  async choose(host: string): Promise<void> {
    this.host = host;
    this.notice = null;
    this.value = null;
    await this.#read();
  }

  /** Asks for a check of the shown host. */
  async checkNow(): Promise<void> {
    const host = this.value?.host;
    if (host === undefined) return;
    this.notice = null;
    try {
      const outcome = await this.#tools.backend.trigger(OPERATION, {}, host);
      this.asked = { taskId: outcome.task_id, host };
      if (outcome.status === "already_queued") this.said("Already running: showing that check");
      else if (isBlocked(outcome.waiting))
        this.said(`Queued; ${waitingWords(outcome.waiting, Date.now())}`, taskHref(outcome.task_id));
      await this.#ended(outcome.task_id);
    } catch (thrown) {
      this.failed(toErrorReply(thrown));
    }
  }

  /** Previews the cleanup that a check offers, where that check was made; what goes is confirmed on its plan. */
  async remedy(remedy: Remedy, host: string): Promise<void> {
    this.notice = null;
    const params = isObject(remedy.params) ? remedy.params : {};
    await this.#tools.plan.start(remedy.operation, params, host, this);
  }

  async #ended(taskId: TaskId): Promise<void> {
    try {
      await this.#tools.watches.ending(taskId);
      await this.#read();
    } finally {
      if (this.asked?.taskId === taskId) this.asked = null;
    }
  }

  async #read(): Promise<void> {
    const { host } = this;
    try {
      const value = await this.#tools.backend.healthHistory(host, REPORTS);
      // an answer for a host that is no longer shown
      if (host !== this.host) return;
      this.value = value;
      this.error = null;
    } catch (thrown) {
      if (host === this.host) this.error = toErrorReply(thrown);
    }
  }

  started(outcome: TriggerOutcome): void {
    this.said(
      outcome.status === "already_queued" ? "Already running: showing that task" : "The cleanup was started",
      taskHref(outcome.task_id),
    );
    void this.#tools.watches.ending(outcome.task_id).catch(() => undefined);
    this.#follower?.refresh();
  }

  failed(error: ErrorReply): void {
    this.actionError = error;
  }

  said(text: string, href: string | null = null): void {
    this.notice = { text, href };
    this.#tools.announce(text);
  }
}
