// workers by host: which are alive, and what they can perform.
import type { HostVitals } from "$lib/generated/HostVitals";
import type { OperationId } from "$lib/generated/OperationId";
import type { Worker } from "$lib/generated/Worker";
import type { WorkerState } from "$lib/generated/WorkerState";

export function isAlive(worker: Worker): boolean {
  return worker.state !== "stale" && worker.state !== "stopped";
}

/** Hosts with a live worker, by name; only those that perform the operation, when one is named. */
export function liveHosts(workers: readonly Worker[], operation?: OperationId): string[] {
  const performing = workers.filter(
    (worker) => isAlive(worker) && (operation === undefined || worker.operations.includes(operation)),
  );
  return [...new Set(performing.map(({ host }) => host))].sort();
}

/** One that the registry may forget: it ended, or fell silent and holds nothing. */
export function isForgettable(worker: Worker): boolean {
  return !isAlive(worker) && worker.current_tasks.length === 0;
}

/** How many are in each state, those that need attention first; states without any are left out. */
export function stateCounts(workers: readonly Worker[]): { state: WorkerState; count: number }[] {
  const states: WorkerState[] = ["stale", "draining", "busy", "active"];
  return states
    .map((state) => ({ state, count: workers.filter((worker) => worker.state === state).length }))
    .filter(({ count }) => count > 0);
}

export interface HostOfWorkers {
  host: string;
  alive: Worker[];
  stale: Worker[];
  stopped: Worker[];
  /** The newest that one of its workers sent. */
  vitals: HostVitals | null;
}

const ORDER: Record<WorkerState, number> = { busy: 0, active: 0, draining: 1, stale: 2, stopped: 3 };

/** Hosts by name, those with life first. */
export function byHost(workers: readonly Worker[]): HostOfWorkers[] {
  const hosts = new Map<string, Worker[]>();
  for (const worker of workers) hosts.set(worker.host, [...(hosts.get(worker.host) ?? []), worker]);
  const groups = [...hosts].map(([host, members]) => {
    const sorted = members.sort((a, b) => ORDER[a.state] - ORDER[b.state] || b.started_at - a.started_at);
    return {
      host,
      alive: sorted.filter(isAlive),
      stale: sorted.filter(({ state }) => state === "stale"),
      stopped: sorted.filter(({ state }) => state === "stopped"),
      vitals: sorted
        .map(({ vitals }) => vitals)
        .reduce<HostVitals | null>(
          (newest, one) => (one && (!newest || one.at > newest.at) ? one : newest),
          null,
        ),
    };
  });
  const life = (group: HostOfWorkers) => (group.alive.length > 0 ? 0 : group.stale.length > 0 ? 1 : 2);
  return groups.sort((a, b) => life(a) - life(b) || a.host.localeCompare(b.host));
}
