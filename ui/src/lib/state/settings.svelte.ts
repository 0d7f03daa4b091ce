// the configuration as Settings shows it and as the forms of Overview choose from it.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { SettingChange } from "$lib/generated/SettingChange";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { Choices } from "$lib/operations/forms";
import { followChanges } from "./follow";
import { SettingsDraft } from "./settings-draft.svelte";

/** A file mended in an editor or a folder that came back sends no signal; this is how late its page may notice. */
const CLOSE_MS = 10_000;
/** Pages that only choose from it: whether it can be used at all, the condition tells sooner. */
const AT_LEAST_EVERY_MS = 60_000;

export class SettingsState {
  value: SettingsView | null = $state.raw(null);
  /** Why it could not be read the last time; gone as soon as it can. */
  error: ErrorReply | null = $state.raw(null);
  /** True when the file was changed by somebody else while it was shown; until dismissed. */
  changedElsewhere = $state(false);
  readonly draft: SettingsDraft;
  readonly #backend: Backend;

  readonly choices: Choices = $derived({
    locations: (this.value?.locations ?? []).filter((l) => l.settings.enabled).map((l) => l.settings.name),
    run_stores: (this.value?.run_stores ?? []).filter((s) => s.settings.enabled).map((s) => s.settings.name),
  });

  constructor(backend: Backend) {
    this.#backend = backend;
    this.draft = new SettingsDraft(backend, (view) => this.#take(view));
  }

  /** Reads at once and again on changes, until stopped; `closely` for the page that shows it. */
  follow({ closely = false } = {}): Stop {
    return followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: (change) => change.kind === "settings" || change.kind === "all",
      atLeastEveryMs: closely ? CLOSE_MS : AT_LEAST_EVERY_MS,
    }).stop;
  }

  /** One read, for who needs to know the locations and need not follow them. */
  async look(): Promise<void> {
    await this.#read();
  }

  async #read(): Promise<void> {
    try {
      const view = await this.#backend.settings();
      const before = this.value?.base;
      // a file that was broken has no base, and the banner told of it
      if (before && view.base && before !== view.base) this.changedElsewhere = true;
      this.value = view;
      this.error = null;
      if (!view.error) this.draft.heard(view.base);
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }

  #take(view: SettingsView): void {
    this.value = view;
    this.error = null;
    this.changedElsewhere = false;
  }

  /** Saves one change at once, onto whatever the file says: for a button that says all there is to it. */
  async saveNow(change: SettingChange): Promise<ErrorReply | null> {
    try {
      const outcome = await this.#backend.saveSettings(null, [change]);
      this.#take(outcome.outcome === "saved" ? outcome.view : outcome.review.view);
      return null;
    } catch (thrown) {
      return toErrorReply(thrown);
    }
  }
}
