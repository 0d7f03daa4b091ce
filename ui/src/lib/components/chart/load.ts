// loads what draws charts, once for all of them.
import type { Draw } from "./draw";

let loading: Promise<Draw> | undefined;

export function loadDraw(): Promise<Draw> {
  loading ??= import("./draw").then(({ draw }) => draw);
  return loading;
}
