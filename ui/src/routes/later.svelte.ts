// every page but the first: its code is read when somebody first goes there, so that the window opens with little.
import type { Component } from "svelte";

/** A page and how to get it. `Props` are what App hands to it. */
export class LaterPage<Props extends Record<string, unknown>> {
  /** None until it was read. */
  page: Component<Props> | null = $state.raw(null);
  /** Why it could not be read. */
  error: unknown = $state.raw(null);
  readonly #read: () => Promise<{ default: Component<Props> }>;
  #begun: Promise<void> | null = null;

  constructor(read: () => Promise<{ default: Component<Props> }>) {
    this.#read = read;
  }

  /** Reads it once; asked again only after it failed. */
  load(): Promise<void> {
    this.#begun ??= this.#read().then(
      (module) => {
        this.page = module.default;
        this.error = null;
      },
      (thrown: unknown) => {
        this.error = thrown;
        this.#begun = null;
      },
    );
    return this.#begun;
  }
}

export const LATER = {
  tasks: new LaterPage(() => import("./tasks/TasksPage.svelte")),
  task: new LaterPage(() => import("./tasks/TaskPage.svelte")),
  group: new LaterPage(() => import("./groups/GroupPage.svelte")),
  workers: new LaterPage(() => import("./workers/WorkersPage.svelte")),
  audit: new LaterPage(() => import("./audit/AuditPage.svelte")),
  health: new LaterPage(() => import("./health/HealthPage.svelte")),
  statistics: new LaterPage(() => import("./statistics/StatisticsPage.svelte")),
  settings: new LaterPage(() => import("./settings/SettingsPage.svelte")),
};
