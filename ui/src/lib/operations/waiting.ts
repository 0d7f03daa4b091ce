// why a queued task waits, in words: the same wherever the task is shown.
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { Task } from "$lib/generated/Task";
import type { Timestamp } from "$lib/generated/Timestamp";
import type { Waiting } from "$lib/generated/Waiting";
import { duration, listed, moment, relativeTime } from "$lib/format";

/** The reasons that time alone does not end. */
export type Blocking = Exclude<Waiting, { reason: "turn" } | { reason: "back_off" }>;

/** True when somebody should know. */
export function isBlocked(waiting: Waiting | null): waiting is Blocking {
  return waiting !== null && waiting.reason !== "turn" && waiting.reason !== "back_off";
}

/** `12:03 (3 hours ago)`. */
export function since(at: Timestamp, now: Timestamp): string {
  return `${moment(at, now)} (${relativeTime(at, now)})`;
}

export function waitingWords(waiting: Waiting, now: Timestamp): string {
  switch (waiting.reason) {
    case "operation_paused":
      return `paused by ${waiting.by} since ${since(waiting.since, now)}`;
    case "no_worker": {
      const worker = `no worker ${waiting.host === null ? "" : `on ${waiting.host} `}that performs it has`;
      return waiting.last_seen === null
        ? `${worker} ever been seen`
        : `${worker} been seen since ${since(waiting.last_seen, now)}`;
    }
    case "workers_draining":
      return waiting.host === null
        ? "every worker that may take it is draining"
        : `every worker on ${waiting.host} that may take it is draining`;
    case "back_off":
      return waiting.until > now
        ? `tried again in ${duration(Math.ceil((waiting.until - now) / 1000) * 1000)}`
        : "about to be tried again";
    case "limit_reached":
      if (waiting.hosts.length === 0) return "as many as may run at once are running";
      return waiting.hosts.length === 1
        ? `another one runs on ${waiting.hosts[0]}`
        : `others run on ${listed(waiting.hosts)}`;
    case "turn":
      return "waiting for its turn";
  }
}

type Queued = Pick<Task, "attempt" | "max_attempts" | "error" | "waiting">;

/** What a queued task is doing: waiting, and for what. */
export function queuedWords(task: Queued, now: Timestamp): string {
  const { waiting } = task;
  if (isBlocked(waiting)) return `Queued; ${waitingWords(waiting, now)}`;
  if (task.attempt > 0 && task.error) {
    const when =
      waiting?.reason === "back_off" && waiting.until > now ? waitingWords(waiting, now) : "tried again";
    return `Will be ${when} (attempt ${task.attempt + 1} of ${task.max_attempts}): ${task.error.message}`;
  }
  return waiting ? `Queued; ${waitingWords(waiting, now)}` : "Waiting for a worker…";
}

/** What a fan-out led to, in one line. */
export function fanOutWords(outcome: FanOutOutcome, now: Timestamp): string {
  switch (outcome.status) {
    case "nothing_to_repeat":
      return "Nothing to repeat: every host succeeded, or its task still waits or runs";
    case "no_live_host":
      return outcome.last_seen === null
        ? "Nothing was queued: no worker that performs it has ever been seen"
        : `Nothing was queued: no worker that performs it has been seen since ${since(outcome.last_seen, now)}`;
    case "queued":
      return queuedOnHosts(outcome.tasks, now);
  }
}

function queuedOnHosts(tasks: Extract<FanOutOutcome, { status: "queued" }>["tasks"], now: Timestamp): string {
  const already = tasks.filter(({ outcome }) => outcome.status === "already_queued");
  const fresh = tasks.length - already.length;
  const parts = [`Queued on ${fresh === 1 ? "1 host" : `${fresh} hosts`}`];
  if (already.length > 0)
    parts.push(`on ${listed(already.map(({ host }) => host))} it was queued or running already`);
  const blocked = tasks.flatMap(({ host, outcome }) =>
    outcome.status === "queued" && isBlocked(outcome.waiting) ? [{ host, waiting: outcome.waiting }] : [],
  );
  const [first] = blocked;
  if (first) {
    const more = blocked.length > 1 ? ` (and ${blocked.length - 1} more wait)` : "";
    parts.push(`${first.host} waits: ${waitingWords(first.waiting, now)}${more}`);
  }
  return parts.join("; ");
}
