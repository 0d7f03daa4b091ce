// what is worth knowing before an operation is asked for: who would do it, what goes on already, how much room
// there is, when it last went well. It only tells; the queue and the worker decide.
import type { JsonObject } from "$lib/backend/json";
import { isObject } from "$lib/backend/json";
import { bytes, counted, listed } from "$lib/format";
import type { DiskVitals } from "$lib/generated/DiskVitals";
import type { OperationOverview } from "$lib/generated/OperationOverview";
import type { SettingsView } from "$lib/generated/SettingsView";
import type { Task } from "$lib/generated/Task";
import type { Worker } from "$lib/generated/Worker";
import type { Target } from "./targets";
import { hostOf } from "./targets";
import { byHost, isAlive } from "./workers";

/** The command that starts a worker, for who has none. */
export const START_WORKER = "upkeep-worker run";

export interface Preflight {
  /** `none`: nobody alive can do it there; `wait`: it cannot begin yet; `go`: it can. */
  ready: "none" | "wait" | "go";
  /** Who would do it. */
  who: string;
  /** What goes on already; empty when nothing does. */
  going: string;
  /** Room on the file systems concerned; empty when not known. */
  room: string;
}

export interface Asked {
  entry: OperationOverview;
  workers: readonly Worker[];
  target: Target;
  /** What a click would send; none while the form is wrong. */
  params: JsonObject | null;
  /** The configuration of this host; none while it is not known or broken. */
  settings: SettingsView | null;
}

export function preflight(asked: Asked): Preflight {
  return { ...who(asked), going: going(asked), room: room(asked) };
}

function who({ entry, workers, target }: Asked): Pick<Preflight, "ready" | "who"> {
  const host = hostOf(target);
  const { id } = entry.operation;
  const able = workers.filter(
    (worker) => isAlive(worker) && worker.operations.includes(id) && (host === null || worker.host === host),
  );
  const taking = able.filter(({ state }) => state !== "draining");
  const where = host === null || host === "" ? "" : ` on ${host}`;
  if (able.length === 0) return { ready: "none", who: `No worker that can do this is alive${where}` };
  if (taking.length === 0) return { ready: "wait", who: `Every worker that can do this is draining${where}` };
  const hosts = [...new Set(taking.map((worker) => worker.host))].sort();
  const names = hosts.length > 3 ? counted(hosts.length, "host") : listed(hosts);
  const free = taking.some((worker) => worker.current_tasks.length < worker.concurrency);
  if (!free) return { ready: "wait", who: `Every worker is busy on ${names}: it will wait its turn` };
  return { ready: "go", who: `${taking.length === 1 ? "A worker is" : "Workers are"} ready on ${names}` };
}

function going({ entry, target, params }: Asked): string {
  const { current, operation } = entry;
  if (current.length === 0) return "";
  const wanted = params && operation.deletes ? { ...params, dry_run: true } : params;
  const same = (task: Task) =>
    wanted !== null &&
    target.kind !== "every" &&
    (task.target_host ?? null) === hostOf(target) &&
    isObject(task.params) &&
    meant(task.params) === meant(wanted);
  if (current.some(same)) return "The very same is asked for already: a click shows it";
  const running = current.filter(({ state }) => state === "running").length;
  const waiting = current.length - running;
  const parts = [running > 0 ? `${running} running` : "", waiting > 0 ? `${waiting} waiting` : ""];
  return `Already ${parts.filter((part) => part !== "").join(", ")}`;
}

/** Parameters as what they mean: what is not said is the same as none and as no. */
function meant(params: JsonObject): string {
  const said = Object.entries(params).filter(([, value]) => value !== null && value !== false);
  return JSON.stringify(said.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function room({ entry, workers, target, params, settings }: Asked): string {
  if (!entry.operation.deletes || settings === null || params === null || target.kind === "every") return "";
  // only this host's folders are known here
  const { host } = settings;
  const named = hostOf(target);
  if (named !== null && named !== host) return "";
  const disks = byHost(workers).find((group) => group.host === host)?.vitals?.disks ?? [];
  const mounts = new Map<string, DiskVitals>();
  for (const path of paths(entry.operation.id, params, settings)) {
    const disk = diskOf(path, disks);
    if (disk) mounts.set(disk.mount, disk);
  }
  return [...mounts.values()]
    .slice(0, 3)
    .map((disk) => `${bytes(disk.available_bytes)} free on ${disk.mount}`)
    .join(", ");
}

/** The folders that a click would look through on this host. */
function paths(operation: string, params: JsonObject, settings: SettingsView): string[] {
  const key = operation === "cleanup-temp-files" ? "locations" : "run_stores";
  const named = params[key];
  return settings[key]
    .map((view) => view.settings)
    .filter(({ name, enabled }) => enabled && (!Array.isArray(named) || named.includes(name)))
    .map(({ path }) => path);
}

/** The file system a path lies on: that of the longest mount above it. */
export function diskOf(path: string, disks: readonly DiskVitals[]): DiskVitals | null {
  const above = disks.filter(
    ({ mount }) => path === mount || path.startsWith(mount.endsWith("/") ? mount : `${mount}/`),
  );
  return above.reduce<DiskVitals | null>(
    (longest, disk) => (longest && longest.mount.length >= disk.mount.length ? longest : disk),
    null,
  );
}
