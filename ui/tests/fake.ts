// a backend for tests and for the harness: it holds what it is given and notes what it was asked.
import type { Backend, ExportStep, SaveOutcome, Shell, Stop, Watcher } from "$lib/backend/backend";
import { BackendError } from "$lib/backend/errors";
import type { JsonObject } from "$lib/backend/json";
import type { AuditEntry } from "$lib/generated/AuditEntry";
import type { AuditFilter } from "$lib/generated/AuditFilter";
import type { BulkCancelOutcome } from "$lib/generated/BulkCancelOutcome";
import type { BulkRunAgainOutcome } from "$lib/generated/BulkRunAgainOutcome";
import type { CancelOutcome } from "$lib/generated/CancelOutcome";
import type { Change } from "$lib/generated/Change";
import type { Condition } from "$lib/generated/Condition";
import type { EarlierRuns } from "$lib/generated/EarlierRuns";
import type { EmbeddedWorker } from "$lib/generated/EmbeddedWorker";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { ExportRequest } from "$lib/generated/ExportRequest";
import type { FanOutOutcome } from "$lib/generated/FanOutOutcome";
import type { FolderAmount } from "$lib/generated/FolderAmount";
import type { ForceCloseOutcome } from "$lib/generated/ForceCloseOutcome";
import type { HealthHistory } from "$lib/generated/HealthHistory";
import type { HealthRecord } from "$lib/generated/HealthRecord";
import type { HealthReport } from "$lib/generated/HealthReport";
import type { HistoryRoom } from "$lib/generated/HistoryRoom";
import type { HostVitals } from "$lib/generated/HostVitals";
import type { LiveSample } from "$lib/generated/LiveSample";
import type { LogHits } from "$lib/generated/LogHits";
import type { LogLine } from "$lib/generated/LogLine";
import type { Overview } from "$lib/generated/Overview";
import type { Preferences } from "$lib/generated/Preferences";
import type { PriorityOutcome } from "$lib/generated/PriorityOutcome";
import type { SaveSettingsOutcome } from "$lib/generated/SaveSettingsOutcome";
import type { SettingChange } from "$lib/generated/SettingChange";
import type { SettingDifference } from "$lib/generated/SettingDifference";
import type { SettingProblem } from "$lib/generated/SettingProblem";
import type { SettingsReview } from "$lib/generated/SettingsReview";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { StatisticsQuery } from "$lib/generated/StatisticsQuery";
import type { StatisticsView } from "$lib/generated/StatisticsView";
import type { Task } from "$lib/generated/Task";
import type { TaskCursor } from "$lib/generated/TaskCursor";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskGroup } from "$lib/generated/TaskGroup";
import type { TaskPage } from "$lib/generated/TaskPage";
import type { TaskUpdate } from "$lib/generated/TaskUpdate";
import type { TriggerOutcome } from "$lib/generated/TriggerOutcome";
import type { Worker } from "$lib/generated/Worker";
import { ALL_TASKS } from "$lib/operations/task-choice";
import { isAlive } from "$lib/operations/workers";
import { accepted, anOverview, fannedOut, NOW, someFigures, someRoom, someSettings } from "./builders";

export interface Triggered {
  operation: string;
  params: JsonObject;
  host: string | null;
}

/** A bulk action as it was asked for. */
export interface Bulk {
  filter: TaskFilter;
  enqueuedBy: number;
}

const GONE = new Set(["stale", "stopped"]);

export class FakeBackend implements Backend {
  shell: Shell = { kind: "desktop", chooseFolder: () => Promise.resolve("/srv/chosen") };
  overviewValue: Overview = anOverview();
  settingsValue: SettingsView = someSettings();
  /** What is wrong with the installation; what is not named is well. */
  trouble: Partial<Condition> = {};
  /** What the console says against a change; nothing by default. */
  settingProblem: (change: SettingChange) => ErrorReply | null = () => null;
  reviewed: SettingChange[][] = [];
  savedSettings: SettingChange[][] = [];
  historyRoomValue: HistoryRoom = someRoom();
  embeddedValue: EmbeddedWorker = { running: null, starts_with_app: true };
  amountWatchers = new Map<string, Watcher<FolderAmount>>();
  details = new Map<string, TaskDetail>();
  logs = new Map<string, LogLine[]>();
  earlier = new Map<string, EarlierRuns>();

  /** What was asked, in order. */
  triggered: Triggered[] = [];
  cancelled: string[] = [];
  calls: string[] = [];
  /** Set to make the named call fail. */
  failing: Partial<Record<keyof Backend, ErrorReply>> = {};
  /** Decides what a trigger leads to. */
  onTrigger: (asked: Triggered) => TriggerOutcome = () => accepted("new-task");
  fannedOut: Omit<Triggered, "host">[] = [];
  onFanOut: (asked: Omit<Triggered, "host">) => FanOutOutcome = () => fannedOut("group-1", ["desk-7"]);
  repeated: string[] = [];
  executed: string[] = [];
  onRepeat: (groupId: string) => FanOutOutcome = () => ({ status: "nothing_to_repeat" });
  workers: Worker[] = [];
  /** The newest first. */
  audit: AuditEntry[] = [];
  /** What workers and operations were asked for, in order: `drain worker-1`. */
  wishes: string[] = [];
  priorities: [string, number][] = [];
  priorityOutcome: PriorityOutcome = "changed";
  forceClosed: string[] = [];
  forceCloseOutcome: ForceCloseOutcome = { status: "closed" };
  bulkCancelled: Bulk[] = [];
  bulkCancelOutcome: BulkCancelOutcome = { cancelled: 0, requested: 0 };
  bulkRunAgain: Bulk[] = [];
  bulkRunAgainOutcome: BulkRunAgainOutcome = {
    queued: 0,
    already_queued: 0,
    refused: 0,
    first_refusal: null,
  };
  /** Rows looked at before an answer comes early; without it an answer is always whole. */
  mostLookedAt = Infinity;
  cancelOutcome: CancelOutcome = "requested";

  liveWatchers = new Set<Watcher<LiveSample>>();
  statisticsValue: StatisticsView = someFigures();
  statisticsAsked: StatisticsQuery[] = [];
  preferencesValue: Preferences = { notify_of: "problems" };
  /** Reports that are being written, with who hears of them. */
  exports: { request: ExportRequest; watcher: Watcher<ExportStep>; stopped: boolean }[] = [];

  vitalsWatchers = new Set<Watcher<HostVitals>>();
  readonly #taskWatchers = new Map<string, Set<Watcher<TaskUpdate>>>();
  readonly #listeners = new Set<(changes: Change[]) => void>();

  /** Sends a task's newest state to those who watch it. */
  update(detail: TaskDetail, log: LogLine[] = []): void {
    this.details.set(detail.task.id, detail);
    this.logs.set(detail.task.id, [...(this.logs.get(detail.task.id) ?? []), ...log]);
    const log_end = this.#logEnd(detail.task.id);
    for (const watcher of this.#taskWatchers.get(detail.task.id) ?? [])
      watcher.update({ detail, log, log_end });
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

  statistics = (query: StatisticsQuery) =>
    this.#answer("statistics", () => {
      this.statisticsAsked.push(query);
      return this.statisticsValue;
    });
  exportReport = (request: ExportRequest, watcher: Watcher<ExportStep>): Stop => {
    const entry = { request, watcher, stopped: false };
    this.exports.push(entry);
    return () => (entry.stopped = true);
  };
  preferences = () => this.#answer("preferences", () => this.preferencesValue);
  savePreferences = (preferences: Preferences) =>
    this.#answer("savePreferences", () => (this.preferencesValue = preferences));
  condition = () =>
    this.#answer("condition", (): Condition => ({
      config_file: this.settingsValue.config_file,
      data_folder: this.settingsValue.data_folder,
      database: this.settingsValue.database,
      database_file: `${this.settingsValue.data_folder}/upkeep.db`,
      database_error: null,
      configuration_error: this.settingsValue.error,
      workers_alive: this.overviewValue.workers.filter(isAlive).length,
      worker_command: "upkeep-worker run",
      worker_command_lacks_password: false,
      free_bytes: 2e9,
      disk_full: false,
      ...this.trouble,
    }));
  watchSuggestionAmount = (name: string, watcher: Watcher<FolderAmount>): Stop => {
    this.calls.push("watchSuggestionAmount");
    this.amountWatchers.set(name, watcher);
    return () => this.amountWatchers.delete(name);
  };
  overview = () => this.#answer("overview", () => this.overviewValue);
  trigger = (operation: string, params: JsonObject, host: string | null) =>
    this.#answer("trigger", () => {
      this.triggered.push({ operation, params, host });
      return this.onTrigger({ operation, params, host });
    });
  triggerEveryHost = (operation: string, params: JsonObject) =>
    this.#answer("triggerEveryHost", () => {
      this.fannedOut.push({ operation, params });
      return this.onFanOut({ operation, params });
    });
  taskGroup = (groupId: string) => this.#answer("taskGroup", () => this.#group(groupId));
  executeGroup = (groupId: string) =>
    this.#answer("executeGroup", () => {
      this.executed.push(groupId);
      return this.onRepeat(groupId);
    });
  repeatGroup = (groupId: string) =>
    this.#answer("repeatGroup", () => {
      this.repeated.push(groupId);
      return this.onRepeat(groupId);
    });
  pauseOperation = (operation: string) => this.#wish("pauseOperation", `pause ${operation}`);
  resumeOperation = (operation: string) => this.#wish("resumeOperation", `resume ${operation}`);
  drainWorker = (workerId: string) => this.#wish("drainWorker", `drain ${workerId}`);
  resumeWorker = (workerId: string) => this.#wish("resumeWorker", `resume ${workerId}`);
  listWorkers = () => this.#answer("listWorkers", () => this.workers);
  setPriority = (taskId: string, priority: number) =>
    this.#answer("setPriority", () => {
      this.priorities.push([taskId, priority]);
      return this.priorityOutcome;
    });
  forceCloseTask = (taskId: string) =>
    this.#answer("forceCloseTask", () => {
      this.forceClosed.push(taskId);
      return this.forceCloseOutcome;
    });
  countTasks = (filter: TaskFilter) =>
    this.#answer("countTasks", () => {
      const tasks = this.#matching(filter);
      const number = (wanted: (task: Task) => boolean) => tasks.filter(wanted).length;
      const queued = number(({ state }) => state === "queued");
      const running = number(({ state }) => state === "running");
      return { queued, running, finished: tasks.length - queued - running, at: NOW };
    });
  cancelMatching = (filter: TaskFilter, enqueuedBy: number) =>
    this.#answer("cancelMatching", () => {
      this.bulkCancelled.push({ filter, enqueuedBy });
      return this.bulkCancelOutcome;
    });
  runAgainMatching = (filter: TaskFilter, enqueuedBy: number) =>
    this.#answer("runAgainMatching", () => {
      this.bulkRunAgain.push({ filter, enqueuedBy });
      return this.bulkRunAgainOutcome;
    });
  cancelTask = (taskId: string) =>
    this.#answer("cancelTask", () => {
      this.cancelled.push(taskId);
      return this.cancelOutcome;
    });
  runTaskAgain = (taskId: string) => this.#answer("runTaskAgain", () => accepted(`${taskId}-again`));

  earlierRuns = (taskId: string) =>
    this.#answer("earlierRuns", () => this.earlier.get(taskId) ?? { previous: null, usual: null });
  listAudit = (filter: AuditFilter, after: string | null, limit: number) =>
    this.#answer("listAudit", () => {
      const found = this.audit
        .filter(({ id }) => after === null || id < after)
        .filter(({ what }) => filter.what.length === 0 || filter.what.includes(what))
        .filter(({ subject }) => filter.subject === null || subject === filter.subject)
        .filter(({ at }) => filter.from === null || at >= filter.from)
        .filter((entry) => JSON.stringify(entry).toLowerCase().includes(filter.text.toLowerCase()));
      const entries = found.slice(0, limit);
      const next = found.length > limit ? (entries.at(-1)?.id ?? null) : null;
      return { entries, next, searched_to: null };
    });
  listTasks = (filter: TaskFilter, after: TaskCursor | null, limit: number) =>
    this.#answer("listTasks", () => this.#page(filter, after, limit));

  taskDetail = (taskId: string) => this.#answer("taskDetail", () => this.#detail(taskId));
  taskLog = (taskId: string, after: number | null, limit: number) =>
    this.#answer("taskLog", () =>
      (this.logs.get(taskId) ?? []).filter((line) => line.sequence > (after ?? 0)).slice(0, limit),
    );
  /** Lines looked at in one look of a search. */
  linesLookedAt = Infinity;
  searchTaskLog = (taskId: string, text: string, after: number) =>
    this.#answer("searchTaskLog", (): LogHits => {
      const end = this.#logEnd(taskId);
      const last = Math.min(end, after + this.linesLookedAt);
      const lines = (this.logs.get(taskId) ?? [])
        .filter(({ sequence }) => sequence > after && sequence <= last)
        .filter(({ message }) => message.toLowerCase().includes(text.toLowerCase()))
        .map(({ sequence }) => sequence);
      return { lines, searched_to: Math.max(after, last), log_end: end };
    });
  #logEnd(taskId: string): number {
    return this.logs.get(taskId)?.at(-1)?.sequence ?? 0;
  }
  saveReport = (taskId: string) =>
    this.#answer("saveReport", (): SaveOutcome => ({
      status: "saved",
      path: `/home/anna/report-${taskId}.json`,
    }));

  watchTask = (taskId: string, watcher: Watcher<TaskUpdate>): Stop => {
    const watchers = this.#taskWatchers.get(taskId) ?? new Set();
    this.#taskWatchers.set(taskId, watchers.add(watcher));
    queueMicrotask(() => {
      if (!watchers.has(watcher)) return;
      const detail = this.details.get(taskId);
      const log = (this.logs.get(taskId) ?? []).slice(-500);
      if (detail) watcher.update({ detail, log, log_end: this.#logEnd(taskId) });
    });
    return () => watchers.delete(watcher);
  };

  watchVitals = (watcher: Watcher<HostVitals>): Stop => {
    this.calls.push("watchVitals");
    this.vitalsWatchers.add(watcher);
    return () => this.vitalsWatchers.delete(watcher);
  };

  watchLive = (watcher: Watcher<LiveSample>): Stop => {
    this.calls.push("watchLive");
    this.liveWatchers.add(watcher);
    return () => this.liveWatchers.delete(watcher);
  };

  onChange = (listener: (changes: Change[]) => void): Stop => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  settings = () => this.#answer("settings", () => this.settingsValue);
  reviewSettings = (changes: readonly SettingChange[]) =>
    this.#answer("reviewSettings", () => {
      this.reviewed.push([...changes]);
      return this.#review(changes);
    });
  saveSettings = (base: string | null, changes: readonly SettingChange[]) =>
    this.#answer("saveSettings", (): SaveSettingsOutcome => {
      const review = this.#review(changes);
      if (base !== null && base !== this.settingsValue.base) return { outcome: "changed_elsewhere", review };
      this.savedSettings.push([...changes]);
      this.settingsValue = { ...review.view, base: `${this.settingsValue.base}+` };
      return { outcome: "saved", view: this.settingsValue };
    });
  historyRoom = () => this.#answer("historyRoom", () => this.historyRoomValue);
  forgetWorkers = (workerIds: readonly string[]) =>
    this.#answer("forgetWorkers", () => {
      this.wishes.push(`forget ${workerIds.join(" ")}`);
      const before = this.workers.length;
      this.workers = this.workers.filter(({ id, state }) => !(workerIds.includes(id) && GONE.has(state)));
      return before - this.workers.length;
    });
  embeddedWorker = () => this.#answer("embeddedWorker", () => this.embeddedValue);
  beginEmbeddedWorker = () =>
    this.#answer("beginEmbeddedWorker", () => {
      this.wishes.push("begin");
      return (this.embeddedValue = { ...this.embeddedValue, running: "worker-inside" });
    });
  endEmbeddedWorker = () =>
    this.#answer("endEmbeddedWorker", () => {
      this.wishes.push("end");
      return (this.embeddedValue = { ...this.embeddedValue, running: null });
    });

  /** A plain stand-in for the console: it makes the changes and lists the keys they touch. */
  #review(changes: readonly SettingChange[]): SettingsReview {
    let view = this.settingsValue;
    const problems: SettingProblem[] = [];
    const differences: SettingDifference[] = [];
    changes.forEach((change, index) => {
      const error = this.settingProblem(change);
      if (error) problems.push({ index, error });
      else {
        differences.push(difference(view, change));
        view = changedSettings(view, change);
      }
    });
    const lines = differences.map(({ key }) => ({ fate: "added" as const, text: `${key} = …` }));
    return { base: this.settingsValue.base, view, differences, lines, problems };
  }
  healthHistory = (host: string | null, limit: number) =>
    this.#answer("healthHistory", () => this.#health(host ?? this.settingsValue.host, limit));

  #health(host: string, limit: number): HealthHistory {
    const all = this.#all().filter(({ operation }) => operation === "health-check");
    const there = all.filter((task) => (task.worker_host ?? task.target_host) === host);
    const records = there
      .filter((task) => task.finished_at !== null)
      .map((task): HealthRecord => ({
        task_id: task.id,
        state: task.state,
        enqueued_at: task.enqueued_at,
        finished_at: task.finished_at ?? 0,
        requested_by: task.requested_by,
        error: task.error,
        report: this.#detail(task.id).report as unknown as HealthReport | null,
      }))
      .slice(0, limit);
    const hosts = [...all.flatMap((task) => task.worker_host ?? []), host, this.settingsValue.host];
    return {
      host,
      hosts: [...new Set(hosts)].sort(),
      current: there.find((task) => task.finished_at === null)?.id ?? null,
      last: records[0] ?? null,
      latest: records.find(({ report }) => report) ?? null,
      points: records.flatMap(({ task_id, report }) =>
        report
          ? [{ task_id, checked_at: report.checked_at, status: report.status, checks: report.checks }]
          : [],
      ),
    };
  }

  #detail(taskId: string): TaskDetail {
    const detail = this.details.get(taskId);
    if (!detail)
      throw new BackendError({ code: "not_found", message: `task ${taskId} does not exist`, hint: "" });
    return detail;
  }

  #wish(call: keyof Backend, wish: string): Promise<null> {
    return this.#answer(call, () => {
      this.wishes.push(wish);
      return null;
    });
  }

  #group(groupId: string): TaskGroup {
    const tasks = this.#matching({ ...ALL_TASKS, group: groupId }).sort((a, b) =>
      (a.target_host ?? "").localeCompare(b.target_host ?? ""),
    );
    const [first] = tasks;
    if (!first)
      throw new BackendError({ code: "not_found", message: `group ${groupId} does not exist`, hint: "" });
    const repeatable = tasks.filter(
      ({ state, attempt }) =>
        state === "failed" || state === "cancelled" || (state === "queued" && attempt === 0),
    );
    return {
      id: groupId,
      operation: first.operation,
      requested_by: first.requested_by,
      enqueued_at: first.enqueued_at,
      tasks,
      repeatable_hosts: repeatable.map(({ target_host }) => target_host ?? ""),
    };
  }

  #matching(filter: TaskFilter): Task[] {
    return this.#all().filter(matches(filter));
  }

  #all(): Task[] {
    return [...this.details.values()].map(({ task }) => task).sort(newestFirst);
  }

  #page(filter: TaskFilter, after: TaskCursor | null, limit: number): TaskPage {
    const older = this.#all().filter((task) => after === null || newestFirst(task, after) > 0);
    const looked = older.slice(0, this.mostLookedAt);
    const matching = looked.filter(matches(filter));
    const tasks = matching.slice(0, limit);
    const cursor = (task: Task | undefined) => (task ? { enqueued_at: task.enqueued_at, id: task.id } : null);
    if (matching.length > limit) return { tasks, next: cursor(tasks.at(-1)), searched_to: null };
    if (looked.length < older.length) {
      const last = looked.at(-1);
      return { tasks, next: cursor(last), searched_to: last?.enqueued_at ?? null };
    }
    return { tasks, next: null, searched_to: null };
  }
}

function changedSettings(view: SettingsView, change: SettingChange): SettingsView {
  switch (change.kind) {
    case "save_location": {
      const { previous_name, location } = change;
      const others = view.locations.filter(({ settings }) => settings.name !== previous_name);
      const suggestions = view.suggestions.filter(({ settings }) => settings.name !== location.name);
      return { ...view, locations: [...others, { settings: location, problem: null }], suggestions };
    }
    case "remove_location":
      return { ...view, locations: view.locations.filter(({ settings }) => settings.name !== change.name) };
    case "save_run_store": {
      const { previous_name, run_store } = change;
      const others = view.run_stores.filter(({ settings }) => settings.name !== previous_name);
      return { ...view, run_stores: [...others, { settings: run_store, problem: null }] };
    }
    case "remove_run_store":
      return { ...view, run_stores: view.run_stores.filter(({ settings }) => settings.name !== change.name) };
    case "threshold": {
      const { typed } = change;
      const read = typed && { warning: Number(typed.warning), critical: Number(typed.critical) };
      const thresholds = view.health.thresholds.map((each) =>
        each.key === change.key ? { ...each, threshold: read ?? each.default } : each,
      );
      return { ...view, health: { ...view.health, thresholds } };
    }
    case "value": {
      const values = view.values.map((each) =>
        each.key === change.key ? { ...each, value: change.typed ?? each.default } : each,
      );
      const numbers = view.health.numbers.map((each) =>
        `health.${each.key}` === change.key ? { ...each, value: Number(change.typed ?? each.default) } : each,
      );
      return { ...view, values, health: { ...view.health, numbers } };
    }
  }
}

function difference(view: SettingsView, change: SettingChange): SettingDifference {
  const takes_effect = "next_task" as const;
  switch (change.kind) {
    case "save_location":
      return {
        key: `locations.${change.location.name}.path`,
        before:
          view.locations.find(({ settings }) => settings.name === change.previous_name)?.settings.path ??
          null,
        after: change.location.path,
        takes_effect,
      };
    case "save_run_store":
      return {
        key: `run_stores.${change.run_store.name}.path`,
        before: null,
        after: change.run_store.path,
        takes_effect,
      };
    case "remove_location":
      return { key: `locations.${change.name}.path`, before: "/srv/gone", after: null, takes_effect };
    case "remove_run_store":
      return { key: `run_stores.${change.name}.path`, before: "/srv/gone", after: null, takes_effect };
    case "threshold":
      return {
        key: `health.${change.key}`,
        before: "80 / 95 percent",
        after: change.typed?.warning ?? null,
        takes_effect,
      };
    case "value": {
      const setting = view.values.find(({ key }) => key === change.key);
      return {
        key: change.key,
        before: setting?.value ?? null,
        after: change.typed,
        takes_effect: setting?.takes_effect ?? takes_effect,
      };
    }
  }
}

function matches(filter: TaskFilter): (task: Task) => boolean {
  return (task) =>
    (filter.states.length === 0 || filter.states.includes(task.state)) &&
    (filter.operations.length === 0 || filter.operations.includes(task.operation)) &&
    (filter.host === null || [task.worker_host, task.target_host].includes(filter.host)) &&
    (filter.group === null || task.group_id === filter.group) &&
    task.requested_by.toLowerCase().includes((filter.requested_by ?? "").toLowerCase()) &&
    (filter.since === null || task.enqueued_at >= filter.since) &&
    (filter.until === null || task.enqueued_at < filter.until) &&
    (filter.failed_as === "any" || task.state !== "failed" || task.lost === (filter.failed_as === "lost")) &&
    JSON.stringify(task).includes(filter.text);
}

function newestFirst(a: Pick<Task, "enqueued_at" | "id">, b: Pick<Task, "enqueued_at" | "id">): number {
  if (a.enqueued_at !== b.enqueued_at) return b.enqueued_at - a.enqueued_at;
  return a.id < b.id ? 1 : -1;
}
