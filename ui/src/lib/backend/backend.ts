// the one interface through which the UI reaches Rust. Pages and state know this file, never a transport.
// every promise rejects with a BackendError, whatever went wrong.
import type { CancelOutcome } from "$lib/generated/CancelOutcome";
import type { Change } from "$lib/generated/Change";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LocationSettings } from "$lib/generated/LocationSettings";
import type { LogLine } from "$lib/generated/LogLine";
import type { OperationId } from "$lib/generated/OperationId";
import type { Overview } from "$lib/generated/Overview";
import type { RunStoreSettings } from "$lib/generated/RunStoreSettings";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { TaskCursor } from "$lib/generated/TaskCursor";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskId } from "$lib/generated/TaskId";
import type { TaskPage } from "$lib/generated/TaskPage";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import type { BackendError } from "./errors";
import type { JsonObject } from "./json";

/** Ends a watch; calling it again does nothing. */
export type Stop = () => void;

/** Who receives a stream. */
export interface Watcher<T> {
  update(value: T): void;
  /** The stream could not be opened. */
  failed(error: BackendError): void;
}

export interface Backend {
  overview(): Promise<Overview>;
  trigger(operation: OperationId, params: JsonObject): Promise<TriggerOutcome>;
  cancelTask(taskId: TaskId): Promise<CancelOutcome>;
  runTaskAgain(taskId: TaskId): Promise<TriggerOutcome>;

  listTasks(filter: TaskFilter, after: TaskCursor | null, limit: number): Promise<TaskPage>;
  taskDetail(taskId: TaskId): Promise<TaskDetail>;
  /** Lines after that sequence number, the oldest first; `null` begins at the first line. */
  taskLog(taskId: TaskId, after: number | null, limit: number): Promise<LogLine[]>;
  /** The native save dialog; the path that was written, or `null` when the operator thought better of it. */
  saveReport(taskId: TaskId): Promise<string | null>;

  /** The first message comes at once; the stream ends by itself after the final state. */
  watchTask(taskId: TaskId, watcher: Watcher<TaskUpdate>): Stop;
  /** One sample a second for as long as the watch lives. */
  watchVitals(watcher: Watcher<HostVitals>): Stop;
  /** Signals that something changed; they may be late, doubled or joined: re-read what is shown. */
  onChange(listener: (changes: Change[]) => void): Stop;

  settings(): Promise<SettingsView>;
  saveLocation(previousName: string | null, location: LocationSettings): Promise<SettingsView>;
  removeLocation(name: string): Promise<SettingsView>;
  saveRunStore(previousName: string | null, runStore: RunStoreSettings): Promise<SettingsView>;
  removeRunStore(name: string): Promise<SettingsView>;
  setEmbeddedWorker(enabled: boolean): Promise<SettingsView>;
  /** The native folder dialog; `null` when it was closed. */
  chooseFolder(): Promise<string | null>;
}
