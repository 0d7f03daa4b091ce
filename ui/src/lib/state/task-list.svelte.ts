// the list of tasks: pages by key, kept current without moving what the operator reads.
//
// rows that are shown change in place; newer ones wait behind a button until they are asked for.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { Task } from "$lib/generated/Task";
import type { TaskCursor } from "$lib/generated/TaskCursor";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskState } from "$lib/generated/TaskState";
import { TASK_STATES } from "$lib/operations/states";
import { followChanges } from "./follow";

export const PAGE_ROWS = 50;
/** Rows read anew on a change; those further down are read when the list is opened again. */
const LIVE_ROWS = 200;

export class TaskList {
  rows: Task[] = $state.raw([]);
  next: TaskCursor | null = $state.raw(null);
  /** Newer tasks that match and are not shown yet. */
  newer: Task[] = $state.raw([]);
  loaded = $state(false);
  loadingMore = $state(false);
  /** Stays until dismissed or until reading works again. */
  error: ErrorReply | null = $state.raw(null);
  readonly filter: TaskFilter;
  readonly #backend: Backend;

  constructor(backend: Backend, filter: TaskFilter) {
    this.#backend = backend;
    this.filter = filter;
  }

  follow(): Stop {
    return followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: (change) => change.kind === "task" || change.kind === "all",
    }).stop;
  }

  async more(): Promise<void> {
    const after = this.next;
    if (!after || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await this.#backend.listTasks(this.filter, after, PAGE_ROWS);
      const known = new Set(this.rows.map((task) => task.id));
      this.rows = [...this.rows, ...page.tasks.filter((task) => !known.has(task.id))];
      this.next = page.next;
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    } finally {
      this.loadingMore = false;
    }
  }

  showNewer(): void {
    this.rows = [...this.newer, ...this.rows];
    this.newer = [];
  }

  async #read(): Promise<void> {
    try {
      if (this.loaded && this.rows.length > 0) await this.#refresh();
      else await this.#first();
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }

  async #first(): Promise<void> {
    const page = await this.#backend.listTasks(this.filter, null, PAGE_ROWS);
    this.rows = page.tasks;
    this.next = page.next;
    this.newer = [];
    this.loaded = true;
  }

  async #refresh(): Promise<void> {
    const limit = Math.min(LIVE_ROWS, this.rows.length + this.newer.length + PAGE_ROWS);
    const page = await this.#backend.listTasks(this.filter, null, limit);
    // rows may have come by `more` while this was on its way, so they are looked at only now
    const shown = this.rows;
    const top = shown[0];
    const read = new Map(page.tasks.map((task) => [task.id, task]));
    const oldest = page.tasks.at(-1);
    const reaches = (task: Task) => page.next === null || (oldest !== undefined && !isOlder(task, oldest));
    // what the answer reaches and does not name is gone, or no longer matches
    this.rows = shown.flatMap((task) => read.get(task.id) ?? (reaches(task) ? [] : [task]));
    this.newer = top ? page.tasks.filter((task) => isOlder(top, task)) : [];
    if (page.next === null) this.next = null;
    if (this.rows.length === 0) await this.#first();
  }
}

/** The order of the list: by the time of enqueueing, then by id. */
function isOlder(a: Task, b: Task): boolean {
  return a.enqueued_at === b.enqueued_at ? a.id < b.id : a.enqueued_at < b.enqueued_at;
}

export function filterFromQuery(query: URLSearchParams): TaskFilter {
  const listed = (key: string) => (query.get(key) ?? "").split(",").filter(Boolean);
  const states = listed("state").filter((state): state is TaskState =>
    TASK_STATES.some((known) => known === state),
  );
  return { states, operations: listed("operation"), text: query.get("text") ?? "" };
}

/** The address that shows this filter. */
export function filterHref(filter: TaskFilter): string {
  const parts = [
    filter.states.length > 0 ? `state=${filter.states.join(",")}` : "",
    filter.operations.length > 0 ? `operation=${filter.operations.map(encodeURIComponent).join(",")}` : "",
    filter.text ? `text=${encodeURIComponent(filter.text)}` : "",
  ].filter(Boolean);
  return parts.length > 0 ? `#/tasks?${parts.join("&")}` : "#/tasks";
}
