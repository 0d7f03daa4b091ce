// one request for every host. What deletes is asked about first, with a preview on every host on offer:
// the only way in this UI that deletes on many hosts.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { JsonObject } from "$lib/backend/json";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { OperationId } from "$lib/generated/OperationId";
import { groupHref, router } from "./router.svelte";

/** Who asked, and is told what came of it. */
export interface FanOutAsker {
  fannedOut(outcome: FanOutOutcome): void;
  failed(error: ErrorReply): void;
}

interface Question {
  operation: OperationId;
  params: JsonObject;
  asker: FanOutAsker;
}

export class FanOutFlow {
  /** What is asked about; none while no dialog is open. */
  question: Question | null = $state.raw(null);
  working = $state(false);
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Asks before what deletes; everything else starts at once. */
  async start(
    operation: { id: OperationId; deletes: boolean },
    params: JsonObject,
    asker: FanOutAsker,
  ): Promise<void> {
    const clean = withoutPlan(params);
    if (operation.deletes && clean.dry_run !== true) {
      this.question = { operation: operation.id, params: clean, asker };
      return;
    }
    await this.#trigger(operation.id, clean, asker);
  }

  /** Looks on every host and shows the answers as a group. Nothing is removed. */
  async preview(operation: OperationId, params: JsonObject, asker: FanOutAsker): Promise<void> {
    const outcome = await this.#trigger(operation, { ...withoutPlan(params), dry_run: true }, asker);
    if (outcome?.status === "queued") router.go(groupHref(outcome.group_id));
  }

  async previewInstead(): Promise<void> {
    const { question } = this;
    if (question && !this.working) await this.preview(question.operation, question.params, question.asker);
  }

  async confirm(): Promise<void> {
    const { question } = this;
    if (!question || this.working) return;
    await this.#trigger(question.operation, { ...question.params, dry_run: false }, question.asker);
  }

  close(): void {
    if (!this.working) this.question = null;
  }

  async #trigger(
    operation: OperationId,
    params: JsonObject,
    asker: FanOutAsker,
  ): Promise<FanOutOutcome | null> {
    this.working = true;
    try {
      const outcome = await this.#backend.triggerEveryHost(operation, params);
      asker.fannedOut(outcome);
      return outcome;
    } catch (thrown) {
      asker.failed(toErrorReply(thrown));
      return null;
    } finally {
      this.working = false;
      this.question = null;
    }
  }
}

/** A plan belongs to one host, so it never goes to all of them. */
function withoutPlan(params: JsonObject): JsonObject {
  const rest = { ...params };
  delete rest.plan;
  return rest;
}
