// the backend over Tauri's IPC. The only file that imports @tauri-apps/api.
import { Channel, invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Change } from "$lib/generated/Change";
import type { TaskId } from "$lib/generated/TaskId";
import type { Backend, SaveOutcome, Stop, Watcher } from "./backend";
import { toBackendError } from "./errors";

async function call<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (thrown) {
    throw toBackendError(thrown);
  }
}

/** Opens a stream; stopping before its id has arrived closes it as soon as it does. */
function watch<T>(command: string, args: Record<string, unknown>, watcher: Watcher<T>): Stop {
  let stopped = false;
  const updates = new Channel<T>();
  updates.onmessage = (value) => {
    if (!stopped) watcher.update(value);
  };
  const opened = call<number>(command, { ...args, updates });
  opened.catch((error: unknown) => {
    if (!stopped) watcher.failed(toBackendError(error));
  });
  return () => {
    if (stopped) return;
    stopped = true;
    // a watch that ended by itself is unknown by now, and that is fine
    opened.then((watchId) => call("unwatch", { watchId })).catch(() => undefined);
  };
}

function onChange(listener: (changes: Change[]) => void): Stop {
  let stopped = false;
  const listening = listen<Change[]>("changed", (event) => {
    if (!stopped) listener(event.payload);
  });
  listening.catch((thrown: unknown) => console.error("changes cannot be followed", thrown));
  return () => {
    stopped = true;
    listening.then((unlisten) => unlisten()).catch(() => undefined);
  };
}

async function saveReport(taskId: TaskId): Promise<SaveOutcome> {
  const path = await call<string | null>("save_report", { taskId });
  return path === null ? { status: "dismissed" } : { status: "saved", path };
}

export function tauriBackend(): Backend {
  return {
    shell: { kind: "desktop", chooseFolder: () => call("choose_folder") },
    condition: () => call("condition"),
    overview: () => call("overview"),
    trigger: (operation, params, host) => call("trigger", { operation, params, host }),
    triggerEveryHost: (operation, params) => call("trigger_every_host", { operation, params }),
    taskGroup: (groupId) => call("task_group", { groupId }),
    executeGroup: (groupId) => call("execute_group", { groupId }),
    repeatGroup: (groupId) => call("repeat_group", { groupId }),
    pauseOperation: (operation) => call("pause_operation", { operation }),
    resumeOperation: (operation) => call("resume_operation", { operation }),
    cancelTask: (taskId) => call("cancel_task", { taskId }),
    runTaskAgain: (taskId) => call("run_task_again", { taskId }),
    setPriority: (taskId, priority) => call("set_priority", { taskId, priority }),
    forceCloseTask: (taskId) => call("force_close_task", { taskId }),
    countTasks: (filter) => call("count_tasks", { filter }),
    cancelMatching: (filter, enqueuedBy) => call("cancel_matching", { filter, enqueuedBy }),
    runAgainMatching: (filter, enqueuedBy) => call("run_again_matching", { filter, enqueuedBy }),
    listWorkers: () => call("list_workers"),
    drainWorker: (workerId) => call("drain_worker", { workerId }),
    resumeWorker: (workerId) => call("resume_worker", { workerId }),
    forgetWorkers: (workerIds) => call("forget_workers", { workerIds }),
    embeddedWorker: () => call("embedded_worker"),
    beginEmbeddedWorker: () => call("begin_embedded_worker"),
    endEmbeddedWorker: () => call("end_embedded_worker"),
    listTasks: (filter, after, limit) => call("list_tasks", { filter, after, limit }),
    taskDetail: (taskId) => call("task_detail", { taskId }),
    earlierRuns: (taskId) => call("earlier_runs", { taskId }),
    taskLog: (taskId, after, limit) => call("task_log", { taskId, after, limit }),
    searchTaskLog: (taskId, text, after) => call("search_task_log", { taskId, text, after }),
    saveReport,
    listAudit: (filter, after, limit) => call("list_audit", { filter, after, limit }),
    healthHistory: (host, limit) => call("health_history", { host, limit }),
    watchTask: (taskId, watcher) => watch("watch_task", { taskId }, watcher),
    watchVitals: (watcher) => watch("watch_vitals", {}, watcher),
    watchLive: (watcher) => watch("watch_live", {}, watcher),
    onChange,
    statistics: (query) => call("statistics", { query }),
    exportReport: (request, watcher) => watch("export_report", { request }, watcher),
    preferences: () => call("preferences"),
    savePreferences: (preferences) => call("save_preferences", { preferences }),
    settings: () => call("settings"),
    watchSuggestionAmount: (name, watcher) => watch("watch_suggestion_amount", { name }, watcher),
    reviewSettings: (changes) => call("review_settings", { changes }),
    saveSettings: (base, changes) => call("save_settings", { base, changes }),
    historyRoom: () => call("history_room"),
  };
}
