// a list that is read page by page, and searched further when an answer comes early.
import type { Timestamp } from "$lib/generated/Timestamp";

export interface PagedList {
  readonly rows: readonly unknown[];
  /** Where the next page begins; `null` at the end. */
  readonly next: unknown;
  /** How far back was looked when the answer came early. */
  readonly searchedTo: Timestamp | null;
  /** True while older rows are looked through although the operator pressed nothing. */
  readonly searching: boolean;
  readonly loadingMore: boolean;
  more(): Promise<void>;
  stopSearching(): void;
}
