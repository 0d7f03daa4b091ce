// the one interface through which the UI reaches Rust. Pages and state know this file, never a transport.
// every promise rejects with a BackendError, whatever went wrong.
import type { AuditFilter } from "$lib/generated/AuditFilter";
import type { AuditPage } from "$lib/generated/AuditPage";
import type { BulkCancelOutcome } from "$lib/generated/BulkCancelOutcome";
import type { BulkCount } from "$lib/generated/BulkCount";
import type { BulkRunAgainOutcome } from "$lib/generated/BulkRunAgainOutcome";
import type { CancelOutcome } from "$lib/generated/CancelOutcome";
import type { Change } from "$lib/generated/Change";
import type { Condition } from "$lib/generated/Condition";
import type { EarlierRuns } from "$lib/generated/EarlierRuns";
import type { EmbeddedWorker } from "$lib/generated/EmbeddedWorker";
import type { ExportRequest } from "$lib/generated/ExportRequest";
import type { ExportUpdate } from "$lib/generated/ExportUpdate";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { FolderAmount } from "$lib/generated/FolderAmount";
import type { ForceCloseOutcome } from "$lib/generated/ForceCloseOutcome";
import type { GroupId } from "$lib/generated/GroupId";
import type { HealthHistory } from "$lib/generated/HealthHistory";
import type { HistoryRoom } from "$lib/generated/HistoryRoom";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LiveSample } from "$lib/generated/LiveSample";
import type { LogHits } from "$lib/generated/LogHits";
import type { LogLine } from "$lib/generated/LogLine";
import type { OperationId } from "$lib/generated/OperationId";
import type { Overview } from "$lib/generated/Overview";
import type { Preferences } from "$lib/generated/Preferences";
import type { PriorityOutcome } from "$lib/generated/PriorityOutcome";
import type { SaveSettingsOutcome } from "$lib/generated/SaveSettingsOutcome";
import type { SettingChange } from "$lib/generated/SettingChange";
import type { SettingsReview } from "$lib/generated/SettingsReview";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { StatisticsQuery } from "$lib/generated/StatisticsQuery";
import type { StatisticsView } from "$lib/generated/StatisticsView";
import type { TaskCursor } from "$lib/generated/TaskCursor";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskGroup } from "$lib/generated/TaskGroup";
import type { TaskId } from "$lib/generated/TaskId";
import type { TaskPage } from "$lib/generated/TaskPage";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import type { Timestamp } from "$lib/generated/Timestamp";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import type { Worker } from "$lib/generated/Worker";
import type { WorkerId } from "$lib/generated/WorkerId";
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

/** What the desktop's window has and a browser has not. */
export interface DesktopShell {
  kind: "desktop";
  /** The native folder dialog; `null` when it was closed. */
  chooseFolder(): Promise<string | null>;
}

/** Who is signed in at the server, as it says so itself. */
export interface Session {
  signed_in: boolean;
  read_only: boolean;
  /** The name that tasks and the audit trail get. */
  requester: string;
}

/** A folder of the server's host with those in it. */
export interface FolderList {
  path: string;
  /** None above the root. */
  parent: string | null;
  folders: { name: string; path: string }[];
}

/** What a browser has and the desktop's window has not. */
export interface BrowserShell {
  kind: "browser";
  /** Answers whether or not somebody is signed in. */
  session(): Promise<Session>;
  signOut(): Promise<null>;
  /** Some request was answered that nobody is signed in. */
  onSignedOut(listener: () => void): Stop;
  /** `null` begins where the server thinks best. */
  listFolders(path: string | null): Promise<FolderList>;
  /** Changes are told while the page is hidden, too, for as long as this is held. */
  followHidden(): Stop;
}

export type Shell = DesktopShell | BrowserShell;

/** Where a file went. */
export type SaveOutcome =
  | { status: "saved"; path: string }
  | { status: "dismissed" }
  /** The browser downloads it, and shows how far it is. */
  | { status: "handed_over" };

/** How far a report has come; what the browser downloads is its own to show. */
export type ExportStep = ExportUpdate | { status: "handed_over" };

export interface Backend {
  /** Through what the operator looks at this. */
  readonly shell: Shell;

  /** How the installation is; it answers even while the database is away. */
  condition(): Promise<Condition>;
  overview(): Promise<Overview>;
  /** One task; the host must perform it, or any when there is none. */
  trigger(operation: OperationId, params: JsonObject, host: string | null): Promise<TriggerOutcome>;
  /** One task for each host with a live worker that performs it. */
  triggerEveryHost(operation: OperationId, params: JsonObject): Promise<FanOutOutcome>;
  taskGroup(groupId: GroupId): Promise<TaskGroup>;
  /** Asks those hosts again whose task failed, was cancelled or was never begun. */
  /** Executes each preview's plan on the host that made it. */
  executeGroup(groupId: GroupId): Promise<FanOutOutcome>;
  repeatGroup(groupId: GroupId): Promise<FanOutOutcome>;
  /** Its tasks stay queued until it is resumed. */
  pauseOperation(operation: OperationId): Promise<null>;
  resumeOperation(operation: OperationId): Promise<null>;
  cancelTask(taskId: TaskId): Promise<CancelOutcome>;
  runTaskAgain(taskId: TaskId): Promise<TriggerOutcome>;
  /** Lower runs first. */
  setPriority(taskId: TaskId, priority: number): Promise<PriorityOutcome>;
  /** Ends a task whose worker is gone; refused while that worker lives. */
  forceCloseTask(taskId: TaskId): Promise<ForceCloseOutcome>;

  countTasks(filter: TaskFilter): Promise<BulkCount>;
  /** All that match and were enqueued by then: what came after the operator saw the count is left alone. */
  cancelMatching(filter: TaskFilter, enqueuedBy: Timestamp): Promise<BulkCancelOutcome>;
  runAgainMatching(filter: TaskFilter, enqueuedBy: Timestamp): Promise<BulkRunAgainOutcome>;

  /** Alive, stale, and those stopped within the last day. */
  listWorkers(): Promise<Worker[]>;
  /** It finishes what it holds and claims nothing new until it is resumed. */
  drainWorker(workerId: WorkerId): Promise<null>;
  resumeWorker(workerId: WorkerId): Promise<null>;
  /** Takes workers that are gone off the list; how many. One that lives or holds a task stays. */
  forgetWorkers(workerIds: readonly WorkerId[]): Promise<number>;
  embeddedWorker(): Promise<EmbeddedWorker>;
  /** Starts the built-in worker; it performs what is queued, and nothing is asked for. */
  beginEmbeddedWorker(): Promise<EmbeddedWorker>;
  /** Stops it; what it holds goes back to the queue. */
  endEmbeddedWorker(): Promise<EmbeddedWorker>;

  listTasks(filter: TaskFilter, after: TaskCursor | null, limit: number): Promise<TaskPage>;
  taskDetail(taskId: TaskId): Promise<TaskDetail>;
  /** The run before of the same operation on the same host, and how long such runs took. */
  earlierRuns(taskId: TaskId): Promise<EarlierRuns>;
  /** Lines after that sequence number, the oldest first; `null` begins at the first line. */
  taskLog(taskId: TaskId, after: number | null, limit: number): Promise<LogLine[]>;
  /** Lines after that number that contain the text, as far as one look goes; the answer says how far that was. */
  searchTaskLog(taskId: TaskId, text: string, after: number): Promise<LogHits>;
  /** Through the native save dialog, or the browser's download. */
  saveReport(taskId: TaskId): Promise<SaveOutcome>;

  /** Who did what, the newest first, after the line of that id. */
  listAudit(filter: AuditFilter, after: string | null, limit: number): Promise<AuditPage>;
  /** The last health checks of a host, or of this one: at most a hundred. */
  healthHistory(host: string | null, limit: number): Promise<HealthHistory>;

  /** The first message comes at once; the stream ends by itself after the final state. */
  watchTask(taskId: TaskId, watcher: Watcher<TaskUpdate>): Stop;
  /** One sample a second for as long as the watch lives. */
  watchVitals(watcher: Watcher<HostVitals>): Stop;
  /** The live dashboard: one sample a second for as long as the watch lives. */
  watchLive(watcher: Watcher<LiveSample>): Stop;
  /** Signals that something changed; they may be late, doubled or joined: re-read what is shown. */
  onChange(listener: (changes: Change[]) => void): Stop;

  statistics(query: StatisticsQuery): Promise<StatisticsView>;
  /** Asks where and writes a report there; stopping gives it up and leaves nothing behind. */
  exportReport(request: ExportRequest, watcher: Watcher<ExportStep>): Stop;

  preferences(): Promise<Preferences>;
  savePreferences(preferences: Preferences): Promise<Preferences>;
  settings(): Promise<SettingsView>;
  /** Counts what lies in a suggested folder; stopping ends the count. */
  watchSuggestionAmount(name: string, watcher: Watcher<FolderAmount>): Stop;
  /** A draft beside the file as it is now; nothing is written. */
  reviewSettings(changes: readonly SettingChange[]): Promise<SettingsReview>;
  /** All of it or nothing, and only onto the text of that base; `null` means whatever is there. */
  saveSettings(base: string | null, changes: readonly SettingChange[]): Promise<SaveSettingsOutcome>;
  /** What the history, the audit trail and this host's artifacts take; counted when asked. */
  historyRoom(): Promise<HistoryRoom>;
}
