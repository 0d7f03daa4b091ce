// changes of the configuration that are not saved yet: typed here, judged by the console, shown before they are written.
import type { Backend } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { SettingChange } from "$lib/generated/SettingChange";
import type { SettingsReview } from "$lib/generated/SettingsReview";
import type { SettingsView } from "$lib/generated/SettingsView";

interface Entry {
  id: string;
  change: SettingChange;
}

export class SettingsDraft {
  /** In the order they were made; a field that is typed into again keeps its place. */
  entries: readonly Entry[] = $state.raw([]);
  /** The draft beside the file, as it was last looked at. */
  review: SettingsReview | null = $state.raw(null);
  /** Why it could not be looked at or saved. */
  error: ErrorReply | null = $state.raw(null);
  saving = $state(false);
  /** The text of the file that the operator knows the draft to stand on. */
  base: string | null = $state(null);
  readonly #backend: Backend;
  readonly #saved: (view: SettingsView) => void;
  #looking = false;
  #again = false;
  #number = 0;

  readonly open: boolean = $derived(this.entries.length > 0);
  /** Somebody else changed the file since. */
  readonly elsewhere: boolean = $derived(
    this.open && this.review !== null && this.base !== null && this.review.base !== this.base,
  );
  readonly problems: ReadonlyMap<string, ErrorReply> = $derived(
    new Map(
      (this.review?.problems ?? []).flatMap(({ index, error }) => {
        const entry = this.entries[index];
        return entry ? [[entry.id, error] as const] : [];
      }),
    ),
  );

  constructor(backend: Backend, saved: (view: SettingsView) => void) {
    this.#backend = backend;
    this.#saved = saved;
  }

  /** What was typed for a field, if anything. */
  of(id: string): SettingChange | null {
    return this.entries.find((entry) => entry.id === id)?.change ?? null;
  }

  /** Puts a field's change into the draft, in the place of what was typed there before. */
  stage(id: string, change: SettingChange, base: string): void {
    this.#begin(base);
    const known = this.entries.some((entry) => entry.id === id);
    this.entries = known
      ? this.entries.map((entry) => (entry.id === id ? { id, change } : entry))
      : [...this.entries, { id, change }];
    this.#look();
  }

  /** A change of a list: each builds on those before it. */
  add(change: SettingChange, base: string): void {
    this.stage(`list:${this.#number++}`, change, base);
  }

  drop(id: string): void {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    if (this.open) this.#look();
    else this.discard();
  }

  discard(): void {
    this.entries = [];
    this.review = null;
    this.error = null;
    this.base = null;
  }

  /** The operator has seen what changed elsewhere, and goes on on top of it. */
  accept(): void {
    this.base = this.review?.base ?? this.base;
  }

  /** The file as it was just read: a draft over another text is looked at anew. */
  heard(base: string): void {
    if (this.open && base !== this.review?.base) this.#look();
  }

  /** What would be wrong with one more change, as it is being typed. */
  async check(change: SettingChange): Promise<ErrorReply | null> {
    const changes = [...this.entries.map((entry) => entry.change), change];
    try {
      const { problems } = await this.#backend.reviewSettings(changes);
      return problems.find(({ index }) => index === changes.length - 1)?.error ?? null;
    } catch (thrown) {
      return toErrorReply(thrown);
    }
  }

  /** Saves what the review shows, on top of the very text it shows; true when it is in the file. */
  async save(): Promise<boolean> {
    const { review } = this;
    if (!review || this.saving) return false;
    this.saving = true;
    const saved = this.entries;
    try {
      const outcome = await this.#backend.saveSettings(
        review.base,
        saved.map((entry) => entry.change),
      );
      this.error = null;
      if (outcome.outcome === "changed_elsewhere") {
        this.base = review.base;
        this.review = outcome.review;
        return false;
      }
      this.discard();
      this.#saved(outcome.view);
      return true;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
      return false;
    } finally {
      this.saving = false;
    }
  }

  #begin(base: string): void {
    if (!this.open) this.base = base;
  }

  /** One look at a time; what is typed during one is looked at after it. */
  #look(): void {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    void this.#lookOnce().finally(() => {
      this.#looking = false;
      if (!this.#again) return;
      this.#again = false;
      if (this.open) this.#look();
    });
  }

  async #lookOnce(): Promise<void> {
    const looked = this.entries;
    try {
      const review = await this.#backend.reviewSettings(looked.map((entry) => entry.change));
      // what was typed meanwhile has other places in the list
      if (looked !== this.entries) return;
      this.review = review;
      this.error = null;
    } catch (thrown) {
      if (this.open) this.error = toErrorReply(thrown);
    }
  }
}
