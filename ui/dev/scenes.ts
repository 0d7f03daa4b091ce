// what the harness can show: quiet, busy, failing, empty, and words that are too long.
import type { Task } from "$lib/generated/Task";
import { FakeBackend } from "../tests/fake";
import {
  accepted,
  aCleanup,
  anAttempt,
  aLocation,
  anOverview,
  aPreview,
  aTask,
  aWorker,
  detailOf,
  ended,
  running,
  someSettings,
  someStatistics,
  someVitals,
} from "../tests/builders";
import { cleaning } from "./cleaning";
import { deep, fleet } from "./fleet";
import { health, lines, LONG, MINUTE, now, preview } from "./data";

const recent = (task: Task): Task => ({
  ...task,
  enqueued_at: now - 12 * MINUTE,
  started_at: task.started_at && now - 12 * MINUTE + 40,
  finished_at: task.finished_at && now - 11 * MINUTE,
});

function calm(): FakeBackend {
  const backend = new FakeBackend();
  const temp = recent(ended("succeeded", { id: "last-temp" }));
  const runs = recent(ended("partial", { id: "last-runs", operation: "cleanup-runs" }));
  const checkup = recent(ended("succeeded", { id: "last-health", operation: "health-check" }));
  const statistics = recent(ended("succeeded", { id: "last-stats", operation: "log-statistics" }));
  backend.update(
    detailOf(temp, aCleanup({ files_removed: 12, bytes_removed: 4_100_000, directories_removed: 2 })),
  );
  backend.update(
    detailOf(
      runs,
      aCleanup({
        outcome: "partial",
        runs_removed: 31,
        runs_matched: 33,
        files_removed: 8120,
        files_matched: 8122,
        bytes_removed: 19_400_000_000,
        problems: [
          { path: "/srv/experiments/runs/0042", reason: "read-only file system: remount it writable" },
        ],
        problems_total: 1,
        locations: [
          {
            location: "experiments",
            path: "/srv/experiments/runs",
            files_matched: 8122,
            bytes_matched: 19_400_000_000,
            files_removed: 8120,
            bytes_removed: 19_400_000_000,
          },
        ],
      }),
    ),
    lines(40),
  );
  backend.update(detailOf(checkup, health));
  backend.update(detailOf(statistics, someStatistics()));
  backend.overviewValue = anOverview(
    {
      "cleanup-temp-files": { last_run: temp },
      "cleanup-runs": { last_run: runs },
      "health-check": { last_run: checkup },
      "log-statistics": { last_run: statistics },
    },
    { workers: [aWorker({ heartbeat_at: now })] },
  );
  const states = ["succeeded", "succeeded", "failed", "cancelled", "partial"] as const;
  for (let index = 0; index < 120; index += 1) {
    const state = states[index % states.length] ?? "succeeded";
    const operation =
      ["cleanup-temp-files", "health-check", "log-statistics", "cleanup-runs"][index % 4] ?? "";
    const enqueued = now - (20 + index * index) * MINUTE;
    backend.update(
      detailOf(
        ended(state, {
          id: `old-${index}`,
          operation,
          dry_run: index % 9 === 0,
          enqueued_at: enqueued,
          started_at: enqueued + 9,
          finished_at: enqueued + 40 + index * 997,
          error:
            state === "failed"
              ? { kind: "permanent", message: "the folder /srv/scratch does not exist", hint: "create it" }
              : null,
        }),
      ),
    );
  }
  backend.onTrigger = ({ params, operation }) => {
    const id = `task-${now}-${backend.triggered.length}`;
    if (params.dry_run)
      finish(backend, recent(ended("succeeded", { id, operation, dry_run: true })), preview(), 400);
    return accepted(id);
  };
  animateVitals(backend);
  return backend;
}

function finish(backend: FakeBackend, task: Task, report: unknown, after: number): void {
  setTimeout(() => backend.update(detailOf(task, report)), after);
}

function animateVitals(backend: FakeBackend, change = {}): void {
  setInterval(() => {
    for (const watcher of backend.vitalsWatchers) watcher.update(someVitals({ at: Date.now(), ...change }));
  }, 300);
}

function busy(): FakeBackend {
  const backend = calm();
  const started = { started_at: now - 42_000, enqueued_at: now - 43_000 };
  const progress = (done: number, total: number | null, message: string) => ({
    done,
    total,
    unit: "files",
    message,
  });
  const temp = running({
    id: "running-temp",
    ...started,
    progress: progress(120_400, 200_000, "removing /srv/scratch/render-4"),
  });
  const looking = running({ id: "running-preview", operation: "cleanup-runs", dry_run: true, ...started });
  const waiting = aTask({ id: "waiting", operation: "health-check", enqueued_at: now - 9000 });
  const stopping = running({
    id: "stopping",
    operation: "log-statistics",
    ...started,
    cancel_requested_at: now - 500,
    cancel_requested_by: "anna",
    progress: { done: 2, total: 4, unit: "steps", message: "counting tasks" },
  });
  for (const task of [temp, looking, waiting, stopping]) backend.update(detailOf(task));
  const [runs, files, checkup, statistics] = backend.overviewValue.operations;
  if (!runs || !files || !checkup || !statistics) return backend;
  backend.overviewValue = {
    ...backend.overviewValue,
    operations: [
      { ...runs, current: [looking] },
      { ...files, current: [temp, aTask({ id: "behind" })] },
      { ...checkup, current: [waiting] },
      { ...statistics, current: [stopping] },
    ],
    workers: [
      aWorker({
        state: "busy",
        current_tasks: [{ task_id: temp.id, operation: temp.operation, progress: null }],
      }),
      aWorker({ id: "worker-2", pid: 990, state: "stale", heartbeat_at: now - 3 * MINUTE, host: "render-3" }),
    ],
  };
  let done = 120_400;
  setInterval(() => {
    done = Math.min(200_000, done + 3000);
    backend.update(
      detailOf({ ...temp, progress: progress(done, 200_000, "removing /srv/scratch/render-4") }),
      [
        {
          sequence: done,
          attempt: 1,
          at: Date.now(),
          level: "info",
          message: `removed ${done} files`,
        },
      ],
    );
  }, 300);
  animateVitals(backend, {
    cpu_percent: 96,
    memory_available_bytes: 1_200_000_000,
    load_average: [19.2, 9, 4],
  });
  return backend;
}

function failing(): FakeBackend {
  const backend = calm();
  const error = {
    kind: "permanent",
    message: "the folder /srv/scratch of location `scratch` does not exist",
    hint: "create it, mount its file system, or change the location in Settings",
  };
  const failed = recent(ended("failed", { id: "failed-temp", error }));
  backend.update(
    {
      task: failed,
      report: null,
      attempts: [
        anAttempt({
          number: 1,
          worker: "worker-2",
          host: "render-3",
          pid: 990,
          started_at: now - 12 * MINUTE,
          ended_at: now - 11.7 * MINUTE,
          outcome: "lost",
          error: { kind: "lease_expired", message: "the worker gave no sign of life", hint: "" },
        }),
        anAttempt({
          number: 2,
          worker: "worker-1",
          host: "desk-7",
          pid: 4711,
          started_at: now - 11.5 * MINUTE,
          ended_at: now - 11 * MINUTE,
          outcome: "failed",
          error,
        }),
      ],
    },
    lines(30),
  );
  backend.overviewValue = anOverview(
    { "cleanup-temp-files": { last_run: failed } },
    {
      workers: [],
      configuration_error: {
        code: "invalid_configuration",
        message: "/home/anna/.config/upkeep/config.toml, line 7, key `locations[1].path`: is relative",
        hint: 'write an absolute path, such as "/srv/scratch"',
      },
    },
  );
  const problem = {
    code: "refused" as const,
    message: "the folder /srv/scratch does not exist",
    hint: "create it, or change the path",
  };
  backend.settingsValue = someSettings({
    locations: [
      { settings: aLocation("scratch", { only_own_files: true }), problem },
      { settings: aLocation("renders", { enabled: false }), problem: null },
    ],
    suggestions: [
      {
        settings: aLocation("thumbnails"),
        why: "Pictures that file managers draw again whenever they need them.",
      },
      {
        settings: aLocation("user-temp", { path: "/tmp" }),
        why: "Your own files in the system's temporary folder.",
      },
    ],
  });
  backend.failing = {
    trigger: {
      code: "database_unavailable",
      message: "the database /home/anna/.local/share/upkeep/upkeep.db is locked by another program",
      hint: "close the other program and try again",
    },
  };
  return backend;
}

function empty(): FakeBackend {
  const backend = new FakeBackend();
  backend.settingsValue = someSettings({ locations: [], run_stores: [] });
  backend.onTrigger = ({ operation }) => {
    finish(
      backend,
      recent(ended("succeeded", { id: "nothing", operation, dry_run: true })),
      aPreview([]),
      200,
    );
    return accepted("nothing");
  };
  return backend;
}

function broken(): FakeBackend {
  const backend = failing();
  const error = backend.overviewValue.configuration_error;
  backend.settingsValue = someSettings({ locations: [], run_stores: [], error });
  return backend;
}

function long(): FakeBackend {
  const backend = calm();
  const words = `${LONG} ${LONG}`;
  backend.settingsValue = someSettings({
    locations: Array.from({ length: 14 }, (_, index) => ({
      settings: aLocation(`${LONG.slice(0, 60)}-${index}`, { path: `/srv/${LONG}/${LONG}`, trash: true }),
      problem:
        index === 3
          ? { code: "refused" as const, message: `/srv/${LONG} is a mount`, hint: "say so explicitly" }
          : null,
    })),
  });
  const task = running({
    id: "long",
    progress: { done: 1_234_567, total: 12_345_678, unit: "files", message: `removing /srv/${LONG}/${LONG}` },
    requested_by: `${LONG}@${LONG} (desktop)`,
  });
  backend.update(detailOf(task));
  const failed = recent(
    ended("failed", { id: "long-failed", error: { kind: "permanent", message: words, hint: words } }),
  );
  backend.update(detailOf(failed));
  backend.overviewValue = anOverview({ "cleanup-temp-files": { current: [task], last_run: failed } });
  return backend;
}

export const SCENES: Partial<Record<string, () => FakeBackend>> = {
  calm,
  busy,
  failing,
  empty,
  broken,
  long,
  cleaning,
  fleet,
  deep,
};
