// the log of a task, however long: the part that is looked at, and where a text stands in it.
//
// lines are numbered from 1 without a gap, so any part is read by its numbers; what was read is kept in
// pages, and those that nobody looks at any more are let go.
import { untrack } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { LogLine } from "$lib/generated/LogLine";
import type { TaskId } from "$lib/generated/TaskId";

const PAGE_LINES = 200;
const PAGES_KEPT = 50;
/** Hits that are counted before the operator asks for more. */
export const MOST_HITS = 10_000;

export class TaskLog {
  /** The number of the newest line, which is also how many there are. */
  end = $state(0);
  /** Why a part could not be read; gone as soon as one can. */
  error: ErrorReply | null = $state.raw(null);
  readonly search: LogSearch;
  readonly #taskId: TaskId;
  readonly #backend: Backend;
  readonly #pages = new SvelteMap<number, readonly LogLine[]>();
  #wanted: [first: number, last: number] = [1, 0];
  #reading = false;

  constructor(taskId: TaskId, backend: Backend) {
    this.#taskId = taskId;
    this.#backend = backend;
    this.search = new LogSearch(taskId, backend);
  }

  /** The line of that number; none while it was not read. */
  line(number: number): LogLine | null {
    const page = this.#pages.get(pageOf(number));
    return page?.[(number - 1) % PAGE_LINES] ?? null;
  }

  /** Takes in what a stream brought: how long the log is now, and lines that are known without asking. */
  grew(end: number, fresh: readonly LogLine[]): void {
    // an effect that tells of news must not hear of them again
    untrack(() => this.#grew(end, fresh));
  }

  #grew(end: number, fresh: readonly LogLine[]): void {
    const grown = new Map<number, LogLine[]>();
    for (const line of fresh) {
      const page = pageOf(line.sequence);
      const lines = grown.get(page) ?? [...(this.#pages.get(page) ?? [])];
      grown.set(page, lines);
      if (line.sequence === page * PAGE_LINES + lines.length + 1) lines.push(line);
    }
    for (const [page, lines] of grown) {
      if (lines.length > 0) this.#pages.set(page, lines);
      this.#forget(page);
    }
    if (end <= this.end) return;
    this.end = end;
    this.search.grew(end);
  }

  /** Reads what is missing of these lines. While one part is read, only the newest wish counts. */
  want(first: number, last: number): void {
    untrack(() => {
      this.#wanted = [Math.max(1, first), Math.min(last, this.end)];
      if (!this.#reading) void this.#read();
    });
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      for (let page = this.#missing(); page !== null; page = this.#missing()) {
        const known = this.#pages.get(page) ?? [];
        const after = page * PAGE_LINES + known.length;
        const lines = await this.#backend.taskLog(this.#taskId, after, PAGE_LINES - known.length);
        // what came by the stream meanwhile stays
        const now = this.#pages.get(page) ?? [];
        const more = lines.filter(({ sequence }) => sequence > page * PAGE_LINES + now.length);
        if (more.length === 0 && now.length === known.length) break;
        this.#pages.set(page, [...now, ...more]);
        this.#forget(page);
        this.error = null;
      }
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    } finally {
      this.#reading = false;
    }
  }

  /** The first page of what is wanted that is not known to its end. */
  #missing(): number | null {
    const [first, last] = this.#wanted;
    for (let page = pageOf(first); page <= pageOf(last) && first <= last; page += 1) {
      const until = Math.min(last, (page + 1) * PAGE_LINES) - page * PAGE_LINES;
      if ((this.#pages.get(page)?.length ?? 0) < until) return page;
    }
    return null;
  }

  /** Lets go of the pages that lie farthest from the one that was read last. */
  #forget(page: number): void {
    if (this.#pages.size <= PAGES_KEPT) return;
    const far = [...this.#pages.keys()].sort((a, b) => Math.abs(b - page) - Math.abs(a - page));
    for (const key of far.slice(0, this.#pages.size - PAGES_KEPT)) this.#pages.delete(key);
  }
}

function pageOf(number: number): number {
  return Math.floor((number - 1) / PAGE_LINES);
}

/** Looks for a text through the whole log, a stretch at a time; the queue does the looking. */
export class LogSearch {
  /** What is looked for; nothing while nobody searches. */
  text = $state("");
  /** The lines that contain it, as far as was searched. */
  hits: readonly number[] = $state.raw([]);
  /** Which of them is shown; -1 while there is none. */
  current = $state(-1);
  searchedTo = $state(0);
  searching = $state(false);
  error: ErrorReply | null = $state.raw(null);
  readonly #taskId: TaskId;
  readonly #backend: Backend;
  #end = $state(0);
  #goal = MOST_HITS;
  /** Counts the searches, so that a late answer to an earlier one is dropped. */
  #turn = 0;
  /** Set when the operator asked for a hit beyond those that are known. */
  #stepping = false;

  constructor(taskId: TaskId, backend: Backend) {
    this.#taskId = taskId;
    this.#backend = backend;
  }

  /** True when there may be hits beyond those that are known. */
  get more(): boolean {
    return this.text !== "" && this.searchedTo < this.#end;
  }

  /** The line that is shown; none while there is no hit. */
  get line(): number | null {
    return this.hits[this.current] ?? null;
  }

  /** Begins anew with this text. */
  begin(text: string): void {
    this.#turn += 1;
    [this.text, this.hits, this.current, this.searchedTo] = [text, [], -1, 0];
    [this.#goal, this.#stepping, this.searching, this.error] = [MOST_HITS, false, false, null];
    if (text !== "") void this.#look();
  }

  grew(end: number): void {
    this.#end = end;
    if (this.text !== "" && !this.searching && this.hits.length < this.#goal) void this.#look();
  }

  /** The hit after this one; after the last known one the search goes on, then it begins at the first again. */
  next(): void {
    if (this.current + 1 < this.hits.length) this.current += 1;
    else if (this.more) {
      this.#stepping = true;
      if (this.searching) return;
      this.#goal = this.hits.length + MOST_HITS;
      void this.#look();
    } else if (this.hits.length > 0) this.current = 0;
  }

  previous(): void {
    if (this.hits.length > 0) this.current = (this.current <= 0 ? this.hits.length : this.current) - 1;
  }

  async #look(): Promise<void> {
    const turn = this.#turn;
    this.searching = true;
    try {
      while (this.more && this.hits.length < this.#goal) {
        const before = this.searchedTo;
        const found = await this.#backend.searchTaskLog(this.#taskId, this.text, before);
        if (turn !== this.#turn) return;
        this.#end = Math.max(this.#end, found.log_end);
        this.searchedTo = found.searched_to;
        if (found.lines.length > 0) {
          this.hits = [...this.hits, ...found.lines];
          if (this.current === -1) this.current = 0;
          else if (this.#stepping) this.current += 1;
          this.#stepping = false;
        }
        if (this.searchedTo <= before) break;
      }
      this.error = null;
    } catch (thrown) {
      if (turn === this.#turn) this.error = toErrorReply(thrown);
    } finally {
      if (turn === this.#turn) [this.searching, this.#stepping] = [false, false];
    }
  }
}

/** A message cut at every place where the text stands, with capitals of ASCII not mattering: the odd pieces are it. */
export function pieces(message: string, text: string): string[] {
  if (text === "") return [message];
  const lower = (from: string) => from.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  const [haystack, needle] = [lower(message), lower(text)];
  const cut: string[] = [];
  let from = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, from)) {
    cut.push(message.slice(from, at), message.slice(at, at + needle.length));
    from = at + needle.length;
  }
  return [...cut, message.slice(from)];
}
