// where an operation is to run: on any worker, on one host, or on every host.

export type Target = { kind: "any" } | { kind: "host"; host: string } | { kind: "every" };

/** What is wrong with it, or nothing. */
export function targetProblem(target: Target): string {
  return target.kind === "host" && target.host.trim() === "" ? "Give the name of a host." : "";
}

/** The host to name in a request for one task. */
export function hostOf(target: Target): string | null {
  return target.kind === "host" ? target.host.trim() : null;
}
