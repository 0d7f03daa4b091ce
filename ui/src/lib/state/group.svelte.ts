// the tasks of one fan-out, and its repetition on the hosts that did not succeed.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import { isObject, type JsonObject } from "$lib/backend/json";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { GroupId } from "$lib/generated/GroupId";
import type { TaskGroup } from "$lib/generated/TaskGroup";
import type { TaskId } from "$lib/generated/TaskId";
import { isFinal } from "$lib/operations/states";
import { readReport } from "$lib/operations/reports";
import { planned, reportSummary, type Planned } from "$lib/operations/summary";
import { fanOutWords } from "$lib/operations/waiting";
import { followChanges } from "./follow";
import type { Notice } from "./operation-card.svelte";
import { groupHref } from "./router.svelte";

/** A host that falls silent sends no signal; this is how late the page may notice. */
const AT_LEAST_EVERY_MS = 10_000;

export class GroupState {
  value: TaskGroup | null = $state.raw(null);
  error: ErrorReply | null = $state.raw(null);
  /** Stays until dismissed. */
  actionError: ErrorReply | null = $state.raw(null);
  notice: Notice | null = $state.raw(null);
  /** True while something was asked for and not answered yet. */
  working = $state(false);
  /** What came of each task that ended, in one line. */
  summaries: Readonly<Partial<Record<TaskId, string>>> = $state.raw({});
  /** What the plan of each ended preview would remove; none for what ended without a plan. */
  plans: Readonly<Partial<Record<TaskId, Planned | null>>> = $state.raw({});
  readonly #id: GroupId;
  readonly #backend: Backend;
  readonly #announce: (text: string) => void;
  #followed = false;
  #summing = false;

  constructor(id: GroupId, backend: Backend, announce: (text: string) => void) {
    this.#id = id;
    this.#backend = backend;
    this.#announce = announce;
  }

  follow(): Stop {
    this.#followed = true;
    const { stop } = followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: ({ kind }) => kind !== "settings",
      atLeastEveryMs: AT_LEAST_EVERY_MS,
    });
    return () => {
      this.#followed = false;
      stop();
    };
  }

  async repeat(): Promise<void> {
    await this.#ask(() => this.#backend.repeatGroup(this.#id));
  }

  /** Removes what the previews of this fan-out list. */
  async execute(): Promise<void> {
    await this.#ask(() => this.#backend.executeGroup(this.#id));
  }

  async #ask(ask: () => Promise<FanOutOutcome>): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      this.fannedOut(await ask());
      await this.#read();
    } catch (thrown) {
      this.actionError = toErrorReply(thrown);
    } finally {
      this.working = false;
    }
  }

  fannedOut(outcome: FanOutOutcome): void {
    const text = fanOutWords(outcome, Date.now());
    this.notice = { text, href: outcome.status === "queued" ? groupHref(outcome.group_id) : null };
    this.#announce(text);
  }

  /** What its tasks were asked to do; all of them the same. */
  get params(): JsonObject {
    const params = this.value?.tasks[0]?.params;
    return isObject(params) ? params : {};
  }

  async #read(): Promise<void> {
    try {
      this.value = await this.#backend.taskGroup(this.#id);
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
    void this.#sumUp();
  }

  // a task that ended never changes, so its report is read once; one after the other, for there may be many
  async #sumUp(): Promise<void> {
    if (this.#summing) return;
    this.#summing = true;
    try {
      for (const { id, state } of this.value?.tasks ?? []) {
        if (!this.#followed) return;
        if (!isFinal(state) || this.summaries[id] !== undefined) continue;
        const { report } = await this.#backend.taskDetail(id);
        const read = readReport(report);
        this.plans = { ...this.plans, [id]: read?.kind === "cleanup" ? planned(read.report) : null };
        this.summaries = { ...this.summaries, [id]: reportSummary(report) };
      }
    } catch {
      // a line more or less: the task's own page tells why it cannot be read
    } finally {
      this.#summing = false;
    }
  }
}
