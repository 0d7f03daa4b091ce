// the list of tasks: pages by key, kept current without moving what the operator reads.
//
// rows that are shown change in place; newer ones wait behind a button until they are asked for.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { Task } from "$lib/generated/Task";
import type { TaskCursor } from "$lib/generated/TaskCursor";
import type { TaskFilter } from "$lib/generated/TaskFilter";
import type { TaskPage } from "$lib/generated/TaskPage";
import type { Timestamp } from "$lib/generated/Timestamp";
import { followChanges } from "./follow";
import { kept, keptList } from "./kept";

/** Who asks the list for a filter asks here, too, for the address of one. */
export { ALL_TASKS, filterHref } from "$lib/operations/task-choice";

export const PAGE_ROWS = 50;
/** Rows read anew on a change; those further down are read when the list is opened again. */
const LIVE_ROWS = 200;
/** A worker that falls silent sends no signal; this is how late its tasks may show it. */
const AT_LEAST_EVERY_MS = 10_000;

export class TaskList {
  rows: Task[] = $state.raw([]);
  next: TaskCursor | null = $state.raw(null);
  /** Newer tasks that match and are not shown yet. */
  newer: Task[] = $state.raw([]);
  loaded = $state(false);
  loadingMore = $state(false);
  /** How far back was looked when the answer came early; none when `next` simply is the next page. */
  searchedTo: Timestamp | null = $state.raw(null);
  /** Stays until dismissed or until reading works again. */
  error: ErrorReply | null = $state.raw(null);
  readonly filter: TaskFilter;
  readonly #backend: Backend;
  /** How many rows are wished for; a search goes on until they are there. */
  #goal = 0;
  #followed = false;
  #stopped = $state(false);

  constructor(backend: Backend, filter: TaskFilter) {
    this.#backend = backend;
    this.filter = filter;
  }

  /** True while older tasks are looked through although the operator pressed nothing. */
  get searching(): boolean {
    return this.searchedTo !== null && this.next !== null && !this.#stopped && this.error === null;
  }

  follow(): Stop {
    this.#followed = true;
    const changes = followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      atLeastEveryMs: AT_LEAST_EVERY_MS,
      concerns: ({ kind }) =>
        kind === "task" ||
        kind === "all" ||
        // they change why a task waits
        ((kind === "worker" || kind === "operation") && this.rows.some(({ state }) => state === "queued")),
    });
    const onVisibility = () => void this.#search();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      this.#followed = false;
      changes.stop();
      document.removeEventListener("visibilitychange", onVisibility);
    };
  }

  /** The next page, however far back its rows lie. */
  async more(): Promise<void> {
    if (!this.next || this.loadingMore) return;
    this.#goal = this.rows.length + PAGE_ROWS;
    this.#stopped = false;
    await this.#advance();
    await this.#search();
  }

  /** Ends a search; `more` goes on with it. */
  stopSearching(): void {
    this.#stopped = true;
  }

  showNewer(): void {
    this.rows = [...this.newer, ...this.rows];
    this.newer = [];
  }

  /** Goes on while answers come early, a page is not full, and somebody looks at it. */
  async #search(): Promise<void> {
    const wanted = () =>
      this.#followed &&
      this.searching &&
      !this.loadingMore &&
      this.rows.length < this.#goal &&
      document.visibilityState !== "hidden";
    while (wanted()) await this.#advance();
  }

  async #advance(): Promise<void> {
    const after = this.next;
    if (!after || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await this.#backend.listTasks(this.filter, after, PAGE_ROWS);
      const known = new Set(this.rows.map((task) => task.id));
      this.rows = [...this.rows, ...page.tasks.filter((task) => !known.has(task.id))];
      // an answer that came no further would be asked for again without end
      this.#stopped ||= page.next?.id === after.id;
      this.next = page.next;
      this.searchedTo = page.searched_to;
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    } finally {
      this.loadingMore = false;
    }
  }

  async #read(): Promise<void> {
    try {
      if (this.loaded) await this.#refresh();
      else await this.#first();
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
    void this.#search();
  }

  async #first(): Promise<void> {
    const page = await this.#backend.listTasks(this.filter, null, PAGE_ROWS);
    this.#goal = PAGE_ROWS;
    this.#begin(page);
    this.loaded = true;
  }

  #begin(page: TaskPage): void {
    this.rows = page.tasks;
    this.next = page.next;
    this.searchedTo = page.searched_to;
    this.newer = [];
  }

  async #refresh(): Promise<void> {
    const limit = Math.min(LIVE_ROWS, this.rows.length + this.newer.length + PAGE_ROWS);
    const page = await this.#backend.listTasks(this.filter, null, limit);
    // rows may have come by `more` while this was on its way, so they are looked at only now
    const shown = this.rows;
    const top = shown[0];
    const read = new Map(page.tasks.map((task) => [task.id, task]));
    // what the answer reaches and does not name is gone, or no longer matches
    const rows = shown.flatMap((task) => {
      const again = read.get(task.id);
      if (again) return [kept(task, again)];
      return reaches(page, task) ? [] : [task];
    });
    this.rows = keptList(shown, rows);
    this.newer = top ? page.tasks.filter((task) => isOlder(top, task)) : [];
    if (page.next === null) {
      this.next = null;
      this.searchedTo = null;
    }
    if (this.rows.length > 0) return;
    // nothing is shown, so nothing can move: what came is shown at once. What was looked through already is not again.
    if (page.searched_to === null) this.#begin(page);
    else {
      this.rows = page.tasks;
      this.newer = [];
    }
  }
}

function reaches(page: TaskPage, task: Task): boolean {
  if (page.next === null) return true;
  if (page.searched_to !== null) return task.enqueued_at >= page.searched_to;
  const oldest = page.tasks.at(-1);
  return oldest !== undefined && !isOlder(task, oldest);
}

/** The order of the list: by the time of enqueueing, then by id. */
function isOlder(a: Task, b: Task): boolean {
  return a.enqueued_at === b.enqueued_at ? a.id < b.id : a.enqueued_at < b.enqueued_at;
}
