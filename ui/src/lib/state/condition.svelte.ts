// how the installation is: looked at while the window can be seen, sooner after trouble, and told on every page.
import { untrack } from "svelte";
import type { Backend, Stop } from "$lib/backend/backend";
import { toErrorReply } from "$lib/backend/errors";
import type { Condition } from "$lib/generated/Condition";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import { troublesOf, type Trouble } from "$lib/operations/troubles";

/** While all is well: a disk that fills up or a worker that dies sends no signal. */
const WELL_MS = 10_000;
/** The waits after looks that found the database away; the last one stays. */
const BACK_OFF_MS = [1000, 2000, 4000, 8000, 10_000];
/** Signals can come ten times a second; how the installation is changes rarely. */
const SIGNAL_GAP_MS = 2000;

export class ConditionState {
  value: Condition | null = $state.raw(null);
  /** Why not even this could be told. */
  error: ErrorReply | null = $state.raw(null);
  /** When the database was last found well. */
  wellAt: number | null = $state.raw(null);
  /** When it is looked at again by itself. */
  nextAt: number | null = $state.raw(null);
  looking = $state(false);
  readonly troubles: Trouble[] = $derived(troublesOf(this.value, this.error));
  /** Whether what pages show cannot be read anew. */
  readonly stale: boolean = $derived(this.troubles.some(({ stale }) => stale));
  /** Changes when something did that no signal tells pages of: workers died or the configuration broke. */
  readonly silentChange: string | null = $derived(
    this.value && `${String(this.value.workers_alive)} ${this.value.configuration_error?.message ?? ""}`,
  );
  readonly #backend: Backend;
  readonly #announce: (text: string) => void;
  readonly #recovered: () => void;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt = 0;
  #followed = false;

  /** `recovered` is called when the database can be read again. */
  constructor(backend: Backend, announce: (text: string) => void, recovered: () => void) {
    this.#backend = backend;
    this.#announce = announce;
    this.#recovered = recovered;
  }

  /** Looks at once and again, until stopped. */
  follow(): Stop {
    this.#followed = true;
    // what a look reads must not start the effect that follows anew
    const now = () => untrack(() => void this.look());
    const stopChanges = this.#backend.onChange((changes) => {
      if (changes.some(({ kind }) => kind === "settings" || kind === "worker" || kind === "all"))
        this.#soon();
    });
    document.addEventListener("visibilitychange", now);
    // somebody who comes back from an editor or a terminal may have mended it
    window.addEventListener("focus", now);
    now();
    return () => {
      this.#followed = false;
      clearTimeout(this.#timer);
      stopChanges();
      document.removeEventListener("visibilitychange", now);
      window.removeEventListener("focus", now);
    };
  }

  /** A page met an error that concerns everything. */
  suspect(): void {
    untrack(() => {
      if (!this.stale) this.#soon();
    });
  }

  async look(): Promise<void> {
    if (this.looking) return;
    clearTimeout(this.#timer);
    this.nextAt = null;
    if (document.visibilityState === "hidden") return;
    this.looking = true;
    const before = this.troubles;
    try {
      this.value = await this.#backend.condition();
      this.error = null;
    } catch (thrown) {
      this.error = toErrorReply(thrown);
    }
    this.looking = false;
    this.#lookedAt = Date.now();
    if (this.stale) this.#failures += 1;
    else {
      if (this.#failures > 0) this.#recovered();
      this.#failures = 0;
      this.wellAt = this.#lookedAt;
    }
    this.#tell(before);
    if (this.#followed) this.#wait(this.#pause());
  }

  #pause(): number {
    if (this.#failures === 0) return WELL_MS;
    return BACK_OFF_MS[Math.min(this.#failures, BACK_OFF_MS.length) - 1] ?? WELL_MS;
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.nextAt = Date.now() + ms;
    this.#timer = setTimeout(() => void this.look(), ms);
  }

  /** Soon, and not more often than the gap. */
  #soon(): void {
    if (this.looking || !this.#followed) return;
    const at = Math.max(Date.now(), this.#lookedAt + SIGNAL_GAP_MS);
    if (this.nextAt === null || at < this.nextAt) this.#wait(at - Date.now());
  }

  #tell(before: readonly Trouble[]): void {
    const isNew = (trouble: Trouble) => !before.some(({ kind }) => kind === trouble.kind);
    const fresh = this.troubles.find(isNew);
    if (fresh) this.#announce(fresh.title);
    else if (before.length > 0 && this.troubles.length === 0) this.#announce("All is well again");
  }
}
