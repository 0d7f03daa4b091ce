// the operations in words for people. An operation that is not named here still works, with its id and summary.
import type { OperationDescription } from "$lib/generated/OperationDescription";
import type { OperationId } from "$lib/generated/OperationId";

interface Texts {
  title: string;
  what: string;
  run: string;
  running: string;
}

const TEXTS: Record<string, Texts> = {
  "cleanup-runs": {
    title: "Clean up old runs",
    what: "Removes finished tasks from Upkeep's history and old run folders from your run stores. You see the list before anything goes.",
    run: "Clean up…",
    running: "Cleaning up",
  },
  "cleanup-temp-files": {
    title: "Clean temporary files",
    what: "Removes old files from the locations you turned on, and nothing elsewhere. You see the list before anything goes.",
    run: "Clean…",
    running: "Cleaning",
  },
  "health-check": {
    title: "Check health",
    what: "Looks at CPU, memory, disks, load, workers and the queue, and says what needs attention. Changes nothing.",
    run: "Check now",
    running: "Checking",
  },
  "log-statistics": {
    title: "Log statistics",
    what: "Writes the figures of the queue, the workers and this system as one event to the statistics log.",
    run: "Log now",
    running: "Collecting",
  },
  "restore-from-trash": {
    title: "Restore from the trash",
    what: "Puts back what a cleanup moved to the trash, where it was. Nothing that is there now is replaced.",
    run: "Restore…",
    running: "Restoring",
  },
};

/** `cleanup-old-mail` as `Cleanup old mail`. */
function readable(id: OperationId): string {
  const words = id.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function title(id: OperationId): string {
  return TEXTS[id]?.title ?? readable(id);
}

export function what(operation: OperationDescription): string {
  return TEXTS[operation.id]?.what ?? operation.summary;
}

export function runWord(operation: OperationDescription): string {
  return TEXTS[operation.id]?.run ?? (operation.deletes ? "Run…" : "Run");
}

export function runningWord(id: OperationId): string {
  return TEXTS[id]?.running ?? "Running";
}

export const KNOWN_OPERATIONS: readonly OperationId[] = Object.keys(TEXTS);
