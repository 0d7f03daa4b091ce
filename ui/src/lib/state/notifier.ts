// tells by the browser's notifications of tasks that end while the page is hidden. What ended while somebody looked
// is not told later; many ends at once are one notification.
import type { Backend, Stop } from "$lib/backend/backend";
import type { NotifyOf } from "$lib/generated/NotifyOf";
import type { Task } from "$lib/generated/Task";
import type { TaskId } from "$lib/generated/TaskId";
import type { TaskState } from "$lib/generated/TaskState";
import { title } from "$lib/operations/texts";
import { coalesced } from "./follow";
import { taskHref } from "./router.svelte";
import { ALL_TASKS } from "./task-list.svelte";

/** Not more often than this: what ends in between is told together. */
const GAP_MS = 5000;
/** As many of the newest tasks are looked at. */
const LOOKED_AT = 200;

const TOLD: Record<NotifyOf, readonly TaskState[]> = {
  off: [],
  problems: ["failed", "partial"],
  all: ["failed", "partial", "succeeded", "cancelled"],
};
const OUTCOMES: [TaskState, string][] = [
  ["failed", "failed"],
  ["partial", "could not do everything"],
  ["cancelled", "was cancelled"],
  ["succeeded", "succeeded"],
];

/** A heading and what happened. */
export function words(ended: readonly Task[]): [title: string, body: string] {
  const [task] = ended;
  if (task && ended.length === 1) {
    const outcome = OUTCOMES.find(([state]) => state === task.state)?.[1] ?? "";
    const host = task.worker_host === null ? [] : [`On ${task.worker_host}`];
    const error = task.state === "failed" && task.error ? [task.error.message] : [];
    return [`${title(task.operation)} ${outcome}`, [...host, ...error].join(": ")];
  }
  const counts = OUTCOMES.flatMap(([state, outcome]) => {
    const count = ended.filter((each) => each.state === state).length;
    return count > 0 ? [`${count} ${outcome}`] : [];
  });
  return [`${ended.length} tasks ended`, counts.join(", ")];
}

function show(ended: readonly Task[]): void {
  const [heading, body] = words(ended);
  const [task] = ended;
  // the same ends from another tab take this one's place
  const notification = new Notification(heading, { body, tag: ended.map(({ id }) => id).join() });
  notification.onclick = () => {
    window.focus();
    window.location.hash = task && ended.length === 1 ? taskHref(task.id) : "#/tasks";
    notification.close();
  };
}

/** Tells for as long as the page lives; how much of it is asked each time the page is hidden. */
export function notifyOfEnds(backend: Backend): Stop {
  if (backend.shell.kind !== "browser") return () => undefined;
  const { shell } = backend;
  let stopHidden: Stop | null = null;

  function begin(states: readonly TaskState[]): Stop {
    const told = new Set<TaskId>();
    // by the server's clock: the newest end that was there when the page was hidden
    let newest: number | null = null;
    const reads = coalesced(async () => {
      const read = backend.listTasks({ ...ALL_TASKS, states: [...states] }, null, LOOKED_AT);
      // without a server nothing can be told, and the page will say so
      const page = await read.catch(() => null);
      if (!page) return;
      const since = newest;
      const fresh = page.tasks.filter(({ id, finished_at }) => finished_at !== null && !told.has(id));
      for (const { id } of fresh) told.add(id);
      newest ??= Math.max(0, ...fresh.map(({ finished_at }) => finished_at ?? 0));
      const ended = since === null ? [] : fresh.filter(({ finished_at }) => (finished_at ?? 0) >= since);
      if (ended.length > 0 && document.visibilityState === "hidden") show(ended);
    }, GAP_MS);
    reads.request();
    const stopHolding = shell.followHidden();
    const stopChanges = backend.onChange((changes) => {
      if (changes.some(({ kind }) => kind === "task" || kind === "all")) reads.request();
    });
    return () => {
      stopChanges();
      stopHolding();
      reads.stop();
    };
  }

  async function adjust() {
    stopHidden?.();
    stopHidden = null;
    if (document.visibilityState !== "hidden") return;
    const { notify_of } = await backend.preferences();
    const states = TOLD[notify_of];
    if (states.length > 0 && document.visibilityState === "hidden" && !stopHidden) stopHidden = begin(states);
  }

  const listener = () => void adjust();
  document.addEventListener("visibilitychange", listener);
  listener();
  return () => {
    document.removeEventListener("visibilitychange", listener);
    stopHidden?.();
  };
}
