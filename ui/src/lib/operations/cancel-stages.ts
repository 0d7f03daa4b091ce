// a wish to cancel, stage by stage.
import type { Task } from "$lib/generated/Task";
import type { Timestamp } from "$lib/generated/Timestamp";
import { duration } from "$lib/format";
import { isFinal, taskLabel } from "./states";

export interface CancelStage {
  name: "asked" | "stopping" | "stopped";
  how: "done" | "now" | "later";
  words: string;
  at: Timestamp | null;
}

/** None while nobody wants the task to stop. */
export function cancelStages(task: Task): CancelStage[] {
  const asked = task.cancel_requested_at;
  if (asked === null) return [];
  const by = task.cancel_requested_by ?? "an operator";
  const first: CancelStage = { name: "asked", how: "done", words: `Asked to stop by ${by}`, at: asked };
  const ended = isFinal(task.state);
  // what waited had no worker that could see the wish
  if (ended && task.started_at === null) {
    return [first, { name: "stopped", how: "done", words: "Cancelled before it began", at: null }];
  }
  const seen = ended || task.progress?.stopping === true;
  const stopping: CancelStage = {
    name: "stopping",
    how: ended ? "done" : "now",
    words: seen
      ? "The worker stops it"
      : task.lost
        ? "Its worker is gone and cannot see it"
        : "Waiting for the worker to see it",
    at: null,
  };
  return [
    first,
    stopping,
    { name: "stopped", how: ended ? "done" : "later", words: lastWords(task), at: null },
  ];
}

function lastWords(task: Task): string {
  if (!isFinal(task.state) || task.cancel_requested_at === null || task.finished_at === null)
    return "Stopped";
  const took = duration(Math.max(0, task.finished_at - task.cancel_requested_at));
  if (task.state === "cancelled") return `Stopped after ${took}`;
  return `Too late: it had ${taskLabel(task).word.toLowerCase()} after ${took}`;
}
