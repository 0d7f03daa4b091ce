// a filter and what a bulk action did, in words.
import type { BulkCancelOutcome } from "$lib/generated/BulkCancelOutcome";
import type { BulkRunAgainOutcome } from "$lib/generated/BulkRunAgainOutcome";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import { count, counted, exactTime, listed, sentence, shortId } from "$lib/format";
import { LOST_LABEL, stateLabel } from "./states";
import { standings } from "./task-choice";
import { title } from "./texts";

/** `state Queued; operation Check health; host web-02`, or `every task of the history`. */
export function filterWords(filter: TaskFilter): string {
  const parts = filterParts(filter);
  return parts.length === 0 ? "every task, whatever it is" : parts.join("; ");
}

function filterParts(filter: TaskFilter): string[] {
  const states = standings(filter).map((standing) =>
    standing === "lost" ? LOST_LABEL.word : stateLabel(standing).word,
  );
  return [
    states.length > 0 ? `state ${states.join(" or ")}` : "",
    filter.operations.length > 0 ? `operation ${filter.operations.map(title).join(" or ")}` : "",
    filter.host ? `host ${filter.host}` : "",
    filter.group ? `fan-out ${shortId(filter.group)}` : "",
    filter.requested_by ? `asked for by somebody called “${filter.requested_by}”` : "",
    filter.since === null ? "" : `asked for at ${exactTime(filter.since)} or later`,
    filter.until === null ? "" : `asked for before ${exactTime(filter.until)}`,
    filter.text ? `text “${filter.text}”` : "",
  ].filter(Boolean);
}

export function cancelledWords(outcome: BulkCancelOutcome): string {
  if (outcome.cancelled === 0 && outcome.requested === 0) {
    return "Nothing was cancelled: what matched has ended meanwhile.";
  }
  const parts = [
    outcome.cancelled > 0 ? `cancelled ${counted(outcome.cancelled, "waiting task")}` : "",
    outcome.requested > 0 ? `asked ${counted(outcome.requested, "running one")} to stop` : "",
  ].filter(Boolean);
  return `${sentence(listed(parts))}.`;
}

export function ranAgainWords(outcome: BulkRunAgainOutcome): string {
  const parts = [`queued ${counted(outcome.queued, "new task")}`];
  if (outcome.already_queued > 0) {
    const are = outcome.already_queued === 1 ? "was" : "were";
    parts.push(`${count(outcome.already_queued)} ${are} queued or running already`);
  }
  if (outcome.refused > 0) {
    const why = outcome.first_refusal;
    const reason = why ? ` (the first: ${why.message}${why.hint ? `; ${why.hint}` : ""})` : "";
    parts.push(`${count(outcome.refused)} ${outcome.refused === 1 ? "was" : "were"} refused${reason}`);
  }
  return `${sentence(listed(parts))}.`;
}
