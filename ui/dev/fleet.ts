// scenes of many hosts: workers in every state, fan-outs, tasks that wait, tasks that died.
import type { Task } from "$lib/generated/Task";
import type { Waiting } from "$lib/generated/Waiting";
import type { Worker } from "$lib/generated/Worker";
import { FakeBackend } from "../tests/fake";
import {
  accepted,
  anAttempt,
  anOverview,
  aTask,
  aWorker,
  detailOf,
  ended,
  fannedOut,
  running,
  someVitals,
} from "../tests/builders";
import { health, lines, LONG, MINUTE, now } from "./data";

const id = (tail: string) => `0190f000-7abc-7def-8123-${tail.padStart(12, "0")}`;
const HOUR = 60 * MINUTE;
const progress = (done: number, total: number | null) => ({
  done,
  total,
  unit: "files",
  message: `removing /srv/scratch/${LONG}`,
});

function fleetOfWorkers(): Worker[] {
  const beating = { heartbeat_at: now - 1500, embedded: false };
  const vitals = someVitals({ at: now - 1500 });
  return [
    aWorker({ id: id("a1"), ...beating, embedded: true, started_at: now - 3 * HOUR, vitals }),
    aWorker({
      id: id("a2"),
      ...beating,
      pid: 991,
      host: "web-01.example.org",
      state: "busy",
      operations: ["cleanup-temp-files", "cleanup-runs"],
      strategy: "weighted-random",
      concurrency: 4,
      started_at: now - 26 * HOUR,
      vitals: someVitals({ at: now - 1500, cpu_percent: 96, memory_available_bytes: 900_000_000 }),
      current_tasks: [
        { task_id: "g-web-01", operation: "cleanup-temp-files", progress: progress(120_400, 200_000) },
        { task_id: "other", operation: "cleanup-runs", progress: null },
      ],
    }),
    aWorker({
      id: id("a3"),
      ...beating,
      pid: 12,
      host: "web-01.example.org",
      state: "draining",
      drain_requested_by: `anna@${LONG} (desktop)`,
      current_tasks: [{ task_id: "d", operation: "health-check", progress: progress(3, null) }],
    }),
    aWorker({
      id: id("a4"),
      ...beating,
      pid: 77,
      host: "web-02.example.org",
      state: "stale",
      heartbeat_at: now - 3 * HOUR,
      current_tasks: [{ task_id: "dead", operation: "cleanup-runs", progress: progress(7, 10) }],
    }),
    aWorker({
      id: id("a5"),
      ...beating,
      pid: 78,
      host: "desk-7",
      state: "stopped",
      heartbeat_at: now - 5 * HOUR,
    }),
    aWorker({ id: id("a6"), ...beating, pid: 1, host: `${LONG}.${LONG}`, vitals: null }),
  ];
}

function group(): Task[] {
  const of = (host: string, task: Task): Task => ({
    ...task,
    id: `g-${host}`,
    group_id: id("9"),
    target_host: host,
    enqueued_at: now - 6 * MINUTE,
    started_at: task.started_at && now - 5.5 * MINUTE,
    finished_at: task.finished_at && now - 4 * MINUTE,
  });
  const queued = (waiting: Waiting) => aTask({ waiting });
  const error = {
    kind: "transient",
    message: `the disk of ${LONG} did not answer`,
    hint: "look at its cables",
  };
  return [
    of("desk-7", ended("succeeded", {})),
    of("web-01", running({ progress: progress(120_400, 200_000) })),
    of("web-02", queued({ reason: "no_worker", host: "web-02", last_seen: now - 3 * HOUR })),
    of("web-03", queued({ reason: "turn" })),
    of("web-04", ended("failed", { error, attempt: 3 })),
    of("web-05", aTask({ attempt: 1, error, waiting: { reason: "back_off", until: now + 40_000 } })),
    of("web-06", queued({ reason: "limit_reached", hosts: ["web-06"] })),
    of(`${LONG}.${LONG}`, ended("cancelled", {})),
  ];
}

export function fleet(): FakeBackend {
  const backend = new FakeBackend();
  const paused = { by: "anna@desk-7 (desktop)", since: now - 3 * HOUR };
  const waiting: Waiting = { reason: "operation_paused", ...paused };
  const check = aTask({ id: "paused", operation: "health-check", waiting, enqueued_at: now - 9 * MINUTE });
  const lost = {
    kind: "lease_expired",
    message: "the worker gave no sign of life for 10 s",
    hint: "look at its host",
  };
  const dead = ended("failed", {
    id: "dead-task",
    operation: "cleanup-runs",
    attempt: 3,
    worker: id("a4"),
    worker_host: "web-02.example.org",
    target_host: "web-02.example.org",
    error: lost,
    enqueued_at: now - 4 * HOUR,
  });
  const orphan = running({
    id: "orphan",
    worker: id("a4"),
    worker_host: "web-02.example.org",
    started_at: now - 3.1 * HOUR,
  });
  for (const task of [check, orphan, ...group()]) backend.update(detailOf(task));
  const attempt = { worker: id("a4"), host: "web-02.example.org", pid: 77 };
  backend.update(
    {
      task: dead,
      report: null,
      attempts: [
        anAttempt({
          ...attempt,
          outcome: "lost",
          error: lost,
          started_at: now - 4 * HOUR,
          ended_at: now - 3.9 * HOUR,
          late: { at: now - 3.8 * HOUR, outcome: "succeeded", error: null },
        }),
        anAttempt({
          ...attempt,
          number: 2,
          worker: id("a2"),
          host: `${LONG}.${LONG}`,
          outcome: "timed_out",
          error: {
            kind: "timeout",
            message: `took longer than 6 hours at /srv/${LONG}/${LONG}`,
            hint: "give it more time",
          },
          started_at: now - 3.9 * HOUR,
          ended_at: now - 3.5 * HOUR,
        }),
        anAttempt({
          ...attempt,
          number: 3,
          outcome: "failed",
          error: { kind: "permanent", message: "the folder is gone", hint: "create it" },
          started_at: now - 3.4 * HOUR,
          ended_at: now - 3.3 * HOUR,
          late: {
            at: now - 3 * HOUR,
            outcome: "failed",
            error: { kind: "io", message: "the disk is full", hint: "make room" },
          },
        }),
      ],
    },
    lines(12),
  );
  const workers = fleetOfWorkers();
  backend.workers = workers;
  backend.settingsValue = { ...backend.settingsValue };
  const last = ended("succeeded", { id: "last-health", operation: "health-check" });
  backend.update(detailOf(last, health));
  const temp = group().filter(({ state }) => state === "queued" || state === "running");
  backend.overviewValue = anOverview(
    {
      "health-check": { current: [check], paused: { operation: "health-check", ...paused }, last_run: last },
      "cleanup-temp-files": { current: temp.filter(({ target_host }) => target_host === "web-02") },
    },
    { workers: workers.filter(({ state }) => state !== "stopped") },
  );
  backend.onTrigger = ({ operation, host }) => {
    const task_id = `asked-${backend.triggered.length}`;
    const why: Waiting =
      operation === "health-check"
        ? waiting
        : host === null
          ? { reason: "turn" }
          : { reason: "no_worker", host, last_seen: null };
    backend.update(
      detailOf(aTask({ id: task_id, operation, target_host: host, waiting: why, enqueued_at: Date.now() })),
    );
    return accepted(task_id, why);
  };
  backend.onFanOut = () => fannedOut(id("9"), ["desk-7", "web-01.example.org"], waiting);
  backend.bulkRunAgainOutcome = {
    queued: 4,
    already_queued: 1,
    refused: 2,
    first_refusal: {
      code: "refused",
      message: "location `old` is not configured",
      hint: "add it in Settings",
    },
  };
  backend.bulkCancelOutcome = { cancelled: 4, requested: 1 };
  return backend;
}

/** A history in which what is searched lies far back. */
export function deep(): FakeBackend {
  const backend = fleet();
  for (let index = 0; index < 3000; index += 1) {
    const state = index % 700 === 650 ? "failed" : "succeeded";
    backend.update(
      detailOf(
        ended(state, {
          id: `deep-${index}`,
          operation: "log-statistics",
          enqueued_at: now - (300 + index) * MINUTE,
        }),
      ),
    );
  }
  backend.mostLookedAt = 40;
  const listTasks = backend.listTasks;
  backend.listTasks = async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 120));
    return listTasks(...args);
  };
  return backend;
}
