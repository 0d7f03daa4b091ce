// one task as it goes on: its first state by its own stream, what follows by the signals that the page hears anyway.
//
// a stream for each task would take all the connections that a browser opens to one server.
import type { LogLine } from "$lib/generated/LogLine";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskId } from "$lib/generated/TaskId";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import type { Stop, Watcher } from "../backend";
import { toBackendError } from "../errors";
import type { ChangeFeed } from "./changes";
import { openStream } from "./events";
import { piece, type Requests } from "./requests";

/** Lines read at once; where there are so many there may be more. */
const LINES = 500;

export function watchTask(
  { requests, feed }: { requests: Requests; feed: ChangeFeed },
  taskId: TaskId,
  watcher: Watcher<TaskUpdate>,
): Stop {
  const path = `/api/tasks/${piece(taskId)}`;
  let stopped = false;
  /** None until the first state was told. */
  let logEnd: number | null = null;
  let reading = false;
  let changed = false;

  function stop() {
    stopped = true;
    stopFeed();
    stopFirst();
  }

  function tell(update: TaskUpdate) {
    logEnd = update.log_end;
    watcher.update(update);
    const more = update.log.length >= LINES;
    if (more) changed = true;
    else if (update.detail.task.finished_at !== null) stop();
  }

  async function read(after: number) {
    // the state first, then the log: the lines of a final state are all there
    const detail = await requests.get<TaskDetail>(path);
    const log = await requests.get<LogLine[]>(`${path}/log`, { after, limit: LINES });
    if (!stopped) tell({ detail, log, log_end: log.at(-1)?.sequence ?? after });
  }

  /** One read at a time; what is signalled during one leads to one more. */
  async function follow() {
    changed = true;
    if (reading) return;
    reading = true;
    while (changed && !stopped && logEnd !== null) {
      changed = false;
      try {
        await read(logEnd);
      } catch (thrown) {
        // a task that was removed meanwhile has no more to say; after anything else a signal comes to read all anew
        if (toBackendError(thrown).reply.code === "not_found") stop();
      }
    }
    reading = false;
  }

  // listening begins before the first state is asked for, so that no change falls between
  const stopFeed = feed.listen((changes) => {
    if (
      changes.some((change) => change.kind === "all" || (change.kind === "task" && change.task_id === taskId))
    )
      void follow();
  });
  const stopFirst = openStream(requests, `${path}/events`, {
    message: (first) => {
      stopFirst();
      tell(first as TaskUpdate);
      if (changed && !stopped) void follow();
    },
    failed: (error) => watcher.failed(error),
  });
  return stop;
}
