// the configuration as Settings shows it and as the forms of Overview choose from it.
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { Choices } from "$lib/operations/forms";
import { followChanges } from "./follow";

/** A file mended in an editor or a folder that came back sends no signal; this is how late the page may notice. */
const AT_LEAST_EVERY_MS = 10_000;

export class SettingsState {
  value: SettingsView | null = $state.raw(null);
  /** Why it could not be read the last time; gone as soon as it can. */
  error: ErrorReply | null = $state.raw(null);
  /** What went wrong with a change; stays until dismissed. */
  changeError: ErrorReply | null = $state.raw(null);
  readonly #backend: Backend;

  readonly choices: Choices = $derived({
    locations: (this.value?.locations ?? []).filter((l) => l.settings.enabled).map((l) => l.settings.name),
    run_stores: (this.value?.run_stores ?? []).filter((s) => s.settings.enabled).map((s) => s.settings.name),
  });

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  follow(): Stop {
    return followChanges({
      backend: this.#backend,
      read: () => this.#read(),
      concerns: (change) => change.kind === "settings" || change.kind === "all",
      atLeastEveryMs: AT_LEAST_EVERY_MS,
    }).stop;
  }

  /** One read, for who needs to know the locations and need not follow them. */
  async look(): Promise<void> {
    await this.#read();
  }

  async #read(): Promise<void> {
    try {
      this.value = await this.#backend.settings();
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
  }

  /** Performs one change; returns what went wrong, for a dialog that stays open. */
  async change(perform: (backend: Backend) => Promise<SettingsView>): Promise<ErrorReply | null> {
    try {
      this.value = await perform(this.#backend);
      return null;
    } catch (thrown) {
      return toErrorReply(thrown);
    }
  }

  /** The same for a switch or button on the page itself. */
  async changeOnPage(perform: (backend: Backend) => Promise<SettingsView>): Promise<void> {
    this.changeError = await this.change(perform);
  }
}
