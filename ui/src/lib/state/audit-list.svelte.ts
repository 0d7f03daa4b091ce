// the audit trail: pages by key. Lines never change, so newer ones only wait behind a button.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { PagedList } from "$lib/components/paged-list";
import type { AuditEntry } from "$lib/generated/AuditEntry";
import type { AuditFilter } from "$lib/generated/AuditFilter";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { Timestamp } from "$lib/generated/Timestamp";
import { followChanges } from "./follow";

export const AUDIT_PAGE_ROWS = 50;

export class AuditList implements PagedList {
  rows: AuditEntry[] = $state.raw([]);
  next: string | null = $state.raw(null);
  searchedTo: Timestamp | null = $state.raw(null);
  /** Newer lines that match and are not shown yet; at most a page is looked at. */
  newer: AuditEntry[] = $state.raw([]);
  loaded = $state(false);
  loadingMore = $state(false);
  /** Stays until dismissed or until reading works again. */
  error: ErrorReply | null = $state.raw(null);
  readonly #backend: Backend;
  readonly #filter: AuditFilter;
  #goal = AUDIT_PAGE_ROWS;
  #followed = false;
  #stopped = $state(false);

  constructor(backend: Backend, filter: AuditFilter) {
    this.#backend = backend;
    this.#filter = filter;
  }

  get searching(): boolean {
    return this.searchedTo !== null && this.next !== null && !this.#stopped && this.error === null;
  }

  follow(): Stop {
    this.#followed = true;
    const changes = followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      // whatever an operator does changes something else as well
      concerns: () => true,
    });
    return () => {
      this.#followed = false;
      changes.stop();
    };
  }

  async more(): Promise<void> {
    if (this.next === null || this.loadingMore) return;
    this.#goal = this.rows.length + AUDIT_PAGE_ROWS;
    this.#stopped = false;
    await this.#advance();
    await this.#search();
  }

  stopSearching(): void {
    this.#stopped = true;
  }

  showNewer(): void {
    this.rows = [...this.newer, ...this.rows];
    this.newer = [];
  }

  async #search(): Promise<void> {
    while (
      this.#followed &&
      this.searching &&
      !this.loadingMore &&
      this.rows.length < this.#goal &&
      document.visibilityState !== "hidden"
    ) {
      await this.#advance();
    }
  }

  async #advance(): Promise<void> {
    const after = this.next;
    if (after === null || this.loadingMore) return;
    this.loadingMore = true;
    try {
      const page = await this.#backend.listAudit(this.#filter, after, AUDIT_PAGE_ROWS);
      this.rows = [...this.rows, ...page.entries];
      // an answer that came no further would be asked for again without end
      this.#stopped ||= page.next === after;
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
      const page = await this.#backend.listAudit(this.#filter, null, AUDIT_PAGE_ROWS);
      const top = this.rows[0];
      if (top) this.newer = page.entries.filter(({ id }) => id > top.id);
      else {
        this.rows = page.entries;
        this.next = page.next;
        this.searchedTo = page.searched_to;
      }
      this.loaded = true;
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
    await this.#search();
  }
}
