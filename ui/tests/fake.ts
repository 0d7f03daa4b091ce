// a backend for tests and for the harness: it holds what it is given and notes what it was asked.
import type { Backend, Stop, Watcher } from "$lib/backend/backend";
import { BackendError } from "$lib/backend/errors";
import type { JsonObject } from "$lib/backend/json";
import type { CancelOutcome } from "$lib/generated/CancelOutcome";
import type { Change } from "$lib/generated/Change";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LogLine } from "$lib/generated/LogLine";
import type { Overview } from "$lib/generated/Overview";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { Task } from "$lib/generated/Task";
import type { TaskCursor } from "$lib/generated/TaskCursor";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskPage } from "$lib/generated/TaskPage";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import { anOverview, someSettings } from "./builders";

export interface Triggered {
  operation: string;
  params: JsonObject;
}

export class FakeBackend implements Backend {
  overviewValue: Overview = anOverview();
  settingsValue: SettingsView = someSettings();
  details = new Map<string, TaskDetail>();
  logs = new Map<string, LogLine[]>();

  /** What was asked, in order. */
  triggered: Triggered[] = [];
  cancelled: string[] = [];
  calls: string[] = [];
  /** Set to make the named call fail. */
  failing: Partial<Record<keyof Backend, ErrorReply>> = {};
  /** Decides what a trigger leads to. */
  onTrigger: (asked: Triggered) => TriggerOutcome = () => ({ status: "queued", task_id: "new-task" });
  cancelOutcome: CancelOutcome = "requested";

  vitalsWatchers = new Set<Watcher<HostVitals>>();
  readonly #taskWatchers = new Map<string, Set<Watcher<TaskUpdate>>>();
  readonly #listeners = new Set<(changes: Change[]) => void>();

  /** Sends a task's newest state to those who watch it. */
  update(detail: TaskDetail, log: LogLine[] = []): void {
    this.details.set(detail.task.id, detail);
    this.logs.set(detail.task.id, [...(this.logs.get(detail.task.id) ?? []), ...log]);
    for (const watcher of this.#taskWatchers.get(detail.task.id) ?? []) watcher.update({ detail, log });
  }

  changed(...changes: Change[]): void {
    for (const listener of this.#listeners) listener(changes);
  }

  watchersOf(taskId: string): number {
    return this.#taskWatchers.get(taskId)?.size ?? 0;
  }

  async #answer<T>(call: keyof Backend, answer: () => T): Promise<T> {
    this.calls.push(call);
    await Promise.resolve();
    const error = this.failing[call];
    if (error) throw new BackendError(error);
    return answer();
  }

  overview = () => this.#answer("overview", () => this.overviewValue);
  trigger = (operation: string, params: JsonObject) =>
    this.#answer("trigger", () => {
      this.triggered.push({ operation, params });
      return this.onTrigger({ operation, params });
    });
  cancelTask = (taskId: string) =>
    this.#answer("cancelTask", () => {
      this.cancelled.push(taskId);
      return this.cancelOutcome;
    });
  runTaskAgain = (taskId: string) =>
    this.#answer("runTaskAgain", (): TriggerOutcome => ({ status: "queued", task_id: `${taskId}-again` }));

  listTasks = (filter: TaskFilter, after: TaskCursor | null, limit: number) =>
    this.#answer("listTasks", () => this.#page(filter, after, limit));

  taskDetail = (taskId: string) => this.#answer("taskDetail", () => this.#detail(taskId));
  taskLog = (taskId: string, after: number | null, limit: number) =>
    this.#answer("taskLog", () =>
      (this.logs.get(taskId) ?? []).filter((line) => line.sequence > (after ?? 0)).slice(0, limit),
    );
  saveReport = (taskId: string) =>
    this.#answer("saveReport", (): string | null => `/home/anna/report-${taskId}.json`);

  watchTask = (taskId: string, watcher: Watcher<TaskUpdate>): Stop => {
    const watchers = this.#taskWatchers.get(taskId) ?? new Set();
    this.#taskWatchers.set(taskId, watchers.add(watcher));
    queueMicrotask(() => {
      if (!watchers.has(watcher)) return;
      const detail = this.details.get(taskId);
      const log = (this.logs.get(taskId) ?? []).slice(-500);
      if (detail) watcher.update({ detail, log });
    });
    return () => watchers.delete(watcher);
  };

  watchVitals = (watcher: Watcher<HostVitals>): Stop => {
    this.calls.push("watchVitals");
    this.vitalsWatchers.add(watcher);
    return () => this.vitalsWatchers.delete(watcher);
  };

  onChange = (listener: (changes: Change[]) => void): Stop => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  settings = () => this.#answer("settings", () => this.settingsValue);
  saveLocation = (previousName: string | null, location: SettingsView["locations"][number]["settings"]) =>
    this.#answer("saveLocation", () => {
      const others = this.settingsValue.locations.filter(({ settings }) => settings.name !== previousName);
      const locations = [...others, { settings: location, problem: null }];
      const suggestions = this.settingsValue.suggestions.filter(
        ({ settings }) => settings.name !== location.name,
      );
      return (this.settingsValue = { ...this.settingsValue, locations, suggestions });
    });
  removeLocation = (name: string) =>
    this.#answer("removeLocation", () => {
      const locations = this.settingsValue.locations.filter(({ settings }) => settings.name !== name);
      return (this.settingsValue = { ...this.settingsValue, locations });
    });
  saveRunStore = (previousName: string | null, store: SettingsView["run_stores"][number]["settings"]) =>
    this.#answer("saveRunStore", () => {
      const others = this.settingsValue.run_stores.filter(({ settings }) => settings.name !== previousName);
      const run_stores = [...others, { settings: store, problem: null }];
      return (this.settingsValue = { ...this.settingsValue, run_stores });
    });
  removeRunStore = (name: string) =>
    this.#answer("removeRunStore", () => {
      const run_stores = this.settingsValue.run_stores.filter(({ settings }) => settings.name !== name);
      return (this.settingsValue = { ...this.settingsValue, run_stores });
    });
  setEmbeddedWorker = (enabled: boolean) =>
    this.#answer(
      "setEmbeddedWorker",
      () => (this.settingsValue = { ...this.settingsValue, embedded_worker: enabled }),
    );
  chooseFolder = () => this.#answer("chooseFolder", (): string | null => "/srv/chosen");

  #detail(taskId: string): TaskDetail {
    const detail = this.details.get(taskId);
    if (!detail)
      throw new BackendError({ code: "not_found", message: `task ${taskId} does not exist`, hint: "" });
    return detail;
  }

  #page(filter: TaskFilter, after: TaskCursor | null, limit: number): TaskPage {
    const matching = [...this.details.values()]
      .map(({ task }) => task)
      .filter(({ state }) => filter.states.length === 0 || filter.states.includes(state))
      .filter(({ operation }) => filter.operations.length === 0 || filter.operations.includes(operation))
      .filter((task) => JSON.stringify(task).includes(filter.text))
      .sort(newestFirst)
      .filter((task) => after === null || newestFirst(task, after) > 0);
    const tasks = matching.slice(0, limit);
    const last = tasks.at(-1);
    const next = last && matching.length > limit ? { enqueued_at: last.enqueued_at, id: last.id } : null;
    return { tasks, next };
  }
}

function newestFirst(a: Pick<Task, "enqueued_at" | "id">, b: Pick<Task, "enqueued_at" | "id">): number {
  if (a.enqueued_at !== b.enqueued_at) return b.enqueued_at - a.enqueued_at;
  return a.id < b.id ? 1 : -1;
}
