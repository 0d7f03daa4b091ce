// the first steps: choose a folder that this machine suggests, add it, preview it. Sizes are counted only when asked.
import { SvelteMap } from "svelte/reactivity";
import type { Backend, Stop } from "$lib/backend/backend";
import type { JsonObject } from "$lib/backend/json";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { FolderAmount } from "$lib/generated/FolderAmount";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { SuggestedLocation } from "$lib/generated/SuggestedLocation";
import type { SettingsState } from "./settings.svelte";

export type Amount = FolderAmount | ErrorReply;

/** No folder yet but Upkeep's own, which every installation has from its first start. */
export function isFirstRun(view: SettingsView | null): boolean {
  return (
    view !== null &&
    view.error === null &&
    view.run_stores.length === 0 &&
    view.locations.every(({ settings }) => settings.path === view.own_temporary)
  );
}

export class FirstRun {
  chosen: SuggestedLocation | null = $state.raw(null);
  /** The location that was added here; the next step is its preview. */
  added: string | null = $state(null);
  error: ErrorReply | null = $state.raw(null);
  adding = $state(false);
  readonly amounts = new SvelteMap<string, Amount>();
  readonly #counting = new SvelteMap<string, Stop>();
  readonly #backend: Backend;
  readonly #settings: SettingsState;

  constructor(backend: Backend, settings: SettingsState) {
    this.#backend = backend;
    this.#settings = settings;
  }

  get counting(): boolean {
    return this.#counting.size > 0;
  }

  count(suggestions: readonly SuggestedLocation[]): void {
    this.stop();
    this.amounts.clear();
    for (const { settings } of suggestions) this.#count(settings.name);
  }

  #count(name: string): void {
    const done = () => this.#counting.delete(name);
    const stop = this.#backend.watchSuggestionAmount(name, {
      update: (amount) => {
        this.amounts.set(name, amount);
        if (amount.ended) done();
      },
      failed: (error) => {
        this.amounts.set(name, error.reply);
        done();
      },
    });
    this.#counting.set(name, stop);
  }

  /** What was counted so far stays, as "at least". */
  stop(): void {
    for (const stop of this.#counting.values()) stop();
    this.#counting.clear();
  }

  async add(): Promise<void> {
    const location = this.chosen?.settings;
    if (!location || this.adding) return;
    this.adding = true;
    this.stop();
    this.error = await this.#settings.saveNow({
      kind: "save_location",
      previous_name: null,
      location: { ...location, enabled: true },
    });
    this.adding = false;
    if (!this.error) this.added = location.name;
  }

  /** The parameters of the first preview: as the form presets them, and only what was added. */
  params(preset: JsonObject): JsonObject {
    return { ...preset, locations: this.added === null ? [] : [this.added] };
  }
}
