// the address is the hash: `#/overview`, `#/tasks?state=failed`, `#/tasks/<id>`, `#/groups/<id>`, `#/health/live`,
// `#/audit?subject=<id>`.
import type { GroupId } from "$lib/generated/GroupId";
import type { TaskId } from "$lib/generated/TaskId";

export type Route =
  | { page: "overview" }
  | { page: "tasks"; query: URLSearchParams }
  | { page: "task"; taskId: TaskId }
  | { page: "group"; groupId: GroupId }
  | { page: "workers" }
  | { page: "audit"; query: URLSearchParams }
  | { page: "health"; tab: string }
  | { page: "statistics"; query: URLSearchParams }
  | { page: "settings" };

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page, rest] = path.split("/", 2);
  switch (page) {
    case "tasks":
      return rest
        ? { page: "task", taskId: decodeURIComponent(rest) }
        : { page: "tasks", query: new URLSearchParams(search) };
    case "groups":
      return rest
        ? { page: "group", groupId: decodeURIComponent(rest) }
        : { page: "tasks", query: new URLSearchParams() };
    case "workers":
      return { page: "workers" };
    case "audit":
      return { page: "audit", query: new URLSearchParams(search) };
    case "health":
      return { page: "health", tab: rest ?? "" };
    case "statistics":
      return { page: "statistics", query: new URLSearchParams(search) };
    case "settings":
      return { page: "settings" };
    default:
      return { page: "overview" };
  }
}

export function taskHref(taskId: TaskId): string {
  return `#/tasks/${encodeURIComponent(taskId)}`;
}

export function groupHref(groupId: GroupId): string {
  return `#/groups/${encodeURIComponent(groupId)}`;
}

class Router {
  route: Route = $state.raw(parseRoute(window.location.hash));

  constructor() {
    window.addEventListener("hashchange", () => {
      this.route = parseRoute(window.location.hash);
    });
  }

  go(hash: string): void {
    window.location.hash = hash;
  }

  /** Changes the address without a step in the history: for filters that follow typing. */
  replace(hash: string): void {
    window.history.replaceState(null, "", hash);
  }
}

export const router = new Router();
